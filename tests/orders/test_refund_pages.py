from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from apps.lib import clock
from apps.orders import selectors, services
from apps.orders.models import Order
from apps.payments import refunds
from apps.payments.models import Refund


def url(stage, name: str = "refund") -> str:
    return reverse(f"orders:{name}", args=[stage.order.code])


def page(stage, name: str = "order") -> str:
    return stage.client().get(url(stage, name)).content.decode()


@pytest.fixture
def settled(stage):
    stage.until("SETTLED")
    services.check_money()
    return stage


def ask(stage, **more):
    form = {"amount": "60.00", "reason_id": "R03", "words": "It broke off", "key": "0" * 32}
    return stage.client().post(url(stage), form | more)


def test_the_receipt_leads_to_a_form_that_is_filled_in(settled):
    assert url(settled) in page(settled)
    shown = page(settled, "refund")
    assert 'value="361.08"' in shown
    assert "the most that can go back" in shown


def test_asking_shows_the_request_with_the_day_of_the_answer(settled):
    answer = ask(settled)
    assert answer.url == settled.order.get_absolute_url()
    shown = page(settled)
    assert "Requested" in shown
    assert "SparkDock has been asked." in shown
    assert "It broke off" in shown
    assert url(settled) not in shown  # one at a time


def test_a_double_click_asks_once(settled):
    assert [ask(settled).status_code for _ in range(3)] == [302] * 3
    assert Refund.objects.count() == 1


@pytest.mark.parametrize("amount", ["361.09", "0", "-1", "ten", "", "0.001", "1e99"])
def test_bad_amounts_are_told_beside_the_field(settled, amount):
    answer = ask(settled, amount=amount)
    assert answer.status_code == 422
    assert not Refund.objects.exists()


@pytest.mark.parametrize("field", ["reason_id", "key"])
def test_bad_words_are_refused(settled, field):
    assert ask(settled, **{field: "R99"}).status_code == 422
    assert not Refund.objects.exists()


def test_a_stranger_finds_no_form_and_asks_for_nothing(settled, stranger):
    client = Client()
    client.force_login(stranger)
    assert client.get(url(settled)).status_code == 404
    assert client.post(url(settled), {"amount": "1.00"}).status_code == 404
    assert Client().get(url(settled)).status_code == 302
    assert not Refund.objects.exists()


def test_after_the_window_the_page_says_so(settled, settings):
    ended = clock.now() - timedelta(days=settings.REFUNDS["WINDOW_DAYS"] + 1)
    Order.objects.filter(pk=settled.order.pk).update(ended_at=ended)
    assert "The time to ask ended" in page(settled, "refund")
    assert url(settled) not in page(settled)
    assert ask(settled).status_code == 409


def test_the_page_of_an_over_order_lives_while_its_refund_waits(settled, driver, settings):
    settings.SANDBOX_REFUNDS = "settle"
    assert "ws-connect" not in page(settled)
    ask(settled)
    assert "ws-connect" in page(settled)
    before = settled.fresh().changed_at
    refunds.approve(Refund.objects.get(), amount=Decimal(25), why="the operator agreed")
    assert settled.fresh().changed_at > before
    assert "Approved" in selectors.live_panel(driver, str(settled.order.code))
    refunds.send_due()
    shown = page(settled)
    assert "ws-connect" not in shown
    assert "Paid back on" in shown
    assert Refund.objects.get().provider_ref in shown
    assert "asked for ₹60.00" in shown
    assert "₹25.00" in shown


def test_a_broken_promise_is_told(settled):
    ask(settled)
    refunds.approve(Refund.objects.get())
    Refund.objects.update(promised_on=(clock.now() - timedelta(days=1)).date())
    refunds.move_overdue()
    assert "takes longer than promised" in page(settled)


def test_a_refund_nobody_can_make_says_that_support_knows(settled, settings):
    settings.SANDBOX_REFUNDS = "decline"
    ask(settled)
    refunds.approve(Refund.objects.get())
    refunds.send_due()
    assert "could not pay it back" in page(settled)


def test_words_of_a_driver_are_shown_as_words(settled):
    ask(settled, words="<script>alert(1)</script>")
    assert "<script>alert(1)" not in page(settled)


def test_a_cancelled_order_that_cost_something_can_be_questioned(stage):
    stage.until("CONFIRMED")
    services.request_cancel(stage.order)
    stage.cancelled(fee="43.66")
    stage.settle()
    assert url(stage) in page(stage)


def test_many_refunds_cost_no_more_questions(settled, django_assert_max_num_queries):
    payment = settled.payment()
    for number in range(20):
        refunds.request(
            payment, amount=Decimal(1), cause="OVERCHARGE", reason="x", source="STAFF", key=str(number)
        )
    client = settled.client()
    with django_assert_max_num_queries(26):
        client.get(url(settled, "order"))
