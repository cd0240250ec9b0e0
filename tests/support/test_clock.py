"""The promises: when the clock runs, when it stands, and what happens when nobody keeps them."""

from datetime import timedelta

import pytest
import time_machine

from apps.lib import clock
from apps.lib.errors import Refused
from apps.lib.moves import check_moves
from apps.support import services
from apps.support.clocks import clock_of
from apps.support.models import Notice, Ticket
from apps.support.states import DRIVER_ANSWERS_WITHIN, MOVES, PROMISES, REOPEN_WITHIN, Level, Priority, State

PROMISE = PROMISES[Priority.AT_CHARGER]


def at(ticket: Ticket, later: timedelta):
    return time_machine.travel(ticket.opened_at + later, tick=False)


def test_the_moves_are_sound():
    assert check_moves(State, MOVES) == []


def test_a_missed_answer_goes_one_level_up_with_a_new_promise(ticket, agent):
    second = agent(2, email="second@example.org")
    agent(1, email="first@example.org")
    with at(ticket, PROMISE.reply - timedelta(seconds=1)):
        assert services.move_overdue() == 0
    with at(ticket, PROMISE.reply):
        assert services.move_overdue() == 1
        assert services.move_overdue() == 0  # the new promise has not been missed
    ticket.refresh_from_db()
    assert (ticket.state, ticket.level) == (State.ESCALATED, Level.L2)
    assert ticket.breached_at == ticket.opened_at + PROMISE.reply
    assert ticket.settle_due_at == ticket.breached_at + PROMISE.settle_escalated
    assert set(Notice.objects.filter(verb="escalated").values_list("to", "to_desk")) == {
        (ticket.driver.email, False),
        (second.email, True),
    }
    last = ticket.events.last()
    assert (last.verb, last.by, last.before, last.after) == ("escalated", None, "Level 1", "Level 2")


def test_at_the_officer_a_missed_promise_is_told_again_and_goes_no_higher(ticket):
    for _round in range(4):
        with time_machine.travel(ticket.deadline_at, tick=False):
            services.move_overdue()
        ticket.refresh_from_db()
    assert (ticket.state, ticket.level) == (State.ESCALATED, Level.OFFICER)
    assert ticket.deadline_at is not None


def test_after_the_first_answer_only_the_solution_is_due(ticket, agent, say):
    say(ticket, "I am looking.", by=agent())
    assert ticket.deadline_at == ticket.settle_due_at == ticket.opened_at + PROMISE.settle
    with at(ticket, PROMISE.reply + timedelta(minutes=1)):
        assert services.move_overdue() == 0


def test_the_clock_stands_only_while_the_driver_is_asked(ticket, agent, say):
    with at(ticket, timedelta(minutes=10)):
        say(ticket, "Which plug is it?", by=agent(), then=State.WAITING_FOR_DRIVER)
        assert ticket.due_at is None
        assert clock_of(ticket, clock.now()).icon == "pause"
    with at(ticket, timedelta(days=2)):
        assert services.move_overdue() == 0
        say(ticket, "Plug B.")
    assert ticket.state == State.IN_PROGRESS
    stood = timedelta(days=2) - timedelta(minutes=10)
    assert ticket.settle_due_at == ticket.opened_at + PROMISE.settle + stood
    assert ticket.deadline_at == ticket.settle_due_at


def test_waiting_for_the_operator_stops_no_clock(ticket, agent):
    before = ticket.settle_due_at
    services.ask_operator(ticket, by=agent(), why="it must know")
    ticket.refresh_from_db()
    assert ticket.waits_for_operator and ticket.settle_due_at == before and ticket.due_at is not None


def test_a_silent_driver_s_ticket_is_resolved_and_then_closed(ticket, agent, say):
    say(ticket, "Which plug is it?", by=agent(), then=State.WAITING_FOR_DRIVER)
    with time_machine.travel(ticket.paused_at + DRIVER_ANSWERS_WITHIN, tick=False):
        services.move_overdue()
    ticket.refresh_from_db()
    assert (ticket.state, ticket.paused_at) == (State.RESOLVED, None)
    with time_machine.travel(ticket.resolved_at + REOPEN_WITHIN - timedelta(seconds=1), tick=False):
        assert services.move_overdue() == 0
    with time_machine.travel(ticket.resolved_at + REOPEN_WITHIN, tick=False):
        assert services.move_overdue() == 1
    ticket.refresh_from_db()
    assert (ticket.state, ticket.deadline_at) == (State.CLOSED, None)


@pytest.mark.parametrize("accepted", [False, True])
def test_it_is_opened_again_within_seven_days_and_not_later(ticket, agent, say, accepted):
    say(ticket, "Done.", by=agent(), then=State.RESOLVED)
    if accepted:
        services.accept(ticket, author=ticket.driver)
        ticket.refresh_from_db()
    late = ticket.resolved_at + REOPEN_WITHIN
    with time_machine.travel(late, tick=False), pytest.raises(Refused):
        services.reopen(ticket, text="No.", press_key="k1", author=ticket.driver)
    with time_machine.travel(late - timedelta(seconds=1), tick=False):
        for _press in range(2):
            services.reopen(ticket, text="No.", press_key="k2", author=ticket.driver)
    ticket.refresh_from_db()
    assert ticket.state == State.IN_PROGRESS
    assert ticket.settle_due_at == late - timedelta(seconds=1) + PROMISE.settle_escalated
    assert ticket.events.filter(verb="reopened").count() == 1


def test_words_after_the_solution_open_it_again(ticket, agent, say):
    say(ticket, "Done.", by=agent(), then=State.RESOLVED)
    say(ticket, "It is dark again.")
    assert ticket.state == State.IN_PROGRESS


def test_another_priority_moves_the_promises_with_it(ticket, agent):
    services.change_priority(ticket, by=agent(), priority=Priority.NORMAL, why="he has left")
    ticket.refresh_from_db()
    assert ticket.reply_due_at == ticket.opened_at + PROMISES[Priority.NORMAL].reply
    assert ticket.deadline_at == ticket.reply_due_at
    last = ticket.events.last()
    assert (last.before, last.after, last.why) == ("At the charger now", "Normal", "he has left")


@pytest.mark.parametrize(
    "later, tone",
    [(timedelta(0), "ok"), (PROMISE.reply * 0.8, "warn"), (PROMISE.reply * 2, "bad")],
)
def test_the_clock_has_a_word_and_a_colour(ticket, later, tone):
    assert clock_of(ticket, ticket.opened_at + later).tone == tone
