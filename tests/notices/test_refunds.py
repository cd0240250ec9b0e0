"""Every change of a refund is told: on the page always, by mail and push as its person switched."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client

from apps.accounts.models import User
from apps.lib import clock
from apps.notices import services, switches
from apps.notices.models import Channel, Device, Happening, Notice
from apps.payments import refunds
from apps.payments.models import Refund
from tests.orders.stage import Stage
from tests.orders.test_refunds import ask, charged_again, pay_out
from tests.orders.test_refunds import services as orders

H, C, S = Happening, Channel, Notice.State
OF_REFUNDS = [happening for happening in H.values if happening.startswith("REFUND")]


@pytest.fixture
def settled(stage) -> Stage:
    stage.until("SETTLED")
    Notice.objects.all().delete()
    return stage


def told(channel: str = C.PAGE) -> list[str]:
    return list(Notice.objects.filter(channel=channel).order_by("pk").values_list("happening", flat=True))


def mailed(minutes: int = 2) -> list[str]:
    """The subjects, once everything that waits may go."""
    with time_machine.travel(clock.now() + timedelta(minutes=minutes), tick=False):
        for _round in range(10):
            services.send_due()
    return [letter.subject for letter in mail.outbox]


def test_a_refund_is_told_from_the_wish_to_the_bank(settled, driver):
    switches.choose(driver, {(H.REFUND_SENT, C.MAIL): True})
    refund = ask(settled)
    assert mailed() == ["A refund of ₹60.00 is asked for"]
    assert "You hear by" in mail.outbox[0].body
    refunds.approve(refund)
    assert mailed()[1:] == ["Your refund of ₹60.00 is approved"]
    assert "at the latest on" in mail.outbox[1].body
    refunds.send_due()
    assert mailed()[2:] == ["Your refund of ₹60.00 is with your bank"]
    pay_out()
    assert mailed()[3:] == ["Your refund of ₹60.00 is paid back"]
    refund.refresh_from_db()
    assert f"Reference of the bank: {refund.provider_ref}" in mail.outbox[3].body
    assert told() == [H.REFUND_ASKED, H.REFUND_YES, H.REFUND_SENT, H.REFUND_PAID]


def test_a_no_is_told_with_its_reason(settled):
    refunds.decline(ask(settled), why="The meter is right.")
    assert mailed() == ["Your refund of ₹60.00 is declined"]
    assert "Declined: The meter is right." in mail.outbox[0].body


def test_the_same_change_told_twice_is_one_notice(settled):
    refund = ask(settled)
    refunds.approve(refund)
    for _time in range(3):
        orders.refund_changed(refund)
    assert told() == [H.REFUND_ASKED, H.REFUND_YES]


def test_a_late_refund_is_told_and_what_comes_after_it_too(settled):
    refund = ask(settled)
    refunds.approve(refund)
    Refund.objects.update(promised_on=(clock.now() - timedelta(days=1)).date())
    refunds.move_overdue()
    refunds.move_overdue()
    assert told() == [H.REFUND_ASKED, H.REFUND_YES, H.REFUND_LATE]
    assert mailed() == ["Your refund of ₹60.00 is late"]
    assert "It was promised for" in mail.outbox[0].body
    pay_out()
    assert told()[3:] == [H.REFUND_SENT, H.REFUND_PAID]


def test_a_refusal_of_the_bank_is_told(settled, settings):
    settings.SANDBOX_REFUNDS = "decline"
    refunds.approve(ask(settled))
    refunds.send_due()
    assert mailed() == ["Your bank refused the refund of ₹60.00"]
    assert "looks for another way" in mail.outbox[0].body


def test_a_refund_that_nobody_asked_for_is_mailed_once_when_it_is_quick(settled):
    """By a rule: approved, sent and paid in one breath, and never "asked for"."""
    orders.payment_captured(charged_again(settled))
    orders.check_money()
    Notice.objects.filter(about="").delete()  # the receipt, which says something new
    pay_out()
    assert told() == [H.REFUND_YES, H.REFUND_SENT, H.REFUND_PAID]
    assert mailed() == ["Your refund of ₹361.08 is paid back"]
    assert set(Notice.objects.filter(channel=C.MAIL).values_list("state", flat=True)) == {S.DROPPED, S.TOLD}
    assert [name.partition("-")[0] for name, _pdf, _kind in mail.outbox[0].attachments] == ["receipt"]


def test_two_refunds_of_one_order_are_both_told(settled):
    for key in ("one", "two"):
        refunds.decline(ask(settled, "10.00", key=key), why="no")
    assert mailed() == ["Your refund of ₹10.00 is declined"] * 2


def test_switched_off_only_what_must_be_known_is_mailed(settled, driver):
    switches.no_more_mail(driver)
    refunds.approve(ask(settled))
    pay_out()
    assert mailed() == ["Your refund of ₹60.00 is paid back"]
    assert "This mail is always sent" in mail.outbox[0].body
    assert "List-Unsubscribe" not in mail.outbox[0].extra_headers


def test_what_can_be_switched_off_carries_the_no(settled):
    ask(settled)
    mailed()
    assert "/me/notices/off/" in mail.outbox[0].extra_headers["List-Unsubscribe"]


def test_devices_are_told_of_refunds_too(settled, driver):
    Device.objects.create(
        person=driver, endpoint="https://push.example/1", p256dh="x", auth="y", name="Firefox"
    )
    refunds.decline(ask(settled), why="no")
    assert told(C.PUSH) == [H.REFUND_ASKED, H.REFUND_NO]


def test_a_guest_is_mailed_what_they_must_know_with_the_key_of_their_order(settled, driver):
    User.objects.filter(pk=driver.pk).update(is_guest=True, contact_email="asha@guest.example")
    refunds.approve(ask(settled))
    pay_out()
    assert mailed() == ["Your refund of ₹60.00 is paid back"]
    body = mail.outbox[0].body
    link = next(line for line in body.splitlines() if line.startswith("http://localhost:8000/"))
    assert "always sent" not in body and "No more mails" not in body
    page = Client().get(link.removeprefix("http://localhost:8000"), follow=True)
    assert page.redirect_chain[-1][0] == settled.order.get_absolute_url() and page.status_code == 200


def test_the_page_tells_them_in_words(settled, driver):
    refunds.decline(ask(settled), why="The meter is right.")
    client = Client()
    client.force_login(driver)
    page = client.get("/me/notices/").content.decode()
    assert "Your refund of ₹60.00 is declined" in page and "The meter is right." in page
    assert settled.order.get_absolute_url() in page


def test_no_refund_of_the_operators_books_is_told_to_a_driver(settled):
    refund = ask(settled)
    refund.payment.side = "OPERATOR"
    refunds.wiring.announce("refund.changed", refund)
    assert told() == [H.REFUND_ASKED]
