from datetime import timedelta
from decimal import Decimal

import pytest

from apps.beckn.models import Message
from apps.lib import clock
from apps.lib.moves import check_moves
from apps.orders import services
from apps.orders.models import Order
from apps.orders.services.deadlines import AFTER
from apps.orders.states import MOVES, OVER, WAITS, State
from apps.orders.wording import HEADLINES
from apps.payments.models import Payment
from apps.payments.services import open_checkout

WAITING = set(State) - set(OVER)


def test_the_table_of_moves_is_sound():
    assert check_moves(State, MOVES) == []


def test_every_waiting_state_waits_for_so_long_and_then_goes_somewhere():
    assert set(WAITS) == set(AFTER) == WAITING
    assert {state for state in State if not MOVES[state]} == set(OVER)
    assert set(HEADLINES) == set(State)


@pytest.mark.parametrize(
    ("state", "goes_to"),
    [
        ("QUOTE_REQUESTED", State.EXPIRED),
        ("QUOTED", State.EXPIRED),
        ("TERMS_REQUESTED", State.EXPIRED),
        ("TERMS_OFFERED", State.EXPIRED),
        ("PAYING", State.EXPIRED),
        ("CONFIRM_REQUESTED", State.EXPIRED),
        ("CONFIRMED", State.CANCELLING),
        ("STARTING", State.CONFIRMED),
        ("CHARGING", State.STOPPING),
        ("STOPPING", State.FAILED),
        ("ENDED", State.FAILED),
    ],
)
def test_when_the_time_is_up_the_order_goes_on(stage, state, goes_to):
    stage.until(state)
    assert stage.overdue().state == goes_to


def test_a_failed_payment_does_not_wait_for_ever(stage):
    stage.until("TERMS_OFFERED")
    stage.pay("decline")
    assert stage.overdue().state == State.EXPIRED


@pytest.mark.parametrize("state", ["PAYING", "CONFIRM_REQUESTED"])
def test_expiring_releases_the_money(stage, state):
    stage.until(state)
    open_checkout(stage.payment())
    stage.overdue()
    assert stage.settle().state == Payment.State.VOIDED


def undeliverable(stage, action: str) -> None:
    services.undeliverable(Message.objects.filter(direction="OUT", action=action).order_by("-pk").first())
    stage.fresh()


@pytest.mark.parametrize(
    ("state", "action", "goes_to"),
    [
        ("QUOTE_REQUESTED", "select", State.REFUSED),
        ("TERMS_REQUESTED", "init", State.REFUSED),
        ("CONFIRM_REQUESTED", "confirm", State.REFUSED),
        ("STARTING", "update", State.CONFIRMED),
        ("STOPPING", "update", State.STOPPING),
    ],
)
def test_a_request_that_cannot_be_delivered_is_said(stage, state, action, goes_to):
    stage.until(state)
    undeliverable(stage, action)
    assert (stage.order.state, stage.order.failure_code) == (goes_to, "unreachable")


def test_an_older_request_that_is_given_up_means_nothing(stage):
    stage.until("TERMS_REQUESTED")
    undeliverable(stage, "select")
    assert stage.order.state == State.TERMS_REQUESTED


def test_a_message_of_nobodys_order_is_passed_over(stage):
    stage.until("QUOTE_REQUESTED")
    message = Message.objects.get()
    Order.objects.all().delete()
    services.undeliverable(message)


# --- After a day's outage: a deadline that we meet so late was slept through by us ---------------------------------

DAY = timedelta(days=1)
WHERE_IT_ENDS = {
    "QUOTE_REQUESTED": State.EXPIRED,
    "QUOTED": State.EXPIRED,
    "TERMS_REQUESTED": State.EXPIRED,
    "TERMS_OFFERED": State.EXPIRED,
    "PAYING": State.EXPIRED,
    "CONFIRM_REQUESTED": State.EXPIRED,
    "CONFIRMED": State.CANCELLED,
    "STARTING": State.CANCELLED,
    "CHARGING": State.FAILED,
    "STOPPING": State.FAILED,
    "ENDED": State.FAILED,
}


def a_day_later(stage) -> Order:
    Order.objects.filter(pk=stage.order.pk).update(deadline_at=clock.now() - DAY)
    services.move_overdue()
    return stage.fresh()


@pytest.mark.parametrize(("state", "ends_in"), WHERE_IT_ENDS.items())
def test_after_days_without_us_and_without_any_answer_every_order_ends_and_nothing_is_charged(
    stage, state, ends_in
):
    stage.until(state)
    for _day in range(5):
        if stage.order.state in OVER:
            break
        a_day_later(stage)
    assert stage.order.state == ends_in
    if state != "ENDED":  # there the bill is owed, and the bank did not answer
        payment = stage.payment() and stage.settle()
        assert payment is None or payment.captured_amount == 0


@pytest.mark.parametrize("by", ["CONSUMER", "PROVIDER"])
def test_who_could_not_start_because_we_were_away_pays_no_fee(stage, by):
    stage.until("CONFIRMED")
    a_day_later(stage)
    code = "NO_SHOW" if by == "PROVIDER" else "USER_CANCELLED"
    stage.cancelled(by=by, code=code, fee="43.66")
    assert (stage.order.billed_amount, stage.settle().state) == (0, Payment.State.VOIDED)


def test_a_no_show_that_the_operator_told_while_we_were_away_costs_nothing(stage):
    stage.until("CONFIRMED")
    Order.objects.filter(pk=stage.order.pk).update(deadline_at=clock.now() - DAY)
    stage.cancelled(by="PROVIDER", code="NO_SHOW", fee="43.66")
    assert (stage.order.state, stage.order.billed_amount) == (State.NO_SHOW, 0)


def test_who_did_not_start_while_we_were_awake_pays_the_fee_of_the_terms(stage):
    stage.until("CONFIRMED")
    stage.overdue()
    stage.cancelled(fee="43.66")
    assert stage.order.billed_amount == Decimal("43.66")
