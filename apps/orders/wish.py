"""How much a driver wants: energy, minutes or money, and what that would come to. Pure.

"To 80 %" is energy: what the battery still takes, and what is lost on the way into it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal

from apps.discovery.models import Offer
from apps.lib.money import round_money
from apps.pricing import Bill, Forecast, meter_for, seconds_for, to_amount

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
    own: Forecast | None = None  # of ordered minutes, what a car takes that is slower than the plug


def says_units(offer: Offer, wish: Wish) -> bool:
    """Did this operator tell that it reads the unit of this wish?"""
    return {"TIME": "time", "MONEY": "money"}.get(wish.by) in offer.sells_by


def estimate(
    offer: Offer,
    wish: Wish,
    *,
    now: datetime,
    power_kw: Decimal | None = None,
    is_reserved: bool = False,
) -> Estimate | None:
    """As an operator of this software quotes it, to the cent. None when the operator published too little to tell.

    `now`: when it begins. `power_kw`: what car and plug have in common. Whoever reads minutes and money quotes them at
    the power of its plug; others are asked for the energy that this car takes.
    """
    rules, power_kw = offer.rules, power_kw or offer.max_kw
    if rules is None or not rules.currency or (wish.minutes is not None and not power_kw):
        return None
    quoted_kw = power_kw if wish.by != "ENERGY" and not says_units(offer, wish) else offer.max_kw
    when = {"now": now, "is_reserved": is_reserved}
    # Without a power only the price of energy can be told, which time does not change.
    found = forecast(offer, wish, power_kw=quoted_kw or power_kw or Decimal(50), **when)
    seconds = found.seconds if wish.minutes is not None or not power_kw else seconds_for(found.kwh, power_kw)
    minutes = -(-seconds // 60) if power_kw else None
    is_slower = wish.minutes is not None and quoted_kw and power_kw < quoted_kw
    own = forecast(offer, wish, power_kw=power_kw, **when) if is_slower else None
    return Estimate(found.kwh, minutes, found.bill.total, found.bill, rules.currency, own)


def forecast(
    offer: Offer, wish: Wish, *, now: datetime, power_kw: Decimal, is_reserved: bool = False
) -> Forecast:
    """A reserved time at its fee, and without minutes: who comes when it begins pays none."""
    rules = offer.rules
    meter = meter_for(rules, now, timedelta(0) if is_reserved else None)
    money = None if wish.amount is None else round_money(wish.amount, rules.currency)
    return to_amount(meter, plug_kw=power_kw, kwh=wish.energy_kwh, minutes=wish.minutes, money=money)
