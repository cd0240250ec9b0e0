"""The HTTP doors of the network, a small ASGI application in front of Django.

Ahead of sessions, locale and CSRF because those cost three quarters of the time and mean nothing to a machine.
A message is acknowledged only after it has been committed.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.conf import settings

from apps.beckn import db, metrics, registry, signing, subscription, verification
from apps.beckn.arrivals import Arrival, Storing
from apps.beckn.models import Side
from apps.beckn.participant import RegistrySilent
from apps.beckn.signing import AuthError
from apps.beckn.verification import GatewayAuthError, Letter, MustAsk, NotForUs
from apps.beckn.wire import v1_1 as wire
from apps.beckn.writer import DoorFull, writer

log = structlog.get_logger(__name__)

PREFIX = "/beckn/"  # evportal/asgi.py sends everything under it here, and nothing of it to Django
SIDES = {"bap": Side.BAP, "bpp": Side.BPP}
ACTIONS = {Side.BAP: wire.CALLBACKS, Side.BPP: wire.REQUESTS}
WORTH_A_THREAD = 32_000  # bytes: reading more than that would hold up everybody else on the loop
_threads = ThreadPoolExecutor(4, thread_name_prefix="beckn-door")


class TooLarge(Exception):
    """More bytes than BECKN_MAX_BODY_BYTES."""


@dataclass(frozen=True)
class Reply:
    status: int
    payload: Any
    headers: tuple[tuple[str, str], ...] = field(default=())


ACK = Reply(200, wire.ack())


def nack(status: int, text: str, *, paths: str = "", code: str = "30000", **headers: str) -> Reply:
    error = wire.Error(code=code, message=text, paths=paths)
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Reply(status, wire.nack(error), named)


async def aside(function: Callable[..., Any], *args: Any) -> Any:
    """Run what may block in a thread of the door."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads, db.released_after(function), *args)


class Door:
    def __init__(
        self,
        store: Callable[[Arrival], Awaitable[Storing]] = writer.store,
        aside: Callable[..., Awaitable[Any]] = aside,
    ):
        self._store = store
        self._aside = aside

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        try:
            reply = await self._answer(scope, receive)
        except Exception:  # a bug of ours: the sender gets a proper answer and will try again
            log.exception("the door failed", path=scope["path"])
            reply = nack(500, "our fault, please try again", code="50000")
        if reply is not None:
            await _send(send, reply)

    async def _answer(self, scope: dict[str, Any], receive: Any) -> Reply | None:
        room, _, action = scope["path"].removeprefix(PREFIX).partition("/")
        take = self._taker(room, action)
        if take is None:
            return nack(404, "there is no such endpoint")
        if scope["method"] != "POST":
            return nack(405, "only POST is understood here", Allow="POST")
        headers = {name.decode("latin-1").lower(): _printable(value) for name, value in scope["headers"]}
        try:
            body = await _body(receive, headers.get("content-length", ""))
        except TooLarge as error:
            metrics.REFUSED_AT_DOOR.labels("too_large").inc()
            return nack(413, str(error))
        return None if body is None else await take(action, body, headers)

    def _taker(self, room: str, action: str) -> Callable[..., Awaitable[Reply]] | None:
        if room == "registry":
            built_in = not settings.BECKN["REGISTRY_URL"]
            return self._registry if built_in and action in subscription.REGISTRY_ACTIONS else None
        side = SIDES.get(room)
        if side is None or room not in settings.ROLES:
            return None
        if action == "on_subscribe":
            return lambda action, body, headers: self._challenge(side, body, headers)
        if action in ACTIONS[side]:
            return lambda action, body, headers: self._message(Letter(side, action, body, headers))
        return None

    # --- Messages ---
    async def _message(self, letter: Letter) -> Reply:
        try:
            arrival = await self._checked(letter)
            outcome = await self._store(arrival)
        except (AuthError, wire.WireError, NotForUs, RegistrySilent, DoorFull) as error:
            return refusal(letter, error)
        metrics.RECEIVED.labels(letter.side, letter.action, outcome).inc()
        if outcome == Storing.CONTRADICTED:
            text = "this message_id was used before with other words"
            return nack(409, text, paths="context.message_id")
        return ACK

    async def _checked(self, letter: Letter) -> Arrival:
        if len(letter.body) < WORTH_A_THREAD:
            try:
                return verification.check(letter, verification.from_memory)
            except MustAsk:
                pass
        return await self._aside(verification.check, letter)

    # --- Registry ---
    async def _registry(self, action: str, body: bytes, headers: dict[str, str]) -> Reply:
        status, payload = await self._aside(subscription.answer, action, body, headers)
        return Reply(status, payload)

    async def _challenge(self, side: Side, body: bytes, headers: dict[str, str]) -> Reply:
        status, payload = await self._aside(subscription.answer_challenge, side, body, headers)
        return Reply(status, payload)


def refusal(letter: Letter, error: Exception) -> Reply:
    """The right NACK for what went wrong."""
    log.info("message refused at the door", side=letter.side, action=letter.action, why=str(error))
    realm = signing.challenge_header(registry.own_id(letter.side))
    if isinstance(error, GatewayAuthError):
        reason, reply = error.reason, nack(401, error.text, Proxy_Authenticate=realm)
    elif isinstance(error, AuthError):
        reason, reply = error.reason, nack(401, error.text, WWW_Authenticate=realm)
    elif isinstance(error, wire.WireError):
        reason, reply = "malformed", nack(400, error.reason, paths=error.path)
    elif isinstance(error, NotForUs):
        reason, reply = "not_for_us", nack(404, str(error))
    elif isinstance(error, RegistrySilent):
        reason, reply = "registry_silent", nack(503, "the registry does not answer", Retry_After="5")
    else:
        reason, reply = "full", nack(429, "too much at once, please wait", Retry_After="1")
    metrics.REFUSED_AT_DOOR.labels(reason).inc()
    return reply


# --- ASGI -------------------------------------------------------------------------------------------------
async def _body(receive: Any, announced: str) -> bytes | None:
    """What was posted; None when the sender hung up. Raises TooLarge without reading on."""
    limit = settings.BECKN["MAX_BODY_BYTES"]
    parts, size = [], int(announced) if announced.isdecimal() and len(announced) < 20 else 0
    if size > limit:
        raise TooLarge(f"at most {limit} bytes are taken")
    size = 0
    while True:
        event = await receive()
        if event["type"] != "http.request":
            return None
        parts.append(event.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise TooLarge(f"at most {limit} bytes are taken")
        if not event.get("more_body"):
            return b"".join(parts)


async def _send(send: Any, reply: Reply) -> None:
    body = json.dumps(reply.payload, ensure_ascii=False, separators=(",", ":")).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *reply.headers]
    encoded = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


def _printable(value: bytes) -> str:
    text = value.decode("latin-1")
    return text if text.isprintable() else "".join(letter for letter in text if letter.isprintable())
