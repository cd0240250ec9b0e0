"""The sockets this process holds, and the slow round that finds commands whose wake-up was lost."""

import asyncio
from typing import Protocol
from weakref import WeakKeyDictionary

import structlog
from django.db import DatabaseError

from apps.lib.database import in_database
from apps.ocpp import commands

log = structlog.get_logger(__name__)

ROUND_SECONDS = 3


class Socket(Protocol):
    async def send_commands(self) -> None: ...


class Switchboard:
    def __init__(self) -> None:
        self._sockets: dict[str, Socket] = {}
        self._rounds: asyncio.Task[None] | None = None

    def join(self, charge_point_id: str, socket: Socket) -> None:
        self._sockets[charge_point_id] = socket
        if self._rounds is None or self._rounds.done():
            self._rounds = asyncio.create_task(self._walk())

    def leave(self, charge_point_id: str, socket: Socket) -> None:
        if self._sockets.get(charge_point_id) is socket:
            del self._sockets[charge_point_id]
        if not self._sockets and self._rounds:
            self._rounds.cancel()
            self._rounds = None

    async def _walk(self) -> None:
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            try:
                await self.walk_once()
            except DatabaseError as error:
                log.warning("no look at waiting commands", error=str(error))

    async def walk_once(self) -> None:
        for charge_point_id in await in_database(commands.charge_points_with_commands)():
            if charge_point_id in self._sockets:
                await self._sockets[charge_point_id].send_commands()


_boards: WeakKeyDictionary[asyncio.AbstractEventLoop, Switchboard] = WeakKeyDictionary()


def switchboard() -> Switchboard:
    """The one of the running loop: a process has one loop, a test run has many."""
    return _boards.setdefault(asyncio.get_running_loop(), Switchboard())
