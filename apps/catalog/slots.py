"""The clock of reserved times, pure: quarters of an hour that can be taken once, and the times that rules offer.

A *quarter* is a number: quarters of an hour since 1970, so it means one instant in every zone and in every night the
clocks change. A *slot* begins where the station's own clock says so: at midnight and then every so often.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Self
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
DAY_MINUTES = 24 * 60


def quarter_of(at: datetime) -> int:
    return (at - EPOCH) // QUARTER


def quarters(start: datetime, end: datetime) -> range:
    """Every quarter that [start, end) touches."""
    return range(quarter_of(start), -((EPOCH - end) // QUARTER))


def begin_of(quarter: int) -> datetime:
    return EPOCH + quarter * QUARTER


@dataclass(frozen=True)
class Slot:
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Rules:
    """What an operator promises and asks for a reserved time. Frozen into each deal: later rules change nothing."""

    slot_minutes: int
    buffer_minutes: int
    least_ahead_minutes: int
    most_ahead_days: int
    grace_minutes: int
    free_until_minutes: int
    late_fee_percent: Decimal
    no_show_fee_percent: Decimal

    @property
    def length(self) -> timedelta:
        return timedelta(minutes=self.slot_minutes)

    @property
    def buffer(self) -> timedelta:
        return timedelta(minutes=self.buffer_minutes)

    @property
    def grace(self) -> timedelta:
        return timedelta(minutes=self.grace_minutes)

    def slot_at(self, starts_at: datetime) -> Slot:
        return Slot(starts_at, starts_at + self.length)

    def kept(self, slot: Slot) -> range:
        """The quarters that a slot takes: its own, and those that nobody else gets after it."""
        return quarters(slot.starts_at, slot.ends_at + self.buffer)

    def to_json(self) -> dict[str, Any]:
        return {
            name: str(value) if isinstance(value, Decimal) else value for name, value in vars(self).items()
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Self:
        percents = {name: Decimal(kept[name]) for name in ("late_fee_percent", "no_show_fee_percent")}
        return cls(**{**kept, **percents})


def beginnings(rules: Rules, zone: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """When slots begin in [start, end), in order. An hour that the clocks leave out has none, one they repeat two."""
    here = ZoneInfo(zone)
    day, last = start.astimezone(here).date(), end.astimezone(here).date()
    while day <= last:
        yield from (at for at in _of_day(day, here, rules) if start <= at < end)
        day += timedelta(days=1)


def _of_day(day: date, here: ZoneInfo, rules: Rules) -> list[datetime]:
    every = rules.slot_minutes + rules.buffer_minutes
    instants = set()
    for minute in range(0, DAY_MINUTES - every + 1, every):
        wall = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=here)
        instants.update(instants_of(wall))
    return sorted(instants)


def instants_of(wall: datetime) -> list[datetime]:
    """What a clock on that wall means: nothing in the gap of a change, two instants in the hour that comes twice."""
    read = {wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}
    # Two times of one zone are compared by the wall, which is what is wanted here.
    return sorted(at for at in read if at.astimezone(wall.tzinfo).replace(fold=0) == wall.replace(fold=0))


def free(rules: Rules, slots: Iterable[Slot], taken: set[int]) -> list[Slot]:
    return [slot for slot in slots if taken.isdisjoint(rules.kept(slot))]
