"""One thread that does things later, in order: what a foreign operator has promised to send."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable


class Agenda:
    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        self.faults: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def add(self, what: Callable[[], None], *, in_seconds: float = 0) -> None:
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + in_seconds, next(self._count), what))
            self._changed.notify()

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._closed:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait)
        return None

    def _run(self) -> None:
        while what := self._next():
            try:
                what()
            except Exception as fault:  # kept for the test to see; the next promise still counts
                self.faults.append(fault)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()
