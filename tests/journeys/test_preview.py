"""The preview on the page "How much?" is the operator's own quote to the cent, whatever is ordered and by which car."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from apps.bookings.models import Booking
from apps.catalog.models import Connector
from apps.catalog.services import publish_tariff
from apps.lib import clock
from apps.orders import services
from apps.orders.wish import Wish, estimate
from tests.charging.doubles import Charger, make_charger
from tests.journeys.test_reserved_times import Driver, network
from tests.journeys.test_reserved_times import ourselves as ourselves

ENERGY_ONLY: list[dict[str, Any]] = []
TIME_TOO = [
    {"price_components": [{"type": "FLAT", "price": "7.5"}], "restrictions": {"min_kwh": 5}},
    {
        "price_components": [
            {"type": "ENERGY", "price": "15.33", "step_size": 100},
            {"type": "TIME", "price": "61", "step_size": 60},
        ]
    },
]
SLOW_CAR = Decimal("11")


def sell(charger: Charger, elements: list[dict[str, Any]]) -> None:
    plug = Connector.objects.get()
    tariff = publish_tariff(
        operator=plug.evse.station.operator,
        code="sold",
        name="Sold",
        energy_rate=Decimal("18.5"),
        session_fee=Decimal(10),
        elements=elements,
    )
    Connector.objects.filter(pk=plug.pk).update(tariff=tariff)


@pytest.fixture
def charger(factory) -> Charger:
    return make_charger(factory)


def ask(driver: Driver, wish: Wish, power_kw: Decimal | None) -> None:
    asked = {"wish": wish, "power_kw": power_kw, "idempotency_key": str(uuid4())}
    services.request_quote(driver=driver.user, offer=driver.offer, **asked)
    network()


@pytest.mark.parametrize("elements", [ENERGY_ONLY, TIME_TOO], ids=["energy", "energy and time"])
@pytest.mark.parametrize("power_kw", [None, SLOW_CAR], ids=["as fast as the plug", "a slower car"])
@pytest.mark.parametrize(
    "wish",
    [
        Wish(energy_kwh=Decimal("17.3")),
        Wish(minutes=45),
        Wish(minutes=600),  # more than is sold in one order
        Wish(amount=Decimal(400)),
        Wish(amount=Decimal(9000)),
    ],
    ids=["kWh", "minutes", "many minutes", "money", "much money"],
)
def test_the_preview_is_the_quote(charger, factory, elements, power_kw, wish):
    sell(charger, elements)
    asha = Driver(charger, factory.make_user("asha@example.org"))
    guess = estimate(asha.offer, wish, now=clock.now(), power_kw=power_kw)
    ask(asha, wish, power_kw)
    order, booking = asha.order, Booking.objects.get()
    assert (order.state, order.warnings) == ("QUOTED", [])
    assert (guess.total, guess.kwh) == (order.quote_amount, booking.ordered_kwh)
    assert booking.quote_total == order.quote_amount


def test_what_a_slower_car_takes_of_its_minutes_is_told_beside_the_quote(charger, factory):
    sell(charger, ENERGY_ONLY)
    asha = Driver(charger, factory.make_user("asha@example.org"))
    guess = estimate(asha.offer, Wish(minutes=60), now=clock.now(), power_kw=SLOW_CAR)
    assert (guess.kwh, guess.total) == (Decimal(60), Decimal("1321.60"))
    assert (guess.own.kwh, guess.own.bill.total) == (Decimal(11), Decimal("251.93"))
    assert estimate(asha.offer, Wish(minutes=60), now=clock.now()).own is None
