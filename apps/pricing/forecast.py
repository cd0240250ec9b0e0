"""Before the charge: what x kWh cost, what m minutes cost, how far an amount of money reaches; at an even power.

A forecast is a meter that was given the readings we expect. What it promises is kept by the same meter's `Limits`.
"""

from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from apps.pricing.bill import Bill
from apps.pricing.meter import MICROSECONDS_PER_HOUR, Meter
from apps.pricing.readings import MICROSECOND, Phase, Reading
from apps.pricing.tariff import Tariff

# Where time costs, energy is quoted for a car that takes half of what the plug gives. The quote is a ceiling: a faster
# car pays less, a slower one stops when it is used up.
USUAL_SHARE = Decimal("0.5")
MOST_KWH = Decimal(200)  # in one order, however it is said
WATT_HOUR = Decimal("0.001")
SECONDS_PER_HOUR = Decimal(3600)


@dataclass(frozen=True)
class Forecast:
    kwh: Decimal
    seconds: int
    bill: Bill


def quoted_power(tariff: Tariff, plug_kw: Decimal) -> Decimal:
    """At which an order by energy is quoted."""
    return plug_kw * USUAL_SHARE if tariff.needs_course else plug_kw


def meter_for(tariff: Tariff, begins_at: datetime, kept: timedelta | None = None) -> Meter:
    """As a charge begins. `kept`: of a reserved time, how long it is kept and paid for before its use, at most."""
    if kept is None:
        return Meter(tariff, begins_at)
    meter = Meter(tariff, begins_at - kept)
    meter.read(Reading(begins_at, Decimal(0), Phase.RESERVED))
    return meter


def for_kwh(
    tariff: Tariff, kwh: Decimal, *, power_kw: Decimal, begins_at: datetime, kept: timedelta | None = None
) -> Forecast:
    return to_kwh(meter_for(tariff, begins_at, kept), kwh, power_kw=power_kw)


def for_minutes(
    tariff: Tariff, minutes: int, *, power_kw: Decimal, begins_at: datetime, kept: timedelta | None = None
) -> Forecast:
    """As much as flows at `power_kw`: a car that takes less pays less."""
    return to_minutes(meter_for(tariff, begins_at, kept), minutes, power_kw=power_kw)


def for_money(
    tariff: Tariff,
    money: Decimal,
    *,
    power_kw: Decimal,
    begins_at: datetime,
    most_kwh: Decimal,
    kept: timedelta | None = None,
) -> Forecast:
    """The most energy, to the watt-hour, that does not cost more than `money`, all taxes included.

    No energy at all when not even the first watt-hour is that cheap.
    """
    return to_money(meter_for(tariff, begins_at, kept), money, power_kw=power_kw, most_kwh=most_kwh)


# --- The same from where a charge stands already. All figures count from its beginning. -----------------------


def to_kwh(meter: Meter, kwh: Decimal, *, power_kw: Decimal) -> Forecast:
    return _at(meter, meter.at + timedelta(seconds=seconds_for(kwh - meter.kwh, power_kw)), kwh)


def to_minutes(meter: Meter, minutes: int, *, power_kw: Decimal) -> Forecast:
    ends_at = meter.charge_began_at + timedelta(minutes=minutes)
    left = Decimal((ends_at - meter.at) // MICROSECOND) / MICROSECONDS_PER_HOUR
    return _at(meter, ends_at, meter.kwh + (power_kw * left).quantize(WATT_HOUR, rounding=ROUND_FLOOR))


def to_money(meter: Meter, money: Decimal, *, power_kw: Decimal, most_kwh: Decimal) -> Forecast:
    def reached(wh: int) -> Forecast:
        return to_kwh(meter, max(wh * WATT_HOUR, meter.kwh), power_kw=power_kw)

    low, high = int(meter.kwh / WATT_HOUR), int(most_kwh / WATT_HOUR)
    if reached(high).bill.total <= money:
        low = high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if reached(middle).bill.total <= money else (low, middle)
    return reached(low)


def to_amount(
    meter: Meter, *, plug_kw: Decimal, kwh: Decimal | None, minutes: int | None, money: Decimal | None
) -> Forecast:
    """One of the three as it is quoted at a plug. Both sides ask here, so that the preview is the quote."""
    if minutes is not None:
        found = to_minutes(meter, minutes, power_kw=plug_kw)
        return found if found.kwh <= MOST_KWH else to_kwh(meter, MOST_KWH, power_kw=plug_kw)
    if money is not None:
        return to_money(meter, money, power_kw=plug_kw, most_kwh=MOST_KWH)
    if kwh is None:
        raise ValueError("an amount is energy, time or money")
    return to_kwh(meter, kwh, power_kw=quoted_power(meter.tariff, plug_kw))


def _at(meter: Meter, at: datetime, kwh: Decimal) -> Forecast:
    later = copy(meter)
    later.read(Reading(at, kwh))
    return Forecast(kwh, int((at - meter.charge_began_at).total_seconds()), later.bill())


def seconds_for(kwh: Decimal, power_kw: Decimal) -> int:
    """Whole seconds, never too few."""
    if power_kw <= 0:
        raise ValueError("no energy flows without power")
    return int((kwh * SECONDS_PER_HOUR / power_kw).to_integral_value(ROUND_CEILING))
