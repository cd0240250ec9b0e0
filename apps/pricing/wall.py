"""The clock on the wall of the station: when does what it says pass one of the marks of a tariff?"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

NEVER = datetime.max.replace(tzinfo=UTC)
DAY = timedelta(days=1)


def next_mark(at: datetime, marks: tuple[time, ...], zone: str) -> datetime:
    """The first instant after `at` at which the wall clock shows one of `marks`, or is put forward or back."""
    if not marks:
        return NEVER
    day = at.astimezone(ZoneInfo(zone)).date()
    for later in range(3):
        found = next((mark for mark in _marks_of(day + later * DAY, marks, zone) if mark > at), None)
        if found:
            return found
    return NEVER


@lru_cache(maxsize=4096)
def _marks_of(day: date, marks: tuple[time, ...], zone: str) -> tuple[datetime, ...]:
    """Too many do no harm: who applies is decided by the wall clock itself at each of them."""
    tz = ZoneInfo(zone)
    walls = [datetime.combine(day, mark, tz) for mark in marks]
    instants = {wall.replace(fold=fold).astimezone(UTC) for wall in walls for fold in (0, 1)}
    return tuple(sorted(instants | _clock_changes(day, tz)))


def _clock_changes(day: date, tz: ZoneInfo) -> set[datetime]:
    begins = datetime.combine(day, time(0), tz).astimezone(UTC)
    ends = datetime.combine(day + DAY, time(0), tz).astimezone(UTC)
    before = _offset(begins, tz)
    if before == _offset(ends, tz):
        return set()
    while ends - begins > timedelta(seconds=1):
        middle = begins + ((ends - begins) / 2 // timedelta(seconds=1)) * timedelta(seconds=1)
        if _offset(middle, tz) == before:
            begins = middle
        else:
            ends = middle
    return {ends}


def _offset(at: datetime, tz: ZoneInfo) -> timedelta | None:
    return at.astimezone(tz).utcoffset()
