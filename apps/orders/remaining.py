"""How far a charge is, and how long it may still take: nothing that was not told, and never a single number.

The range lies between the average so far and the power of now.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from apps.orders.models import Order, Progress

KNOWN_AFTER_SECONDS = 60  # an average of less says nothing
SLOWS_DOWN_AT = Decimal(80)  # per cent of the battery
MOST_MINUTES = 24 * 60


@dataclass(frozen=True)
class Remaining:
    least_minutes: int
    most_minutes: int
    least_kw: Decimal
    most_kw: Decimal
    may_slow_down: bool  # the car is nearly full: such an end is slower than it began


def remaining(order: Order, progress: Progress | None) -> Remaining | None:
    """None when it cannot be known: too early, paused, nothing told, or no end in sight."""
    if progress is None or progress.energy_kwh is None or not progress.power_kw or order.started_at is None:
        return None
    left_kwh = order.energy_kwh - progress.energy_kwh
    seconds = Decimal((progress.reading_at - order.started_at).total_seconds())
    if left_kwh <= 0 or progress.energy_kwh <= 0 or seconds < KNOWN_AFTER_SECONDS:
        return None
    average_kw = progress.energy_kwh * 3600 / seconds
    slow, fast = sorted((average_kw, progress.power_kw))
    ends = _minutes_ordered(order, seconds)
    most = min(int((left_kwh * 60 / slow).to_integral_value(ROUND_CEILING)), ends)
    if most > MOST_MINUTES:
        return None
    return Remaining(
        least_minutes=min(int((left_kwh * 60 / fast).to_integral_value(ROUND_FLOOR)), ends),
        most_minutes=most,
        least_kw=slow,
        most_kw=fast,
        may_slow_down=progress.soc_percent is not None and progress.soc_percent >= SLOWS_DOWN_AT,
    )


def _minutes_ordered(order: Order, seconds: Decimal) -> int:
    """What is left of the ordered time: the charge ends then, whatever energy is missing."""
    if order.ordered_minutes is None:
        return MOST_MINUTES + 1
    left = order.ordered_minutes - seconds / 60
    return max(0, int(left.to_integral_value(ROUND_CEILING)))


def gauge(order: Order, progress: Progress | None) -> dict[str, Any]:
    """Energy of what was ordered; the battery where only that is told; a dash rather than a guess."""
    if progress and progress.energy_kwh is None and progress.soc_percent is not None:
        return {"value": progress.soc_percent, "of": Decimal(100), "unit": "%"}
    return {"value": progress and progress.energy_kwh, "of": order.energy_kwh, "unit": "kWh"}
