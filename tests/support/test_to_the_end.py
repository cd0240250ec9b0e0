"""A grievance from its first word to the money in hand, with a peer of whom we know nothing but its messages."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from apps.beckn.wire import v1_1 as wire
from apps.bookings import concessions
from apps.bookings.models import Booking, Concession, Invoice
from apps.catalog.models import Staff
from apps.orders import services as orders
from apps.payments.models import Refund
from apps.support import services
from apps.support.models import Ticket
from apps.support.states import State
from tests.bookings.conftest import clock
from tests.bookings.test_refunds import all_rows, ask_by_update
from tests.bookings.test_refunds import ask as ask_for_money
from tests.factory import NOON
from tests.orders.test_refunds import answer, ask, given, pay_out
from tests.support.test_issues import an_issue, on_issue, sent, spoken

__all__ = ["clock", "spoken"]


@pytest.fixture
def billed(app, placed, charger) -> Booking:
    app.update("start-charging")
    number = charger.begin(placed.start_token).transaction_id
    charger.end(number, wh=11_000, at=NOON + timedelta(minutes=12))
    app.news()
    return app.booking()


@pytest.fixture
def people(factory, app):
    operator = app.plug.evse.station.operator
    return [factory.make_staff(operator, role=role) for role in (Staff.Role.MANAGER, Staff.Role.FINANCE)]


def told(news: list[dict], action: str) -> dict:
    return next(one for one in reversed(news) if one["context"]["action"] == action)


def money_back(app, finance) -> None:
    """Asked, agreed to, and told to be paid."""
    assert [row.status for row in all_rows(ask_for_money(app, "60.00"))] == ["REQUESTED"]
    concessions.agree(Concession.objects.get(), by=finance, amount=Decimal(50))
    (row,) = all_rows(told(app.news(), "on_status"))
    assert (row.status, row.amount) == ("APPROVED", 50)
    paid = ask_by_update(app, "50.00", row.id, "REFUNDED")
    assert [(row.status, row.reference) for row in all_rows(paid)] == [("REFUNDED", "RF-77")]
    assert Concession.objects.get().state == Concession.State.PAID
    assert sum(invoice.signed_total for invoice in Invoice.objects.all()) == Decimal("180.10")


def test_of_a_foreign_app_at_our_operator_by_the_issue_quartet(app, billed, people, say):
    manager, finance = people
    opened = app.ask("issue", an_issue(billed.code))["message"]["issue"]
    assert opened["status"] == "OPEN"
    ticket = Ticket.objects.get()
    say(ticket, "We look at the meter.", by=manager)
    app.news()
    money_back(app, finance)
    say(ticket, "50 rupees are on their way.", by=manager, then=State.RESOLVED)
    solved = told(app.news(), "on_issue")["message"]["issue"]
    assert (solved["status"], solved["resolution"]["short_desc"]) == (
        "RESOLVED",
        "50 rupees are on their way.",
    )
    app.ask("issue", an_issue(billed.code, status="CLOSED"))
    status = app.ask("issue_status", {"issue_id": "APP-4711"})["message"]["issue"]
    assert status["status"] == "CLOSED"
    ticket.refresh_from_db()
    assert ticket.state == State.CLOSED


def test_of_a_foreign_app_at_our_operator_by_support_alone(app, billed, people, say, settings):
    settings.BECKN = settings.BECKN | {"IGM": False}
    manager, finance = people
    page = app.ask("support", {"support": {"ref_id": billed.code}})["message"]["support"]["url"]
    assert page
    money_back(app, finance)
    say(Ticket.objects.get(), "50 rupees are on their way.", by=manager, then=State.RESOLVED)
    news = told(app.news(), "on_support")["message"]["support"]
    assert news["url"] == page  # there is news behind the link
    assert Ticket.objects.get().state == State.RESOLVED


def test_of_our_driver_at_a_foreign_operator(stage):
    stage.until("SETTLED")
    orders.check_money()
    services.open_about_order(
        driver=stage.driver, order=stage.order, what="wrong-bill", text="Too much.", press_key=uuid4()
    )
    ticket = Ticket.objects.get()
    assert (len(sent(ticket, "support")), len(sent(ticket, "issue"))) == (1, 1)
    on_issue(ticket, "PROCESSING", "We look at the meter.")
    refund = ask(stage)
    answer(stage, "REQUESTED")
    assert given(stage) == 0
    answer(stage, "APPROVED", action="on_status")
    pay_out()
    refund.refresh_from_db()
    assert (refund.state, given(stage)) == (Refund.State.SETTLED, 60)
    assert refund.provider_ref
    (row,) = wire.read_refunds(
        wire.Order.read(stage.sent("update")[-1]["message"]["order"]).payments, stage.order.currency
    )
    assert (row.status, row.reference) == ("REFUNDED", refund.provider_ref)
    on_issue(ticket, "RESOLVED", "We gave 60 rupees back.")
    page = stage.client().get(ticket.get_absolute_url()).content.decode()
    assert "We gave 60 rupees back." in page
    assert stage.client().post(f"{ticket.get_absolute_url()}accept/").status_code == 302
    ticket.refresh_from_db()
    assert ticket.state == State.CLOSED
    assert services.close_issues() == 1
    assert sent(ticket, "issue")[-1]["issue"]["status"] == "CLOSED"
