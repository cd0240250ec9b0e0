"""Money back on the driver side: asked for with the operator, given unasked by our own figures, shown as it stands."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
import time_machine

from apps.lib import clock, wiring
from apps.lib.errors import Refused
from apps.orders import services
from apps.orders.models import Order, RefundClaim
from apps.orders.services.refunds import excess, owed, pay_back_excess
from apps.orders.states import State
from apps.orders.suggestion import suggest
from apps.payments import refunds
from apps.payments.models import Payment, Refund
from apps.payments.selectors import captured
from tests.conformance import assert_conforms
from tests.orders.stage import STARTED, Stage, bill, quote
from tests.orders.test_network import check_profile


@pytest.fixture
def settled(stage) -> Stage:
    """361.08 of 436.60 were charged, for 16 of 20 kWh; the driver pressed Stop."""
    stage.until("SETTLED")
    services.check_money()
    return stage


def ask(stage: Stage, amount: str = "60.00", key: str = "press", **more) -> Refund:
    how = {"reason_id": "R03", "words": "Power dropped twice"} | more
    return services.request_refund(stage.fresh(), amount=Decimal(amount), key=key, **how)


def row(status: str, amount: str = "60.00", ref: str = "rfd-1", **more: str) -> dict:
    tags = {"refund-type": "SERVICE_ISSUE_REFUND", "refund-amount": amount, "refund-status": status} | more
    listed = [{"descriptor": {"code": code}, "value": value} for code, value in tags.items()]
    return {
        "id": ref,
        "type": "POST-FULFILLMENT",
        "status": "NOT-PAID",
        "collected_by": "BAP",
        "params": {"amount": amount, "currency": "INR"},
        "tags": [{"descriptor": {"code": "refund"}, "list": listed}],
    }


def answer(stage: Stage, status: str, *, action: str = "on_refund", **more) -> None:
    message_id = stage.order.claims.get().message_id
    rows = [row(status, **more)]
    stage.tell(action, {"id": stage.number, "status": "COMPLETE", "payments": rows}, message_id=message_id)


def tell_rows(stage: Stage, *rows: dict, action: str = "on_status") -> None:
    said = {"id": stage.number, "status": "COMPLETE", "payments": list(rows)}
    stage.tell(action, said, message_id=UUID(int=7))


def pay_out() -> None:
    for _ in range(4):
        Refund.objects.filter(next_try_at__isnull=False).update(next_try_at=clock.now())
        refunds.send_due()


def given(stage: Stage) -> Decimal:
    return stage.payment().refunded_amount


def test_the_operator_is_asked_and_its_yes_sends_the_money(settled):
    refund = ask(settled)
    (asked,) = settled.sent("refund")
    assert_conforms("refund", asked)
    check_profile("refund", asked)
    assert asked["message"]["refund"] == {
        "payment_id": "pay-7",
        "amount": {"value": "60.00", "currency": "INR"},
    }
    assert refund.state == Refund.State.REQUESTED
    answer(settled, "APPROVED")
    pay_out()
    refund.refresh_from_db()
    assert (refund.state, given(settled)) == (Refund.State.SETTLED, 60)
    told = settled.sent("update")[-1]
    assert_conforms("update", told)
    entry = told["message"]["order"]["payments"][0]
    assert (entry["id"], entry["status"]) == ("rfd-1", "PAID")
    assert entry["params"]["transaction_id"] == refund.provider_ref


def test_the_operator_may_agree_to_less_and_never_to_more(settled):
    ask(settled)
    answer(settled, "APPROVED", amount="25.00")
    assert given(settled) == 25
    tell_rows(settled, row("APPROVED", "300.00"))
    assert given(settled) == 25


def test_the_operators_no_is_told_with_its_reason(settled):
    refund = ask(settled)
    answer(settled, "REJECTED", **{"reason-text": "The meter shows no drop"})
    refund.refresh_from_db()
    assert (refund.state, refund.decision) == (Refund.State.DECLINED, "The meter shows no drop")
    assert given(settled) == 0


def test_an_answer_five_times_changes_nothing_more(settled):
    ask(settled)
    for _ in range(5):
        answer(settled, "APPROVED")
        tell_rows(settled, row("APPROVED"))
    assert given(settled) == 60
    assert Refund.objects.count() == 1


def test_a_double_click_is_one_request(settled):
    assert ask(settled).pk == ask(settled).pk
    assert len(settled.sent("refund")) == 1
    with pytest.raises(Refused):
        ask(settled, key="another tab")


@pytest.mark.parametrize("amount", ["361.09", "0", "-5"])
def test_more_than_was_charged_or_nothing_is_refused(settled, amount):
    with pytest.raises(Refused):
        ask(settled, amount)
    assert not RefundClaim.objects.exists()
    assert not settled.sent("refund")


def test_after_the_window_it_is_too_late(settled, settings):
    ended = clock.now() - timedelta(days=settings.REFUNDS["WINDOW_DAYS"], seconds=1)
    Order.objects.filter(pk=settled.order.pk).update(ended_at=ended)
    with pytest.raises(Refused) as refused:
        ask(settled)
    assert refused.value.code == "50000"


@pytest.mark.parametrize("state", ["QUOTED", "CONFIRMED", "CHARGING", "ENDED"])
def test_nothing_goes_back_before_something_was_charged(stage, state):
    stage.until(state)
    with pytest.raises(Refused):
        ask(stage)


@pytest.mark.parametrize("code", ["40001", "30000"])
def test_a_peer_that_does_not_know_the_verb_is_asked_by_update(settled, code):
    ask(settled)
    claim = settled.order.claims.get()
    settled.tell("on_refund", error={"code": code, "message": "unknown"}, message_id=claim.message_id)
    asked = settled.sent("update")[-1]
    assert_conforms("update", asked)
    check_profile("update", asked)
    assert asked["message"]["update_target"] == "order.payments"
    answer(settled, "APPROVED", action="on_update")
    assert given(settled) == 60


def test_a_peer_that_cannot_be_reached_or_says_nothing_is_asked_once_more(settled):
    ask(settled)
    assert services.ask_otherwise() == 0
    RefundClaim.objects.update(ask_again_at=clock.now() - timedelta(seconds=1))
    assert (services.ask_otherwise(), services.ask_otherwise()) == (1, 0)
    assert len(settled.sent("update")) == 3  # start, stop, and this
    RefundClaim.objects.update(ask_again_at=clock.now() - timedelta(seconds=1))
    services.ask_otherwise()
    assert len(settled.sent("update")) == 3
    assert Refund.objects.get().state == Refund.State.REQUESTED  # our own desk decides


def test_another_operator_decides_nothing(settled):
    ask(settled)
    with pytest.raises(Refused):
        settled.tell(
            "on_refund", {"id": settled.number, "payments": [row("APPROVED")]}, sender="thief.example"
        )
    assert given(settled) == 0


def test_money_of_another_currency_is_no_answer(settled):
    ask(settled)
    other = row("APPROVED")
    other["params"]["currency"] = "USD"
    tell_rows(settled, other)
    assert given(settled) == 0


# --- Unasked ----------------------------------------------------------------------------------------------------


def charged_again(stage: Stage) -> Payment:
    """The bank took a second time for the same order."""
    first = stage.payment()
    again = Payment.objects.get(pk=first.pk)
    again.pk, again.code, again.idempotency_key = None, UUID(int=1), "again"
    again._state.adding, again.refunded_amount = True, Decimal(0)
    again.save()
    return again


def only_refund() -> Refund:
    refund = Refund.objects.get()
    assert (refund.source, refund.requested_by, refund.decided_by) == (Refund.Source.RULE, None, None)
    return refund


def test_an_ordinary_charge_gives_nothing_back(settled):
    assert not Refund.objects.exists()
    assert settled.fresh().money_check_at is None


def test_a_second_charge_for_one_order_goes_back(settled):
    again = charged_again(settled)
    services.payment_captured(again)
    assert services.check_money() == 1
    refund = only_refund()
    assert (refund.cause, refund.amount) == ("DUPLICATE_PAYMENT", Decimal("361.08"))
    assert refund.state == Refund.State.APPROVED
    assert excess(settled.fresh(), captured(side="DRIVER", reference=str(settled.order.code))) == 0


def _charged_twice(stage: Stage) -> None:
    stage.until("SETTLED")
    services.payment_captured(charged_again(stage))


def _nothing_delivered(stage: Stage) -> None:
    stage.until("CHARGING")
    stage.final_bill("11.80", "0", quote=bill("11.80", "0.00", "10.00", "1.80"))
    stage.settle()


def _billed_lower(stage: Stage) -> None:
    stage.until("SETTLED")
    stage.final_bill("300.00", quote=bill("300.00", "244.24", "10.00", "45.76"))


@pytest.mark.parametrize("settle", [_charged_twice, _nothing_delivered, _billed_lower])
def test_what_is_not_owed_is_at_the_bank_within_a_minute(stage, settle, settings):
    """AT-J4: nobody asks for it, the worker does it on its next rounds."""
    settings.SANDBOX_REFUNDS = "hang"  # the bank has it, and has not paid yet
    settle(stage)
    with time_machine.travel(clock.now() + timedelta(seconds=50), tick=False):
        duties = wiring.duties()
        for _round in range(2):
            for name in ("refunds", "order money"):
                duties[name]()
        assert only_refund().state == Refund.State.SENT


def test_a_lower_bill_that_comes_later_gives_the_difference_back_once(settled):
    for _ in range(3):
        settled.final_bill("300.00", quote=bill("300.00", "244.24", "10.00", "45.76"))
        services.check_money()
    refund = only_refund()
    assert (refund.cause, refund.amount) == ("OVERCHARGE", Decimal("61.08"))
    assert settled.order.billed_amount == Decimal("361.08")  # what was charged stays what was charged


def test_a_higher_bill_that_comes_later_changes_nothing(settled):
    settled.final_bill("400.00", quote=bill("400.00", "328.98", "10.00", "61.02"))
    services.check_money()
    assert not Refund.objects.exists()


def test_nothing_delivered_is_nothing_owed(stage):
    stage.until("CHARGING")
    stage.final_bill("11.80", "0", quote=bill("11.80", "0.00", "10.00", "1.80"))
    stage.settle()
    assert owed(stage.order) == 0
    services.check_money()
    refund = only_refund()
    assert (refund.cause, refund.amount) == ("FAILED_SESSION", Decimal("11.80"))


def test_a_bank_that_took_more_than_the_bill_gives_the_unused_back(settled):
    Payment.objects.update(captured_amount=Decimal("436.60"))
    pay_back_excess(settled.fresh())
    assert only_refund().amount == Decimal("75.52")


def test_a_charge_after_the_operator_failed_goes_back(stage):
    stage.until("CONFIRMED")
    stage.cancelled(by="PROVIDER", code="HARDWARE_FAILURE")
    stage.settle()
    Payment.objects.update(state="CAPTURED", captured_amount=Decimal(40))
    pay_back_excess(stage.fresh())
    assert (only_refund().amount, only_refund().cause) == (40, "CANCELLATION")


def test_the_drivers_own_cancellation_fee_stays(stage):
    stage.until("CONFIRMED")
    services.request_cancel(stage.order)
    stage.cancelled(fee="43.66")
    stage.settle()
    services.check_money()
    assert stage.payment().captured_amount == Decimal("43.66")
    assert not Refund.objects.exists()


def test_a_favour_does_not_pay_for_a_second_charge(settled):
    ask(settled)
    answer(settled, "APPROVED")
    charged_again(settled)
    pay_back_excess(settled.fresh())
    assert Refund.objects.get(source="RULE").amount == Decimal("361.08")


def test_what_the_operator_gives_unasked_goes_back_once(settled):
    for _ in range(3):
        tell_rows(settled, row("APPROVED", "20.00", "rfd-9", **{"reason-text": "Sorry"}))
    refund = Refund.objects.get()
    assert (refund.source, refund.amount, refund.reason) == ("OPERATOR", 20, "Sorry")


def test_the_operators_return_of_the_unused_quote_is_not_paid_twice(settled):
    """It thinks that 436.60 were paid; we charged the 361.08 of the bill only."""
    tell_rows(settled, row("APPROVED", "75.52", **{"refund-type": "OVERCHARGE_REFUND"}))
    services.check_money()
    assert not Refund.objects.exists()
    tell_rows(settled, row("APPROVED", "100.00", "rfd-2", **{"refund-type": "OVERCHARGE_REFUND"}))
    services.check_money()
    assert only_refund().amount == Decimal("24.48")


# --- What is suggested ------------------------------------------------------------------------------------------


def test_there_is_always_an_amount_and_a_reason(settled):
    hint = suggest(settled.order)
    assert (hint.amount, hint.is_supported) == (Decimal("361.08"), False)


def test_fees_with_their_tax_are_suggested_for_a_charge_that_broke_off(stage):
    stage.until("CHARGING")
    stage.final_bill()  # nobody pressed Stop
    stage.settle()
    hint = suggest(stage.order)
    assert (hint.amount, hint.reason_id, hint.is_supported) == (Decimal("11.80"), "R03", True)


def test_lines_that_add_up_to_less_are_the_first_ground(stage):
    stage.until("CHARGING")
    stage.final_bill("371.08", quote=quote("371.08", bill("361.08", "296.00", "10.00", "55.08")["breakup"]))
    stage.settle()
    assert (suggest(stage.order).amount, suggest(stage.order).reason_id) == (Decimal("10.00"), "R01")


def test_nothing_is_suggested_where_nothing_was_charged(stage):
    stage.until("CONFIRMED")
    services.request_cancel(stage.order)
    stage.cancelled()
    stage.settle()
    assert stage.order.state == State.CANCELLED
    assert suggest(stage.order) is None


def test_interruptions_are_seen_in_the_history(stage):
    stage.until("CHARGING")
    stage.tell_state("CONNECTION-INTERRUPTED", at=STARTED + timedelta(seconds=60))
    services.request_stop(stage.order)
    stage.final_bill()
    stage.settle()
    assert suggest(stage.order).amount == Decimal("11.80")


# --- The operator sets its bill right (corrects) ------------------------------------------------------------------


def corrected(amount: str, ref: str = "rfd-9", status: str = "APPROVED", **more: str) -> dict:
    tags = {"refund-type": "OVERCHARGE_REFUND", "corrects": "INV-2026-000001", "reason-text": "Wrong price"}
    return row(status, amount, ref, **tags | more)


def test_a_corrected_bill_comes_back_once_and_the_operator_hears_of_it(settled):
    for _ in range(3):
        tell_rows(settled, corrected("41.30"))
        services.check_money()
    assert given(settled) == Decimal("41.30")
    order = settled.fresh()
    assert owed(order) == order.billed_amount - Decimal("41.30")
    assert excess(order, captured(side=Payment.Side.DRIVER, reference=str(order.code))) == 0
    pay_out()
    paid = settled.sent("update")[-1]
    (said,) = paid["message"]["order"]["payments"]
    assert (said["id"], said["status"]) == ("rfd-9", "PAID")


def test_two_corrections_are_two_and_an_older_message_takes_none_back(settled):
    tell_rows(settled, corrected("10.00"))
    tell_rows(settled, corrected("10.00"), corrected("5.00", "rfd-10"))
    tell_rows(settled, corrected("10.00"))
    services.check_money()
    assert given(settled) == Decimal("15.00")


def test_a_correction_never_gives_more_than_was_captured(settled):
    taken = settled.payment().captured_amount
    tell_rows(settled, row("APPROVED", "300.00", "rfd-favour"))
    tell_rows(settled, row("APPROVED", "300.00", "rfd-favour"), corrected("100.00"))
    services.check_money()
    assert given(settled) == taken


@pytest.mark.parametrize("status", ["REQUESTED", "REJECTED"])
def test_a_correction_nobody_agreed_to_is_none(settled, status):
    tell_rows(settled, corrected("41.30", status=status))
    services.check_money()
    assert given(settled) == 0


def test_a_correction_is_no_answer_to_what_the_driver_asked(settled):
    refund = ask(settled)
    tell_rows(settled, corrected("60.00"))
    refund.refresh_from_db()
    assert refund.state == Refund.State.REQUESTED
    assert given(settled) == 60


def test_what_a_request_stood_in_the_way_of_comes_back_once_it_is_declined(settled):
    everything = settled.payment().captured_amount
    refund = ask(settled, str(everything))
    tell_rows(settled, corrected("41.30"))
    services.check_money()
    assert given(settled) == 0  # all that was charged is asked for already
    refunds.decline(refund, why="The meter shows no fault")
    services.check_money()
    assert given(settled) == Decimal("41.30")
