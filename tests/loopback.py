"""The network without sockets, for tests: what is posted to our own URL goes through our own door, in this thread."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings

from apps.beckn import arrivals
from apps.beckn.arrivals import Arrival, Storing
from apps.beckn.doors import Door
from apps.beckn.transport import Answer, judge
from apps.beckn.wire import v1_1 as wire


async def _store(arrival: Arrival) -> Storing:
    return (await sync_to_async(arrivals.store)([arrival]))[0]


async def _aside(function: Callable[..., Any], *args: Any) -> Any:
    return await sync_to_async(function)(*args)


@dataclass(frozen=True)
class Came:
    """What the door answered."""

    status: int
    headers: dict[str, str]
    payload: Any

    @property
    def ack(self) -> str:
        return self.payload["message"]["ack"]["status"]

    @property
    def error(self) -> dict[str, str]:
        return self.payload.get("error", {})


def post(path: str, body: bytes, headers: dict[str, str] | None = None, *, method: str = "POST") -> Came:
    """One request through the door of the network, inside the transaction of the test."""
    return async_to_sync(_post)(path, body, headers or {}, method)


async def _post(path: str, body: bytes, headers: dict[str, str], method: str) -> Came:
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope = {"type": "http", "path": path, "method": method, "headers": raw}
    answer: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(event: dict[str, Any]) -> None:
        answer.append(event)

    await Door(store=_store, aside=_aside)(scope, receive, send)
    start, rest = answer
    named = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
    return Came(start["status"], named, json.loads(rest["body"]))


@dataclass
class Loopback:
    """A transport: our own URL leads to our own door, other URLs to the functions in `peers`, else to nobody."""

    peers: dict[str, Callable[[str, bytes, dict[str, str]], tuple[int, bytes]]] = field(default_factory=dict)
    sent: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        self.sent.append((url, body, headers))
        if url.startswith(settings.PUBLIC_URL):
            came = post(urlsplit(url).path, body, headers)
            return judge(came.status, json.dumps(came.payload).encode())
        for prefix, peer in self.peers.items():
            if url.startswith(prefix):
                return judge(*peer(url, body, headers))
        return Answer(wire.Verdict.RETRY, error_message="nobody answers there")
