"""The domain behind the door, played by a recorder; and a charge point that says exactly what a test wants."""

import asyncio
import base64
import json
from collections.abc import Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.testing import WebsocketCommunicator
from django.core.cache import cache

from apps.lib import wiring
from apps.ocpp import services
from apps.ocpp.events import EVENTS, StartAnswer
from apps.ocpp.models import ChargePoint
from apps.ocpp.routing import charge_points

PASSWORD = "correct-horse-battery"


class Domain:
    """Takes every event, remembers it, and answers starts as the contract asks: the same start, the same id."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.starts: dict[tuple, int] = {}
        self.refuse: Exception | None = None

    def take(self, event: Any) -> Any:
        if self.refuse and event.kind not in {"heard", "connected", "disconnected"}:
            raise self.refuse
        self.heard.append(event)
        if event.kind == "token_presented":
            return event.token.startswith("GOOD")
        if event.kind == "transaction_started":
            same = (event.charge_point_id, event.connector_id, event.token, event.at, event.meter_start_wh)
            number = self.starts.setdefault(same, len(self.starts) + 1)
            return StartAnswer(transaction_id=number, accepted=event.token.startswith("GOOD"))
        return None

    def of(self, kind: str) -> list[Any]:
        return [event for event in self.heard if event.kind == kind]

    def only(self, kind: str) -> Any:
        (event,) = self.of(kind)
        return event


@pytest.fixture
def domain(monkeypatch) -> Domain:
    recorder = Domain()
    monkeypatch.setattr(
        wiring, "handler", lambda table, kind: recorder.take if table == "OCPP" and kind in EVENTS else None
    )
    return recorder


@pytest.fixture(autouse=True)
def _forget_mistakes():
    # Not clear(): with Redis that would empty the whole server.
    cache.delete_many([f"ocpp-mistakes:{address}" for address in ("unknown", "127.0.0.1")])
    cache.delete("ocpp-comings-mistakes:CP-1")


@pytest.fixture
def charge_point(transactional_db) -> ChargePoint:
    services.register("CP-1", PASSWORD)
    return ChargePoint.objects.get(pk="CP-1")


def basic_auth(name: str, password: str) -> tuple[bytes, bytes]:
    return b"authorization", b"Basic " + base64.b64encode(f"{name}:{password}".encode())


class Talker:
    """One socket at the door."""

    def __init__(self, communicator: WebsocketCommunicator):
        self.socket = communicator
        self.sent = 0

    async def say(self, text: str) -> list[Any]:
        await self.socket.send_to(text_data=text)
        return await self.listen()

    async def call(self, action: str, payload: dict[str, Any], unique_id: str = "") -> list[Any]:
        self.sent += 1
        return await self.say(json.dumps([2, unique_id or f"m{self.sent}", action, payload]))

    async def listen(self) -> list[Any]:
        return json.loads(await self.socket.receive_from(timeout=5))

    async def tell(self, frame: list[Any]) -> None:
        await self.socket.send_to(text_data=json.dumps(frame))

    async def hears_close(self) -> int:
        return (await self.socket.receive_output(timeout=5))["code"]


def knock(
    charge_point_id: str = "CP-1",
    *,
    login: tuple[str, str] | None = None,
    offers: tuple[str, ...] = ("ocpp1.6",),
    headers: tuple[tuple[bytes, bytes], ...] | None = None,
) -> WebsocketCommunicator:
    if headers is None:
        headers = (basic_auth(*(login or (charge_point_id, PASSWORD))),)
    return WebsocketCommunicator(
        charge_points, f"/ocpp/{charge_point_id}", headers=list(headers), subprotocols=list(offers)
    )


@asynccontextmanager
async def at_the_door(*args: Any, **kwargs: Any):
    communicator = knock(*args, **kwargs)
    connected, answer = await communicator.connect(timeout=5)
    assert connected, answer
    try:
        yield Talker(communicator)
    finally:
        await communicator.disconnect(timeout=5)


def run(story: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Play an asynchronous story from an ordinary test."""

    async def play() -> Any:
        return await story()

    return async_to_sync(play)()


async def until(holds: Callable[[], Any], seconds: int = 30) -> None:
    """Wait for what another task is about to do."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)
