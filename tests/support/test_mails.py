"""Mails of tickets: in the language of their reader, once, and never lost to a mail server that is away."""

from datetime import timedelta
from decimal import Decimal
from smtplib import SMTPException
from uuid import uuid4

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import translation

from apps.accounts.services import hand_over_guest, make_guest
from apps.lib import clock
from apps.notices.models import Happening
from apps.orders import services as orders
from apps.payments import refunds
from apps.payments.models import Refund
from apps.support import mails, services
from apps.support.models import Notice
from apps.support.services import notices
from apps.support.states import State


def send_all() -> int:
    sent = 0
    while now := services.send_due():
        sent += now
    return sent


def test_the_first_mail_has_the_number_the_link_and_the_promises(ticket, mailoutbox):
    assert send_all() == 1
    (mail,) = mailoutbox
    assert mail.to == [ticket.driver.email] and ticket.code in mail.subject
    assert f"/support/{ticket.code}/" in mail.body and "first answer by" in mail.body
    assert send_all() == 0


@pytest.mark.parametrize("then", [State.IN_PROGRESS, State.WAITING_FOR_DRIVER, State.RESOLVED])
def test_an_answer_of_the_desk_is_in_the_mail(ticket, agent, say, mailoutbox, then):
    send_all()
    say(ticket, "We look at the <meter>.", by=agent(), then=then)
    send_all()
    assert "We look at the <meter>." in mailoutbox[-1].body


def test_every_change_is_told_to_the_driver(ticket, agent, say, mailoutbox):
    officer = agent(3)
    services.assign(ticket, by=officer, to=officer)
    services.escalate(ticket, by=officer, why="hard")
    say(ticket, "Done.", by=officer, then=State.RESOLVED)
    with time_machine.travel(ticket.deadline_at, tick=False):
        services.move_overdue()
        send_all()
    theirs = [mail.subject for mail in mailoutbox if mail.to == [ticket.driver.email]]
    assert len(theirs) == 5  # opened, taken, escalated, resolved, closed


def test_who_has_the_ticket_hears_that_the_driver_wrote(ticket, agent, say, mailoutbox):
    lata = agent(email="lata@example.org")
    services.assign(ticket, by=lata, to=lata)
    say(ticket, "Hello?")
    send_all()
    (mail,) = [mail for mail in mailoutbox if mail.to == ["lata@example.org"]]
    assert f"/admin/support/ticket/{ticket.pk}/change/" in mail.body and "Hello?" not in mail.body


def test_a_mail_speaks_the_language_of_its_reader(ticket, monkeypatch):
    languages = []

    def render(template: str, context: dict) -> str:
        languages.append(translation.get_language())
        return "words"

    monkeypatch.setattr(mails, "render_to_string", render)
    Notice.objects.update(language="hi")
    services.send_due()
    assert set(languages) == {"hi"}


def test_a_mail_server_that_fails_is_tried_again_later(ticket, monkeypatch, mailoutbox):
    def fail(self, *args, **kwargs):
        raise SMTPException("the server is away")

    with monkeypatch.context() as patched:
        patched.setattr("django.core.mail.EmailMessage.send", fail)
        assert services.send_due() == 0
    notice = Notice.objects.get()
    assert (notice.tries, notice.sent_at, notice.last_error) == (1, None, "the server is away")
    assert services.send_due() == 0  # not yet
    with time_machine.travel(clock.now() + timedelta(minutes=2), tick=False):
        assert services.send_due() == 1
    assert len(mailoutbox) == 1


def test_after_eight_tries_it_is_given_up_visibly(ticket, monkeypatch):
    monkeypatch.setattr("apps.support.mails.send", lambda notice: (_ for _ in ()).throw(OSError("no route")))
    Notice.objects.update(tries=7)
    services.send_due()
    notice = Notice.objects.get()
    assert (notice.next_try_at, notice.sent_at, notice.last_error) == (None, None, "no route")


@pytest.fixture
def late_refund(stage) -> Refund:
    """Approved, and the promised day passed without the bank."""
    stage.until("SETTLED")
    how = {"amount": Decimal(60), "reason_id": "R03", "words": "slow", "key": "press"}
    refund = orders.request_refund(stage.fresh(), **how)
    refunds.approve(refund)
    Refund.objects.update(promised_on=(clock.now() - timedelta(days=1)).date(), next_try_at=None)
    refund.refresh_from_db()
    return refund


def test_a_late_refund_is_told_once_to_those_who_decide_and_to_the_driver(
    stage, late_refund, agent, factory, mailoutbox
):
    people = [agent(2), agent(3), factory.make_user(is_staff=True, is_superuser=True)]
    agent(1)
    factory.make_staff(factory.make_operator(), role="FINANCE")
    agent(2, is_active=False)
    assert (refunds.move_overdue(), refunds.move_overdue()) == (1, 0)
    send_all()
    assert sorted(mail.to[0] for mail in mailoutbox) == sorted(person.email for person in people)
    letter = mailoutbox[0]
    assert "A refund is late: ₹60.00" in letter.subject
    assert str(late_refund.code) in letter.body
    assert reverse("admin:payments_refund_change", args=[late_refund.pk]) in letter.body
    driver_told = stage.driver.notices.filter(happening=Happening.REFUND_LATE)
    assert driver_told.exists()


def test_a_notice_is_of_one_thing_and_a_late_refund_is_told_a_person_once(ticket, late_refund):
    told = {"to": "lata@example.org", "language": "en", "to_desk": True, "queued_at": clock.now()}
    Notice.objects.create(refund=late_refund, **told)
    for wrong in (
        {},
        {"refund": late_refund},
        {"refund": late_refund, "ticket": ticket, "to": "b@example.org"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Notice.objects.create(**told | wrong)


def test_two_senders_send_one_mail(ticket, mailoutbox):
    """The second read the row before the first claimed it."""
    notice = Notice.objects.get()
    assert notices._claimed(notice)
    assert not notices._claimed(notice)


def test_a_letter_that_is_sent_again_has_the_same_id(ticket):
    notice = Notice.objects.get()
    assert mails.message_id(notice) == mails.message_id(Notice.objects.get())


def test_a_guest_without_an_address_gets_no_mail(ticket, mailoutbox):
    send_all()
    services.open_about_station(
        driver=None,
        station=ticket.order.offer.station,
        plug=None,
        what="other",
        text="",
        press_key=uuid4(),
    )
    assert send_all() == 0


def test_a_guest_who_ordered_is_written_to_and_signed_in_by_the_link(ticket, mailoutbox, client):
    guest = make_guest(email="guest@example.org", language="en")
    services.hand_over(ticket.driver, guest)
    ticket.order.__class__.objects.filter(pk=ticket.order_id).update(driver=guest)
    ticket.refresh_from_db()
    Notice.objects.all().delete()
    notices.tell_reporter(ticket, "opened")
    send_all()
    (mail,) = mailoutbox
    assert mail.to == ["guest@example.org"]
    link = next(line for line in mail.body.splitlines() if line.startswith("http"))
    page = client.get("/" + link.split("/", 3)[3], follow=True)
    if page.context is None or ticket.code not in page.content.decode():
        page = client.post("/" + link.split("/", 3)[3], follow=True)
    assert ticket.code in page.content.decode()


def test_what_a_guest_reported_becomes_the_account_s(ticket, driver, factory, client):
    guest = make_guest(email="guest@example.org", language="en")
    services.hand_over(driver, guest)
    asha = factory.make_user()
    hand_over_guest(guest=guest, to=asha)
    client.force_login(asha)
    assert "It went dark." in client.get(ticket.get_absolute_url()).content.decode()
