"""Mails of reports obey the switches of the room of notices; its page and devices are told of each change."""

from uuid import uuid4

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.notices import switches, ticket_words
from apps.notices.models import Channel, Happening
from apps.notices.models import Notice as Told
from apps.support import services
from apps.support.models import Notice, TicketEvent
from apps.support.services import notices
from apps.support.states import State
from tests.support.test_mails import send_all

H, C = Happening, Channel


def told() -> list[str]:
    rows = Told.objects.filter(channel=C.PAGE, about__startswith="ticket").order_by("pk")
    return [row.happening for row in rows]


def test_each_change_stands_on_the_page_of_notices(ticket, agent, say):
    officer = agent(3)
    services.assign(ticket, by=officer, to=officer)
    say(ticket, "Which plug?", by=officer, then=State.WAITING_FOR_DRIVER)
    say(ticket, "The left one.")
    services.change_priority(ticket, by=officer, priority=3, why="the car is full")
    services.escalate(ticket, by=officer, why="hard")
    say(ticket, "Done.", by=officer, then=State.RESOLVED)
    assert told() == [
        H.TICKET_OPENED,
        H.TICKET_NEWS,
        H.TICKET_ASKED,
        H.TICKET_NEWS,
        H.TICKET_NEWS,
        H.TICKET_DONE,
    ]
    client = Client()
    client.force_login(ticket.driver)
    page = client.get("/me/notices/").content.decode()
    for words in ("we have it", "somebody has it", "we need an answer from you", "new times", "one level up"):
        assert f"Report {ticket.code}: {words}" in page
    assert f'href="/support/{ticket.code}/"' in page
    assert "Which plug?" not in page


def test_a_mail_that_was_switched_off_is_not_sent_and_the_evidence_says_so(ticket, agent, say, mailoutbox):
    send_all()
    switches.choose(ticket.driver, {(H.TICKET_ANSWER, C.MAIL): False})
    say(ticket, "We look at it.", by=agent())
    send_all()
    assert len(mailoutbox) == 1  # the first one, with the number
    row = Notice.objects.get(verb="replied")
    assert (row.sent_at, row.next_try_at, row.last_error) == (None, None, notices.NOT_WANTED)
    assert H.TICKET_ANSWER in told()


def test_switched_off_while_it_waits_it_is_not_sent(ticket, agent, say, mailoutbox):
    say(ticket, "We look at it.", by=agent())
    switches.choose(ticket.driver, {(H.TICKET_ANSWER, C.MAIL): False})
    send_all()
    assert len(mailoutbox) == 1


def test_the_number_of_a_report_is_always_mailed(ticket, mailoutbox):
    switches.no_more_mail(ticket.driver)
    send_all()
    (letter,) = mailoutbox
    assert ticket.code in letter.subject and "This mail is always sent" in letter.body
    assert "List-Unsubscribe" not in letter.extra_headers


def test_other_mails_carry_a_no_that_works(ticket, agent, say, mailoutbox):
    say(ticket, "We look at it.", by=agent())
    send_all()
    link = mailoutbox[-1].extra_headers["List-Unsubscribe"].strip("<>").removeprefix("http://localhost:8000")
    assert link in mailoutbox[-1].body
    page = Client().post(link, {"List-Unsubscribe": "One-Click"})
    assert "My reports to support: Somebody wrote to you" in page.content.decode()
    assert not switches.all_of(ticket.driver)[H.TICKET_ANSWER, C.MAIL]


def test_one_change_is_one_mail(ticket, agent, say, mailoutbox):
    """The room of notices leaves the mails of reports to support."""
    say(ticket, "We look at it.", by=agent())
    send_all()
    assert not Told.objects.filter(channel=C.MAIL, about__startswith="ticket").exists()
    assert len(mailoutbox) == 2


def test_guests_and_the_desk_are_mailed_as_before(stage, agent, mailoutbox):
    stage.until("CHARGING")
    User.objects.filter(pk=stage.driver.pk).update(is_guest=True, contact_email="asha@guest.example")
    stage.driver.refresh_from_db()
    stage.fresh()
    ticket = services.open_about_order(
        driver=stage.driver, order=stage.order, what="stopped-early", text="", press_key=uuid4()
    )
    lata = agent(email="lata@example.org")
    services.assign(ticket, by=lata, to=lata)
    services.say(ticket, text="Hello?", press_key=uuid4(), author=stage.driver)
    send_all()
    assert sorted(letter.to[0] for letter in mailoutbox) == [
        "asha@guest.example",
        "asha@guest.example",
        "lata@example.org",
    ]
    assert not any("List-Unsubscribe" in letter.extra_headers for letter in mailoutbox)
    assert told() == []


@pytest.mark.parametrize("verb", TicketEvent.Verb.values)
def test_every_change_has_words_of_its_own(verb):
    facts = {"verb": verb, "code": "T-1", "settle_by": "2026-11-25T12:00:00+00:00", "zone": "Nowhere/Land"}
    assert ticket_words.sentence_of(facts)
    silent = {"noted", "answered", "exported"}  # never told: the desk's own, and the driver's own
    assert ("news" in ticket_words.title_of(facts)) == (verb in silent)
