"""How figures and instants are written on pages, in mails and on paper, in the language that is active."""

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext

from apps.lib.money import format_money


def money(amount: Decimal | None, currency: str = "INR") -> str:
    return "–" if amount is None else format_money(amount, currency)


def decimals(value: Decimal | None, digits: int = 1) -> str:
    """12.4; an en dash where there is no value."""
    if value is None:
        return "–"
    rounded = value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)  # number_format would cut
    return number_format(rounded, digits)


def whole_or_tenth(value: Decimal | None) -> str:
    """60 stays 60, 7.4 stays 7.4: for powers and distances."""
    if value is None:
        return "–"
    return decimals(value, 0 if value == value.to_integral_value() else 1)


def meter(reading_wh: str) -> str:
    """A register as the operator told it, in Wh: '2,899.171 kWh'. What is no number stays as it was told."""
    if not reading_wh.isdecimal():
        return reading_wh or "–"
    return f"{decimals(Decimal(reading_wh) / 1000, 3)} kWh"


def duration(span: timedelta | None) -> str:
    """'8 min', '1 h 05 min', '40 s'."""
    if span is None:
        return "–"
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return gettext("{} s").format(seconds)
    hours, minutes = divmod(seconds // 60, 60)
    return gettext("{} h {:02} min").format(hours, minutes) if hours else gettext("{} min").format(minutes)


def day_and_time(instant: datetime | None, zone: str = "UTC") -> str:
    """'22 November 2026, 14:02 IST'."""
    if instant is None:
        return "–"
    there = local(instant, zone)
    return f"{date_format(there, 'DATE_FORMAT')}, {there:%H:%M %Z}"


def short_day_and_time(local: datetime) -> str:
    """'22 Nov, 14:02 IST', of a time that is in its station's zone already (|date would turn it into UTC)."""
    return f"{date_format(local, 'j M')}, {local:%H:%M %Z}"


def local(instant: datetime, zone: str) -> datetime:
    return instant.astimezone(ZoneInfo(zone))
