"""Opening hours out of English free text. What is not understood entirely is left unknown, never guessed."""

import re
from collections.abc import Iterator

from apps.catalog.hours import ALL_DAY, EVERY_DAY, Hours, fault_in_hours

_DAYS = {
    **{name: day for day, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))},
    **{"m": 0, "tu": 1, "w": 2, "th": 3, "f": 4, "tues": 1, "wednes": 2, "thur": 3, "thurs": 3, "satur": 5},
}
_DAY = "|".join(sorted((f"{name}(?:day)?" for name in _DAYS), key=len, reverse=True))
_DAY_LIST = rf"(?:daily|weekdays|(?:{_DAY})(?:\s*(?:-|to|and|&)\s*(?:{_DAY}))*)"
_TIME = r"\d{1,2}(?::\d{2})?\s*[ap]\.?m\.?|\d{2}:\d{2}|noon|midnight"
_SPAN = rf"(?:24 hours|24/7|(?P<opens>{_TIME})\s*(?:-|–|to)\s*(?P<closes>{_TIME}))"
_SPAN_THEN_DAYS = re.compile(rf"{_SPAN}(?:\s+(?P<days>{_DAY_LIST}))?", re.IGNORECASE)
_DAYS_THEN_SPAN = re.compile(rf"(?P<days>{_DAY_LIST})\s*:?\s*{_SPAN}", re.IGNORECASE)
_LOOKS_LIKE_TIME = re.compile(
    r"\d\s*[ap]\.?m\b|\d:\d|24 hours|\bvar(?:y|ies)\b|season|dawn|dusk", re.IGNORECASE
)


def read_hours(text: str) -> Hours:
    """'24 hours daily', '6am-10pm M-F, 8am-5pm Sat', 'MON: 6:00am - 9:00pm; …' → hours; [] when unsure."""
    spans: dict[int, list[tuple[str, str]]] = {}
    waiting: list[tuple[str, str]] = []  # '9am-2pm, 4pm-9pm daily': the days follow later
    for clause in re.split(r"[;,]|(?<!\.m)\.\s", text):
        read = _read_clause(clause.strip().rstrip("."))
        if read is None and _LOOKS_LIKE_TIME.search(clause):
            return []
        if read is None:
            continue
        days, span = read
        waiting.append(span)
        for day in days:
            spans.setdefault(day, []).extend(waiting)
        waiting = [] if days else waiting
    return [] if waiting else grouped(spans)


def _read_clause(clause: str) -> tuple[list[int], tuple[str, str]] | None:
    match = _SPAN_THEN_DAYS.fullmatch(clause) or _DAYS_THEN_SPAN.fullmatch(clause)
    if not match:
        return None
    if match["opens"]:
        opens, closes = _clock(match["opens"]), _clock(match["closes"])
        closes = "24:00" if closes in ("00:00", "23:59") else closes
        span = (opens, closes)
    else:
        span = ALL_DAY
    around_the_clock = clause.lower() == "24/7"
    return (EVERY_DAY if around_the_clock else list(_days(match["days"] or ""))), span


def _days(text: str) -> Iterator[int]:
    text = text.lower().replace("day", "") if text.lower() not in ("daily", "weekdays") else text.lower()
    if text in ("daily", "weekdays"):
        yield from EVERY_DAY if text == "daily" else EVERY_DAY[:5]
        return
    for part in re.split(r"\s*(?:and|&)\s*", text):
        ends = [_DAYS[name.strip()] for name in re.split(r"-|to", part) if name.strip()]
        for first, last in zip(ends[:1], ends[-1:], strict=True):
            yield from ((first + step) % 7 for step in range((last - first) % 7 + 1))


def _clock(text: str) -> str:
    """'6am' → '06:00', '12am' → '00:00', '12:30 p.m.' → '12:30', '18:00' → '18:00'."""
    cleaned = {"noon": "12pm", "midnight": "12am"}.get(text.lower(), text.lower())
    hour, minute = [*re.findall(r"\d+", cleaned), "0"][:2]
    afternoon, half_day = "p" in cleaned, "a" in cleaned or "p" in cleaned
    if half_day and not 1 <= int(hour) <= 12:
        return "no such time"  # which no opening hours take
    number = int(hour) % 12 + (12 if afternoon else 0) if half_day else int(hour)
    return f"{number:02d}:{int(minute):02d}"


def grouped(spans: dict[int, list[tuple[str, str]]]) -> Hours:
    """One entry for all days with the same span."""
    days: dict[tuple[str, str], list[int]] = {}
    for day in sorted(spans):
        for span in dict.fromkeys(spans[day]):
            days.setdefault(span, []).append(day)
    hours = [{"days": on, "opens": opens, "closes": closes} for (opens, closes), on in days.items()]
    return [] if fault_in_hours(hours) else hours
