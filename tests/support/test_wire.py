"""Grievances on the network: ours at an operator, and those of foreign apps at our operators."""

import json
from uuid import UUID

import pytest

from apps.beckn import outbox
from apps.beckn.models import Message
from apps.lib.errors import Refused
from apps.support import links, services
from apps.support.models import Ticket
from apps.support.states import State
from tests.bookings.doubles import App, code_of
from tests.conformance import assert_conforms
from tests.orders.stage import OPERATOR

CASE = {"phone": "+918000000001", "email": "care@grid.example", "url": "https://grid.example/case/7"}


# --- Our driver at a foreign operator -------------------------------------------------------------------------


def test_the_answer_of_the_operator_reaches_the_order_and_the_ticket(ticket, stage):
    stage.tell("on_support", {"support": CASE | {"ref_id": stage.number}})
    ticket.refresh_from_db()
    assert stage.order.support_contact == ticket.operator_contact == CASE
    assert ticket.operator_answered_at is not None
    page = stage.client().get(ticket.get_absolute_url()).content.decode()
    assert CASE["url"] in page and "tel:+918000000001" in page


def test_the_same_answer_again_leaves_no_second_line(ticket, stage):
    for _time in range(3):
        stage.tell("on_support", {"support": CASE | {"ref_id": stage.number}})
    assert ticket.events.filter(verb="operator-answered").count() == 1


def test_a_refusal_of_the_operator_is_told_to_the_desk_and_changes_nothing_else(ticket, stage):
    stage.tell("on_support", error={"code": "50004", "message": "nobody is here"})
    ticket.refresh_from_db()
    assert (ticket.state, ticket.operator_contact) == (State.OPEN, {})
    assert "nobody is here" in ticket.events.get(verb="operator-answered").why


def test_a_link_that_is_no_web_page_is_left_out(ticket, stage):
    stage.tell("on_support", {"support": {"ref_id": stage.number, "url": "javascript:alert(1)"}})
    ticket.refresh_from_db()
    assert ticket.operator_contact == {}


def test_another_operator_cannot_answer(ticket, stage):
    with pytest.raises(Refused):
        stage.tell("on_support", {"support": CASE}, sender="other.example")
    ticket.refresh_from_db()
    assert ticket.operator_contact == {}


def test_a_settled_ticket_hears_no_more(ticket, stage, agent, say):
    say(ticket, "Done.", by=agent(), then=State.RESOLVED)
    stage.tell("on_support", {"support": CASE})
    ticket.refresh_from_db()
    assert ticket.operator_contact == {}


def test_a_report_about_a_station_is_answered_by_its_own_transaction(ticket, stage):
    report = services.open_about_station(
        driver=stage.driver,
        station=ticket.order.offer.station,
        plug=None,
        what="plug-broken",
        text="",
        press_key=UUID(int=7),
    )
    stage.tell("on_support", {"support": CASE}, transaction_id=report.transaction_id)
    report.refresh_from_db(), ticket.refresh_from_db()
    assert report.bpp_id == OPERATOR
    assert (report.operator_contact, ticket.operator_contact) == (CASE, {})


# --- A foreign app at our operators ---------------------------------------------------------------------------


def test_a_call_for_help_opens_a_ticket_of_the_operator_and_is_answered_with_its_link(app, placed, client):
    told = app.ask("support", {"support": {"ref_id": placed.code}})
    ticket = Ticket.objects.get()
    operator = placed.evse.station.operator
    assert (ticket.side, ticket.operator_code) == ("OPERATOR", operator.code)
    assert (ticket.bap_id, ticket.network_ref) == (app.id, placed.code)
    support = told["message"]["support"]
    assert support["ref_id"] == placed.code
    path = "/support/" + support["url"].split("/support/")[1]
    assert ticket.code in client.get(path).content.decode()


