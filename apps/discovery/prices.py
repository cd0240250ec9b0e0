"""What a charge at an offer costs, as far as the operator told: the same engine that will make the quote."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.utils.formats import number_format

from apps.discovery.models import TYPICAL_KWH, TYPICAL_MINUTES, Offer
from apps.lib import clock
from apps.lib.money import round_money
from apps.pricing import Kind, Reading, Tariff, price


@dataclass(frozen=True)
class TypicalPrice:
    """`rate` and `amount` include the tax when `tax_percent` is known, otherwise they are as told."""

    currency: str
    rate: Decimal  # per kWh, the dearest
    fee: Decimal  # per charge
    tax_name: str
    tax_percent: Decimal | None
    energy_kwh: int
    amount: Decimal

    @property
    def percent_text(self) -> str:
        """'18', '12.5', '8.875'."""
        return number_format(self.tax_percent.normalize() + 0 if self.tax_percent else 0)

    @property
    def includes_tax(self) -> bool:
        return self.tax_percent is not None


def typical_price(
    offer: Offer,
    energy_kwh: int = TYPICAL_KWH,
    minutes: int = TYPICAL_MINUTES,
    *,
    begins_at: datetime | None = None,
) -> TypicalPrice | None:
    """A charge of so much in so many minutes that begins now. None when the operator named no price per kWh."""
    if offer.energy_rate is None or not offer.currency or offer.rules is None:
        return None
    begins_at = begins_at or clock.now()
    reading = Reading(begins_at + timedelta(minutes=minutes), Decimal(energy_kwh))
    bill = price(offer.rules, begins_at, [reading]).bill()
    percent = offer.tax_percent
    with_tax = 1 + (percent or Decimal(0)) / 100
    return TypicalPrice(
        currency=offer.currency,
        rate=round_money(offer.energy_rate * with_tax, offer.currency),
        fee=round_money((offer.session_fee or Decimal(0)) * with_tax, offer.currency),
        tax_name=offer.tax_name,
        tax_percent=percent,
        energy_kwh=energy_kwh,
        amount=bill.total,
    )


def usual_cents(
    *,
    energy_rate: Decimal | None,
    minute_rate: Decimal | None,
    session_fee: Decimal | None,
    tax_percent: Decimal | None,
) -> int | None:
    """What a charge of the typical size costs at most, in hundredths, line by line as `finding.cost` says it in SQL.

    None when the price per kWh is not given.
    """
    if energy_rate is None:
        return None
    net = _cents(energy_rate * TYPICAL_KWH) + _cents((minute_rate or 0) * TYPICAL_MINUTES)
    net += _cents(session_fee or 0)
    return net + _cents(Decimal(net) / 100 * (tax_percent or 0) / 100)


def _cents(amount: Decimal | int) -> int:
    return int((Decimal(amount) * 100).to_integral_value(ROUND_HALF_UP))


def tax_on_top(tariff: Tariff) -> Decimal:
    """What comes on top of a price per kWh, all taxes together, in percent."""
    if tariff.tax_included:
        return Decimal(0)
    total = Decimal(0)
    for tax in tariff.taxes:
        if tax.covers(Kind.ENERGY):
            total += tax.percent * (1 + total / 100 if tax.is_compound else 1)
    return total


def dearest_minute(tariff: Tariff) -> Decimal:
    """The highest price of a minute of charging."""
    prices = [
        element.by_kind[Kind.TIME].price
        for element in tariff.elements
        if Kind.TIME in element.by_kind and element.restrictions.reservation is None
    ]
    return (max(prices, default=Decimal(0)) / 60).quantize(Decimal("0.0001"))
