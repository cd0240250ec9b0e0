"""The one bill: quote, running total and receipt are `bill` over the same frozen terms (law 1).

Energy and session fee are net. Each line is rounded half-up once, to the currency's minor unit; the tax line is the
percentage of the sum of the *rounded* lines above it: anybody can check a receipt with the figures printed on it.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from django.utils.text import slugify

from apps.lib.money import round_money

ENERGY_COST = "energy-cost"
SERVICE_CHARGE = "service-charge"
CANCELLATION_FEE = "cancellation-fee"


@dataclass(frozen=True)
class TariffTerms:
    """What a tariff version says, frozen into a booking: later versions change nothing for it (AT-F2)."""

    version: str
    currency: str
    energy_rate: Decimal
    session_fee: Decimal
    tax_name: str
    tax_percent: Decimal

    def to_json(self) -> dict[str, str]:
        return {name: str(value) for name, value in vars(self).items()}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Self:
        numbers = {name: Decimal(kept[name]) for name in ("energy_rate", "session_fee", "tax_percent")}
        return cls(version=kept["version"], currency=kept["currency"], tax_name=kept["tax_name"], **numbers)


@dataclass(frozen=True)
class Line:
    title: str  # a title of fact sheet 6.6
    amount: Decimal


@dataclass(frozen=True)
class Bill:
    lines: tuple[Line, ...]
    total: Decimal
    currency: str

    def lines_json(self) -> list[dict[str, str]]:
        return [{"title": line.title, "amount": str(line.amount)} for line in self.lines]

    @classmethod
    def from_json(cls, lines: list[dict[str, str]], currency: str) -> Self:
        return cls._of(tuple(Line(line["title"], Decimal(line["amount"])) for line in lines), currency)

    @classmethod
    def _of(cls, lines: tuple[Line, ...], currency: str) -> Self:
        return cls(
            lines, sum((line.amount for line in lines), start=round_money(Decimal(0), currency)), currency
        )


def bill(terms: TariffTerms, energy_kwh: Decimal) -> Bill:
    """What `energy_kwh` costs. Nothing delivered costs nothing: no session fee either."""
    if energy_kwh <= 0:
        return _bill([(ENERGY_COST, Decimal(0))], terms.currency)
    lines = [(ENERGY_COST, energy_kwh * terms.energy_rate)]
    if terms.session_fee:
        lines.append((SERVICE_CHARGE, terms.session_fee))
    net = _bill(lines, terms.currency)
    if not terms.tax_percent:
        return net
    return _bill([*lines, (tax_title(terms.tax_name), net.total * terms.tax_percent / 100)], terms.currency)


def cancellation_bill(quoted: Decimal, fee_percent: Decimal, currency: str) -> Bill:
    """What leaving costs: a share of the quoted total, tax included, as the terms said."""
    return _bill([(CANCELLATION_FEE, quoted * fee_percent / 100)], currency)


def tax_title(tax_name: str) -> str:
    """'GST' → 'gst', 'Sales tax' → 'sales-tax'."""
    return slugify(tax_name) or "tax"


def _bill(lines: list[tuple[str, Decimal]], currency: str) -> Bill:
    return Bill._of(tuple(Line(title, round_money(amount, currency)) for title, amount in lines), currency)
