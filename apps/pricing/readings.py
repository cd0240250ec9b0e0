"""What goes into the meter: a moment, the energy so far, what went on; and what was ordered."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

MICROSECOND = timedelta(microseconds=1)


class Phase(StrEnum):
    """What goes on in the stretch that ends with a reading. PARKED: plugged in, and proved not to charge.

    SPARED: as PARKED, but not to be paid, because nobody was told yet, nobody waits, or the plug held the car.
    """

    CHARGING = "CHARGING"
    PARKED = "PARKED"
    SPARED = "SPARED"
    RESERVED = "RESERVED"
    EXPIRED = "EXPIRED"  # nobody came: what that costs beyond the time reserved


class Limit(StrEnum):
    """What was ordered, and so where the bill ends, whatever the meter says later."""

    ENERGY = "ENERGY"
    TIME = "TIME"
    MONEY = "MONEY"


class Backwards(ValueError):
    """A reading before the last one, or with less energy."""


class Reading(NamedTuple):
    """`kwh` since the charge began. `current_a`: of all phases together, where the meter tells it."""

    at: datetime
    kwh: Decimal
    phase: Phase = Phase.CHARGING
    current_a: Decimal | None = None


@dataclass(frozen=True)
class Limits:
    """The first that is reached ends the charge on the bill; only parking that is proved counts on.

    `money` and `most` with all taxes. Where `most` is said, `money` is for all but the parking, else for that too.
    """

    kwh: Decimal | None = None
    seconds: int | None = None
    money: Decimal | None = None
    most: Decimal | None = None


NO_LIMITS = Limits()


class Line(NamedTuple):
    """Between two readings. Points on it are always found from both, so that one rounding never rests on another."""

    at: datetime
    kwh: Decimal
    to: Reading

    def kwh_at(self, at: datetime) -> Decimal:
        passed, whole = (at - self.at) // MICROSECOND, (self.to.at - self.at) // MICROSECOND
        return self.kwh + (((self.to.kwh - self.kwh) * passed).scaleb(9) // whole).scaleb(-9)

    def reaches(self, kwh: Decimal) -> datetime:
        whole = (self.to.at - self.at) // MICROSECOND
        passed = (kwh - self.kwh) * whole // (self.to.kwh - self.kwh)
        return self.at + int(passed) * MICROSECOND
