"""Several at once: one ticket, one line, one step up."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.db import connection

from apps.accounts.models import User
from apps.lib import clock
from apps.lib.errors import Refused
from apps.support import services
from apps.support.models import Notice, Ticket
from apps.support.states import Level, State
from tests.orders.stage import Stage, make_offer

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts) -> list[object]:
    gate = Barrier(len(acts))

    def run(act) -> object:
        gate.wait()
        try:
            return act()
        except Refused as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(run, acts))


@pytest.fixture
def asha() -> User:
    """In this file rows are really committed."""
    return User.objects.create_user("asha@example.org", name="Asha Rao")


@pytest.fixture
def lata() -> User:
    user = User.objects.create_user("lata@example.org", name="Lata Menon", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="Support L1")[0])
    return user


def report(driver: User | None, key=None) -> Ticket:
    return services.open_about_station(
        driver=driver,
        station=make_offer().station,
        plug=None,
        what="other",
        text="",
        press_key=key or uuid4(),
    )


@pytest.mark.parametrize("is_guest", [False, True])
def test_one_press_that_comes_five_times_opens_one_ticket(asha, is_guest):
    driver, key = None if is_guest else asha, uuid4()
    make_offer()
    opened = at_once(*[lambda: report(driver, key)] * 5)
    assert len({ticket.pk for ticket in opened}) == 1
    assert Ticket.objects.count() == 1
    assert Notice.objects.count() == (0 if is_guest else 1)


def test_no_race_leads_past_the_limit(asha):
    make_offer()
    for _number in range(8):
        report(asha)
    answers = at_once(*[lambda: report(asha)] * 5)
    assert sum(isinstance(answer, Refused) for answer in answers) == 3
    assert Ticket.objects.count() == 10


def test_two_workers_escalate_a_missed_promise_once(asha):
    ticket = report(asha)
    past = clock.now() - timedelta(seconds=1)
    Ticket.objects.filter(pk=ticket.pk).update(reply_due_at=past, deadline_at=past)
    assert sum(at_once(*[services.move_overdue] * 4)) == 1
    ticket.refresh_from_db()
    assert (ticket.level, ticket.events.filter(verb="escalated").count()) == (Level.L2, 1)


def test_an_answer_in_the_moment_of_the_breach_wins_or_loses_whole(asha, lata):
    ticket = report(asha)
    past = clock.now() - timedelta(seconds=1)
    Ticket.objects.filter(pk=ticket.pk).update(reply_due_at=past, deadline_at=past)
    at_once(services.move_overdue, lambda: services.reply(ticket, by=lata, text="Yes?", press_key=uuid4()))
    ticket.refresh_from_db()
    answered = ticket.messages.filter(text="Yes?").exists()
    assert (ticket.state == State.IN_PROGRESS, ticket.level) in [(answered, Level.L1), (False, Level.L2)]
    assert (ticket.replied_at is not None) == answered


def test_a_reply_sent_five_times_at_once_is_said_and_mailed_once(asha, lata):
    ticket, key = report(asha), uuid4()
    at_once(*[lambda: services.reply(ticket, by=lata, text="Yes?", press_key=key)] * 5)
    assert ticket.messages.count() == 1
    assert Notice.objects.filter(verb="replied").count() == 1


def test_two_tickets_merged_into_each_other_leave_one(asha, lata):
    first, second = report(asha), report(asha)
    answers = at_once(
        lambda: services.merge(first, by=lata, into_code=second.code, why="x"),
        lambda: services.merge(second, by=lata, into_code=first.code, why="x"),
    )
    assert sum(isinstance(answer, Refused) for answer in answers) == 1
    assert Ticket.objects.filter(state=State.CLOSED).count() == 1


def test_one_mail_is_sent_by_two_senders_once(asha, mailoutbox):
    report(asha)
    at_once(services.send_due, services.send_due)
    assert len(mailoutbox) == 1


def test_the_driver_says_solved_while_the_desk_writes(lata):
    stage = Stage(User.objects.create_user("bala@example.org"))
    stage.until("CHARGING")
    ticket = services.open_about_order(
        driver=stage.driver, order=stage.order, what="other", text="", press_key=uuid4()
    )
    at_once(
        lambda: services.accept(ticket, author=stage.driver),
        lambda: services.reply(ticket, by=lata, text="Wait.", press_key=uuid4()),
    )
    ticket.refresh_from_db()
    assert ticket.state == State.CLOSED
