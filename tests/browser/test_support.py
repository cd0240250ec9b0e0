"""Reporting a problem, the ticket, and the desk, looked at."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from apps.accounts.models import User
from apps.support import queues, services
from apps.support.models import Ticket
from apps.support.states import State
from tests.orders.stage import Stage, make_offer
from tests.support.crowd import many_tickets

WORDS = "It went dark after two minutes, and the display says “Error 7”."


@pytest.fixture
def stage() -> Stage:
    return Stage(User.objects.create_user("asha@example.org", name="Asha Rao", phone="+919845012345"))


@pytest.fixture
def lata() -> User:
    # A transactional test database forgets what migrations wrote.
    user = User.objects.create_user("lata@example.org", name="Lata Menon", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="Support L1")[0])
    return user


@pytest.fixture
def ticket(stage, lata) -> Ticket:
    stage.until("CHARGING")
    ticket = services.open_about_order(
        driver=stage.driver, order=stage.order, what="stopped-early", text=WORDS, press_key=uuid4()
    )
    contact = {"url": "https://grid.example/case/7", "phone": "+918000000001"}
    stage.tell("on_support", {"support": contact | {"ref_id": stage.number}})
    services.add_note(ticket, by=lata, text="The third one this week.", press_key=uuid4())
    services.reply(ticket, by=lata, text="I am looking at the meter.", press_key=uuid4())
    ticket.refresh_from_db()
    return ticket


@pytest.fixture
def looked_at(keep_picture, assert_no_axe_violations, assert_fits):
    def look(page, name: str, size: str, theme: str) -> None:
        assert_fits(page)
        assert_no_axe_violations(page)
        keep_picture(page, f"support-{name}-{size}-{theme}")

    return look


def test_reporting_takes_two_taps(open_page, looked_at, stage, size, theme):
    stage.until("STARTING")
    page = open_page(stage.order.get_absolute_url(), size=size, theme=theme, user=stage.driver)
    page.get_by_role("link", name="Report a problem").click()
    page.wait_for_url("**/support/report/**")
    looked_at(page, "report", size, theme)
    page.get_by_role("button", name="Send the report").click()
    page.wait_for_url("**/support/TK-*/")
    assert page.get_by_role("heading", name="We have your report").is_visible()
    looked_at(page, "opened", size, theme)


def test_the_page_of_a_ticket(open_page, looked_at, ticket, lata, size, theme):
    page = open_page(ticket.get_absolute_url(), size=size, theme=theme, user=ticket.driver)
    looked_at(page, "ticket", size, theme)
    services.reply(ticket, by=lata, text="Which plug?", press_key=uuid4(), then=State.WAITING_FOR_DRIVER)
    asked = page.get_by_role("heading", name="We need an answer from you")
    asked.wait_for()  # by the socket, or by the poll


def test_my_reports(open_page, looked_at, ticket, size, theme):
    page = open_page(reverse("support:tickets"), size=size, theme=theme, user=ticket.driver)
    looked_at(page, "mine", size, theme)


def test_a_guest_reports_a_station(open_page, looked_at, db, size, theme):
    page = open_page(make_offer().station.get_absolute_url(), size=size, theme=theme)
    page.get_by_role("link", name="Report a problem here").click()
    page.wait_for_url("**/support/report/**")
    looked_at(page, "guest", size, theme)
    page.get_by_role("button", name="Send the report").click()
    page.wait_for_url("**/support/TK-*/")
    assert page.get_by_text("Keep this page’s address").is_visible()
    looked_at(page, "guest-ticket", size, theme)


def test_the_desk(open_page, assert_fits, keep_picture, ticket, lata, theme):
    page = open_page(reverse("admin:support_ticket_changelist"), size="desktop", theme=theme, user=lata)
    assert_fits(page)
    keep_picture(page, f"support-queue-desktop-{theme}")
    page.get_by_role("link", name=ticket.code).click()
    page.get_by_role("heading", name="Conversation").wait_for()
    assert_fits(page)
    keep_picture(page, f"support-desk-desktop-{theme}")
    page.get_by_label("Reply to the driver").fill("It is mended.")
    page.get_by_label("It is resolved").check()
    page.get_by_role("button", name="Send to the driver").click()
    page.get_by_text("Done.", exact=True).wait_for()
    ticket.refresh_from_db()
    assert ticket.state == State.RESOLVED


def test_every_queue_fits_and_pleases_axe(open_page, looked_at_desk, ticket, lata):
    many_tickets(60, people=[lata, None])
    address = reverse("admin:support_ticket_changelist")
    page = open_page(address, size="desktop", user=lata)
    for queue in queues.NAMES:
        page.goto(f"{page.url.split('/admin/')[0]}{address}?queue={queue}")
        looked_at_desk(page)


def test_a_ticket_is_worked_by_keyboard_alone(open_page, looked_at_desk, ticket, lata):
    """Tab reaches every control of the desk in turn, and Enter does what a click does."""
    address = reverse("admin:support_ticket_change", args=[ticket.pk])
    page = open_page(address, size="desktop", user=lata)
    looked_at_desk(page)
    box = page.get_by_label("Reply to the driver")
    tab_to(page, box)
    page.keyboard.type("Which plug was it?")
    tab_to(page, page.get_by_role("button", name="Send to the driver"))
    page.keyboard.press("Enter")
    page.get_by_text("Done.", exact=True).wait_for()
    fold = page.locator("summary", has_text="Escalate")
    tab_to(page, fold)
    page.keyboard.press("Enter")
    tab_to(page, page.locator("#why-escalate"))
    page.keyboard.type("I cannot see the meter")
    page.keyboard.press("Enter")
    page.get_by_text("Done.", exact=True).wait_for()
    ticket.refresh_from_db()
    assert ticket.level == 2


def tab_to(page, wanted) -> None:
    for _press in range(150):
        if wanted.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never reaches {wanted}")


@pytest.fixture
def looked_at_desk(assert_no_axe_violations, assert_fits):
    def look(page) -> None:
        assert_fits(page)
        assert_no_axe_violations(page)

    return look
