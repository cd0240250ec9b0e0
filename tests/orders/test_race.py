"""Of several hands on one order one wins; the others change nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier, Event
from time import sleep

import pytest
from django.db import connection, transaction

from apps.lib.errors import Refused
from apps.orders import services
from apps.orders.models import Order
from apps.orders.states import State
from apps.payments import refunds
from apps.payments.models import Payment, Refund
from apps.payments.providers import sandbox
from apps.payments.services import look_again, open_checkout
from tests.orders.stage import Stage

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Run `acts` in threads that start together; what each gave back, or the refusal it got."""
    gate = Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        gate.wait()
        try:
            return act()
        except Refused as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(run, acts))


def copies(stage: Stage, count: int) -> list[Order]:
    """What several requests hold that read the order in the same moment."""
    return [Order.objects.get(pk=stage.order.pk) for _ in range(count)]


def test_a_double_click_on_accept_holds_and_confirms_once(stage):
    stage.until("TERMS_OFFERED")
    acts = [lambda order=order: services.accept_terms_and_pay(order) for order in copies(stage, 4)]
    at_once(*acts)
    assert Payment.objects.count() == 1
    assert stage.history().count(State.PAYING) == 1


def test_a_double_click_on_get_quote_makes_one_order(stage):
    keys = ["same-press"] * 4
    at_once(*[lambda key=key: Stage(stage.driver).ask(key=key) for key in keys])
    assert Order.objects.count() == 1


def test_cancel_against_confirm_has_one_winner_and_never_both_paid_and_gone(stage):
    stage.until("CONFIRM_REQUESTED")
    (order,) = copies(stage, 1)
    teller = Stage(stage.driver, order=stage.order, number=stage.number)
    at_once(
        lambda: services.request_cancel(order),
        lambda: teller.tell("on_confirm", {"id": stage.number, "status": "ACTIVE"}),
    )
    stage.fresh()
    payment = stage.settle()
    assert stage.order.state in (State.CANCELLED, State.CONFIRMED, State.CANCELLING)
    if stage.order.state == State.CANCELLED:
        assert payment.state == Payment.State.VOIDED
        assert len(stage.sent("cancel")) == 1
    else:
        assert payment.state == Payment.State.AUTHORISED


def test_the_end_of_the_quote_against_the_payment_leaves_no_money_stuck(stage):
    """The bank approves in the moment in which the time of the quote is up."""
    stage.until("TERMS_OFFERED")
    payment = services.accept_terms_and_pay(stage.fresh())
    open_checkout(payment)
    payment.refresh_from_db()
    sandbox.answer(payment.provider_ref, "approve")
    Order.objects.update(deadline_at=stage.order.created_at)
    at_once(lambda: look_again(payment), services.move_overdue, services.move_overdue)
    payment, order = stage.settle(), stage.order
    assert order.state in (State.CONFIRM_REQUESTED, State.EXPIRED)
    is_kept = order.state == State.CONFIRM_REQUESTED
    assert payment.state == (Payment.State.AUTHORISED if is_kept else Payment.State.VOIDED)
    assert len(stage.sent("confirm")) == is_kept


def test_who_decides_a_refund_waits_for_who_holds_the_order_and_not_the_other_way_round(stage):
    """Both write order and payment; taken in two orders, PostgreSQL would end one of them as a deadlock."""
    stage.until("SETTLED")
    payment = Payment.objects.get()
    asked = {
        "amount": Decimal("1.00"),
        "cause": "OVERCHARGE",
        "reason": "slow",
        "source": Refund.Source.DRIVER,
    }
    refund = refunds.request(payment, **asked, key="one")
    held = Event()

    @transaction.atomic
    def check_the_order() -> None:
        Order.objects.select_for_update().get(pk=stage.order.pk)
        held.set()
        sleep(0.5)
        Payment.objects.filter(pk=payment.pk).update(next_try_at=payment.next_try_at)

    def decide() -> None:
        held.wait(10)
        refunds.approve(Refund.objects.get(pk=refund.pk), why="yes")

    at_once(check_the_order, decide)
    refund.refresh_from_db()
    assert refund.state == Refund.State.APPROVED


def test_stop_against_the_final_bill_ends_in_the_bill(stage):
    stage.until("CHARGING")
    (order,) = copies(stage, 1)
    teller = Stage(stage.driver, order=stage.order, number=stage.number)
    at_once(lambda: services.request_stop(order), teller.final_bill)
    stage.fresh()
    assert stage.order.state == State.ENDED


def test_two_workers_move_an_overdue_order_once(stage):
    stage.until("QUOTED")
    Order.objects.update(deadline_at=stage.order.created_at)
    at_once(services.move_overdue, services.move_overdue, services.move_overdue)
    assert stage.history().count(State.EXPIRED) == 1
