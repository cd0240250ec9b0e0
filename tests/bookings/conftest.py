from collections.abc import Iterator
from decimal import Decimal

import pytest
import time_machine

from apps.bookings.models import Booking
from tests.bookings.doubles import App
from tests.charging.doubles import Charger, make_charger
from tests.factory import NOON


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """It is noon until the test says otherwise."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def charger(factory) -> Charger:
    """One plug of 60 kW at 18.50 INR/kWh net, 10 INR per session, 18 % GST: 20 kWh cost 448.40."""
    operator = factory.make_operator(name="SparkDock", cancellation_fee_percent=Decimal(10))
    tariff = factory.make_tariff(operator, session_fee=Decimal(10))
    return make_charger(factory, station=factory.make_station(operator), tariff=tariff)


@pytest.fixture
def app(charger) -> App:
    return App(charger)


@pytest.fixture
def placed(app) -> Booking:
    """Confirmed and paid: 20 kWh for 448.40 INR."""
    return app.place()
