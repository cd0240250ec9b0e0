"""How much a driver wants: energy, minutes or money, and what that would come to. Pure.

"To 80 %" is energy: what the battery still takes, and what is lost on the way into it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal

from apps.discovery.models import Offer
from apps.lib.money import round_money
from apps.pricing import Bill, Forecast, for_kwh, for_minutes, for_money, quoted_power, seconds_for

MOST_KWH = Decimal(100)
TO_PERCENT = 80
# Of ten kWh that the meter counts about nine arrive in the battery.
ARRIVES = Decimal("0.9")


@dataclass(frozen=True)
class Wish:
    """Exactly one of the three. `from_percent`: the energy was worked out from what the car shows."""

    energy_kwh: Decimal | None = None
    minutes: int | None = None
    amount: Decimal | None = None
    from_percent: int | None = None

    @property
    def by(self) -> str:
        if self.minutes is not None:
            return "TIME"
        return "ENERGY" if self.amount is None else "MONEY"


def to_eighty(battery_kwh: Decimal, from_percent: int) -> Decimal:
    """The energy that takes the battery from `from_percent` to 80 %, in tenths of a kWh and never too little."""
    missing = battery_kwh * (TO_PERCENT - from_percent) / 100 / ARRIVES
    return missing.quantize(Decimal("0.1"), rounding=ROUND_CEILING)


@dataclass(frozen=True)
class Estimate:
    """What the operator's quote will be like. It decides; this only sets expectations."""

    kwh: Decimal
    minutes: int | None  # never shorter in truth; None when nobody told a power
    total: Decimal
    lines: Bill
    currency: str


def estimate(
    offer: Offer,
    wish: Wish,
    *,
    now: datetime,
    power_kw: Decimal | None = None,
    is_reserved: bool = False,
) -> Estimate | None:
    """At the power that car and plug have in common. None when the operator published too little to tell.

    Energy is priced as an operator of this software quotes it, so that the preview is the quote. `now`: when it begins.
    """
    power_kw = power_kw or offer.max_kw
    rules = offer.rules
    if rules is None or not rules.currency or (wish.minutes is not None and not power_kw):
        return None
    # Without a power only the price of energy can be told, which time does not change.
    found = forecast(offer, wish, now=now, power_kw=power_kw or Decimal(50), is_reserved=is_reserved)
    kwh, seconds = found.kwh, found.seconds
    if wish.energy_kwh is not None and power_kw:
        seconds = seconds_for(kwh, power_kw)
    minutes = -(-seconds // 60) if power_kw else None
    return Estimate(kwh, minutes, found.bill.total, found.bill, rules.currency)


def forecast(
    offer: Offer, wish: Wish, *, now: datetime, power_kw: Decimal, is_reserved: bool = False
) -> Forecast:
    """A reserved time at its fee, and without minutes: who comes when it begins pays none."""
    rules = offer.rules
    when = {"begins_at": now, "kept": timedelta(0) if is_reserved else None}
    if wish.minutes is not None:
        return for_minutes(rules, wish.minutes, power_kw=power_kw, **when)
    if wish.amount is not None:
        money = round_money(wish.amount, rules.currency)
        return for_money(rules, money, power_kw=power_kw, most_kwh=MOST_KWH, **when)
    quoted_kw = quoted_power(rules, offer.max_kw) if offer.max_kw else power_kw
    return for_kwh(rules, wish.energy_kwh, power_kw=quoted_kw, **when)
