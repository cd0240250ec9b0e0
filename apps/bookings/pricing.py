"""The one bill of a booking: an adapter onto `apps.pricing`, and the words that the network has for its lines (law 1).

A booking freezes the whole tariff as JSON. Before 2026-11-25 that was a price per kWh, a fee and one tax; such rows are
read for as long as there are any.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self

from django.utils.text import slugify

from apps import pricing
from apps.lib.money import round_money
from apps.pricing import Kind, LineKind, Tax

ENERGY_COST = "energy-cost"
SERVICE_CHARGE = "service-charge"
CANCELLATION_FEE = "cancellation-fee"
# Titles of fact sheet 6.6, and two of our own.
TITLES = {
    LineKind.ENERGY: ENERGY_COST,
    LineKind.TIME: "time-cost",
    LineKind.PARKING_TIME: "idle-fee",
    LineKind.FLAT: SERVICE_CHARGE,
    LineKind.RESERVATION: "reservation-fee",
    LineKind.PARKING_CAP: "idle-fee-discount",
    LineKind.MINIMUM: "minimum-price",
    LineKind.MAXIMUM: "discount",
}


@dataclass(frozen=True)
class Line:
    """`kwh`: of an energy line. `facts`: which element of the tariff it is from, when, how much."""

    title: str
    amount: Decimal
    kwh: Decimal | None = None
    facts: dict[str, Any] = field(default_factory=dict, compare=False)

    def to_json(self) -> dict[str, Any]:
        said = {"title": self.title, "amount": str(self.amount), **self.facts}
        return said if self.kwh is None else {**said, "kwh": str(self.kwh)}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Self:
        facts = {name: value for name, value in kept.items() if name not in ("title", "amount", "kwh")}
        kwh = Decimal(kept["kwh"]) if "kwh" in kept else None
        return cls(kept["title"], Decimal(kept["amount"]), kwh, facts)


@dataclass(frozen=True)
class Bill:
    lines: tuple[Line, ...]
    total: Decimal
    currency: str

    def lines_json(self) -> list[dict[str, Any]]:
        return [line.to_json() for line in self.lines]

    @classmethod
    def from_json(cls, lines: list[dict[str, Any]], currency: str) -> Self:
        return cls.of(tuple(Line.from_json(line) for line in lines), currency)

    @classmethod
    def of(cls, lines: tuple[Line, ...], currency: str) -> Self:
        nothing = round_money(Decimal(0), currency)
        return cls(lines, sum((line.amount for line in lines), start=nothing), currency)


def read_rules(kept: dict[str, Any]) -> pricing.Tariff:
    """The tariff frozen with a booking, in its form of then or of now."""
    if "elements" in kept:
        return pricing.read_tariff(kept)
    return pricing.Tariff.simple(
        kept["currency"],
        Decimal(kept["energy_rate"]),
        Decimal(kept["session_fee"]),
        Tax(kept["tax_name"], Decimal(kept["tax_percent"])),
        version=kept["version"],
    )


def worded(bill: pricing.Bill) -> Bill:
    """The engine's bill in the words of the network. Without any energy it still says that there was none."""
    lines = tuple(_line(line) for line in bill.lines)
    if not lines:
        lines = (Line(ENERGY_COST, round_money(Decimal(0), bill.currency)),)
    return Bill.of(lines, bill.currency)


def _line(line: pricing.Line) -> Line:
    if line.kind == LineKind.TAX:
        return Line(tax_title(line.name), line.amount, facts={"percent": str(line.percent)})
    title = TITLES[line.kind]
    if line.element is None:
        return Line(title, line.amount)
    facts = {
        "element": line.element,
        "price": str(line.price),
        "measured": str(line.measured),
        "billed": str(line.billed),
        "step": line.step,
        "from": line.begins_at.isoformat(),
        "to": line.ends_at.isoformat(),
    }
    return Line(title, line.amount, line.billed if line.component == Kind.ENERGY else None, facts)


def cancellation_bill(quoted: Decimal, fee_percent: Decimal, currency: str) -> Bill:
    """What leaving costs: a share of the quoted total, tax included, as the terms said."""
    return Bill.of((Line(CANCELLATION_FEE, round_money(quoted * fee_percent / 100, currency)),), currency)


def tax_title(tax_name: str) -> str:
    """'GST' → 'gst', 'Sales tax' → 'sales-tax'."""
    return slugify(tax_name) or "tax"


def price_per_kwh(rules: pricing.Tariff) -> Decimal:
    """What an app that reads one price per kWh is told: the dearest."""
    return rules.dearest(Kind.ENERGY)


def stepped_words(line: Line) -> str:
    """'38 min billed as 40 (steps of 5 min)' (AT-F4); in the language of the network."""
    facts = line.facts
    if facts.get("measured") == facts.get("billed"):
        return ""
    step, measured, billed = (Decimal(facts[name]) for name in ("step", "measured", "billed"))
    if line.kwh is not None:
        return f"{_plain(measured)} kWh billed as {_plain(billed)} (steps of {_plain(step / 1000)} kWh)"
    return f"{_plain(measured / 60)} min billed as {_plain(billed / 60)} (steps of {_plain(step / 60)} min)"


def _plain(figure: Decimal) -> str:
    return f"{round(figure, 2).normalize():f}"
