"""Opening hours: pure functions over the list that Station.hours holds, in the station's own zone.

Wall time decides, as on the sign at the gate: in the night the clocks go back an open hour is open twice.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Hours = list[dict[str, Any]]

ALL_DAY = ("00:00", "24:00")
EVERY_DAY = [0, 1, 2, 3, 4, 5, 6]
ALWAYS: list[dict[str, Any]] = [{"days": EVERY_DAY, "opens": ALL_DAY[0], "closes": ALL_DAY[1]}]
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


def fault_in_zone(zone: str) -> str | Promise:
    return "" if zone in _zone_names() else _("There is no such time zone. Write it like Asia/Kolkata.")


def fault_in_hours(hours: Any) -> str | Promise:
    """What is wrong with `hours`, in words; empty when it is sound."""
    if not isinstance(hours, list) or len(hours) > 50:
        return _("Opening hours are a list of at most 50 entries.")
    return next((fault for entry in hours if (fault := _fault_in_entry(entry))), "")


def _fault_in_entry(entry: Any) -> str | Promise:
    if not isinstance(entry, dict) or set(entry) != {"days", "opens", "closes"}:
        return _("Each entry of the opening hours has exactly days, opens and closes.")
    days = entry["days"]
    if (
        not isinstance(days, list)
        or not days
        or any(type(day) is not int or day not in EVERY_DAY for day in days)
    ):
        return _("Days are numbers from 0 (Monday) to 6 (Sunday).")
    opens, closes = str(entry["opens"]), str(entry["closes"])
    if not _CLOCK.fullmatch(opens) or not (_CLOCK.fullmatch(closes) or closes == "24:00"):
        return _("Opening times are written like 06:00; a closing time may also be 24:00.")
    return ""


def is_open(hours: Hours, zone: str, at: datetime) -> bool | None:
    """None when the hours are unknown."""
    if not hours:
        return None
    here = at.astimezone(ZoneInfo(zone))
    minute = here.hour * 60 + here.minute
    return any(
        opens <= minute + days_ago * 1440 < closes
        for days_ago in (0, 1)  # a window of today, or one of yesterday that runs past midnight
        for opens, closes in _windows(hours, (here.date() - timedelta(days=days_ago)).weekday())
    )


def next_opening(hours: Hours, zone: str, at: datetime) -> datetime | None:
    """The first opening after `at`, in the station's zone; None when unknown or never."""
    return next((edge for edge in _edges(hours, zone, at, closing=False) if is_open(hours, zone, edge)), None)


def next_closing(hours: Hours, zone: str, at: datetime) -> datetime | None:
    """When a station that is open at `at` closes next, in its zone; None when it is not, or never does."""
    if hours == ALWAYS or not is_open(hours, zone, at):
        return None
    # A window may end where the next begins: that is no closing.
    edges = _edges(hours, zone, at, closing=True)
    return next((edge for edge in edges if not is_open(hours, zone, edge)), None)


def _edges(hours: Hours, zone: str, at: datetime, *, closing: bool) -> list[datetime]:
    """The beginnings, or the ends, of the windows of the week after `at`, in order."""
    today = at.astimezone(ZoneInfo(zone)).date()
    days = [today + timedelta(days=ahead) for ahead in range(-1, 8)]
    instants = {
        instant
        for day in days
        for window in _windows(hours, day.weekday())
        for instant in _instants(day, window[closing], zone)
    }
    # Compared in UTC: Python compares two times of one zone by the wall, wrong in the night of the change.
    return [edge.astimezone(ZoneInfo(zone)) for edge in sorted(instants) if edge > at.astimezone(UTC)]


def _instants(day: date, minute: int, zone: str) -> Iterator[datetime]:
    """That minute since that day's midnight in UTC: twice when the clocks go back over it, and moved behind the jump
    when they jump over it (its other reading lies before the jump, where the station is not open)."""
    day += timedelta(days=minute // 1440)
    wall = datetime(day.year, day.month, day.day, minute // 60 % 24, minute % 60, tzinfo=ZoneInfo(zone))
    yield wall.astimezone(UTC)
    yield wall.replace(fold=1).astimezone(UTC)


def _windows(hours: Hours, weekday: int) -> Iterator[tuple[int, int]]:
    """(opens, closes) in minutes since that day's midnight; closes may be past 1440."""
    for entry in hours:
        if weekday in entry["days"]:
            opens, closes = _minutes(entry["opens"]), _minutes(entry["closes"])
            yield opens, closes if closes > opens else closes + 1440


def _minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def text_of(hours: Hours) -> str:
    """'24 hours daily', 'Mon–Fri 06:00–22:00, Sat 08:00–24:00'; empty when unknown."""
    return ", ".join(
        "24 hours daily" if entry == ALWAYS[0] else f"{_days_text(entry['days'])} {_span_text(entry)}"
        for entry in hours
    )


def _span_text(entry: dict[str, Any]) -> str:
    return f"{entry['opens']}–{entry['closes']}"


def _days_text(days: list[int]) -> str:
    if days == EVERY_DAY:
        return "daily"
    in_a_row = len(days) > 2 and days == list(range(days[0], days[-1] + 1))
    return f"{_NAMES[days[0]]}–{_NAMES[days[-1]]}" if in_a_row else ", ".join(_NAMES[day] for day in days)
