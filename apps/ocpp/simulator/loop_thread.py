"""An event loop in a thread of its own, for ordinary code that wants to play with charge points."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self

from apps.ocpp.simulator import tasks


class LoopThread:
    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="simulator", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.wait_for(_cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def wait_for(self, work: Coroutine[Any, Any, Any], seconds: float = 20) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def do(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call an ordinary function on the loop, where charge points may be touched."""

        async def call() -> Any:
            return function(*args, **kwargs)

        return self.wait_for(call())


async def _cancel_all() -> None:
    await tasks.end(asyncio.all_tasks() - {asyncio.current_task()})
