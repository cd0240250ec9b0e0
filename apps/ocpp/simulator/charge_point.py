"""One simulated box: what people do to it, what the door asks of it, and how it keeps its line."""

import asyncio
import random
from collections.abc import Coroutine
from decimal import Decimal
from typing import Any

from ocpp.v16 import call

from apps.ocpp.simulator import tasks
from apps.ocpp.simulator.car import Car, any_car
from apps.ocpp.simulator.clock import Clock
from apps.ocpp.simulator.connector import Connector, Reservation, Transaction
from apps.ocpp.simulator.line import Line
from apps.ocpp.simulator.outbox import Outbox, Saying


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
        self.outbox = Outbox()
        self.line = Line(self, retry_after)
        self._tasks: set[asyncio.Task[None]] = set()

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
        self._in_background(self._drop_line_soon())

    async def _drop_line_soon(self) -> None:
        await self.clock.sleep(1)
        await self.line.drop()

    # --- What people do --------------------------------------------------------------------------------

    def plug_in(self, connector_id: int = 1, car: Car | None = None) -> None:
        connector = self.connectors[connector_id]
        if connector.status != "Available":
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

    def remote_start(self, *, token: str, connector_id: int | None) -> bool:
        free = [c for c in self.connectors.values() if c.is_free_for(token)]
        chosen = [c for c in free if connector_id in (None, c.id)]
        if not chosen:
            return False
        connector = chosen[0]
        connector.expected_token = token
        self._free_again(connector)
        self._in_background(self._wait_for_plug(connector, token))
        return True

    def remote_stop(self, transaction_id: int) -> bool:
        for connector in self.connectors.values():
            if connector.transaction is not None and connector.transaction.id == transaction_id:
                self._in_background(self._end_soon(connector))
                return True
        return False

    def reserve(self, reservation: Reservation, connector_id: int, seconds: float) -> str:
        """Another reservation under the same id replaces the first, as the protocol wants it."""
        connector = self.connectors.get(connector_id)
        if connector is None or connector.status in {"Faulted", "Unavailable"}:
            return "Rejected" if connector is None else connector.status
        again = connector.reservation is not None and connector.reservation.id == reservation.id
        if connector.status != "Available" and not again:
            return "Occupied"
        connector.reservation = reservation
        self._show(connector, "Reserved")
        self._in_background(self._expire(connector, reservation, seconds))
        return "Accepted"

    def cancel_reservation(self, reservation_id: int) -> bool:
        for connector in self.connectors.values():
            if connector.reservation is not None and connector.reservation.id == reservation_id:
                self._free_again(connector)
                return True
        return False

    async def _expire(self, connector: Connector, reservation: Reservation, seconds: float) -> None:
        await self.clock.sleep(max(0, seconds))
        if connector.reservation is reservation:
            self._free_again(connector)

    def _free_again(self, connector: Connector) -> None:
        connector.reservation = None
        if connector.status == "Reserved":
            self._show(connector, "Available")

    def change_availability(self, connector_id: int, *, operative: bool) -> str:
        chosen = [c for c in self.connectors.values() if connector_id in (0, c.id)]
        if any(c.transaction for c in chosen):
            return "Rejected"
        for connector in chosen:
            self._show(connector, "Available" if operative else "Unavailable")
        return "Accepted" if chosen else "Rejected"

    def unlock(self, connector_id: int) -> str:
        if connector_id not in self.connectors:
            return "NotSupported"
        self.end_transaction(connector_id, reason="UnlockCommand")
        return "Unlocked"

    def trigger(self, message: str, connector_id: int | None) -> bool:
        chosen = [c for c in self.connectors.values() if connector_id in (None, 0, c.id)]
        for connector in chosen:
            if message == "StatusNotification":
                self._show(connector, connector.status)
            elif message == "MeterValues":
                self._read_meter(connector, context="Trigger")
        return message in {"StatusNotification", "MeterValues"}

    # --- A transaction ---------------------------------------------------------------------------------

    async def _wait_for_plug(self, connector: Connector, token: str) -> None:
        """The driver's walk to the plug; or the box's own patience, when nobody comes."""
        await asyncio.sleep(0)  # first the answer to the remote start
        if connector.car is not None:
            await self.clock.sleep(min(1, self.plug_in_after[0]))
            if connector.expected_token == token and connector.status == "Preparing":
                self._begin(connector, token)
            return
        await self.clock.sleep(self._between(self.plug_in_after) if self.drivers else self.connection_timeout)
        if connector.expected_token == token and self.drivers:
            self.plug_in(connector.id)
        if connector.expected_token == token:
            connector.expected_token = None

    def _begin(self, connector: Connector, token: str) -> None:
        connector.expected_token = None
        now = self.clock.now()
        connector.metered_at = now
        transaction = connector.transaction = Transaction(token, connector.whole_wh)
        start = call.StartTransaction(
            connector_id=connector.id,
            id_tag=token,
            meter_start=transaction.meter_start_wh,
            timestamp=_text(now),
        )

        def answered(answer: Any) -> None:
            transaction.id = answer.transaction_id
            if answer.id_tag_info["status"] != "Accepted" and connector.transaction is transaction:
                self.end_transaction(connector.id, reason="DeAuthorized")

        self.outbox.put(Saying(lambda: start, answered))
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
        moment = {"timestamp": _text(now), "sampledValue": connector.sampled_values(context)}
        transaction = connector.transaction
        self.outbox.put(
            Saying(
                lambda: call.MeterValues(
                    connector_id=connector.id,
                    meter_value=[moment],
                    transaction_id=transaction and transaction.id,
                ),
                keep=transaction is not None,
                optional=True,
            )
        )

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
        now = _text(self.clock.now())
        last = {"timestamp": now, "sampledValue": connector.sampled_values("Transaction.End")}
        meter_stop = connector.whole_wh
        self.outbox.put(
            Saying(
                lambda: call.StopTransaction(
                    meter_stop=meter_stop,
                    timestamp=now,
                    # Its start was refused for good: OCPP 1.6 then knows no number.
                    transaction_id=-1 if transaction.id is None else transaction.id,
                    reason=reason,
                    id_tag=transaction.token,
                    transaction_data=[last],
                )
            )
        )
        self._show(connector, "Finishing")
        if self.drivers and connector.car is not None:
            self._in_background(self._leave(connector, connector.car))

    async def _leave(self, connector: Connector, car: Car) -> None:
        await self.clock.sleep(self._between(self.leave_after))
        if connector.car is car:
            self.unplug(connector.id)

    # --- Small things ----------------------------------------------------------------------------------

    def _show(self, connector: Connector, status: str) -> None:
        connector.status = status
        if self.online.is_set():  # off line it is not kept: coming back, the box says how things are then
            said = self.status_of(connector)
            self.outbox.put(Saying(lambda: said, keep=False))

    def status_of(self, connector: Connector) -> call.StatusNotification:
        return call.StatusNotification(
            connector_id=connector.id,
            error_code=connector.error_code,
            status=connector.status,
            timestamp=_text(self.clock.now()),
        )

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _between(self, bounds: tuple[float, float]) -> float:
        return self.rng.uniform(*bounds)


def _text(at: Any) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
