"""The ways out: the driver leaves, the operator says no, a message does not arrive."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.beckn.models import Message, Side
from apps.beckn.wire.v1_1 import taxonomy
from apps.lib import clock
from apps.lib.moves import StaleMove
from apps.orders import network
from apps.orders.models import Order
from apps.orders.services.change_answers import change_refused
from apps.orders.services.claims import refund_refused, refund_unheard
from apps.orders.services.steps import (
    NotNow,
    ask,
    go,
    keep,
    lost_the_race,
    note,
    release_money,
    take_money,
    was_asleep,
)
from apps.orders.states import WITH_ENERGY, State
from apps.orders.terms import cancellation_fee
from apps.orders.told import Told

CLOCK_SLACK = timedelta(minutes=1)
# Nothing is promised yet, or the promise has no number yet: leaving needs nobody's consent.
NOT_YET_CONFIRMED = (
    State.QUOTE_REQUESTED,
    State.QUOTED,
    State.TERMS_REQUESTED,
    State.TERMS_OFFERED,
    State.PAYING,
    State.PAYMENT_FAILED,
    State.CONFIRM_REQUESTED,
)
CAN_CANCEL = (*NOT_YET_CONFIRMED, State.CONFIRMED, State.STARTING)


def request_cancel(
    order: Order, *, reason_id: str = "2", why: str = gettext_noop("the driver cancelled")
) -> None:
    if order.state in (State.CANCELLING, State.CANCELLED):
        return
    if order.state in WITH_ENERGY:
        raise NotNow(_("Energy is flowing: stop the charge instead."), code="50001")
    if order.state not in CAN_CANCEL:
        raise NotNow(_("There is nothing left to cancel."), code="50001")
    try:
        with transaction.atomic():
            if order.state in NOT_YET_CONFIRMED:
                go(order, State.CANCELLED, why=why)
                release_money(order)
            else:
                go(order, State.CANCELLING, why=why)
                ask(order, "cancel", network.cancel(order, reason_id=reason_id))
    except StaleMove as error:
        lost_the_race(order, error, State.CANCELLING, State.CANCELLED)


@transaction.atomic
def record_cancellation(order: Order, *, told: Told) -> None:
    """`on_cancel`, asked for or not. Takes at most the fee that the accepted terms name."""
    if order.state not in (State.CONFIRMED, State.STARTING, State.CANCELLING, *WITH_ENERGY):
        return
    no_show = told.cancelled_by == "PROVIDER" and told.cancel_reason == "NO_SHOW"
    owed = _owed(order, told, no_show)
    by = "operator" if told.cancelled_by == "PROVIDER" else "driver"
    go(
        order,
        State.NO_SHOW if no_show else State.CANCELLED,
        why=f"cancelled by the {by}: {told.cancel_text or told.cancel_reason or 'no reason given'}",
        billed_amount=owed,
        ended_at=clock.now(),
        failure_code=f"cancelled-by-{by}",
        failure_message=told.cancel_text[:300],
    )
    take_money(order, owed)


def _owed(order: Order, told: Told, no_show: bool) -> Decimal:
    asked = max(told.priced.total, Decimal(0)) if told.priced else Decimal(0)
    if order.state in WITH_ENERGY:
        return min(asked, order.quote_amount)
    if told.cancelled_by == "PROVIDER" and not no_show:
        return Decimal(0)
    waits = order.state in (State.CONFIRMED, State.STARTING)
    if order.overslept_at or (waits and was_asleep(order, clock.now())):
        return Decimal(0)
    # The operator's clock says when nobody came, and it may be a little ahead of ours.
    at = clock.now() + (CLOCK_SLACK if no_show else timedelta())
    fee = cancellation_fee(order.terms, quote_amount=order.quote_amount, currency=order.currency, at=at)
    return min(asked, fee)


@transaction.atomic
def record_error(order: Order, *, action: str, message_id: UUID, code: str, message: str) -> None:
    """An `on_…` that carries an error instead of an answer. Errors to old questions change nothing."""
    if action == "on_update" and change_refused(order, message_id, code=code, message=message):
        return
    text = message.strip() or taxonomy.ERROR_MEANINGS.get(code, "")
    failure = {"failure_code": code[:40] or "error", "failure_message": text[:300]}
    refuses = {
        "on_select": State.QUOTE_REQUESTED,
        "on_init": State.TERMS_REQUESTED,
        "on_confirm": State.CONFIRM_REQUESTED,
    }
    if order.state == refuses.get(action):
        go(order, State.REFUSED, why=f"{action}: {code} {text}", **failure)
        release_money(order)
    elif message_id == order.asked_message_id:
        _fall_back(order, action, failure)
    elif action in ("on_refund", "on_update"):
        refund_refused(order, message_id, code=code, words=text)


def _fall_back(order: Order, action: str, failure: dict[str, str]) -> None:
    why = f"{action}: {failure['failure_code']} {failure['failure_message']}"
    if action == "on_update" and order.state == State.STARTING:
        go(order, State.CONFIRMED, why=why, **failure)
    elif action == "on_update" and order.state == State.STOPPING and order.started_at:
        # Not stopped: the button comes back, and we ask at once how it really stands.
        go(order, State.CHARGING, why=why, poll_at=clock.now(), **failure)
    elif action == "on_cancel" and order.state == State.CANCELLING:
        go(order, State.CONFIRMED, why=why, poll_at=clock.now(), **failure)
    elif action == "on_update" and order.wanted_starts_at:
        keep(order, wanted_starts_at=None, **failure)
        note(order, why)
    elif action != "on_status":
        note(order, why)


@transaction.atomic
def undeliverable(message: Message) -> None:
    """Announced by beckn: a request of ours was given up. Polls and repeats are not worth a word."""
    order = Order.objects.filter(transaction_id=message.transaction_id, bpp_id=message.bpp_id).first()
    if message.side != Side.BAP or order is None or refund_unheard(order, message.message_id):
        return
    if change_refused(order, message.message_id, code="unreachable", message=""):
        return
    if message.message_id != order.asked_message_id:
        return
    failure = {"failure_code": "unreachable", "failure_message": ""}
    why = f"{message.action} could not be delivered"
    if order.state in (State.QUOTE_REQUESTED, State.TERMS_REQUESTED, State.CONFIRM_REQUESTED):
        go(order, State.REFUSED, why=why, **failure)
        release_money(order)
    elif order.state == State.STARTING:
        go(order, State.CONFIRMED, why=why, **failure)
    elif order.state in (State.STOPPING, State.CANCELLING):
        keep(order, poll_at=clock.now(), **failure)
        note(order, why)
