"""One plug: its status, its meter, the car on it and the transaction that runs there."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

from apps.ocpp.simulator.car import Car


@dataclass
class Transaction:
    token: str
    meter_start_wh: int
    # In 1.6 the door's answer, which comes late when the charge point is off line; in 2.0.1 the name.
    id: int | str | None = None
    name: str = ""
    remote_start_id: int | None = None
    charging_state: str = ""
    readings: int = 0
    delivered_wh: Decimal = Decimal(0)  # what truly flowed, whatever the meter tells
    _seq_no: Iterator[int] = field(default_factory=count)

    def next_seq_no(self) -> int:
        return next(self._seq_no)


@dataclass
class Reservation:
    id: int
    token: str


@dataclass
class Connector:
    id: int
    max_w: int = 22_000
    direct: bool = False
    status: str = "Available"
    error_code: str = "NoError"
    register_wh: Decimal = Decimal(0)
    metered_at: datetime | None = None
    power_w: Decimal = Decimal(0)
    car: Car | None = None
    transaction: Transaction | None = None
    expected_token: str | None = None  # a remote start that waits for the plug
    expected_start_id: int | None = None  # the door's number for it (2.0.1)
    reservation: Reservation | None = None
    evse_id: int = 0  # 0: the plug has an EVSE of its own, with its number
    place: int = 1  # in that EVSE
    register_size_wh: int = 10**9
    register_step_wh: int = 1  # so many watt-hours it calls one
    periodic_divisor: int = 1  # of what is told on the way

    def __post_init__(self) -> None:
        self.evse_id = self.evse_id or self.id

    @property
    def is_free_for_start(self) -> bool:
        return (
            self.status in {"Available", "Preparing"}
            and self.transaction is None
            and self.expected_token is None
        )

    def is_free_for(self, token: str) -> bool:
        is_mine = self.reservation is not None and self.reservation.token == token
        return self.is_free_for_start or (self.status == "Reserved" and is_mine)

    @property
    def whole_wh(self) -> int:
        """What the display shows. Start, readings and stop all use it, so the last reading is the stop."""
        return int(self.register_wh) // self.register_step_wh % self.register_size_wh

    def meter(self, at: datetime, *, speed: int = 1, wobble: Decimal = Decimal(1)) -> None:
        """Account for the time since the last call. `speed` hurries the battery, never the meter."""
        since, self.metered_at = self.metered_at or at, at
        if self.transaction is None or self.car is None:
            self.power_w = Decimal(0)
            return
        self.power_w = (self.car.power_w(self.max_w, direct=self.direct) * wobble).quantize(Decimal(1))
        hours = Decimal((at - since) // timedelta(microseconds=1)) / 3_600_000_000
        energy_wh = self.power_w * max(hours, Decimal(0))
        self.register_wh += energy_wh
        self.transaction.delivered_wh += energy_wh
        self.car.charge(energy_wh * speed)

    def sampled_values(self, context: str) -> list[dict[str, str]]:
        """The meter in OCPP 1.6's words, numbers as text."""
        volts = Decimal(400) if self.direct else Decimal(230)
        phases = 1 if self.direct or self.power_w <= 7_400 else 3
        ampere = (self.power_w / volts / phases).quantize(Decimal("0.1"))
        energy = {"measurand": "Energy.Active.Import.Register", "unit": "Wh"}
        values = [
            {"value": str(self._told_wh(context)), "context": context, **energy},
            {"value": str(self.power_w), "context": context, "measurand": "Power.Active.Import", "unit": "W"},
            {"value": str(ampere), "context": context, "measurand": "Current.Import", "unit": "A"},
            {"value": str(volts), "context": context, "measurand": "Voltage", "unit": "V"},
        ]
        if self.car is not None and self.direct:  # an AC charger cannot ask the battery
            soc = str(self.car.soc_percent.quantize(Decimal("0.1")))
            values.append({"value": soc, "context": context, "measurand": "SoC", "unit": "Percent"})
        return values

    def _told_wh(self, context: str) -> int:
        on_the_way = context == "Sample.Periodic"
        return self.whole_wh // self.periodic_divisor if on_the_way else self.whole_wh


def connector_from(spec: dict) -> Connector:
    """From `{"id": 1, "max_kw": 60, "power_type": "DC"}` of a file; what is missing is guessed. `evse` and `place` say
    where it is in OCPP 2.0.1."""
    direct = str(spec.get("power_type") or "").upper().startswith("DC")
    kilowatts = Decimal(str(spec.get("max_kw") or (60 if direct else 22)))
    where = {"evse_id": int(spec.get("evse") or 0), "place": int(spec.get("place") or 1)}
    return Connector(id=int(spec["id"]), max_w=int(kilowatts * 1000), direct=direct, **where)
