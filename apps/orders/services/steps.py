"""What every service of orders does: move with a deadline, say something to the operator, settle the money."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from apps.beckn import outbox
from apps.beckn.models import Message
from apps.beckn.wire import v1_1 as wire
from apps.lib import clock, wiring
from apps.lib.errors import Refused
from apps.lib.moves import StaleMove, move
from apps.live import push
from apps.orders.models import Order, OrderLine
from apps.orders.slots import REMIND_BEFORE
from apps.orders.states import ASLEEP, OVER, WAITS, WITH_ENERGY, State, Wait
from apps.orders.told import Priced
from apps.payments import services as payments
from apps.payments.models import Payment
from apps.payments.selectors import latest

LONGEST_POLL_PAUSE = timedelta(minutes=10)
DRIVER = Payment.Side.DRIVER
MOVED = ("order.moved", "order.moved_ratings")  # who takes it does so in the same transaction


class NotNow(Refused):
    """Right button, wrong moment."""

    code = "40001"


def go(order: Order, to: str, *, why: str, **changes: Any) -> None:
    """Move with the deadline and the polls that the new state calls for, and tell the open pages.

    Raises StaleMove when somebody else was faster.
    """
    now = clock.now()
    wait = WAITS.get(to)
    changes.setdefault("deadline_at", _deadline(order, to, wait, now, changes))
    changes.setdefault("poll_at", _first_poll(order, to, wait, now))
    if to not in WITH_ENERGY:
        changes.setdefault("listen_at", None)
    if to in OVER:
        changes.setdefault("money_check_at", now)
    changes.setdefault("failure_code", "")
    changes.setdefault("failure_message", "")
    move(order, to, why=why, state_since=now, changed_at=now, polls=0, **changes)
    for event in MOVED:
        wiring.announce(event, order)
    push.changed_on_commit("order", str(order.code))


def _deadline(order: Order, to: str, wait: Wait | None, now, changes: dict[str, Any]):
    if wait is None:
        return None
    if to == State.CONFIRMED and order.slot_ends_at:
        return max(order.slot_ends_at, now)
    if wait.lasts is None:
        return changes.get("quote_expires_at", order.quote_expires_at)
    return now + wait.lasts


def _first_poll(order: Order, to: str, wait: Wait | None, now):
    if wait is None or wait.polls_after is None:
        return None
    if to == State.CONFIRMED and order.slot_starts_at:  # until its time is near there is nothing to ask
        return max(now + wait.polls_after, order.slot_starts_at - REMIND_BEFORE)
    return now + wait.polls_after


def was_asleep(order: Order, now: datetime) -> bool:
    """The deadline of an order that waits for its driver passed so long ago that nobody here was awake."""
    return order.deadline_at is not None and now - order.deadline_at > ASLEEP


def keep(order: Order, *, part: str = "", **changes: Any) -> None:
    """Write `changes` beside the state, and tell the open pages, or those that show `part`."""
    Order.objects.filter(pk=order.pk).update(changed_at=clock.now(), **changes)
    for name, value in changes.items():
        setattr(order, name, value)
    push.changed_on_commit("order", str(order.code), part)


def note(order: Order, why: str) -> None:
    """A line in the order's history that moves nothing."""
    order.events.create(was=order.state, now=order.state, why=why[:300])


def ask(order: Order, action: str, body: wire.Model) -> None:
    """Queue a request; its answer is the one we wait for."""
    order.asked_message_id = poll(order, action, body).message_id
    Order.objects.filter(pk=order.pk).update(asked_message_id=order.asked_message_id)


def poll(order: Order, action: str, body: wire.Model) -> Message:
    """Queue a request beside the one we wait for: its failure means nothing."""
    return outbox.request(
        action,
        body,
        transaction_id=order.transaction_id,
        bpp_id=order.bpp_id,
        bpp_uri=order.bpp_uri,
    )


def write_lines(order: Order, kind: str, priced: Priced) -> None:
    order.lines.filter(kind=kind).delete()
    OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            kind=kind,
            position=position,
            title=line.title,
            code=line.code,
            energy_kwh=line.energy_kwh,
            amount=line.amount,
            note=line.note,
        )
        for position, line in enumerate(priced.lines)
    )


def take_money(order: Order, amount: Decimal) -> None:
    """Ask for `amount` of what is held, never more than that; the rest, or all of it, is released."""
    payment = latest(side=DRIVER, reference=str(order.code))
    if payment and payment.state in Payment.OPEN:
        if payment.state == Payment.State.REQUESTED:
            payments.release(payment)
        else:
            payments.capture(payment, amount=min(max(amount, Decimal(0)), payment.amount))


def release_money(order: Order) -> None:
    take_money(order, Decimal(0))


def lost_the_race(order: Order, error: StaleMove, *fine: str) -> None:
    """Another press or message moved the order first: all right if it went where we wanted, else say so."""
    order.refresh_from_db()
    if order.state not in fine:
        raise NotNow(_("This order has moved on. Please look at it again.")) from error
