"""A reserved time in the driver's words: what was asked for, what still may be done, and where it stands."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from apps.lib import clock
from apps.orders.models import Order
from apps.orders.states import State

EARLY = timedelta(minutes=10)  # so long before its time a charge may be started
REMIND_BEFORE = timedelta(minutes=45)
LATE_BY = (10, 20, 30)  # minutes
LONGEST = timedelta(hours=24)


Times = tuple[datetime | None, datetime | None]  # begin and end as an operator said them


@dataclass(frozen=True)
class Slot:
    starts_at: datetime
    ends_at: datetime


def read_slot(text: str) -> Slot | None:
    """'2026-03-02T12:30:00.000Z/2026-03-02T13:15:00.000Z'; None when it is no time that could be reserved."""
    begins, _slash, ends = text.partition("/")
    try:
        slot = Slot(clock.read_instant(begins), clock.read_instant(ends))
    except (ValueError, OverflowError):
        return None
    return slot if timedelta(0) < slot.ends_at - slot.starts_at <= LONGEST else None


def typed(starts_at: datetime, minutes: int | None) -> Slot:
    """As long as the charge may take, in full quarters of an hour; an hour where nobody knows."""
    quarters = max(1, -(-(minutes or 60) // 15))
    return Slot(starts_at, starts_at + min(timedelta(minutes=15 * quarters), LONGEST))


def text_of(slot: Slot) -> str:
    return f"{clock.utc_text(slot.starts_at)}/{clock.utc_text(slot.ends_at)}"


def slot_of(order: Order) -> Slot | None:
    return Slot(order.slot_starts_at, order.slot_ends_at) if order.slot_starts_at else None


def is_early(order: Order, now: datetime) -> bool:
    """Not yet to be started."""
    return bool(order.slot_starts_at) and now < order.slot_starts_at - EARLY


def late_choices(order: Order, now: datetime) -> list[int]:
    """How much later than the reserved time a driver may still say to come, in minutes."""
    if order.state != State.CONFIRMED or not order.slot_starts_at or order.slot_ends_at <= now:
        return []
    comes = order.arrives_at or order.slot_starts_at
    return [
        minutes
        for minutes in LATE_BY
        if comes < (at := order.slot_starts_at + timedelta(minutes=minutes)) < order.slot_ends_at and at > now
    ]


def needs_longer(order: Order, ends_by: datetime | None, now: datetime) -> bool:
    """Even at full power the energy does not fit into the time."""
    if ends_by is None or not order.max_kw:
        return False
    begins = max(now, order.slot_starts_at or now)
    return timedelta(minutes=int(order.energy_kwh / order.max_kw * 60)) > ends_by - begins


def warnings_of_time(order: Order, times: Times, now: datetime) -> list[str]:
    """Keys of orders/wording.py."""
    slot = slot_of(order)
    if slot and times[0] != slot.starts_at:
        return ["other-time"]
    return ["may-end-early"] if needs_longer(order, times[1], now) else []


def in_zone(slot: Slot, zone: str) -> dict[str, Any]:
    """Begin and end on the clock of the station."""
    here = ZoneInfo(zone)
    return {"begins": slot.starts_at.astimezone(here), "ends": slot.ends_at.astimezone(here)}
