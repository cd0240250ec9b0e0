"""What the desk does, and that every act leaves who, when, from what to what, and why."""

from uuid import uuid4

import pytest

from apps.lib.errors import Refused
from apps.support import services
from apps.support.models import TicketMessage
from apps.support.rights import NotYours
from apps.support.states import Level, State


def test_who_takes_an_open_ticket_acknowledges_it(ticket, agent):
    lata = agent(name="Lata Menon")
    for _press in range(2):
        services.assign(ticket, by=lata, to=lata)
    ticket.refresh_from_db()
    assert (ticket.state, ticket.assignee) == (State.ACKNOWLEDGED, lata)
    (event,) = ticket.events.filter(verb="taken")
    assert (event.by, event.was, event.now, event.after) == (lata, "OPEN", "ACKNOWLEDGED", "Lata Menon")


def test_it_is_given_only_to_somebody_who_may_act_on_it(ticket, agent, stranger):
    officer = agent(3)
    services.escalate(ticket, by=officer, why="hard")
    for person in (agent(1), stranger):
        with pytest.raises(Refused):
            services.assign(ticket, by=officer, to=person)


def test_a_reply_that_is_sent_twice_is_said_once(ticket, agent):
    lata, key = agent(), uuid4()
    for _press in range(2):
        services.reply(ticket, by=lata, text="I am looking.", press_key=key)
    ticket.refresh_from_db()
    assert ticket.messages.filter(by="DESK").count() == 1
    assert ticket.notices.filter(verb="replied").count() == 1
    assert (ticket.state, ticket.assignee) == (State.IN_PROGRESS, lata)


def test_resolving_keeps_the_words_as_the_solution(ticket, agent, say):
    say(ticket, "We mended it.", by=agent(), then=State.RESOLVED)
    assert (ticket.state, ticket.resolution) == (State.RESOLVED, "We mended it.")


def test_a_settled_ticket_takes_no_more_of_the_desk(ticket, agent, say):
    lata = agent()
    say(ticket, "Done.", by=lata, then=State.RESOLVED)
    for deed in (
        lambda: services.reply(ticket, by=lata, text="x", press_key=uuid4()),
        lambda: services.assign(ticket, by=lata, to=agent()),
        lambda: services.escalate(ticket, by=lata, why="x"),
        lambda: services.ask_operator(ticket, by=lata, why="x"),
        lambda: services.change_priority(ticket, by=lata, priority=3, why="x"),
    ):
        with pytest.raises(Refused):
            deed()


def test_escalating_frees_the_ticket_for_the_next_level(ticket, agent):
    lata = agent(1)
    services.assign(ticket, by=lata, to=lata)
    services.escalate(ticket, by=lata, why="I cannot see the meter")
    ticket.refresh_from_db()
    assert (ticket.state, ticket.level, ticket.assignee) == (State.ESCALATED, Level.L2, None)
    with pytest.raises(NotYours):
        services.reply(ticket, by=lata, text="x", press_key=uuid4())
    with pytest.raises(Refused):
        services.escalate(ticket, by=agent(3), why="x"), services.escalate(ticket, by=agent(3), why="x")


def test_the_operator_is_asked_again_by_a_message_of_the_network(ticket, stage, agent):
    for _press in range(2):
        services.ask_operator(ticket, by=agent(), why="no answer yet")
    assert len(stage.sent("support")) == 2  # with the report, and now
    ticket.refresh_from_db()
    assert ticket.waits_for_operator
    stage.tell("on_support", {"support": {"ref_id": stage.number, "url": "https://grid.example/case/7"}})
    ticket.refresh_from_db()
    assert not ticket.waits_for_operator
    assert ticket.operator_contact == {"url": "https://grid.example/case/7"}


def test_a_merged_ticket_is_closed_and_points_to_the_other(ticket, stage, agent):
    lata = agent()
    other = services.open_about_order(
        driver=stage.driver, order=stage.order, what="other", text="Again.", press_key=uuid4()
    )
    for _press in range(2):
        services.merge(other, by=lata, into_code=ticket.code.lower(), why="the same")
    other.refresh_from_db()
    assert (other.state, other.merged_into) == (State.CLOSED, ticket)
    assert not services.may_reopen(other)
    assert ticket.messages.filter(kind=TicketMessage.Kind.INTERNAL).count() == 1


def test_tickets_of_two_drivers_are_never_merged(ticket, stranger, agent):
    theirs = services.open_about_station(
        driver=stranger,
        station=ticket.order.offer.station,
        plug=None,
        what="other",
        text="Mine.",
        press_key=uuid4(),
    )
    for code in (ticket.code, theirs.code, "TK-NOSUCH00"):
        with pytest.raises(Refused):
            services.merge(theirs, by=agent(), into_code=code, why="x")
    theirs.refresh_from_db()
    assert theirs.state == State.OPEN


def test_guests_without_an_address_are_never_the_same(ticket, agent):
    def guest():
        return services.open_about_station(
            driver=None,
            station=ticket.order.offer.station,
            plug=None,
            what="other",
            text="",
            press_key=uuid4(),
        )

    with pytest.raises(Refused):
        services.merge(guest(), by=agent(), into_code=guest().code, why="x")
