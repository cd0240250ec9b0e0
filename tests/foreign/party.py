"""A foreign participant: its HTTP door, and what every role does alike."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.foreign.beckn import (
    SIGNED_PARTS,
    Forged,
    Keys,
    Letter,
    Peer,
    Reply,
    as_bytes,
    new_id,
    now_text,
    verified_sender,
)


# --- The callback door -----------------------------------------------------------------------------------
class NothingCame(AssertionError):
    pass


@dataclass
class Received:
    action: str
    payload: dict[str, Any]
    body: bytes
    headers: dict[str, str]
    sender_id: str
    taken: bool = False

    @property
    def context(self) -> dict[str, Any]:
        return self.payload.get("context", {})

    @property
    def message(self) -> dict[str, Any]:
        return self.payload.get("message") or {}

    @property
    def error(self) -> dict[str, Any]:
        return self.payload.get("error") or {}

    @property
    def order(self) -> dict[str, Any]:
        return self.message.get("order") or {}


# What a door answers: a reply, or one of the two silences.
HANG = Reply(-1, None)
SILENCE = Reply(-2, None)
ACK = Reply(200, {"message": {"ack": {"status": "ACK"}}})


def nack(status: int, code: str, text: str) -> Reply:
    return Reply(
        status,
        {"message": {"ack": {"status": "NACK"}}, "error": {"code": code, "message": text, "paths": ""}},
    )


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    door: "Door"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A peer that went away in the middle is daily business for a door."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 60
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        reply = self.server.door.receive(self.path, body, dict(self.headers))
        if reply is HANG:
            self.server.door.closed.wait(60)
        if reply in (HANG, SILENCE):
            self.close_connection = True
            return
        self._answer(reply)

    def do_GET(self) -> None:
        self._answer(self.server.door.look(self.path))

    def _answer(self, reply: Reply) -> None:
        content = b"" if reply.payload is None else as_bytes(reply.payload)
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        """Tests read `Door.messages`, nobody reads an access log."""


class Door:
    """An HTTP server on a free port of this machine: verifies, answers, keeps, and lets a test wait."""

    def __init__(
        self,
        realm: str,
        key_of: Callable[[str, str], str | None],
        take: Callable[[Received], Reply],
        look: Callable[[str], Reply],
    ):
        self.realm, self.key_of, self.take, self.look = realm, key_of, take, look
        self.closed = threading.Event()
        self.messages: list[Received] = []
        self.refused: list[tuple[str, str]] = []  # (action, why)
        self._came = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.door = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/beckn"

    def receive(self, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        action = path.removeprefix("/beckn/")
        try:
            sender = verified_sender(headers.get("Authorization"), body, self.key_of)
            payload = json.loads(body)
            context = payload["context"]
            if sender not in (context.get("bap_id"), context.get("bpp_id")):
                raise Forged(f"signed by {sender}, who is not in the context")
        except Forged as fault:
            self.refused.append((action, str(fault)))
            challenge = f'Signature realm="{self.realm}",headers="{SIGNED_PARTS}"'
            return replace(nack(401, "30000", str(fault)), headers={"WWW-Authenticate": challenge})
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            self.refused.append((action, repr(fault)))
            return nack(400, "30000", "not a Beckn message")
        if context.get("action") != action:
            self.refused.append((action, f"context says {context.get('action')}"))
            return nack(400, "30000", "context.action is not this endpoint")
        received = Received(action, payload, body, headers, sender)
        reply = self.take(received)
        with self._came:
            self.messages.append(received)
            self._came.notify_all()
        return reply

    def wait_for(
        self,
        action: str,
        *,
        transaction_id: str | None = None,
        message_id: str | None = None,
        predicate: Callable[[Received], bool] | None = None,
        timeout: float = 20,
    ) -> Received:
        """The oldest fitting message nobody took yet; each is handed out once."""

        def fitting() -> Received | None:
            for received in self.messages:
                if (
                    not received.taken
                    and received.action == action
                    and transaction_id in (None, received.context.get("transaction_id"))
                    and message_id in (None, received.context.get("message_id"))
                    and (predicate is None or predicate(received))
                ):
                    return received
            return None

        with self._came:
            received = self._came.wait_for(fitting, timeout)
            if received is None:
                came = [(m.action, m.error or "ok") for m in self.messages if not m.taken]
                raise NothingCame(f"no {action} in {timeout} s; came: {came}; refused: {self.refused}")
            received.taken = True
            return received

    def all(self, action: str, transaction_id: str | None = None) -> list[Received]:
        with self._came:
            return [
                received
                for received in self.messages
                if received.action == action
                and transaction_id in (None, received.context.get("transaction_id"))
            ]

    def close(self) -> None:
        self.closed.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


# --- A participant ---------------------------------------------------------------------------------------
class Party:
    """Own name, own key, own door, and the peers it was introduced to (no registry needed)."""

    role = "BAP"

    def __init__(self, subscriber_id: str, *, key_id: str = "k1"):
        self.keys = Keys.make(subscriber_id, key_id)
        self.peers: dict[str, Peer] = {}
        self.door = Door(subscriber_id, self._key_of, self.take, self.look)

    @property
    def subscriber_id(self) -> str:
        return self.keys.subscriber_id

    @property
    def card(self) -> Peer:
        """What a peer must know of us."""
        return Peer(self.subscriber_id, self.door.uri, {self.keys.key_id: self.keys.public})

    def meet(self, peer: Peer) -> None:
        self.peers[peer.subscriber_id] = peer

    def _key_of(self, subscriber_id: str, key_id: str) -> str | None:
        peer = self.peers.get(subscriber_id)
        return None if peer is None else peer.public_keys.get(key_id, peer.public_keys.get("*"))

    def take(self, received: Received) -> Reply:
        return ACK

    def look(self, path: str) -> Reply:
        """Whoever has a link of ours and asks for JSON."""
        return Reply(404, None)

    def context(
        self, action: str, peer: Peer | None, transaction_id: str, message_id: str | None = None
    ) -> dict:
        """`peer` is None for a search through a gateway, which has no receiver yet."""
        sides = {self.role: self.card, ("BPP" if self.role == "BAP" else "BAP"): peer}
        context = {
            "domain": "ev-charging:uei",
            "location": {
                "country": {"name": "India", "code": "IND"},
                "city": {"name": "Bengaluru", "code": "std:080"},
            },
            "action": action,
            "version": "1.1.0",
            "transaction_id": transaction_id,
            "message_id": message_id or new_id(),
            "timestamp": now_text(),
            "ttl": "PT30S",
        }
        for side, party in sides.items():
            if party is not None:
                context |= {f"{side.lower()}_id": party.subscriber_id, f"{side.lower()}_uri": party.uri}
        return context

    def letter(
        self,
        action: str,
        peer: Peer,
        transaction_id: str,
        message: dict[str, Any] | None = None,
        *,
        message_id: str | None = None,
        error: dict[str, Any] | None = None,
    ) -> Letter:
        payload: dict[str, Any] = {"context": self.context(action, peer, transaction_id, message_id)}
        if message is not None:
            payload["message"] = message
        if error is not None:
            payload["error"] = error
        return Letter(f"{peer.uri}/{action}", action, as_bytes(payload), None).signed_by(self.keys)

    def close(self) -> None:
        self.door.close()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *fault: Any) -> None:
        self.close()
