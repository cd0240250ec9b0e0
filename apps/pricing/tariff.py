"""Price rules in the shape of OCPI 2.2.1: elements with components and restrictions, taxes, a floor and a ceiling.

For each kind of price the *first* element that applies and has that kind counts. What no element prices costs nothing.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, Self
from zoneinfo import ZoneInfo

MIDNIGHT = time(0)
DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


class Kind(StrEnum):
    """What a component prices: a kWh, an hour of charging, a session, an hour plugged in without charging."""

    ENERGY = "ENERGY"
    TIME = "TIME"
    PARKING_TIME = "PARKING_TIME"
    FLAT = "FLAT"

    __hash__ = str.__hash__  # an enum's own is Python, and kinds are keys on the way of every reading


class Reserves(StrEnum):
    """An element about the time before the car: one that was kept, one that nobody came to."""

    RESERVATION = "RESERVATION"
    EXPIRES = "RESERVATION_EXPIRES"


@dataclass(frozen=True)
class Component:
    """`price` per kWh, hour or session. `step` is in Wh or seconds; 0 bills exactly what was measured."""

    kind: Kind
    price: Decimal
    step: int = 0

    def to_json(self) -> dict[str, Any]:
        return {"type": self.kind.value, "price": str(self.price), "step_size": self.step}


@dataclass(frozen=True)
class Restrictions:
    """When an element applies. From the least on, up to but without the most; times are the station's wall clock."""

    start_time: time | None = None
    end_time: time | None = None  # at or before start_time: past midnight
    start_date: date | None = None
    end_date: date | None = None  # the first day without it
    days: frozenset[int] = frozenset()  # Monday = 0; empty: every day
    min_kwh: Decimal | None = None
    max_kwh: Decimal | None = None
    min_current: Decimal | None = None
    max_current: Decimal | None = None
    min_power: Decimal | None = None
    max_power: Decimal | None = None
    min_duration: int | None = None  # seconds
    max_duration: int | None = None
    reservation: Reserves | None = None

    @property
    def has_wall_clock(self) -> bool:
        return bool(self.start_time or self.end_time or self.start_date or self.end_date or self.days)

    @property
    def comes_later(self) -> bool:
        """Can begin to apply because of what the charge itself has become."""
        return bool(self.min_kwh or self.min_duration)

    def allow_wall(self, wall: datetime) -> bool:
        if self.start_date and wall.date() < self.start_date:
            return False
        if self.end_date and wall.date() >= self.end_date:
            return False
        if self.days and wall.weekday() not in self.days:
            return False
        begins, ends, now = self.start_time or MIDNIGHT, self.end_time or MIDNIGHT, wall.time()
        if begins < ends:
            return begins <= now < ends
        return begins == ends or now >= begins or now < ends

    def to_json(self) -> dict[str, Any]:
        said = {
            "start_time": self.start_time and f"{self.start_time:%H:%M}",
            "end_time": self.end_time and f"{self.end_time:%H:%M}",
            "start_date": self.start_date and self.start_date.isoformat(),
            "end_date": self.end_date and self.end_date.isoformat(),
            "day_of_week": [DAYS[day] for day in sorted(self.days)] or None,
            "reservation": self.reservation and self.reservation.value,
            "min_duration": self.min_duration,
            "max_duration": self.max_duration,
        }
        for name in ("min_kwh", "max_kwh", "min_current", "max_current", "min_power", "max_power"):
            figure = getattr(self, name)
            said[name] = None if figure is None else str(figure)
        return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True)
class Element:
    components: tuple[Component, ...]
    restrictions: Restrictions = Restrictions()

    @cached_property
    def by_kind(self) -> dict[Kind, Component]:
        return {component.kind: component for component in self.components}

    def to_json(self) -> dict[str, Any]:
        said: dict[str, Any] = {"price_components": [component.to_json() for component in self.components]}
        if restrictions := self.restrictions.to_json():
            said["restrictions"] = restrictions
        return said


@dataclass(frozen=True)
class Tax:
    """`kinds` empty: on everything. `is_compound`: also on the taxes that stand before it in the tariff."""

    name: str
    percent: Decimal
    kinds: frozenset[Kind] = frozenset()
    is_compound: bool = False

    def covers(self, kind: Kind | None) -> bool:
        return not self.kinds or kind in self.kinds

    def to_json(self) -> dict[str, Any]:
        said: dict[str, Any] = {"name": self.name, "percent": str(self.percent)}
        if self.kinds:
            said["on"] = sorted(kind.value for kind in self.kinds)
        if self.is_compound:
            said["compound"] = True
        return said


