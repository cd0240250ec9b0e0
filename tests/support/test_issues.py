"""The issue quartet: the same tickets, with their words, where both sides speak it."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine

from apps.beckn.models import Message
from apps.beckn.wire import v1_1 as wire
from apps.lib.errors import Refused
from apps.support import handlers, services
from apps.support.models import Ticket
from apps.support.states import REOPEN_WITHIN, State
from tests.bookings.doubles import App, code_of
from tests.orders.stage import OPERATOR, inbound_of

ISSUE = {
    "id": "APP-4711",
    "category": "ORDER",
    "sub_category": "PAYMENT",
    "status": "OPEN",
    "description": {"short_desc": "The bill is too high", "long_desc": "I charged 4 kWh, not 14."},
    "issue_actions": {"complainant_actions": [{"complainant_action": "OPEN"}]},
}


@pytest.fixture(autouse=True)
def spoken(settings):
    settings.BECKN = settings.BECKN | {"IGM": True}


def an_issue(order_id: str, **more) -> dict:
    return {"issue": ISSUE | {"order_details": {"id": order_id}} | more}


# --- A foreign app at our operators ---------------------------------------------------------------------------


@pytest.fixture
def manager(factory, app):
    return factory.make_staff(app.plug.evse.station.operator)


def test_an_issue_opens_a_ticket_with_its_words_and_is_answered_with_the_promises(app, placed):
    told = app.ask("issue", an_issue(placed.code))
    ticket = Ticket.objects.get()
    assert (ticket.side, ticket.issue_id, ticket.what) == ("OPERATOR", "APP-4711", "wrong-bill")
    assert ticket.operator_code == placed.evse.station.operator.code
    (said,) = ticket.messages.all()
    assert (said.by, said.text) == ("REPORTER", "The bill is too high\nI charged 4 kWh, not 14.")
    issue = told["message"]["issue"]
    assert (issue["id"], issue["status"]) == ("APP-4711", "OPEN")
    assert issue["issue_actions"]["respondent_actions"][0]["respondent_action"] == "PROCESSING"
    assert issue["expected_response_time"]["duration"] and issue["expected_resolution_time"]["duration"]


def test_it_runs_to_its_end_by_messages_alone(app, placed, manager, say):
    app.ask("issue", an_issue(placed.code))
    ticket = Ticket.objects.get()
    say(ticket, "Which day was it?", by=manager, then=State.WAITING_FOR_DRIVER)
    asked = app.the_news()["message"]["issue"]["issue_actions"]["respondent_actions"][0]
    assert (asked["respondent_action"], asked["short_desc"]) == ("NEED-MORE-INFO", "Which day was it?")
    app.ask("issue", an_issue(placed.code, description={"long_desc": "On Monday."}))
    ticket.refresh_from_db()
    assert ticket.state == State.IN_PROGRESS and ticket.messages.filter(text="On Monday.").exists()
    say(ticket, "We give 180 rupees back.", by=manager, then=State.RESOLVED)
    issue = app.the_news()["message"]["issue"]
    assert (issue["status"], issue["resolution"]["short_desc"]) == ("RESOLVED", "We give 180 rupees back.")
    app.say("issue", an_issue(placed.code, status="CLOSED"))
    app.ask("issue_status", {"issue_id": "nothing"})
    ticket.refresh_from_db()
    assert ticket.state == State.CLOSED
    assert Ticket.objects.count() == 1


def test_support_and_issue_meet_in_one_ticket(app, placed):
    app.ask("support", {"support": {"ref_id": placed.code}})
    app.ask("issue", an_issue(placed.code))
    assert Ticket.objects.get().issue_id == "APP-4711"


def test_the_same_words_again_are_said_once(app, placed):
    for _time in range(3):
        app.ask("issue", an_issue(placed.code))
    assert Ticket.objects.get().messages.count() == 1


def test_the_status_of_an_issue_is_told_to_its_app_only(app, placed, charger, manager, say):
    app.ask("issue", an_issue(placed.code))
    say(Ticket.objects.get(), "We look at it.", by=manager)
    app.news()
    issue = app.ask("issue_status", {"issue_id": "APP-4711"})["message"]["issue"]
    assert issue["issue_actions"]["respondent_actions"][0]["short_desc"] == "We look at it."
    other = App(charger, "other.voltpath.example")
    assert code_of(other.ask("issue_status", {"issue_id": "APP-4711"})) == "30010"


@pytest.mark.parametrize(
    "more",
    [{"order_details": {"id": "BK-NOSUCH00"}}, {"order_details": None}, {"id": ""}, {"status": "CLOSED"}],
)
def test_what_names_no_order_of_the_app_opens_nothing(app, placed, more):
    assert code_of(app.ask("issue", an_issue(placed.code, **more))) == "30010"
    assert not Ticket.objects.exists()


def test_nobody_opens_an_issue_about_the_order_of_another(placed, charger):
    assert code_of(App(charger, "other.voltpath.example").ask("issue", an_issue(placed.code))) == "30010"


def test_switched_off_it_is_refused_and_nothing_is_sent(app, placed, ticket, stage, settings):
    settings.BECKN = settings.BECKN | {"IGM": False}
    assert code_of(app.ask("issue", an_issue(placed.code))) == "40001"
    assert code_of(app.ask("issue_status", {"issue_id": "APP-4711"})) == "40001"
    assert not Ticket.objects.filter(side="OPERATOR").exists()


# --- Our driver at a foreign operator -------------------------------------------------------------------------


def on_issue(ticket: Ticket, action: str, words: str, sender: str = OPERATOR, **more) -> None:
    acted = {"respondent_action": action, "short_desc": words}
    said = {"id": ticket.code, "status": "OPEN", "issue_actions": {"respondent_actions": [acted]}, **more}
    inbound = inbound_of(ticket.order, "on_issue", None, sender=sender)
    handlers.on_issue(replace(inbound, body=wire.CALLBACKS["on_issue"].read({"issue": said})))
    ticket.refresh_from_db()


def sent(ticket: Ticket, action: str) -> list[dict]:
    rows = Message.objects.filter(direction="OUT", transaction_id=ticket.transaction_id, action=action)
    return [json.loads(bytes(row.body))["message"] for row in rows.order_by("pk")]


def test_the_words_of_a_report_reach_the_operator(ticket, stage):
    (said,) = sent(ticket, "issue")
    issue = said["issue"]
    assert (issue["id"], issue["order_details"]["id"]) == (ticket.code, stage.number)
    assert issue["description"] == {"short_desc": "stopped-early", "long_desc": "It went dark."}
    assert len(sent(ticket, "support")) == 1


def test_the_words_of_the_operator_reach_the_driver_once(ticket, stage):
    for _time in range(3):
        on_issue(ticket, "PROCESSING", "We send somebody.")
    page = stage.client().get(ticket.get_absolute_url()).content.decode()
    assert page.count("We send somebody.") == 1 and "SparkDock" in page
    assert ticket.state == State.OPEN  # our desk decides when it is solved


def test_the_driver_s_answer_goes_to_the_operator_only_when_it_asked(ticket, stage, say):
    say(ticket, "Is anybody there?")
    assert len(sent(ticket, "issue")) == 1
    on_issue(ticket, "NEED-MORE-INFO", "Which plug?")
    say(ticket, "Plug A.")
    say(ticket, "And it rains.")
    assert [said["issue"]["description"]["long_desc"] for said in sent(ticket, "issue")] == [
        "It went dark.",
        "Plug A.",
    ]


def test_a_closed_ticket_closes_its_issue_once(ticket, agent, say):
    say(ticket, "Done.", by=agent(), then=State.RESOLVED)
    assert services.close_issues() == 0
    with time_machine.travel(ticket.resolved_at + REOPEN_WITHIN + timedelta(seconds=1), tick=False):
        services.move_overdue()
        assert [services.close_issues(), services.close_issues()] == [1, 0]
    last = sent(ticket, "issue")[-1]["issue"]
    assert last["status"] == "CLOSED"
    assert last["issue_actions"]["complainant_actions"][0]["complainant_action"] == "CLOSE"


def test_asking_the_operator_asks_for_the_status_of_the_issue(ticket, agent):
    services.ask_operator(ticket, by=agent(), why="it must know")
    assert sent(ticket, "issue_status") == [{"issue_id": ticket.code}]


def test_another_operator_cannot_answer_an_issue(ticket):
    with pytest.raises(Refused):
        on_issue(ticket, "RESOLVED", "Pay us here.", sender="other.example")
    assert ticket.messages.count() == 1


def test_odd_words_of_an_operator_do_no_harm(ticket, stage):
    on_issue(ticket, "PROCESSING", "<script>alert(1)</script>\x00" + "x" * 5000)
    page = stage.client().get(ticket.get_absolute_url()).content.decode()
    assert "<script>alert(1)" not in page
    on_issue(ticket, "", "")
    on_issue(ticket, "SOMETHING ELSE", "")
    assert ticket.messages.count() == 2
