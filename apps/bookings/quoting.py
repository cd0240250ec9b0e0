"""From what was asked, by energy, time or money, to what is promised and what it costs. Pure."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from apps.bookings.models import Booking
from apps.bookings.pricing import worded
from apps.bookings.reading import Choice
from apps.lib.errors import Refused
from apps.pricing import Forecast, Meter, Tariff, meter_for, to_amount

By = Booking.OrderedBy


def ordered(
    rules: Tariff,
    choice: Choice,
    max_kw: Decimal,
    now: datetime,
    *,
    meter: Meter | None = None,
    kept: timedelta | None = None,
) -> dict[str, Any]:
    """The columns of a booking that say what was ordered and quoted.

    `meter`: of a charge that runs, so far. `kept`: the grace of a reserved time.
    """
    forecast = _forecast(meter or meter_for(rules, choice.starts_at or now, kept), choice, max_kw)
    bill = worded(forecast.bill)
    return {
        "ordered_by": choice.ordered_by,
        "ordered_kwh": forecast.kwh,
        "ordered_minutes": choice.minutes,
        "ordered_amount": choice.money,
        "quote_lines": bill.lines_json(),
        "quote_total": bill.total,
    }


def _forecast(meter: Meter, choice: Choice, max_kw: Decimal) -> Forecast:
    currency = meter.tariff.currency
    if choice.money is not None and choice.currency not in ("", currency):
        raise Refused(_("This operator sells in %s.") % currency, code="40002")
    asked = {"kwh": choice.energy_kwh, "minutes": choice.minutes, "money": choice.money}
    found = to_amount(meter, plug_kw=max_kw, **asked)
    if choice.money is not None and found.kwh <= 0:
        raise Refused(_("This amount buys no energy here. Please order more."), code="40002")
    return found


def is_same_amount(booking: Booking, choice: Choice) -> bool:
    """Repeated in its own words, or in the energy that we had answered."""
    if choice.ordered_by == By.ENERGY:
        return booking.ordered_kwh == choice.energy_kwh
    same = (booking.ordered_minutes, booking.ordered_amount) == (choice.minutes, choice.money)
    return booking.ordered_by == choice.ordered_by and same