@dataclass(frozen=True)
class Tariff:
    """`tax_included`: prices, floor and ceiling contain the taxes. `zone` is the station's (IANA)."""

    currency: str
    elements: tuple[Element, ...]
    taxes: tuple[Tax, ...] = ()
    tax_included: bool = False
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    parking_grace: int = 0  # seconds of parking per charge that cost nothing
    parking_cap: Decimal | None = (
        None  # the most that parking costs per charge, in the convention of the prices
    )
    parking_when_busy: bool = False  # only while others wait: whoever feeds the meter knows
    zone: str = "UTC"
    version: str = field(default="", compare=False)

    @classmethod
    def simple(
        cls, currency: str, energy_rate: Decimal, session_fee: Decimal, tax: Tax | None = None, **more: Any
    ) -> Self:
        """A price per kWh and perhaps a fee per session."""
        components = [Component(Kind.ENERGY, energy_rate)]
        if session_fee:
            components.append(Component(Kind.FLAT, session_fee))
        return cls(currency, (Element(tuple(components)),), (tax,) if tax and tax.percent else (), **more)

    @cached_property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @cached_property
    def thresholds(self) -> "Thresholds":
        return Thresholds.of(self)

    @cached_property
    def prices_parking(self) -> bool:
        return self.dearest(Kind.PARKING_TIME) > 0

    def dearest(self, kind: Kind) -> Decimal:
        """The highest price of its kind for a car that is there."""
        prices = [
            element.by_kind[kind].price
            for element in self.elements
            if kind in element.by_kind and element.restrictions.reservation is None
        ]
        return max(prices, default=Decimal(0))

    def tax_factor(self, kind: Kind) -> Decimal:
        """What a price of `kind` is multiplied by to have its taxes in it."""
        factor = Decimal(1)
        for tax in () if self.tax_included else self.taxes:
            if tax.covers(kind):
                factor += (factor if tax.is_compound else 1) * tax.percent / 100
        return factor

    @cached_property
    def prices_reservation(self) -> bool:
        return any(element.restrictions.reservation for element in self.elements)

    @cached_property
    def needs_course(self) -> bool:
        """Does the bill depend on more than the energy: on when and how fast it flowed?"""
        rules = [element.restrictions for element in self.elements]
        timed = any(
            component.price and component.kind in (Kind.TIME, Kind.PARKING_TIME)
            for element in self.elements
            for component in element.components
        )
        marks = self.thresholds
        watched = marks.durations or marks.powers or marks.currents
        depends = timed or watched or self.prices_reservation
        return bool(depends or any(rule.has_wall_clock for rule in rules))

    def to_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "currency": self.currency,
            "zone": self.zone,
            "elements": [element.to_json() for element in self.elements],
            "taxes": [tax.to_json() for tax in self.taxes],
            "tax_included": self.tax_included,
            "min_price": None if self.min_price is None else str(self.min_price),
            "max_price": None if self.max_price is None else str(self.max_price),
            "parking_grace": self.parking_grace,
            **({} if self.parking_cap is None else {"parking_cap": str(self.parking_cap)}),
            **({"parking_when_busy": True} if self.parking_when_busy else {}),
        }


@dataclass(frozen=True)
class Thresholds:
    """Where an element may begin or cease to apply, in order, so that between two of them nobody has to look."""

    clock: tuple[time, ...]  # wall clock; empty: no element looks at it
    durations: tuple[timedelta, ...]
    kwh: tuple[Decimal, ...]
    powers: tuple[Decimal, ...]
    currents: tuple[Decimal, ...]

    @classmethod
    def of(cls, tariff: Tariff) -> Self:
        rules = [element.restrictions for element in tariff.elements]

        def named(*names: str) -> list[Any]:
            return sorted({found for rule in rules for name in names if (found := getattr(rule, name))})

        clock = set(named("start_time", "end_time"))
        if any(rule.has_wall_clock for rule in rules):
            clock.add(MIDNIGHT)
        return cls(
            clock=tuple(sorted(clock)),
            durations=tuple(timedelta(seconds=s) for s in named("min_duration", "max_duration")),
            kwh=tuple(named("min_kwh", "max_kwh")),
            powers=tuple(named("min_power", "max_power")),
            currents=tuple(named("min_current", "max_current")),
        )
