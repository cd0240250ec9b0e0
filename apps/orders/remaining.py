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
    least_kw: Decimal | None  # empty where the time itself was ordered
    most_kw: Decimal | None
    may_slow_down: bool  # the car is nearly full: such an end is slower than it began


def remaining(order: Order, progress: Progress | None) -> Remaining | None:
    """None when it cannot be known: too early, paused, nothing told, or no end in sight."""
    if progress is None or order.started_at is None:
        return None
    seconds = Decimal((progress.reading_at - order.started_at).total_seconds())
    if order.ordered_minutes is not None:
        return _of_time(order.ordered_minutes - seconds / 60)
    if not progress.energy_kwh or not progress.power_kw or seconds < KNOWN_AFTER_SECONDS:
        return None
    left_kwh = _left_kwh(order, progress)
    if left_kwh is None or left_kwh <= 0:
        return None
    average_kw = progress.energy_kwh * 3600 / seconds
    slow, fast = sorted((average_kw, progress.power_kw))
    most = int((left_kwh * 60 / slow).to_integral_value(ROUND_CEILING))
    if most > MOST_MINUTES:
        return None
    return Remaining(
        least_minutes=int((left_kwh * 60 / fast).to_integral_value(ROUND_FLOOR)),
        most_minutes=most,
        least_kw=slow,
        most_kw=fast,
        may_slow_down=progress.soc_percent is not None and progress.soc_percent >= SLOWS_DOWN_AT,
    )


def _of_time(left_minutes: Decimal) -> Remaining | None:
    """The charge ends then, whatever energy is missing. A full car or a pulled plug ends it sooner."""
    left = int(left_minutes.to_integral_value(ROUND_CEILING))
    return Remaining(left, left, None, None, False) if left > 0 else None


def _left_kwh(order: Order, progress: Progress) -> Decimal | None:
    """Of money: what the rest of it buys at the price so far."""
    if order.ordered_by != Order.OrderedBy.MONEY:
        return order.energy_kwh - progress.energy_kwh
    if not progress.cost_amount or order.ordered_amount is None:
        return None
    return (order.ordered_amount - progress.cost_amount) * progress.energy_kwh / progress.cost_amount


def gauge(order: Order, progress: Progress | None) -> dict[str, Any]:
    """Energy of what was ordered; the battery where only that is told; a dash rather than a guess.

    Who ordered time or money ordered no energy: then it is shown without a share of anything.
    """
    if progress and progress.energy_kwh is None and progress.soc_percent is not None:
        return {"value": progress.soc_percent, "of": Decimal(100), "unit": "%"}
    of = order.energy_kwh if order.ordered_by == Order.OrderedBy.ENERGY else None
    return {"value": progress and progress.energy_kwh, "of": of, "unit": "kWh"}
