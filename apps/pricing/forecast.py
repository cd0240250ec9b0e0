"""Before the charge: what x kWh cost, what m minutes cost, how far an amount of money reaches; at an even power.

A forecast is a meter that was given the readings we expect. What it promises is kept by the same meter's `Limits`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from apps.pricing.bill import Bill
from apps.pricing.meter import price
from apps.pricing.readings import Reading
from apps.pricing.tariff import Tariff

WATT_HOUR = Decimal("0.001")
SECONDS_PER_HOUR = Decimal(3600)


@dataclass(frozen=True)
class Forecast:
    kwh: Decimal
    seconds: int
    bill: Bill


def for_kwh(tariff: Tariff, kwh: Decimal, *, power_kw: Decimal, begins_at: datetime) -> Forecast:
    seconds = seconds_for(kwh, power_kw)
    ends_at = begins_at + timedelta(seconds=seconds)
    return Forecast(kwh, seconds, price(tariff, begins_at, [Reading(ends_at, kwh)]).bill())


def for_minutes(tariff: Tariff, minutes: int, *, power_kw: Decimal, begins_at: datetime) -> Forecast:
    """As much as flows at `power_kw`: a car that takes less pays less."""
    kwh = (power_kw * minutes / 60).quantize(WATT_HOUR, rounding=ROUND_FLOOR)
    ends_at = begins_at + timedelta(minutes=minutes)
    return Forecast(kwh, minutes * 60, price(tariff, begins_at, [Reading(ends_at, kwh)]).bill())


def for_money(
    tariff: Tariff, money: Decimal, *, power_kw: Decimal, begins_at: datetime, most_kwh: Decimal
) -> Forecast:
    """The most energy, to the watt-hour, that does not cost more than `money`, all taxes included.

    No energy at all when not even the first watt-hour is that cheap.
    """

    def cost(wh: int) -> Decimal:
        return for_kwh(tariff, wh * WATT_HOUR, power_kw=power_kw, begins_at=begins_at).bill.total

    low, high = 0, int(most_kwh / WATT_HOUR)
    if cost(high) <= money:
        low = high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if cost(middle) <= money else (low, middle)
    return for_kwh(tariff, low * WATT_HOUR, power_kw=power_kw, begins_at=begins_at)


def seconds_for(kwh: Decimal, power_kw: Decimal) -> int:
    """Whole seconds, never too few."""
    if power_kw <= 0:
        raise ValueError("no energy flows without power")
    return int((kwh * SECONDS_PER_HOUR / power_kw).to_integral_value(ROUND_CEILING))
