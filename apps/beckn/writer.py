"""The thread that stores what comes in at the door: many messages per commit, each acknowledged after it.

One commit for all that arrived while the last one was being written: this is what makes a single process store some
hundred messages a second on either database.
"""

import asyncio
import queue
import threading
from collections.abc import Callable

import structlog
from django.db import DatabaseError, InterfaceError, connection

from apps.beckn import arrivals, db
from apps.beckn.arrivals import Arrival, Storing

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 100
MOST_WAITING = 2_000
IDLE_SECONDS = 1


class DoorFull(Exception):
    """More is waiting to be written than we may promise to write."""


class _Order:
    def __init__(self, arrival: Arrival):
        self.arrival = arrival
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Storing] = self.loop.create_future()

    def settle(self, outcome: Storing | Exception) -> None:
        if self.future.done():  # the sender hung up
            return
        if isinstance(outcome, Exception):
            self.future.set_exception(outcome)
        else:
            self.future.set_result(outcome)


class Writer:
    def __init__(self, write: Callable[[list[Arrival]], list[Storing]] = arrivals.store):
        self._write = write
        self._orders: queue.Queue[_Order] = queue.Queue(MOST_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    async def store(self, arrival: Arrival) -> Storing:
        """Returns when `arrival` is committed. Raises DoorFull or what the database says."""
        self._ensure_running()
        order = _Order(arrival)
        try:
            self._orders.put_nowait(order)
        except queue.Full:
            raise DoorFull from None
        return await order.future

    def _ensure_running(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            with self._lock:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._run, name="beckn-writer", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                orders = [self._orders.get(timeout=IDLE_SECONDS)]
            except queue.Empty:
                db.release()
                continue
            while len(orders) < MOST_AT_ONCE and not self._orders.empty():
                orders.append(self._orders.get_nowait())
            for order, outcome in zip(orders, self._outcomes(orders), strict=True):
                self._tell(order, outcome)

    def _outcomes(self, orders: list[_Order]) -> list[Storing] | list[Exception]:
        """One commit for all; when that fails, one each, so that a bad row harms nobody else."""
        try:
            return self._write([order.arrival for order in orders])
        except Exception as error:  # every sender must get an answer, whatever went wrong
            log.exception("received messages could not be stored", count=len(orders))
            if isinstance(error, DatabaseError | InterfaceError):
                connection.close()
            if len(orders) == 1:
                return [error]
            return [outcome for order in orders for outcome in self._outcomes([order])]

    def _tell(self, order: _Order, outcome: Storing | Exception) -> None:
        try:
            order.loop.call_soon_threadsafe(order.settle, outcome)
        except RuntimeError:  # that loop is closed: nobody waits any more
            log.warning("a message was stored after its sender had gone", action=order.arrival.action)


writer = Writer()
