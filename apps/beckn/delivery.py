"""The outbox's way out: claim what is due, sign, POST outside any transaction, write down what came of it.

| | tried again after | until |
|---|---|---|
| requests | 0.5, 1, 2, 4, 8 s (each ± 25 %) | the ttl they were sent with |
| callbacks that change an order | 1, 2, 5, 10, 30 s, 1, 5, 15 min, then every hour | 24 hours |
| other callbacks | the same | 10 minutes |

Messages of one transaction to one peer go out in the order of their making; one that does not get through
holds the later ones back for at most HELD_BACK.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol

import structlog
from django.db import transaction
from structlog.contextvars import bound_contextvars

from apps.beckn import addresses, bell, hooks, line, metrics, registry
from apps.beckn.models import Attempt, Message, Side
from apps.beckn.outbox import peer_type
from apps.beckn.participant import RegistrySilent
from apps.beckn.states import claim_message, move_message
from apps.beckn.transport import Answer
from apps.beckn.wire import v1_1 as wire
from apps.lib import clock, wiring
from apps.lib.errors import Refused
from apps.lib.moves import StaleMove, decide

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=20)  # longer than the longest POST, shorter than the ttl of a request
HELD_BACK = timedelta(seconds=15)
REQUEST_PAUSES = (0.5, 1, 2, 4, 8)
CALLBACK_PAUSES = (1, 2, 5, 10, 30, 60, 300, 900, 3600)
UNDELIVERABLE = "message.undeliverable"
OUT = Message.Direction.OUT


class Post(Protocol):
    def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answer: ...


def deliver(transport: Post, limit: int = 50) -> int:
    """Claim what is due and send it here and now; how many were tried."""
    claimed = claim(limit)
    for message in claimed:
        send_claimed(message, transport)
    return len(claimed)


# --- Claiming ---------------------------------------------------------------------------------------------
def claim(limit: int, *, has_room: Callable[[str], int] | None = None) -> list[Message]:
    """Take up to `limit` due messages; for one peer no more than `has_room(peer_id)`."""
    now = clock.now()
    due = list(islice(_with_room(now, has_room), limit))
    if not due:
        return []
    with transaction.atomic():
        return [message for message in due if _claim_one(message, now + LEASE)]


def _with_room(now: datetime, has_room: Callable[[str], int] | None) -> Iterator[Message]:
    taken: Counter[str] = Counter()
    full: set[str] = set()  # who has enough; of a crowded peer no more is read than that
    for message in line.due(OUT, now, held_back=HELD_BACK, without=full):
        peer_id = message.peer_id
        if has_room is None or taken[peer_id] < has_room(peer_id):
            taken[peer_id] += 1
            yield message
        else:
            full.add(peer_id)


def _claim_one(message: Message, lease_until: datetime) -> bool:
    headers = hooks.signed_headers(message.side, message.digest)
    return claim_message(
        message,
        Message.State.SENDING,
        lease_until=lease_until,
        headers=headers,
        started_at=message.started_at or clock.now(),
    )


# --- Sending ----------------------------------------------------------------------------------------------
def send_claimed(message: Message, transport: Post) -> Answer | None:
    """One try, outside any transaction; None when it was not sent because its time is over."""
    with bound_contextvars(
        transaction_id=str(message.transaction_id), message_id=str(message.message_id), action=message.action
    ):
        answer = None
        if message.expires_at is None or clock.now() < message.expires_at:
            answer = _post(message, transport)
            metrics.tried(message, answer)
        try:
            _record(message, answer)
        except StaleMove:
            log.warning("message was taken over by another worker", message=message.pk)
        return answer


def _post(message: Message, transport: Post) -> Answer:
    uri = message.bap_uri if message.side == Side.BPP else message.bpp_uri
    try:
        url = registry.endpoint(message.peer_id, peer_type(message), uri)
    except (addresses.AddressRefused, RegistrySilent) as error:
        return Answer(wire.Verdict.RETRY, error_message=str(error)[:500])
    return transport.post(f"{url}/{message.action}", bytes(message.body), message.headers)


@transaction.atomic
def _record(message: Message, answer: Answer | None) -> None:
    now = clock.now()
    if answer is not None:
        error = "" if answer.verdict == wire.Verdict.ACCEPTED else answer.error_message
        Attempt.objects.create(
            message=message,
            number=message.tries,
            at=now - timedelta(milliseconds=answer.duration_ms),
            duration_ms=answer.duration_ms,
            http_status=answer.http_status,
            answer=answer.text,
            error=error,
        )
    if answer is not None and answer.verdict == wire.Verdict.ACCEPTED:
        move_message(message, Message.State.ACKED, finished_at=now, lease_until=None, next_try_at=None)
    elif answer is not None and answer.verdict == wire.Verdict.REFUSED:
        why = answer.error_message or "refused by the peer"
        _close(message, Message.State.NACKED, answer.error_code, why)
    else:
        _try_again_or_give_up(message, answer, now)


def _try_again_or_give_up(message: Message, answer: Answer | None, now: datetime) -> None:
    pauses = REQUEST_PAUSES if message.action in wire.REQUESTS else CALLBACK_PAUSES
    pause = pauses[min(message.tries, len(pauses)) - 1] * random.uniform(0.75, 1.25)
    next_try_at = now + timedelta(seconds=pause)
    if answer is None or (message.expires_at is not None and next_try_at >= message.expires_at):
        last = answer.error_message or f"HTTP {answer.http_status}" if answer else "its time was over"
        _close(message, Message.State.GIVEN_UP, answer.error_code if answer else "", last)
    else:
        move_message(message, Message.State.QUEUED, next_try_at=next_try_at, lease_until=None)


def _close(message: Message, state: str, code: str, text: str) -> None:
    """The message failed for good; who asked for it is told in the same transaction."""
    changes = {
        "finished_at": clock.now(),
        "lease_until": None,
        "next_try_at": None,
        "error_code": code or message.error_code,
        "error_message": text[:500],
    }
    log.warning("message not delivered", state=state, code=code, why=text, peer=message.peer_id)

    def tell_and_close() -> None:
        if message.action in wire.REQUESTS and UNDELIVERABLE in wiring.table("EVENTS"):
            wiring.announce(UNDELIVERABLE, message)
        move_message(message, state, **changes)

    try:
        decide(tell_and_close, unless_lost=message)
    except Exception as fault:  # a bug in the room that was told must not send the message again
        if isinstance(fault, StaleMove) and fault.obj is message:
            raise
        log.exception("nobody could be told that a message was not delivered", message=message.pk)
        message.refresh_from_db(fields=["state"])
        move_message(message, state, **changes)


# --- By hand ----------------------------------------------------------------------------------------------
def retry(message: Message) -> None:
    """Once more, at the wish of an administrator: a given-up message of ours, or a failed one of theirs."""
    again = {Message.State.GIVEN_UP: Message.State.QUEUED, Message.State.FAILED: Message.State.RECEIVED}
    if message.state not in again:
        raise Refused("Only messages that were given up or failed can be tried again.")
    if message.action in wire.REQUESTS:
        raise Refused("A request cannot be repeated: its time is over, and whoever asked has moved on.")
    now = clock.now()
    until = {"expires_at": now + timedelta(hours=1)} if message.is_outgoing else {}
    with transaction.atomic():
        move_message(message, again[message.state], tries=0, next_try_at=now, finished_at=None, **until)
        bell.ring_on_commit(bell.OUTBOX if message.is_outgoing else bell.INBOX)
