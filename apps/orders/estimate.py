"""What an offer would cost, for the ask page. The operator's quote decides; this only sets expectations."""

from dataclasses import dataclass
from decimal import Decimal

from apps.discovery.models import Offer
from apps.lib.money import round_money


@dataclass(frozen=True)
class Estimate:
    energy: Decimal
    fee: Decimal
    tax: Decimal
    total: Decimal
    currency: str
    minutes: int | None  # at full power, so never shorter in truth


def estimate(offer: Offer, energy_kwh: Decimal) -> Estimate | None:
    """None when the operator published no price."""
    if offer.energy_rate is None or not offer.currency:
        return None
    energy = round_money(offer.energy_rate * energy_kwh, offer.currency)
    fee = round_money(offer.session_fee or Decimal(0), offer.currency)
    tax = round_money((energy + fee) * (offer.tax_percent or Decimal(0)) / 100, offer.currency)
    minutes = int(energy_kwh * 60 / offer.max_kw) + 1 if offer.max_kw else None
    return Estimate(energy, fee, tax, energy + fee + tax, offer.currency, minutes)
