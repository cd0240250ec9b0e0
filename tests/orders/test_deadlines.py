import pytest

from apps.beckn.models import Message
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
