"""What stands in front of several web processes: one address, connections handed to whoever answers."""

import asyncio
import itertools
import threading
from contextlib import suppress


class Balancer:
    """Carries bytes. A process that is down is passed over; who was connected to it connects again."""

    def __init__(self, port: int, targets: list[int]):
        self.port, self._targets = port, targets
        self._turn = itertools.count()
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._carry, "127.0.0.1", self.port, backlog=512)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            far = await self._next_that_answers()
            if far is not None:
                await asyncio.gather(_pump(reader, far[1]), _pump(far[0], writer))
        except asyncio.CancelledError:
            pass  # we are closing
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _next_that_answers(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        first = next(self._turn)
        for step in range(len(self._targets)):
            with suppress(OSError):
                return await asyncio.open_connection(
                    "127.0.0.1", self._targets[(first + step) % len(self._targets)]
                )
        return None

    def close(self) -> None:
        async def end() -> None:
            self._server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await source.read(65_536):
            target.write(chunk)
            await target.drain()
    with suppress(OSError):
        target.close()
