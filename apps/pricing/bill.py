"""From what was measured to the lines of a bill. Each line is rounded half-up once; the lines add up to the total."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from typing import Any, NamedTuple, Self

from apps.lib.money import round_money
from apps.pricing.tariff import Component, Kind, Tariff, Tax

ZERO, ONE, HUNDRED = Decimal(0), Decimal(1), Decimal(100)
SECONDS_PER_HOUR = Decimal(3600)
PLACES = {kind: place for place, kind in enumerate(Kind)}


class LineKind(StrEnum):
    ENERGY = "ENERGY"
    TIME = "TIME"
    PARKING_TIME = "PARKING_TIME"
    FLAT = "FLAT"
    RESERVATION = "RESERVATION"
    PARKING_CAP = "PARKING_CAP"
    MINIMUM = "MINIMUM"
    MAXIMUM = "MAXIMUM"
    TAX = "TAX"


LINE_KINDS = {kind: LineKind(kind.value) for kind in Kind}


class Key(NamedTuple):
    """Which component of the tariff a volume belongs to."""

    element: int
    kind: Kind


class Stretch(NamedTuple):
    """How much of one component was used, from when to when, and in how many pieces."""

    volume: Decimal  # kWh, seconds, or sessions
    begins_at: datetime
    ends_at: datetime
    pieces: int = 1

    def then(self, later: "Stretch") -> "Stretch":
        pieces = self.pieces + (later.begins_at != self.ends_at)
        return Stretch(self.volume + later.volume, self.begins_at, later.ends_at, pieces)

    def to_json(self) -> list[Any]:
        return [str(self.volume), self.begins_at.isoformat(), self.ends_at.isoformat(), self.pieces]

    @classmethod
    def from_json(cls, kept: list[Any]) -> Self:
        volume, begins_at, ends_at, pieces = kept
        moments = datetime.fromisoformat(begins_at), datetime.fromisoformat(ends_at)
        return cls(Decimal(volume), *moments, pieces)


class Line(NamedTuple):
    """`measured` and `billed` in kWh, seconds or sessions; they differ by the step. A tax names its percentage."""

    kind: LineKind
    amount: Decimal
    element: int | None = None
    component: Kind | None = None
    measured: Decimal | None = None
    billed: Decimal | None = None
    price: Decimal | None = None
    step: int = 0
    begins_at: datetime | None = None
    ends_at: datetime | None = None
    pieces: int = 1
    name: str = ""
    percent: Decimal | None = None

    @property
    def is_stepped(self) -> bool:
        return self.measured != self.billed


class TaxShare(NamedTuple):
    """How much of the total is this tax: a line of its own when it comes on top, else contained in the others."""

    name: str
    percent: Decimal
    amount: Decimal
    is_included: bool


@dataclass(frozen=True)
class Bill:
    currency: str
    lines: tuple[Line, ...]
    taxes: tuple[TaxShare, ...]
    total: Decimal


def make(tariff: Tariff, used: Mapping[Key, Stretch], last: Mapping[Kind, Key], *, delivered: bool) -> Bill:
    """`last`: which component of each kind was used last; it carries the rounding to its step.

    Nothing delivered costs nothing, but for a reservation.
    """
    counted = {key: stretch for key, stretch in used.items() if delivered or _is_reserved(tariff, key)}
    extras = _steps_missing(tariff, counted, last)
    lines = [_line(tariff, key, counted[key], extras.get(key, ZERO)) for key in sorted(counted, key=_place)]
    lines = [line for line in lines if line.amount or line.component is Kind.ENERGY]
    lines += _parking_cap(tariff, lines)
    lines += _bounds(tariff, lines, delivered=delivered)
    shares = tuple(_included(tariff, lines) if tariff.tax_included else _on_top(tariff, lines))
    if not tariff.tax_included:
        lines += [
            Line(LineKind.TAX, share.amount, name=share.name, percent=share.percent) for share in shares
        ]
    return Bill(tariff.currency, tuple(lines), shares, _sum(tariff, lines))


def _place(key: Key) -> tuple[int, int]:
    return PLACES[key.kind], key.element


def _is_reserved(tariff: Tariff, key: Key) -> bool:
    return tariff.elements[key.element].restrictions.reservation is not None


def _line(tariff: Tariff, key: Key, stretch: Stretch, extra: Decimal) -> Line:
    component = tariff.elements[key.element].by_kind[key.kind]
    billed = stretch.volume + extra
    return Line(
        LineKind.RESERVATION if _is_reserved(tariff, key) else LINE_KINDS[key.kind],
        round_money(_cost(component, billed), tariff.currency),
        element=key.element,
        component=key.kind,
        measured=stretch.volume,
        billed=billed,
        price=component.price,
        step=component.step,
        begins_at=stretch.begins_at,
        ends_at=stretch.ends_at,
        pieces=stretch.pieces,
    )


def _steps_missing(
    tariff: Tariff, used: Mapping[Key, Stretch], last: Mapping[Kind, Key]
) -> dict[Key, Decimal]:
    """What rounds the whole of each kind up to the step of the component that was used last, which pays for it.

    OCPI: where charging and parking are both billed by time, only the parking is rounded.
    """
    parking = last.get(Kind.PARKING_TIME)
    is_parking_billed = parking in used and tariff.elements[parking.element].by_kind[parking.kind].price
    missing = {}
    for kind, key in last.items():
        component = tariff.elements[key.element].by_kind[kind]
        if component.step and key in used and not (kind is Kind.TIME and is_parking_billed):
            total = sum((stretch.volume for other, stretch in used.items() if other.kind is kind), ZERO)
            step = Decimal(component.step) / (1000 if kind is Kind.ENERGY else 1)
            missing[key] = (total / step).to_integral_value(ROUND_CEILING) * step - total
    return missing


def _cost(component: Component, volume: Decimal) -> Decimal:
    if component.kind is Kind.TIME or component.kind is Kind.PARKING_TIME:
        return component.price * volume / SECONDS_PER_HOUR
    return component.price * volume


def _parking_cap(tariff: Tariff, lines: Iterable[Line]) -> list[Line]:
    """A line of its own too; taxed as the parking that it takes back."""
    parked = sum((line.amount for line in lines if line.component is Kind.PARKING_TIME), ZERO)
    if tariff.parking_cap is None or parked <= (cap := round_money(tariff.parking_cap, tariff.currency)):
        return []
    return [Line(LineKind.PARKING_CAP, cap - parked, component=Kind.PARKING_TIME)]


def most_for_parking(tariff: Tariff) -> Decimal:
    """What parking can cost per charge with its taxes; nothing where no cap says so, or parking is free."""
    if tariff.parking_cap is None or not tariff.prices_parking:
        return round_money(ZERO, tariff.currency)
    return round_money(tariff.parking_cap * tariff.tax_factor(Kind.PARKING_TIME), tariff.currency)


def _bounds(tariff: Tariff, lines: Iterable[Line], *, delivered: bool) -> list[Line]:
    """The floor and the ceiling are lines too, so that everybody sees them at work."""
    so_far = _sum(tariff, lines)
    if tariff.min_price is not None and delivered and so_far < tariff.min_price:
        return [Line(LineKind.MINIMUM, round_money(tariff.min_price, tariff.currency) - so_far)]
    if tariff.max_price is not None and so_far > tariff.max_price:
        return [Line(LineKind.MAXIMUM, round_money(tariff.max_price, tariff.currency) - so_far)]
    return []


def _on_top(tariff: Tariff, lines: Iterable[Line]) -> Iterable[TaxShare]:
    """In the order of the tariff; a compound tax is also on the taxes before it that cover the same lines."""
    before = ZERO
    for tax in tariff.taxes:
        base = sum((line.amount for line in lines if tax.covers(line.component)), ZERO)
        amount = round_money(
            (base + (before if tax.is_compound else ZERO)) * tax.percent / HUNDRED, tariff.currency
        )
        before += amount
        if amount:
            yield TaxShare(tax.name, tax.percent, amount, is_included=False)


def _included(tariff: Tariff, lines: Iterable[Line]) -> Iterable[TaxShare]:
    """What part of the amounts is tax. The lines stay as they are: they are what the driver was told."""
    amounts = [ZERO] * len(tariff.taxes)
    for line in lines:
        rates = _rates(tariff.taxes, line.component)
        net = line.amount / (ONE + sum(rates, ZERO))
        amounts = [so_far + net * rate for so_far, rate in zip(amounts, rates, strict=True)]
    for tax, amount in zip(tariff.taxes, amounts, strict=True):
        if rounded := round_money(amount, tariff.currency):
            yield TaxShare(tax.name, tax.percent, rounded, is_included=True)


def _rates(taxes: tuple[Tax, ...], kind: Kind | None) -> list[Decimal]:
    """Each tax as a share of the net price."""
    rates: list[Decimal] = []
    for tax in taxes:
        base = ONE + (sum(rates, ZERO) if tax.is_compound else ZERO)
        rates.append(base * tax.percent / HUNDRED if tax.covers(kind) else ZERO)
    return rates


def _sum(tariff: Tariff, lines: Iterable[Line]) -> Decimal:
    return sum((line.amount for line in lines), start=round_money(ZERO, tariff.currency))
