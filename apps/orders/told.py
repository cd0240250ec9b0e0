"""What an operator told us, in our own words: made by network.py from the wire, taken in by services."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Line:
    title: str
    code: str
    amount: Decimal
    energy_kwh: Decimal | None = None
    note: str = ""


@dataclass(frozen=True)
class Priced:
    """A quote or a bill: the operator's total is binding, its lines explain it."""

    total: Decimal
    currency: str
    lines: tuple[Line, ...] = ()
    energy_kwh: Decimal | None = None
    valid_for: timedelta | None = None

    @property
    def lines_total(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal(0))


@dataclass(frozen=True)
class Reading:
    at: datetime | None = None
    word: str = ""
    energy_kwh: Decimal | None = None
    power_kw: Decimal | None = None
    soc_percent: Decimal | None = None


@dataclass(frozen=True)
class Mark:
    """One line of how the charge went: what happened, whose doing it was ("" when not said), and when."""

    stage: str
    by: str
    at: datetime
    detail: str = ""


@dataclass(frozen=True)
class Facts:
    """What the driver can act upon."""

    plug_in_by: datetime | None = None  # then the charger waits no longer for the cable
    closes_by: datetime | None = None  # then the bill is made, with or without the last reading
    free_until: datetime | None = None  # until then a stop costs nothing
    is_estimated: bool = False  # the last reading never came
    not_my_car_until: datetime | None = None  # until then, "this is not my car" costs nothing
    # Where a car came while ours is waited for: item_id, fulfillment_id, letter.
    other_plug: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StartKey:
    """How the driver starts where the charger cannot be started from afar: OTP, QR or a word of the operator's."""

    kind: str
    code: str = ""  # "": it comes later, or is not needed
    until: datetime | None = None


@dataclass(frozen=True)
class Idle:
    """The car stands at the plug and takes no energy: since when, until when that is free, whether the bill waits."""

    since: datetime
    free_until: datetime | None = None
    until: datetime | None = None
    state: str = ""  # standing.py STATES
    keeps_bill_open: bool = False


@dataclass(frozen=True)
class Told:
    """One callback about a confirmed order; what was not said is empty."""

    network_order_id: str = ""
    status: str | None = None  # ACTIVE, COMPLETE, CANCELLED
    state: str | None = None  # canonical code of fact sheet 6.4
    is_interrupted: bool = False
    at: datetime | None = None  # the operator's time of what it tells
    reading: Reading = field(default_factory=Reading)
    priced: Priced | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    meter_start: str = ""
    meter_stop: str = ""
    ended_by: str = ""  # energy, time, money: which of what was ordered was reached first
    cancelled_by: str = ""  # CONSUMER, PROVIDER
    cancel_reason: str = ""
    cancel_text: str = ""
    instructions: str = ""
    start_key: StartKey | None = None
    # Where and when, as it stands now.
    item_id: str = ""
    fulfillment_id: str = ""
    begins_at: datetime | None = None
    ends_by: datetime | None = None
    terms: dict[str, Any] = field(default_factory=dict)  # orders/terms.py, where the message repeats them
    marks: tuple[Mark, ...] = ()
    facts: Facts = field(default_factory=Facts)
    idle: Idle | None = None


class UnreadableQuote(ValueError):
    """There is no total that we could promise to anybody."""
