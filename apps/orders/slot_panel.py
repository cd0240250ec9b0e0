"""What the pages show of a reserved time, or of the end that a charge has because the next driver reserved one."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from apps.discovery.exact import Wait
from apps.discovery.models import Offer
from apps.discovery.times import calendar
from apps.lib import clock
from apps.orders import slots
from apps.orders.models import Order
from apps.orders.states import OVER, State
from apps.orders.terms import cancellation_stages

NEAR = timedelta(hours=2)  # sooner nobody knows that they will be late


def time_of(order: Order, zone: str) -> dict[str, Any] | None:
    """None where time plays no part: a charge that begins now, with nobody behind it."""
    slot, now = slots.slot_of(order), clock.now()
    if slot is None:
        return {"ends_by": order.ends_by} if order.ends_by and order.state not in OVER else None
    waits = order.state == State.CONFIRMED
    is_near = now >= slot.starts_at - NEAR
    return {
        **slots.in_zone(slot, zone),
        "is_early": slots.is_early(order, now),
        "start_from": slot.starts_at - slots.EARLY,
        "has_begun": slot.starts_at <= now,
        "is_over": order.state in OVER,
        "late_choices": slots.late_choices(order, now) if is_near and not order.wanted_starts_at else [],
        "may_change": waits and bool(order.offer_id) and now <= _free_until(order),
    }


def _free_until(order: Order) -> datetime:
    """So long the operator lets a time be changed; where its terms say nothing, until the time begins."""
    free = [stage["until"] for stage in stages(order) if stage["until"] and not stage["fee"]]
    return min([*free, order.slot_starts_at])


def stages(order: Order) -> list[dict[str, Any]]:
    """What leaving costs, until when."""
    return cancellation_stages(order.terms, quote_amount=order.quote_amount, currency=order.currency)


def chosen(slot: slots.Slot | None, zone: str) -> dict[str, Any]:
    """The reserved time on the page that asks how much; nothing for a charge that begins now."""
    return {"slot_text": slots.text_of(slot), "slot": slots.in_zone(slot, zone)} if slot else {}


def choosing(offer: Offer, wait: Wait, order: Order | None, wish_query: str) -> dict[str, Any]:
    """The calendar of a plug. `wish_query`: how much, as the page before said it."""
    days, told_at = calendar(offer, offer.station.zone or "UTC")
    patience = timedelta(seconds=settings.BECKN["TTL_SECONDS"])
    fresh = told_at is not None and clock.now() - told_at < patience
    return {
        "offer": offer,
        "order": order,
        "days": days,
        "told_at": told_at,
        "zone": offer.station.zone or "UTC",
        "wait": wait,
        "is_waiting": wait.is_running and not fresh,
        "wish_query": wish_query,
    }
