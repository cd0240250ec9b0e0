"""The reporter's page: what it tells, who may see it, and what can be said there."""

from uuid import uuid4

import pytest
from django.urls import reverse

from apps.lib.said import day_and_time
from apps.support import links, selectors, services
from apps.support.states import State
from tests.orders.stage import make_offer


@pytest.fixture
def guests_ticket(db):
    return services.open_about_station(
        driver=None,
        station=make_offer().station,
        plug=None,
        what="bay-blocked",
        text="A van.",
        press_key=uuid4(),
        email="guest@example.org",
    )


def page_of(client, ticket) -> str:
    answer = client.get(ticket.get_absolute_url())
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_says_the_state_who_has_it_and_until_when(ticket, stage, agent):
    client = stage.client()
    page = page_of(client, ticket)
    assert "We have your report" in page and "It went dark." in page
    assert day_and_time(ticket.reply_due_at, "Asia/Kolkata") in page
    lata = agent(name="Lata Menon")
    services.assign(ticket, by=lata, to=lata)
    page = page_of(client, ticket)
    assert "Level 1 · Lata" in page and "Menon" not in page


@pytest.mark.parametrize("state", [State.IN_PROGRESS, State.WAITING_FOR_DRIVER, State.RESOLVED])
def test_every_answer_of_the_desk_stands_on_the_page(ticket, stage, agent, say, state):
    say(ticket, "We look at the meter.", by=agent(), then=state)
    page = page_of(stage.client(), ticket)
    assert "We look at the meter." in page
    assert ("/reopen/" in page) == (state == State.RESOLVED)
    assert ("We wait for you until" in page) == (state == State.WAITING_FOR_DRIVER)


def test_tickets_of_others_do_not_exist(ticket, stranger, client, agent):
    addresses = [ticket.get_absolute_url() + verb for verb in ("", "say/", "accept/", "reopen/")]
    for user in (None, stranger, agent(3)):
        if user:
            client.force_login(user)
        assert client.get(addresses[0]).status_code == 404
        for address in addresses[1:]:
            assert client.post(address, {"text": "x", "press_key": str(uuid4())}).status_code == 404
    assert ticket.messages.count() == 1


def test_a_ticket_of_an_account_has_no_link(ticket, client):
    """Even our own signature does not open it: who leaves an account leaves its tickets."""
    address = reverse("support:ticket", args=[links.signed(ticket.code)])
    assert client.get(address).status_code == 404


def test_a_guest_comes_by_the_link_and_by_nothing_else(guests_ticket, client, driver):
    assert "A van." in page_of(client, guests_ticket)
    for name in (guests_ticket.code, guests_ticket.name_for_reporter + "x", guests_ticket.code + ".abc"):
        assert client.get(reverse("support:ticket", args=[name])).status_code == 404
    client.force_login(driver)
    assert "A van." in page_of(client, guests_ticket)


def test_a_guest_answers_accepts_and_opens_again(guests_ticket, client, agent, say):
    say(guests_ticket, "Which bay?", by=agent(), then=State.WAITING_FOR_DRIVER)
    address = guests_ticket.get_absolute_url()
    client.post(f"{address}say/", {"text": "The left one.", "press_key": str(uuid4())})
    guests_ticket.refresh_from_db()
    assert guests_ticket.state == State.IN_PROGRESS
    for _press in range(2):
        client.post(f"{address}accept/")
    guests_ticket.refresh_from_db()
    assert guests_ticket.state == State.CLOSED
    client.post(f"{address}reopen/", {"text": "It is back.", "press_key": str(uuid4())})
    guests_ticket.refresh_from_db()
    assert guests_ticket.state == State.IN_PROGRESS


