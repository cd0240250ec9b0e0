"""The curve of a charge, from the readings the driver was told: for static/js/live.js, as a still picture, as a table.

What is shaded is an interruption: no reading for long, the link lost, or no power while the charge went on.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from apps.lib import clock
from apps.orders import course
from apps.orders.models import Order, ProgressMark
from apps.orders.states import State

GAP_SECONDS = 90  # no point for that long is shaded
MOST_POINTS = 300
TABLE_ROWS = 120
WIDTH, HEIGHT = 600, 176

Row = tuple[datetime, Decimal | None, Decimal | None]
Span = tuple[int, int]


def rows_of(order: Order) -> list[Row]:
    """Time, power in kW, energy in kWh: thinned, with the first and the newest."""
    return thinned(list(order.points.values_list("at", "power_kw", "energy_kwh")), MOST_POINTS)


def thinned(rows: list[Row], most: int) -> list[Row]:
    step = len(rows) // most + 1
    kept = rows[::step]
    return kept if not rows or kept[-1] is rows[-1] else [*kept, rows[-1]]


def columns(rows: list[Row], *, gaps: list[Span], zone: str) -> SafeString:
    """The JSON that static/js/live.js draws. Numbers are written as they are, never through a float."""
    said = {
        "at": json.dumps([int(at.timestamp()) for at, _power, _energy in rows]),
        "power_kw": _numbers(power for _at, power, _energy in rows),
        "energy_kwh": _numbers(energy for _at, _power, energy in rows),
        "gaps": json.dumps(gaps),
        "zone": json.dumps(zone),
    }
    # Only numbers and the checked name of a zone: nothing in here can close the script element.
    return mark_safe("{" + ",".join(f'"{name}":{text}' for name, text in said.items()) + "}")


def _numbers(values) -> str:
    return "[" + ",".join("null" if value is None else f"{value:f}" for value in values) + "]"


# --- Interruptions ----------------------------------------------------------------------------------------


def interruptions(
    order: Order, rows: list[Row], marks: Sequence[ProgressMark], *, until: datetime
) -> list[Span]:
    """In unix seconds, in order, none touching another: what the operator told, and what the readings show."""
    told = [(begin, end) for begin, end in course.interruptions(marks, until)]
    return merged([*told, *silences(rows), *standstills(rows), *_lost_links(order, until)])


def silences(rows: list[Row]) -> list[Span]:
    seconds = [int(at.timestamp()) for at, _power, _energy in rows]
    spread = (seconds[-1] - seconds[0]) // len(seconds) if seconds else 0
    # Of a long charge only some points are left: silence is what is long beside their usual distance.
    silence = max(GAP_SECONDS, 3 * spread)
    return [(earlier, later) for earlier, later in pairwise(seconds) if later - earlier > silence]


def standstills(rows: list[Row]) -> list[Span]:
    """From a reading without power to the next, once power has flowed: a charge begins with nothing."""
    begun = next((place for place, row in enumerate(rows) if row[1]), len(rows))
    return [
        (int(earlier[0].timestamp()), int(later[0].timestamp()))
        for earlier, later in pairwise(rows[begun:])
        if earlier[1] == 0 and later[0] > earlier[0]
    ]


def _lost_links(order: Order, until: datetime) -> list[Span]:
    spans, since = [], None
    for event in order.events.all():
        if event.was == event.now:
            continue
        if event.now == State.INTERRUPTED:
            since = event.at
        elif since:
            spans.append((int(since.timestamp()), int(event.at.timestamp())))
            since = None
    return [*spans, (int(since.timestamp()), int(until.timestamp()))] if since else spans


def merged(spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined


# --- A still picture, where no script draws ---------------------------------------------------------------


@dataclass(frozen=True)
class Picture:
    """Coordinates of an SVG of WIDTH × HEIGHT; `highest` is what its upper edge stands for."""

    lines: list[str]  # one polyline per stretch without a hole
    gaps: list[tuple[int, int]]  # left edge and width
    highest: Decimal
    width: int = WIDTH
    height: int = HEIGHT


def picture(rows: list[Row], gaps: list[Span], *, column: int = 1) -> Picture | None:
    """Of power (1) or energy (2); None while there is nothing to see."""
    told = [(int(row[0].timestamp()), row[column]) for row in rows]
    values = [value for _at, value in told if value is not None]
    if len(values) < 2 or told[-1][0] == told[0][0]:
        return None
    first, last = told[0][0], told[-1][0]
    highest = max(*values, Decimal(1))

    def x(at: int) -> int:
        return min(max(WIDTH * (at - first) // (last - first), 0), WIDTH)

    stretches: list[list[str]] = [[]]
    for at, value in told:
        if value is None:
            stretches.append([])
        else:
            stretches[-1].append(f"{x(at)},{HEIGHT - round(value * HEIGHT / highest)}")
    shaded = [(x(begin), max(x(end) - x(begin), 2)) for begin, end in gaps]
    return Picture([" ".join(points) for points in stretches if len(points) > 1], shaded, highest)


def table(rows: list[Row]) -> list[dict[str, Any]]:
    """The newest first."""
    kept = reversed(thinned(rows, TABLE_ROWS))
    return [{"at": at, "power_kw": power, "energy_kwh": energy} for at, power, energy in kept]


# --- For the pages ----------------------------------------------------------------------------------------


def drawn(order: Order, marks: Sequence[ProgressMark], zone: str) -> dict[str, Any]:
    """The curve of the live page, for the script and as a still picture."""
    rows = rows_of(order)
    gaps = interruptions(order, rows, marks, until=order.ended_at or clock.now())
    return {
        "curve": columns(rows, gaps=gaps, zone=zone),
        "picture": picture(rows, gaps),
        "has_gaps": bool(gaps),
    }


def readings(order: Order, zone: str) -> dict[str, Any]:
    """The page with every reading in words."""
    rows = rows_of(order)
    gaps = interruptions(order, rows, list(order.marks.all()), until=order.ended_at or clock.now())
    return {
        "order": order,
        "zone": zone,
        "pictures": [
            (_("Power"), "kW", picture(rows, gaps, column=1)),
            (_("Energy"), "kWh", picture(rows, gaps, column=2)),
        ],
        "gaps": [
            {"from": datetime.fromtimestamp(begin, UTC), "lasted": timedelta(seconds=end - begin)}
            for begin, end in gaps
        ],
        "table": table(rows),
    }
