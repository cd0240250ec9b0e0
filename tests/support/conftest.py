from uuid import uuid4

import pytest
from django.contrib.auth.models import Group

from apps.accounts.models import User
from apps.support import services
from apps.support.models import Ticket
from tests.bookings.conftest import app, charger, placed
from tests.orders.conftest import driver, stage, stranger

__all__ = ["app", "charger", "driver", "placed", "stage", "stranger"]


@pytest.fixture
def agent(factory):
    """`agent(2)`: a support person of that level."""

    def make(level: int = 1, **facts) -> User:
        user = factory.make_user(is_staff=True, **facts)
        name = {1: "Support L1", 2: "Support L2", 3: "Grievance officer"}[level]
        user.groups.add(Group.objects.get(name=name))
        return user

    return make


@pytest.fixture
def ticket(stage) -> Ticket:
    """A driver at the charger reported that it stopped early."""
    stage.until("CHARGING")
    return services.open_about_order(
        driver=stage.driver, order=stage.order, what="stopped-early", text="It went dark.", press_key=uuid4()
    )


@pytest.fixture
def operators_ticket(app, placed) -> Ticket:
    """A foreign app asked the operator SparkDock for help with an order."""
    app.ask("support", {"support": {"ref_id": placed.code}})
    return Ticket.objects.get(side="OPERATOR")


@pytest.fixture
def say():
    """`say(ticket, "words")` as its reporter; `say(ticket, "words", by=agent)` as the desk."""

    def speak(ticket: Ticket, text: str, by: User | None = None, **more) -> None:
        if by is None:
            services.say(ticket, text=text, press_key=uuid4(), author=ticket.driver)
        else:
            services.reply(ticket, by=by, text=text, press_key=uuid4(), **more)
        ticket.refresh_from_db()

    return speak
