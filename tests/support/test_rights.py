"""Role × action, for a ticket of our desk and for one of an operator."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser

from apps.catalog.models import Staff
from apps.support import rights, services
from apps.support.models import Ticket
from apps.support.rights import May, NotYours
from apps.support.states import Level

ROLES = [
    # who, a driver's ticket at level 1, the same at level 2, a ticket of the operator SparkDock
    ("nobody", May.NOTHING, May.NOTHING, May.NOTHING),
    ("driver", May.NOTHING, May.NOTHING, May.NOTHING),
    ("stranger", May.NOTHING, May.NOTHING, May.NOTHING),
    ("viewer", May.NOTHING, May.NOTHING, May.SEE),
    ("finance", May.NOTHING, May.NOTHING, May.NOTE),
    ("manager", May.NOTHING, May.NOTHING, May.ACT),
    ("manager of another", May.NOTHING, May.NOTHING, May.NOTHING),
    ("dismissed manager", May.NOTHING, May.NOTHING, May.NOTHING),
    ("support 1", May.ACT, May.NOTE, May.ACT),
    ("support 2", May.ACT, May.ACT, May.ACT),
    ("officer", May.ACT, May.ACT, May.ACT),
    ("dismissed support", May.NOTHING, May.NOTHING, May.NOTHING),
    ("administrator", May.ACT, May.ACT, May.ACT),
]


@pytest.fixture
def people(factory, agent, driver, stranger, placed):
    operator = placed.evse.station.operator
    dismissed = factory.make_staff(operator)
    dismissed.is_active = False
    dismissed.save()
    gone = agent(2)
    gone.is_active = False
    gone.save()
    return {
        "nobody": AnonymousUser(),
        "driver": driver,
        "stranger": stranger,
        "viewer": factory.make_staff(operator, Staff.Role.VIEWER),
        "finance": factory.make_staff(operator, Staff.Role.FINANCE),
        "manager": factory.make_staff(operator, Staff.Role.MANAGER),
        "manager of another": factory.make_staff(factory.make_operator()),
        "dismissed manager": dismissed,
        "support 1": agent(1),
        "support 2": agent(2),
        "officer": agent(3),
        "dismissed support": gone,
        "administrator": factory.make_user(is_staff=True, is_superuser=True),
    }


def deeds(ticket, user):
    """Each act of the desk, with what it needs at least."""
    return [
        (May.SEE, lambda: services.export_evidence(ticket, by=user)),
        (May.NOTE, lambda: services.add_note(ticket, by=user, text="x", press_key=uuid4())),
        (May.ACT, lambda: services.reply(ticket, by=user, text="x", press_key=uuid4())),
        (May.ACT, lambda: services.assign(ticket, by=user, to=user)),
        (May.ACT, lambda: services.change_priority(ticket, by=user, priority=2, why="x")),
        (May.ACT, lambda: services.escalate(ticket, by=user, why="x")),
        (May.ACT, lambda: services.ask_operator(ticket, by=user, why="x")),
        (May.ACT, lambda: services.merge(ticket, by=user, into_code="TK-X", why="x")),
    ]


@pytest.mark.parametrize("who, at_one, at_two, of_operator", ROLES)
def test_what_each_role_may_do(people, ticket, operators_ticket, who, at_one, at_two, of_operator):
    user = people[who]
    seen = rights.tickets_for(user)
    for row, level, granted in (
        (ticket, Level.L1, at_one),
        (ticket, Level.L2, at_two),
        (operators_ticket, Level.L1, of_operator),
    ):
        Ticket.objects.filter(pk=row.pk).update(level=level)
        row.refresh_from_db()
        assert rights.may(user, row) == granted
        assert seen.filter(pk=row.pk).exists() == (granted > May.NOTHING)
        for needed, deed in deeds(row, user):
            if granted < needed:
                with pytest.raises(NotYours):
                    deed()


def test_whoever_may_act_is_not_stopped(people, ticket, operators_ticket):
    for who, row in (("support 1", ticket), ("manager", operators_ticket)):
        services.add_note(row, by=people[who], text="note", press_key=uuid4())
        services.reply(row, by=people[who], text="reply", press_key=uuid4())
        assert row.messages.filter(author=people[who]).count() == 2
