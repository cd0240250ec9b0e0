"""What a charge at an offer costs, as far as the operator told: the same arithmetic that will make the quote."""

from dataclasses import dataclass
from decimal import Decimal

from django.utils.formats import number_format

from apps.discovery.models import TYPICAL_KWH, Offer
from apps.lib.money import round_money


@dataclass(frozen=True)
class TypicalPrice:
    """`rate` and `amount` include the tax when `tax_percent` is known, otherwise they are as told."""

    currency: str
    rate: Decimal  # per kWh
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


def typical_price(offer: Offer, energy_kwh: int = TYPICAL_KWH) -> TypicalPrice | None:
    """None when the operator named no price per kWh."""
    if offer.energy_rate is None or not offer.currency:
        return None
    currency, percent = offer.currency, offer.tax_percent
    with_tax = 1 + (percent or Decimal(0)) / 100
    fee = offer.session_fee or Decimal(0)
    # One rounding per line, as on the quote.
    energy_line = round_money(offer.energy_rate * energy_kwh, currency)
    fee_line = round_money(fee, currency)
    tax_line = round_money((energy_line + fee_line) * (with_tax - 1), currency)
    return TypicalPrice(
        currency=currency,
        rate=round_money(offer.energy_rate * with_tax, currency),
        fee=round_money(fee * with_tax, currency),
        tax_name=offer.tax_name,
        tax_percent=percent,
        energy_kwh=energy_kwh,
        amount=energy_line + fee_line + tax_line,
    )