def test_asking_again_finds_the_same_ticket(app, placed):
    answers = [app.ask("support", {"support": {"ref_id": placed.code}}) for _time in range(3)]
    assert Ticket.objects.count() == 1
    assert len({told["message"]["support"]["url"] for told in answers}) == 1


def test_the_same_message_twice_opens_one_ticket(app, placed):
    message_id = "5a3ed8b5-6bd2-4dd4-a0f7-9d44c2b9a001"
    for _time in range(2):
        app.say("support", {"support": {"ref_id": placed.code}}, message_id=message_id)
    app.ask("support", {"support": {"ref_id": placed.code}})
    assert Ticket.objects.count() == 1


def test_after_it_is_closed_a_new_call_opens_a_new_ticket(app, placed, operators_ticket):
    services.accept(operators_ticket, author=None)
    app.ask("support", {"support": {"ref_id": placed.code}})
    assert Ticket.objects.count() == 2
    operators_ticket.refresh_from_db()
    with pytest.raises(Refused):  # two open ones of one call there are never
        services.reopen(operators_ticket, text="No.", press_key="k", author=None)


def test_a_stranger_s_order_opens_nothing(app, placed, charger, factory):
    factory.make_operator()
    other = App(charger, "other.voltpath.example")
    assert code_of(other.ask("support", {"support": {"ref_id": placed.code}})) == "30010"
    assert not Ticket.objects.exists()


def test_a_plug_of_ours_may_be_reported_without_an_order(app, charger):
    told = app.ask("support", {"support": {"ref_id": app.plug.code}})
    assert told["message"]["support"]["url"]
    ticket = Ticket.objects.get()
    assert ticket.station_name == app.plug.evse.station.name and ticket.plug.startswith(app.plug.letter)


def test_what_names_no_order_and_no_place_gets_contacts_and_no_ticket(app, charger):
    operator = app.plug.evse.station.operator
    operator.email = "care@sparkdock.example"
    operator.save(update_fields=["email"])
    told = app.ask("support", {"support": {"ref_id": "something"}})
    assert told["message"]["support"] == {"ref_id": "something", "email": "care@sparkdock.example"}
    assert not Ticket.objects.exists()


def test_progress_is_told_to_the_app_unasked(app, operators_ticket, factory, say):
    app.news()
    manager = factory.make_staff(app.plug.evse.station.operator)
    say(operators_ticket, "We send somebody.", by=manager)
    (told,) = app.news()
    assert told["context"]["action"] == "on_support"
    assert_conforms("on_support", told)
    assert told["message"]["support"]["ref_id"] == operators_ticket.network_ref
    assert links.signed(operators_ticket.code) in told["message"]["support"]["url"]


def test_the_driver_of_the_app_answers_by_the_link(app, operators_ticket, client):
    path = operators_ticket.get_absolute_url()
    answer = client.post(f"{path}say/", {"text": "It was plug B.", "press_key": "0" * 32})
    assert answer.status_code == 302
    (said,) = operators_ticket.messages.all()
    assert (said.by, said.text, said.author) == ("REPORTER", "It was plug B.", None)


def test_a_note_of_the_operator_is_told_to_nobody(app, operators_ticket, factory, client):
    app.news()
    manager = factory.make_staff(app.plug.evse.station.operator)
    services.add_note(operators_ticket, by=manager, text="He is known for it.", press_key="k")
    assert app.news() == []
    assert "He is known" not in client.get(operators_ticket.get_absolute_url()).content.decode()


def test_both_sides_in_one_house_talk_by_messages_only(app, placed, operators_ticket):
    """The operator's ticket knows nothing of a driver's, and the other way round."""
    assert operators_ticket.order is None and operators_ticket.driver is None
    assert Message.objects.filter(action="on_support").exists()
    assert outbox.LANGUAGE == "en"
    body = json.loads(bytes(Message.objects.get(action="on_support").body))
    assert set(body["message"]["support"]) <= {"ref_id", "phone", "email", "url"}
