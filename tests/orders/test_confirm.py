import pytest

from apps.lib.errors import Refused
from apps.orders import services
from apps.orders.states import State
from apps.payments.models import Payment
from tests.orders.stage import Stage


def test_confirmed_brings_the_number_and_how_to_start(stage):
    stage.until("CONFIRM_REQUESTED")
    stops = [{"type": "start", "instructions": {"short_desc": "Bay 7"}}]
    stage.tell("on_confirm", {"id": stage.number, "fulfillments": [{"id": "cp-07", "stops": stops}]})
    assert (stage.order.state, stage.order.network_order_id) == (State.CONFIRMED, stage.number)
    assert stage.order.instructions == "Bay 7"


@pytest.mark.parametrize("leave", ["cancel", "deadline"])
def test_a_confirmation_after_the_driver_gave_up_is_cancelled_and_the_money_released(stage, leave):
    stage.until("CONFIRM_REQUESTED")
    if leave == "cancel":
        services.request_cancel(stage.order)
    else:
        stage.overdue()
    stage.tell("on_confirm", {"id": stage.number}, late=True)
    stage.tell("on_confirm", {"id": stage.number}, late=True)
    (said,) = stage.sent("cancel")
    assert said["message"]["order_id"] == stage.number
    assert stage.order.state in (State.CANCELLED, State.EXPIRED)
    assert stage.settle().state == Payment.State.VOIDED
    stage.cancelled()
    assert stage.order.state in (State.CANCELLED, State.EXPIRED)


def test_a_refused_confirmation_releases_the_money(stage):
    stage.until("CONFIRM_REQUESTED")
    stage.tell("on_confirm", error={"code": "40000", "message": "taken"})
    assert stage.order.state == State.REFUSED
    assert stage.settle().state == Payment.State.VOIDED


def test_a_confirmation_that_says_cancelled_is_a_refusal(stage):
    stage.until("CONFIRM_REQUESTED")
    stage.tell("on_confirm", {"id": stage.number, "status": "CANCELLED"})
    assert stage.order.state == State.REFUSED


def test_a_number_of_another_order_is_not_believed(stage, driver):
    stage.until("CONFIRMED")
    other = Stage(driver)
    other.until("CONFIRM_REQUESTED")
    with pytest.raises(Refused):
        other.tell("on_confirm", {"id": stage.number})
    assert other.fresh().state == State.CONFIRM_REQUESTED


def test_without_a_number_nothing_is_confirmed(stage):
    stage.until("CONFIRM_REQUESTED")
    stage.tell("on_confirm", {"status": "ACTIVE"})
    assert stage.order.state == State.CONFIRM_REQUESTED


def test_silence_repeats_the_confirm_twice_and_no_more(stage):
    stage.until("CONFIRM_REQUESTED")
    for _ in range(5):
        stage.silence()
    assert len(stage.sent("confirm")) == 3
    assert stage.order.state == State.CONFIRM_REQUESTED


def test_news_of_the_order_prove_the_confirmation_that_was_lost(stage):
    stage.until("CONFIRM_REQUESTED")
    stage.progress()
    assert (stage.order.state, stage.order.network_order_id) == (State.CHARGING, stage.number)


def test_a_paid_word_without_a_number_changes_nothing(stage):
    stage.until("TERMS_OFFERED")
    stage.tell("on_status", {"payments": [{"status": "PAID"}]})
    assert stage.order.state == State.TERMS_OFFERED
