from datetime import timedelta
from decimal import Decimal

import pytest

from apps.lib import clock
from apps.lib.errors import Refused
from apps.orders import services
from apps.orders.models import Order
from apps.orders.services.asking import WarningsNotAccepted
from apps.orders.states import State
from apps.payments.models import Payment
from apps.payments.services import open_checkout
from tests.orders.stage import BILLING, lines, quote, terms


def test_terms_are_frozen_with_the_time_they_were_accepted(stage):
    order = stage.until("PAYING")
    assert order.terms["payment_id"] == "pay-7"
    assert order.terms["cancellation"][0]["percent"] == "10"
    assert order.terms_accepted_at is not None


def test_asking_for_terms_twice_sends_one_init(stage):
    stage.until("QUOTED")
    stale = Order.objects.get(pk=stage.order.pk)
    services.request_terms(stage.order, billing=BILLING)
    services.request_terms(stale, billing=BILLING)
    services.request_terms(stage.fresh(), billing=BILLING)
    assert len(stage.sent("init")) == 1


def test_an_expired_quote_cannot_be_taken(stage):
    order = stage.until("QUOTED")
    Order.objects.filter(pk=order.pk).update(quote_expires_at=clock.now() - timedelta(seconds=1))
    with pytest.raises(Refused) as refusal:
        services.request_terms(stage.fresh(), billing=BILLING)
    assert refusal.value.code == "40003"


def test_an_operator_that_collects_itself_is_refused_and_said_so(stage):
    stage.until("TERMS_REQUESTED")
    stage.tell("on_init", {"quote": quote(), **terms(collected_by="bpp")})
    assert (stage.order.state, stage.order.failure_code) == (State.REFUSED, "collects-itself")


def test_a_price_that_rose_since_the_quote_is_said_and_not_paid_blindly(stage):
    stage.until("TERMS_REQUESTED")
    stage.tell("on_init", {"quote": quote("446.60", lines("370.00")), **terms()})
    assert "dearer-than-quoted" in stage.order.warnings
    with pytest.raises(WarningsNotAccepted):
        services.accept_terms_and_pay(stage.order)
    assert stage.payment() is None
    services.accept_terms_and_pay(stage.order, accepts_warnings=True)
    assert stage.payment().amount == Decimal("446.60")


def test_accepting_twice_holds_once(stage):
    stage.until("TERMS_OFFERED")
    stale = Order.objects.get(pk=stage.order.pk)
    first = services.accept_terms_and_pay(stage.order)
    assert services.accept_terms_and_pay(stale) == first == services.accept_terms_and_pay(stage.fresh())
    assert Payment.objects.count() == 1


def test_a_declined_payment_may_be_tried_again_within_the_quote(stage):
    stage.until("TERMS_OFFERED")
    stage.pay("decline")
    assert stage.fresh().state == State.PAYMENT_FAILED
    stage.pay("approve")
    assert stage.fresh().state == State.CONFIRM_REQUESTED
    assert [payment.state for payment in Payment.objects.order_by("pk")] == ["FAILED", "AUTHORISED"]


def test_confirm_says_paid_and_where_the_money_is(stage):
    stage.until("CONFIRM_REQUESTED")
    (said,) = stage.sent("confirm")
    (payment,) = said["message"]["order"]["payments"]
    assert payment == {
        "id": "pay-7",
        "collected_by": "BAP",
        "type": "PRE-ORDER",
        "status": "PAID",
        "params": {"amount": "436.60", "currency": "INR", "transaction_id": stage.payment().provider_ref},
    }


def test_nothing_is_captured_before_energy_flows(stage):
    stage.until("STARTING")
    assert stage.settle().state == Payment.State.AUTHORISED
    assert stage.payment().captured_amount == 0


def test_money_that_comes_after_the_driver_left_is_released(stage):
    stage.until("PAYING")
    open_checkout(stage.payment())
    services.request_cancel(stage.order)
    stage.bank_says("approve")
    assert stage.settle().state == Payment.State.VOIDED
    assert stage.order.state == State.CANCELLED
    assert stage.sent("confirm") == []


def test_not_paid_in_time_expires_and_releases(stage):
    stage.until("PAYING")
    open_checkout(stage.payment())
    assert stage.overdue().state == State.EXPIRED
    assert stage.settle().state == Payment.State.VOIDED


def test_a_free_charge_needs_no_bank(stage):
    stage.ask(energy_rate=Decimal(0), session_fee=Decimal(0))
    stage.tell("on_select", {"quote": quote("0.00", [])})
    services.request_terms(stage.order, billing=BILLING)
    stage.fresh()
    stage.tell("on_init", {"quote": quote("0.00", []), **terms()})
    assert services.accept_terms_and_pay(stage.order) is None
    assert stage.fresh().state == State.CONFIRM_REQUESTED
    stage.tell("on_confirm", {"id": stage.number})
    services.request_start(stage.order)
    stage.progress()
    stage.final_bill(quote=quote("0.00", []))
    assert (stage.order.state, stage.payment()) == (State.SETTLED, None)
