"""What happens when nothing happens. Every waiting state has a way on (a test says so)."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_noop

from apps.lib import clock
from apps.lib.moves import StaleMove
from apps.orders import network
from apps.orders.models import Order, Progress
from apps.orders.services.charging import request_stop
from apps.orders.services.leaving import request_cancel
from apps.orders.services.steps import (
    DRIVER,
    LONGEST_POLL_PAUSE,
    ask,
    go,
    keep,
    note,
    poll,
    release_money,
    was_asleep,
)
from apps.orders.states import WAITS, State, Wait
from apps.payments.selectors import latest

BATCH = 100
CONFIRM_REPEATS = 2


def move_overdue() -> int:
    """Duty: everything that has waited too long goes where its state says. Returns how many moved."""
    due = Order.objects.filter(deadline_at__lte=clock.now()).order_by("deadline_at")[:BATCH]
    return sum(_move_on(order) for order in list(due))


def _move_on(order: Order) -> bool:
    try:
        with transaction.atomic():
            AFTER[order.state](order)
    except StaleMove:
        return False  # an answer came in this very moment
    return True


def _expire(why: str) -> Callable[[Order], None]:
    def expire(order: Order) -> None:
        go(order, State.EXPIRED, why=why, failure_code="no-answer" if "answer" in why else "")
        release_money(order)

    return expire


def _give_up_start(order: Order) -> None:
    go(
        order,
        State.CONFIRMED,
        why=gettext_noop("the charger did not start in time"),
        failure_code="start-timeout",
    )


def _cancel_unused(order: Order) -> None:
    if was_asleep(order, clock.now()):
        keep(order, overslept_at=clock.now())
        note(order, gettext_noop("we were away when the time to start ran out: it costs nothing"))
    request_cancel(order, reason_id="5", why=gettext_noop("it was not started in time"))


def _stop_endless(order: Order) -> None:
    request_stop(order, why=gettext_noop("no charge lasts longer than a day"))


def _fail_without_bill(order: Order) -> None:
    go(order, State.FAILED, why=gettext_noop("no bill came"), failure_code="no-bill")
    release_money(order)


def _cancel_alone(order: Order) -> None:
    go(
        order,
        State.CANCELLED,
        why=gettext_noop("the operator did not answer the cancellation"),
        failure_code="no-answer",
    )
    release_money(order)


def _fail_unsettled(order: Order) -> None:
    go(
        order,
        State.FAILED,
        why=gettext_noop("the bank did not settle the bill"),
        failure_code="bill-not-paid",
    )


AFTER: dict[str, Callable[[Order], None]] = {
    State.QUOTE_REQUESTED: _expire(gettext_noop("the operator did not answer")),
    State.QUOTED: _expire(gettext_noop("the quote was not taken in time")),
    State.TERMS_REQUESTED: _expire(gettext_noop("the operator did not answer")),
    State.TERMS_OFFERED: _expire(gettext_noop("the terms were not accepted in time")),
    State.PAYING: _expire(gettext_noop("it was not paid in time")),
    State.PAYMENT_FAILED: _expire(gettext_noop("it was not paid in time")),
    State.CONFIRM_REQUESTED: _expire(gettext_noop("the operator did not answer")),
    State.CONFIRMED: _cancel_unused,
    State.STARTING: _give_up_start,
    State.CHARGING: _stop_endless,
    State.INTERRUPTED: _stop_endless,
    State.STOPPING: _fail_without_bill,
    State.STANDING: _fail_without_bill,
    State.CANCELLING: _cancel_alone,
    State.ENDED: _fail_unsettled,
}


def ask_again() -> int:
    """Duty: where we wait and heard nothing, ask; each time later than before. Returns how often we asked."""
    due = Order.objects.filter(poll_at__lte=clock.now()).order_by("poll_at")[:BATCH]
    return sum(_ask(order) for order in list(due))


def _ask(order: Order) -> bool:
    now, wait = clock.now(), WAITS[order.state]
    heard_at = _heard_at(order)
    asked_at = order.poll_at - _pause(wait, order.polls)
    # Only silence makes us ask more rarely: who answers is asked at an even pace.
    polls = 0 if heard_at >= asked_at else order.polls + 1
    heard_lately = heard_at > now - wait.polls_after
    poll_at = heard_at + wait.polls_after if heard_lately else now + _pause(wait, polls)
    with transaction.atomic():
        claimed = Order.objects.filter(pk=order.pk, state=order.state, poll_at=order.poll_at).update(
            poll_at=poll_at, polls=polls
        )
        if not claimed or heard_lately:
            return False
        _repeat(order)
    return True


def _pause(wait: Wait, polls: int) -> timedelta:
    return min(wait.polls_after * 2 ** min(polls, 10), LONGEST_POLL_PAUSE)


def _heard_at(order: Order) -> datetime:
    """Readings come in by themselves: while they do, there is nothing to ask."""
    if order.state not in (State.CHARGING, State.INTERRUPTED):
        return order.created_at - timedelta(days=1)
    progress = Progress.objects.filter(order=order).first()
    return progress.received_at if progress else order.state_since


def _repeat(order: Order) -> None:
    if order.state == State.CONFIRM_REQUESTED:
        if (
            order.polls < CONFIRM_REPEATS
        ):  # it has no number yet to ask about; confirming again is the same order
            payment = latest(side=DRIVER, reference=str(order.code))
            ask(
                order,
                "confirm",
                network.confirm(order, payment_reference=payment.provider_ref if payment else ""),
            )
            note(order, "no confirmation yet: asked again")
    elif order.state == State.STOPPING and order.polls == 0 and order.stop_asked_at:
        ask(order, "update", network.update_state(order, network.STOP))
        note(order, "not stopped yet: asked again")
    elif order.network_order_id:
        poll(order, "status", network.status(order))
