"""Instants and durations. Stored and sent in UTC; shown in the station's zone."""

import re
from datetime import UTC, datetime, timedelta

_DURATION = re.compile(
    r"^P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T?(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)(?:\.\d+)?S)?)?$"
)


def now() -> datetime:
    return datetime.now(UTC)


def utc_text(instant: datetime) -> str:
    """RFC 3339 in UTC with milliseconds and Z, as fact sheet 1.3 wants it."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_instant(text: str) -> datetime:
    """RFC 3339 with any offset; without an offset it is UTC. Raises ValueError."""
    instant = datetime.fromisoformat(text.strip().replace("Z", "+00:00").replace("z", "+00:00"))
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def read_duration(text: str) -> timedelta:
    """ISO 8601 of weeks, days, hours, minutes, seconds ('PT15M', 'P5D', the stray '15S'). Raises ValueError."""
    cleaned = text.strip().upper()
    match = _DURATION.match(cleaned if cleaned.startswith("P") else f"PT{cleaned}")
    if not match or not any(match.groupdict().values()):
        raise ValueError(f"not a duration: {text!r}")
    return timedelta(**{unit: int(count) for unit, count in match.groupdict().items() if count})


def duration_text(duration: timedelta) -> str:
    """'PT30S', 'PT15M', 'P5D'."""
    seconds = int(duration.total_seconds())
    if seconds and seconds % 86_400 == 0:
        return f"P{seconds // 86_400}D"
    if seconds and seconds % 60 == 0:
        return f"PT{seconds // 60}M"
    return f"PT{seconds}S"
