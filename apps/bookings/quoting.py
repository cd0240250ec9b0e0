"""From what was asked, by energy, time or money, to what is promised and what it costs. Pure."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from apps.bookings.amounts import MOST_KWH
from apps.bookings.models import Booking
from apps.bookings.pricing import worded
from apps.bookings.reading import Choice
from apps.lib.errors import Refused
from apps.pricing import Forecast, Tariff, for_kwh, for_minutes, for_money

By = Booking.OrderedBy
# Where time costs, an order by energy is quoted for a car that takes half of what the plug gives. The quote is a
# ceiling: a faster car pays less, a slower one stops when it is used up.
USUAL_SHARE = Decimal("0.5")


def ordered(rules: Tariff, choice: Choice, max_kw: Decimal, now: datetime) -> dict[str, Any]:
    """The columns of a booking that say what was ordered and quoted."""
    forecast = _forecast(rules, choice, max_kw, now)
    bill = worded(forecast.bill)
    return {
        "ordered_by": choice.ordered_by,
        "ordered_kwh": forecast.kwh,
        "ordered_minutes": choice.minutes,
        "ordered_amount": choice.money,
        "quote_lines": bill.lines_json(),
        "quote_total": bill.total,
    }


def _forecast(rules: Tariff, choice: Choice, max_kw: Decimal, now: datetime) -> Forecast:
    begins_at = choice.starts_at or now
    if choice.minutes is not None:
        found = for_minutes(rules, choice.minutes, power_kw=max_kw, begins_at=begins_at)
        return (
            found if found.kwh <= MOST_KWH else for_kwh(rules, MOST_KWH, power_kw=max_kw, begins_at=begins_at)
        )
    if choice.money is not None:
        return _for_money(rules, choice, max_kw, begins_at)
    power_kw = max_kw * USUAL_SHARE if rules.needs_course else max_kw
    return for_kwh(rules, choice.energy_kwh, power_kw=power_kw, begins_at=begins_at)


def _for_money(rules: Tariff, choice: Choice, max_kw: Decimal, begins_at: datetime) -> Forecast:
    if choice.currency not in ("", rules.currency):
        raise Refused(_("This operator sells in %s.") % rules.currency, code="40002")
    found = for_money(rules, choice.money, power_kw=max_kw, begins_at=begins_at, most_kwh=MOST_KWH)
    if found.kwh <= 0:
        raise Refused(_("This amount buys no energy here. Please order more."), code="40002")
    return found


def is_same_amount(booking: Booking, choice: Choice) -> bool:
    """Repeated in its own words, or in the energy that we had answered."""
    if choice.ordered_by == By.ENERGY:
        return booking.ordered_kwh == choice.energy_kwh
    same = (booking.ordered_minutes, booking.ordered_amount) == (choice.minutes, choice.money)
    return booking.ordered_by == choice.ordered_by and same
