"""The receipt by mail: to everybody who left an address, again for who asks, anew when it says something new."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.notices import papers, services, switches
from apps.notices.models import Channel, Happening, Notice
from apps.payments import refunds
from apps.payments.models import Refund
from tests.lib.test_paper import text_of
from tests.notices.test_notices import Broken, happened, send, switch
from tests.orders.test_receipt import document, tell_documents

H, C, S = Happening, Channel, Notice.State


@pytest.fixture
def settled(stage):
    stage.until("SETTLED")
    return stage


@pytest.fixture
def guest(driver) -> User:
    User.objects.filter(pk=driver.pk).update(is_guest=True, contact_email="guest@example.org")
    driver.refresh_from_db()
    return driver


def ask(stage, client: Client | None = None):
    return (client or stage.client()).post(reverse("orders:send_receipt", args=[stage.order.code]))


def receipts() -> list[mail.EmailMessage]:
    return [letter for letter in mail.outbox if letter.attachments]


def files(letter: mail.EmailMessage) -> dict[str, bytes]:
    assert all(kind == "application/pdf" for _name, _content, kind in letter.attachments)
    return {name: content for name, content, _kind in letter.attachments}


def test_the_receipt_comes_with_its_mail(settled):
    tell_documents(settled, document())
    send()
    (letter,) = receipts()
    names = files(letter)
    assert list(names) == [f"receipt-{settled.number.lower()}.pdf", "inv-2026-000007.pdf"]
    assert "₹361.08" in text_of(next(iter(names.values())))
    assert letter.to == ["asha@example.org"]


def test_mails_on_the_way_carry_no_papers(stage, driver):
    switch(driver, *H.values)
    stage.until("ENDED")
    assert len(send()) > 0
    assert receipts() == []


def test_it_is_in_the_language_of_its_person(stage, driver):
    User.objects.filter(pk=driver.pk).update(language="hi")
    stage.until("SETTLED")
    send()
    (letter,) = receipts()
    assert "नमस्ते" in letter.body
    assert letter.attachments[0][1].find(b"/Lang(hi)") > 0


def test_who_switched_it_off_gets_none(stage, driver):
    switch(driver, H.RECEIPT, H.CORRECTED, on=False)
    stage.until("SETTLED")
    tell_documents(stage, document())
    send()
    assert receipts() == []


# --- Guests -------------------------------------------------------------------------------------------------------


def test_a_guest_gets_the_receipt_and_nothing_else(stage, guest):
    stage.until("SETTLED")
    assert send() == ["Receipt: Cubbon Park Plaza"]
    (letter,) = receipts()
    assert letter.to == ["guest@example.org"]
    assert not {"List-Unsubscribe", "List-Unsubscribe-Post"} & set(letter.extra_headers)
    assert "No more mails" not in letter.body


def test_the_link_in_it_opens_the_order_of_the_guest(stage, guest):
    stage.until("SETTLED")
    send()
    link = next(line for line in receipts()[0].body.splitlines() if line.startswith("http"))
    client = Client()
    answer = client.get(link.removeprefix("http://localhost:8000"))
    assert answer.url == stage.order.get_absolute_url()
    assert client.get(answer.url).status_code == 200


def test_a_guest_without_an_address_gets_none(stage, guest):
    User.objects.update(contact_email="")
    guest.refresh_from_db()
    stage.until("SETTLED")
    assert send() == []
    assert ask(stage).status_code == 429


# --- Asked for ----------------------------------------------------------------------------------------------------


def test_it_is_sent_again_to_who_asks(settled):
    send()
    first = receipts()[0]
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        answer = ask(settled)
        assert answer.url == reverse("orders:receipt", args=[settled.order.code])
        send()
    again = receipts()[1]
    assert again.to == first.to == ["asha@example.org"]
    assert again.extra_headers["Message-ID"] != first.extra_headers["Message-ID"]


def test_not_twice_in_a_moment(settled):
    send()
    answer = ask(settled)
    assert answer.status_code == 429
    assert "a moment ago" in answer.content.decode()
    assert Notice.objects.get(happening=H.RECEIPT, channel=C.MAIL).state == S.TOLD


def test_a_double_click_sends_one(settled):
    send()
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        assert [ask(settled).status_code for _press in range(3)] == [302] * 3
        send()
    assert len(receipts()) == 2


def test_not_for_ever(settled):
    send()
    Notice.objects.update(times_asked=papers.MOST_ASKED)
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        assert ask(settled).status_code == 429
        assert send() == [letter.subject for letter in mail.outbox[:2]]


def test_asked_for_it_comes_also_where_it_is_switched_off(stage, driver):
    switches.no_more_mail(driver)
    stage.until("SETTLED")
    assert ask(stage).status_code == 302
    send()
    assert len(receipts()) == 1


def test_one_that_was_given_up_can_be_asked_for(settled):
    Notice.objects.filter(channel=C.MAIL).update(state=S.GIVEN_UP, act_at=None, tries=10)
    assert ask(settled).status_code == 302
    send()
    assert len(receipts()) == 1


def test_nobody_has_the_receipt_of_another_sent(settled, stranger):
    send()
    client = Client()
    assert ask(settled, client).status_code == 302  # to sign in
    client.force_login(stranger)
    assert ask(settled, client).status_code == 404
    assert client.get(reverse("orders:send_receipt", args=[settled.order.code])).status_code == 405
    assert len(receipts()) == 1


def test_before_the_bill_there_is_none(stage):
    stage.until("CHARGING")
    assert ask(stage).status_code == 404


# --- Something new ------------------------------------------------------------------------------------------------


def credit(stage, number: str) -> None:
    tell_documents(stage, document(number, code="credit-note", reverses="INV-2026-000007"))


def test_a_credit_note_after_the_mail_comes_with_a_new_receipt(settled):
    tell_documents(settled, document())
    send()
    credit(settled, "CRN-1")
    assert send()[-1] == "New receipt: Cubbon Park Plaza"
    assert list(files(receipts()[-1])) == [
        f"receipt-{settled.number.lower()}.pdf",
        "inv-2026-000007.pdf",
        "crn-1.pdf",
    ]
    with time_machine.travel(timezone.now() + timedelta(days=9)):
        credit(settled, "CRN-2")
        send()
    assert len(receipts()) == 3
    assert len({letter.extra_headers["Message-ID"] for letter in receipts()}) == 3


def test_what_is_told_again_is_not_new(settled):
    tell_documents(settled, document())
    send()
    tell_documents(settled, document())
    send()
    assert len(receipts()) == 1


def test_documents_before_the_mail_leave_with_it(settled):
    tell_documents(settled, document())
    credit(settled, "CRN-1")
    send()
    assert [len(letter.attachments) for letter in receipts()] == [3]
    assert H.CORRECTED not in happened()


def test_money_that_is_back_comes_with_a_new_receipt(settled, settings):
    send()
    settings.SANDBOX_REFUNDS = "settle"
    refund = refunds.pay_back(
        settled.payment(), amount=Decimal("61.08"), cause="SERVICE_ISSUE", reason="x", source="RULE", key="x"
    )
    send()
    assert len(receipts()) == 1  # not yet back
    while refunds.send_due():
        pass
    refund.refresh_from_db()
    assert refund.state == Refund.State.SETTLED
    send()
    assert "₹300.00" in text_of(next(iter(files(receipts()[-1]).values())))


def test_the_fee_of_a_cancelled_order_has_a_receipt_too(stage):
    stage.until("CONFIRMED")
    stage.cancelled(fee="43.66")
    assert H.RECEIPT not in happened()  # nothing was charged yet
    stage.settle()
    send()
    (letter,) = receipts()
    assert "₹43.66" in text_of(letter.attachments[0][1])


def test_a_mail_server_that_is_away_loses_no_paper(settled, monkeypatch):
    server = Broken(monkeypatch)
    send()
    assert receipts() == []
    server.is_away = False
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        send()
    assert len(receipts()) == 1


def test_a_name_with_a_line_break_is_one_subject(settled):
    settled.order.station_name = "Plaza\r\nBcc: x@example.org"
    settled.order.save(update_fields=["station_name"])
    assert "Receipt: Plaza Bcc: x@example.org" in send()
    assert all(letter.bcc == [] for letter in mail.outbox)


def test_a_first_receipt_is_noted_once_however_often_it_is_announced(settled):
    for _time in range(3):
        papers.papers_changed(settled.fresh())
    assert happened(C.MAIL).count(H.RECEIPT) == 1
    assert services.note(settled.order, H.RECEIPT) is False
