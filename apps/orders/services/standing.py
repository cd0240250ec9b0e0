"""The charge is over and the car still stands there: the order waits for the final bill, and the driver is told."""

from datetime import datetime, timedelta

from django.utils.translation import gettext_noop

from apps.lib import clock, wiring
from apps.lib.moves import may_move
from apps.orders.models import Order
from apps.orders.services.steps import go, keep
from apps.orders.states import State
from apps.orders.told import Idle, Told

STANDS = "order.stands"  # whoever tells drivers of it takes it in the same transaction


def is_standing(told: Told) -> bool:
    """Charged, and the operator says that its bill is not final yet."""
    is_over = told.state == "charging-ended" and told.status == "ACTIVE"
    return bool(is_over and told.idle and told.idle.keeps_bill_open)


def stand(order: Order, told: Told, *, received_at: datetime) -> None:
    keep_idle(order, told.idle, received_at=received_at)
    if order.state == State.STANDING or not may_move(order, State.STANDING):
        keep(order)
        return
    go(
        order,
        State.STANDING,
        why=gettext_noop("the charge ended, the car is still plugged in"),
        started_at=told.started_at or order.started_at,
        ended_at=told.ended_at or told.at or clock.now(),
        ended_by=told.ended_by,
    )


def keep_idle(order: Order, idle: Idle | None, *, received_at: datetime) -> None:
    """The newest word of it. Of a stretch that is new the driver is told at once, once."""
    if idle is None:
        return
    before = order.idle or {}
    since = clock.utc_text(idle.since)
    free_until = idle.free_until
    if free_until is None and idle.until is None and before.get("since") != since:
        # The operator counts from when it knows that we know; never sooner than this.
        grace = (order.terms.get("idle") or {}).get("grace_seconds", 0)
        free_until = received_at + timedelta(seconds=grace)
    kept = {
        "since": since,
        "free_until": clock.utc_text(free_until) if free_until else before.get("free_until"),
        "until": clock.utc_text(idle.until) if idle.until else None,
        "state": idle.state,
    }
    if kept == before:
        return
    keep(order, idle=kept)
    if before.get("since") != since and idle.until is None:
        wiring.announce(STANDS, order)