def test_after_the_grievance_officer_the_driver_reads_where_disputes_are_settled(
    ticket, stage, agent, say, settings, mailoutbox
):
    def is_shown() -> bool:
        while services.send_due():
            pass
        return "https://odr.example.org" in page_of(stage.client(), ticket)

    settings.ODR_URL = "https://odr.example.org"
    officer = agent(3)
    services.escalate(ticket, by=officer, why="hard")
    assert not is_shown()
    services.escalate(ticket, by=officer, why="harder")
    assert is_shown()
    ticket.refresh_from_db()
    say(ticket, "We cannot pay that.", by=officer, then=State.RESOLVED)
    assert is_shown()
    theirs = [mail for mail in mailoutbox if mail.to == [ticket.driver.email]]
    told = [mail.subject for mail in theirs if settings.ODR_URL in mail.body]
    assert len(told) == 2 and "Resolved" in told[1]
    assert not any(settings.ODR_URL in mail.body for mail in mailoutbox if mail not in theirs)
    settings.ODR_URL = ""
    assert "dispute resolution" not in page_of(stage.client(), ticket)


def test_a_double_click_says_it_once(ticket, stage):
    said = {"text": "Hello?", "press_key": str(uuid4())}
    for _press in range(2):
        answer = stage.client().post(f"{ticket.get_absolute_url()}say/", said)
        assert answer.status_code == 302
    assert ticket.messages.filter(text="Hello?").count() == 1


@pytest.mark.parametrize("text", ["", "   ", "x" * 4001, "a\x00b"])
def test_an_empty_an_endless_and_a_broken_text_are_sent_back(ticket, stage, text):
    said = {"text": text, "press_key": str(uuid4())}
    assert stage.client().post(f"{ticket.get_absolute_url()}say/", said).status_code == 422


def test_scripts_in_texts_are_text(ticket, stage, say):
    say(ticket, "<img src=x onerror=alert(1)>")
    page = page_of(stage.client(), ticket)
    assert "<img src=x" not in page and "&lt;img src=x" in page


def test_my_reports_are_mine_and_asked_for_once(ticket, stage, stranger, client, django_assert_num_queries):
    client = stage.client()
    client.get(reverse("support:tickets"))
    with django_assert_num_queries(4, exact=False) as few:
        page = client.get(reverse("support:tickets")).content.decode()
    assert ticket.code in page
    for _number in range(8):
        services.open_about_order(
            driver=stage.driver, order=stage.order, what="other", text="", press_key=uuid4()
        )
    with django_assert_num_queries(len(few.captured_queries)):
        client.get(reverse("support:tickets"))
    client.force_login(stranger)
    assert ticket.code not in client.get(reverse("support:tickets")).content.decode()


def test_every_page_of_an_order_offers_the_report(stage):
    for state in ("CONFIRMED", "CHARGING", "SETTLED"):
        stage.until(state)
        page = stage.client().get(stage.order.get_absolute_url()).content.decode()
        assert reverse("support:report_order", args=[stage.order.code]) in page


def test_so_does_an_order_that_was_cancelled(stage):
    stage.until("CONFIRMED")
    stage.cancelled()
    page = stage.client().get(stage.order.get_absolute_url()).content.decode()
    assert reverse("support:report_order", args=[stage.order.code]) in page


def test_a_page_that_has_seen_it_gets_nothing_new(ticket, stage, say, agent):
    client, htmx = stage.client(), {"HX-Request": "true"}
    seen = {"seen": ticket.changed_at.isoformat()}
    assert client.get(ticket.get_absolute_url(), seen, headers=htmx).status_code == 204
    say(ticket, "News.", by=agent())
    assert "News." in client.get(ticket.get_absolute_url(), seen, headers=htmx).content.decode()


def test_the_live_panel_is_for_its_reporter_only(ticket, guests_ticket, stranger, agent):
    assert "It went dark." in selectors.live_panel(ticket.driver, ticket.code)
    assert "A van." in selectors.live_panel(stranger, guests_ticket.name_for_reporter)
    for user, name in (
        (stranger, ticket.code),
        (agent(3), ticket.code),
        (stranger, guests_ticket.code),
        (ticket.driver, links.signed(ticket.code)),
        (ticket.driver, "TK-NOSUCH00"),
    ):
        assert selectors.live_panel(user, name) is None


def test_open_pages_are_told_after_the_commit(
    ticket, agent, say, monkeypatch, django_capture_on_commit_callbacks
):
    told = []
    monkeypatch.setattr("apps.live.push.push", lambda *news: told.append(news[:2]))
    with django_capture_on_commit_callbacks(execute=True):
        say(ticket, "News.", by=agent())
    assert ("ticket", ticket.code) in told
