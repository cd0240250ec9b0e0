"""Everybody who may come to a door, and one row of every kind that lies behind it."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

from django.contrib.auth.models import Group
from django.test import Client

from apps.accounts.models import User
from apps.bookings import rerate
from apps.catalog.models import Staff
from apps.orders import services as orders
from apps.support import services as support
from tests.bookings.doubles import App
from tests.bookings.test_refunds import ask as ask_for_money
from tests.charging.doubles import Charger
from tests.factory import NOON, Factory
from tests.orders.stage import Stage

# In the order of the columns of the tables; `guest` holds the signed link of the ticket and no account.
ROLES = (
    *("nobody", "guest", "driver", "other"),
    *("viewer", "finance", "manager", "rival"),
    *("l1", "l2", "officer", "admin"),
)


def make_cast(factory: Factory, stage: Stage, app: App) -> dict[str, User | None]:
    operator = app.plug.evse.station.operator

    def support_person(group: str) -> User:
        user = factory.make_user(is_staff=True)
        user.groups.add(Group.objects.get(name=group))
        return user

    return {
        "nobody": None,
        "guest": None,
        "driver": stage.driver,
        "other": factory.make_user(),
        "viewer": factory.make_staff(operator, Staff.Role.VIEWER),
        "finance": factory.make_staff(operator, Staff.Role.FINANCE),
        "manager": factory.make_staff(operator, Staff.Role.MANAGER),
        "rival": factory.make_staff(factory.make_operator(name="Rival"), Staff.Role.MANAGER),
        "l1": support_person("Support L1"),
        "l2": support_person("Support L2"),
        "officer": support_person("Grievance officer"),
        "admin": factory.make_user(is_staff=True, is_superuser=True),
    }


def client_of(user: User | None) -> Client:
    client = Client()
    if user:
        client.force_login(user)
    return client


def fill_the_house(cast: dict[str, User | None], stage: Stage, app: App, charger: Charger) -> None:
    """A charge on each side, billed, with a wish for money, a ticket and a re-rating."""
    placed = app.booking()
    app.update("start-charging")
    number = charger.begin(placed.start_token).transaction_id
    charger.end(number, wh=11_000, at=NOON + timedelta(minutes=12))
    charger.end(4711, wh=2000, at=NOON)  # nobody knows this one
    ask_for_money(app, "50.00")
    app.ask("support", {"support": {"ref_id": placed.code}})
    rerate.prepare(by=cast["finance"], tariff=placed.tariff, orders=[placed.code], reason="wrong price")
    stage.until("SETTLED")
    money = {"amount": Decimal(60), "reason_id": "R03", "words": "slow", "key": "press"}
    orders.request_refund(stage.fresh(), **money)
    support.open_about_order(
        driver=stage.driver, order=stage.order, what="wrong-bill", text="Too much.", press_key=uuid4()
    )
    support.open_about_station(
        driver=None,
        station=stage.order.offer.station,
        plug=None,
        what="other",
        text="",
        press_key=uuid4(),
    )
