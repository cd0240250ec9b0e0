from decimal import Decimal

import pytest

from apps.lib.errors import Refused
from apps.orders import services
from apps.orders.states import State
from apps.payments.models import Payment


@pytest.mark.parametrize("state", ["QUOTE_REQUESTED", "QUOTED", "TERMS_REQUESTED", "TERMS_OFFERED", "PAYING"])
def test_before_the_confirmation_the_driver_just_leaves(stage, state):
    stage.until(state)
    services.request_cancel(stage.order)
    assert stage.fresh().state == State.CANCELLED
    assert stage.sent("cancel") == []


def test_a_confirmed_order_is_cancelled_with_the_operator_and_costs_the_agreed_fee(stage):
    stage.until("CONFIRMED")
    services.request_cancel(stage.order, reason_id="5")
    (said,) = stage.sent("cancel")
    assert said["message"]["cancellation_reason_id"] == "5"
    stage.fresh()
    stage.cancelled(fee="43.66")
    assert stage.order.state == State.CANCELLED
    payment = stage.settle()
    assert (payment.captured_amount, payment.released_amount) == (Decimal("43.66"), Decimal("392.94"))


def test_a_fee_above_the_terms_is_cut_to_the_terms(stage):
    stage.until("CONFIRMED")
    services.request_cancel(stage.order)
    stage.fresh()
    stage.cancelled(fee="436.60")
    assert stage.settle().captured_amount == Decimal("43.66")


def test_when_the_operator_cancels_it_costs_nothing(stage):
    stage.until("CONFIRMED")
    stage.cancelled(by="PROVIDER", code="HARDWARE_FAILURE", fee="43.66")
    assert (stage.order.state, stage.order.failure_code) == (State.CANCELLED, "cancelled-by-operator")
    assert stage.settle().state == Payment.State.VOIDED


def test_a_no_show_costs_the_agreed_fee(stage):
    stage.until("CONFIRMED")
    stage.cancelled(by="PROVIDER", code="NO_SHOW", fee="43.66")
    assert stage.order.state == State.NO_SHOW
    assert stage.settle().captured_amount == Decimal("43.66")


def test_pressing_twice_cancels_once(stage):
    stage.until("CONFIRMED")
    for _ in range(3):
        services.request_cancel(stage.fresh())
    assert len(stage.sent("cancel")) == 1


def test_while_energy_flows_one_stops_instead(stage):
    stage.until("CHARGING")
    with pytest.raises(Refused) as refusal:
        services.request_cancel(stage.order)
    assert refusal.value.code == "50001"


def test_what_is_over_cannot_be_cancelled(stage):
    stage.until("SETTLED")
    with pytest.raises(Refused):
        services.request_cancel(stage.order)


def test_a_refused_cancellation_leaves_the_order_as_it_was(stage):
    stage.until("CONFIRMED")
    services.request_cancel(stage.order)
    stage.fresh()
    stage.tell("on_cancel", error={"code": "50001", "message": "too late"})
    assert (stage.order.state, stage.order.failure_message) == (State.CONFIRMED, "too late")


def test_energy_that_flows_while_cancelling_is_a_charge(stage):
    stage.until("STARTING")
    services.request_cancel(stage.order)
    stage.fresh()
    stage.progress()
    assert stage.order.state == State.CHARGING


def test_an_operator_that_does_not_answer_the_cancellation_gets_nothing(stage):
    stage.until("CONFIRMED")
    services.request_cancel(stage.order)
    assert stage.overdue().state == State.CANCELLED
    assert stage.settle().state == Payment.State.VOIDED


def test_a_preview_of_the_fee_cancels_nothing(stage):
    stage.until("CONFIRMED")
    stage.tell("on_cancel", {"id": stage.number, "status": "ACTIVE"})
    assert stage.order.state == State.CONFIRMED


def test_an_operator_that_cancels_in_mid_charge_is_paid_what_flowed(stage):
    stage.until("CHARGING")
    stage.cancelled(by="PROVIDER", code="GRID_EMERGENCY", fee="120.00")
    assert stage.order.state == State.CANCELLED
    assert stage.settle().captured_amount == Decimal("120.00")


def test_not_started_in_time_is_cancelled_for_the_driver(stage):
    stage.until("CONFIRMED")
    assert stage.overdue().state == State.CANCELLING
