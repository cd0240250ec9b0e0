"""The time a charge point lives in: the real one, or one that a test moves by hand."""

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SteppedClock(Clock):
    """Stands still until `advance`. Start it in the past: a door that is told the future corrects it."""

    def __init__(self, start: datetime):
        self._now = start
        self._order = itertools.count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        awake = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), next(self._order), awake))
        await awake

    async def advance(self, seconds: float) -> None:
        """Let `seconds` pass; whoever sleeps wakes in order, at the time it asked for."""
        until = self._now + timedelta(seconds=seconds)
        await _let_others_run()
        while self._sleepers and self._sleepers[0][0] <= until:
            due, _order, awake = heapq.heappop(self._sleepers)
            self._now = max(self._now, due)
            if not awake.done():
                awake.set_result(None)
                await _let_others_run()
        self._now = until


async def _let_others_run() -> None:
    for _ in range(5):
        await asyncio.sleep(0)
