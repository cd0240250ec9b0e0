"""One simulated box: what people do to it, what the door asks of it, and how it keeps its line."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterable
from decimal import Decimal
from types import ModuleType
from typing import Any
from uuid import UUID

from apps.lib.clock import read_instant
from apps.ocpp.simulator import tasks, v16, v201
from apps.ocpp.simulator.car import Car, any_car
from apps.ocpp.simulator.clock import Clock
from apps.ocpp.simulator.configuration import Configuration
from apps.ocpp.simulator.connector import Connector, Reservation, Transaction
from apps.ocpp.simulator.line import Line
from apps.ocpp.simulator.outbox import Outbox, Saying
from apps.ocpp.simulator.scenarios import SCENARIOS

PROTOCOLS: dict[str, ModuleType] = {"1.6": v16, "2.0.1": v201}


class SimulatedChargePoint:
    """Use inside a running event loop: `start()`, then what people do, then `await stop()`.

    `drivers`: after a remote start a car plugs in by itself, and cars leave when done. Without, the caller does it.
    """

    def __init__(
        self,
        id: str,
        *,
        url: str,
        password: str,
        protocol: str = "1.6",
        scenario: str = "honest",
        connectors: list[Connector] | None = None,
        vendor: str = "EV Portal",
        model: str = "Simulator",
        clock: Clock | None = None,
        rng: random.Random | None = None,
        readings_every: float = 5,
        speed: int = 1,
        drivers: bool = True,
        plug_in_after: tuple[float, float] = (2, 4),
        leave_after: tuple[float, float] = (3, 8),
        connection_timeout: float = 60,
        retry_after: tuple[float, float] = (1, 30),
    ):
        self.id, self.url, self.password = id, url, password
        self.vendor, self.model = vendor[:20], model[:20]
        self.connectors = {c.id: c for c in connectors or [Connector(1), Connector(2)]}
        self.clock = clock or Clock()
        self.rng = rng or random.Random(id)
        self.readings_every, self.speed, self.drivers = readings_every, speed, drivers
        self.plug_in_after, self.leave_after = plug_in_after, leave_after
        self.connection_timeout = connection_timeout
        self.heartbeat_seconds = 60
        self.version = PROTOCOLS[protocol]
        self.configuration = Configuration(self, is_201=self.version.IS_201)
        self.outbox = Outbox()
        self.line = Line(self, retry_after)
        self._tasks: set[asyncio.Task[None]] = set()
        self.scenario = SCENARIOS[scenario]()
        self.scenario.set_up(self)

    # --- Life ------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._in_background(self.line.keep())

    async def stop(self) -> None:
        """Switched off: the line goes, nothing is said any more."""
        await tasks.end(self._tasks)

    @property
    def online(self) -> asyncio.Event:
        return self.line.online

    def reset(self) -> None:
        for connector in self.connectors.values():
            self.end_transaction(connector.id, reason="SoftReset")
        self.come_back()

    def come_back(self) -> None:
        """The line is dropped and taken up again; what charges goes on."""
        self._in_background(self._drop_line_soon())

    async def _drop_line_soon(self) -> None:
        await self.clock.sleep(1)
        await self.line.drop()

    # --- What people do --------------------------------------------------------------------------------

    def plug_in(self, connector_id: int = 1, car: Car | None = None) -> None:
        connector = self.connectors[connector_id]
        if connector.status != "Available" or connector.car is not None:
            return
        connector.car = car or any_car(self.rng)
        self._show(connector, "Preparing")
        if connector.expected_token is not None:
            self._begin(connector, connector.expected_token)

    def unplug(self, connector_id: int = 1) -> None:
        """The car goes, whatever runs; a running transaction ends with it."""
        connector = self.connectors[connector_id]
        self.end_transaction(connector_id, reason="EVDisconnected")
        connector.car = None
        if connector.status in {"Preparing", "Finishing"}:
            self._show(connector, "Available")

    def present_token(self, token: str, connector_id: int = 1) -> None:
        """A card at the reader: starts on a plugged-in car, ends what the same card began."""
        connector = self.connectors[connector_id]
        if connector.transaction is None and connector.status == "Preparing":
            self._begin(connector, token)
        elif connector.transaction is not None and connector.transaction.token == token:
            self.end_transaction(connector_id, reason="Local")

    def fail(self, connector_id: int, error_code: str = "PowerSwitchFailure") -> None:
        connector = self.connectors[connector_id]
        self.end_transaction(connector_id, reason="Other")
        connector.error_code = error_code
        self._show(connector, "Faulted")

    def repair(self, connector_id: int) -> None:
        connector = self.connectors[connector_id]
        connector.error_code = "NoError"
        self._show(connector, "Available" if connector.car is None else "Preparing")

    # --- What the door asks ----------------------------------------------------------------------------

    def remote_start(
        self, *, token: str, connectors: list[int] | None = None, remote_start_id: int | None = None
    ) -> bool:
        """`connectors`: any of these; None is any at all."""
        chosen = self._chosen(connectors)
        free = [connector for connector in chosen if connector.is_free_for(token)]
        if not free:
            return False
        if not self.scenario.obeys_starts:
            return True
        connector = free[0]
        if connector.reservation is not None:
            self._end_reservation(connector)
        connector.expected_token, connector.expected_start_id = token, remote_start_id
        self._in_background(self._wait_for_plug(connector, token))
        return True

    def remote_stop(self, transaction_id: int | str) -> bool:
        for connector in self.connectors.values():
            if connector.transaction is not None and connector.transaction.id == transaction_id:
                self._in_background(self._end_soon(connector))
                return True
        return False

    def change_availability(self, connector_id: int, *, operative: bool) -> str:
        chosen = [c for c in self.connectors.values() if connector_id in (0, c.id)]
        if any(c.transaction for c in chosen):
            return "Rejected"
        for connector in chosen:
            self._show(connector, "Available" if operative else "Unavailable")
        return "Accepted" if chosen else "Rejected"

    def unlock(self, connector_id: int) -> bool:
        if connector_id not in self.connectors:
            return False
        self.end_transaction(connector_id, reason="UnlockCommand")
        return True

    def trigger(self, message: str, connector_id: int | None) -> bool:
        for connector in self._chosen(None if connector_id in (None, 0) else [connector_id]):
            if message == "StatusNotification":
                said = self.version.status(self, connector)
                self._put([Saying(lambda said=said: said, keep=False)])
            elif message == "MeterValues":
                self._read_meter(connector, context="Trigger")
        return message in {"StatusNotification", "MeterValues"}

    def reserve(self, id: int, connectors: list[int] | None, *, token: str, until: str) -> str:
        free = [connector for connector in self._chosen(connectors) if connector.status == "Available"]
        if not free:
            return "Occupied"
        connector = free[0]
        connector.reservation = Reservation(id, token)
        self._show(connector, "Reserved")
        seconds = (read_instant(until) - self.clock.now()).total_seconds()
        self.later(max(0, seconds), lambda: self.cancel_reservation(id))
        return "Accepted"

    def cancel_reservation(self, id: int) -> bool:
        for connector in self.connectors.values():
            if connector.reservation is not None and connector.reservation.id == id:
                self._end_reservation(connector)
                return True
        return False

    def _end_reservation(self, connector: Connector) -> None:
        connector.reservation = None
        if connector.status == "Reserved":
            self._show(connector, "Available")

    def _chosen(self, connectors: list[int] | None) -> list[Connector]:
        return [c for c in self.connectors.values() if connectors is None or c.id in connectors]

    # --- A transaction ---------------------------------------------------------------------------------

    async def _wait_for_plug(self, connector: Connector, token: str) -> None:
        """The driver's walk to the plug; or the box's own patience, when nobody comes."""
        await asyncio.sleep(0)  # first the answer to the remote start
        if connector.car is not None:
            await self.clock.sleep(min(1, self.plug_in_after[0]))
            if connector.expected_token == token and connector.status == "Preparing":
                self._begin(connector, token)
            return
        comes = self.drivers and self.scenario.brings_car
        await self.clock.sleep(self._between(self.plug_in_after) if comes else self.connection_timeout)
        if connector.expected_token == token and comes:
            self.plug_in(connector.id)
        if connector.expected_token == token:
            connector.expected_token = None

    def _begin(self, connector: Connector, token: str) -> None:
        start_id = connector.expected_start_id if connector.expected_token == token else None
        connector.expected_token = connector.expected_start_id = None
        at = self.clock.now()
        connector.metered_at = at
        name = str(UUID(int=self.rng.getrandbits(128), version=4))
        transaction = Transaction(token, connector.whole_wh, name=name, remote_start_id=start_id)
        connector.transaction = transaction
        self.scenario.began(self, connector)
        self._put([self.version.started(self, connector, transaction, at)])
        self._show(connector, "Charging")
        self._in_background(self._charge(connector, transaction))

    async def _charge(self, connector: Connector, transaction: Transaction) -> None:
        while connector.transaction is transaction:
            await self.clock.sleep(self.readings_every)
            if connector.transaction is not transaction:
                return
            self._read_meter(connector)
            if connector.car is not None and connector.car.is_full and connector.status == "Charging":
                self._show(connector, "SuspendedEV")
                if self.drivers:
                    self._in_background(self._leave(connector, connector.car))

    def _read_meter(self, connector: Connector, context: str = "Sample.Periodic") -> None:
        now = self.clock.now()
        wobble = Decimal(self.rng.randint(985, 1000)) / 1000
        connector.meter(now, speed=self.speed, wobble=wobble)
        if connector.transaction is not None and context == "Sample.Periodic":
            connector.transaction.readings += 1
            self.scenario.was_read(self, connector, connector.transaction.readings)
        self._put([self.version.metered(self, connector, now, context)])

    async def _end_soon(self, connector: Connector) -> None:
        await asyncio.sleep(0)  # first the answer to the remote stop
        self.end_transaction(connector.id, reason="Remote")

    def end_transaction(self, connector_id: int, *, reason: str) -> None:
        """Nothing when nothing runs, so it may be said twice."""
        connector = self.connectors[connector_id]
        transaction = connector.transaction
        if transaction is None:
            return
        self._read_meter(connector)
        connector.transaction, connector.power_w = None, Decimal(0)
        if self.scenario.tells_ends:
            self._put([self.version.ended(self, connector, transaction, self.clock.now(), reason)])
        self._show(connector, "Finishing")
        if self.drivers and connector.car is not None:
            self._in_background(self._leave(connector, connector.car))

    async def _leave(self, connector: Connector, car: Car) -> None:
        await self.clock.sleep(self._between(self.leave_after))
        if connector.car is car:
            self.unplug(connector.id)

    # --- Small things ----------------------------------------------------------------------------------

    def _show(self, connector: Connector, status: str) -> None:
        was, connector.status = connector.status, status
        self._put(self.version.shown(self, connector, was))

    def _put(self, sayings: Iterable[Saying]) -> None:
        for saying in sayings:
            for spoilt in self.scenario.spoilt(self, saying):
                self.outbox.put(spoilt)

    def lose_line(self, *, seconds: float) -> None:
        """Down now, and back by itself after a while."""
        self.line.may_come.clear()
        self.line.online.clear()
        self._in_background(self.line.drop())
        self.later(seconds, self.line.may_come.set)

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        async def wait() -> None:
            await self.clock.sleep(seconds)
            action()

        self._in_background(wait())

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _between(self, bounds: tuple[float, float]) -> float:
        return self.rng.uniform(*bounds)
