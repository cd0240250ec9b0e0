from collections.abc import Iterator

import pytest
import time_machine

from apps.charging import services
from apps.charging.models import Session
from tests.charging.doubles import Charger, make_charger, plug_of
from tests.factory import NOON


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """It is noon until the test says otherwise."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def charger(factory) -> Charger:
    return make_charger(factory)


@pytest.fixture
def session(charger) -> Session:
    """Asked for, not begun."""
    return services.start(reference="BK-1", connector=plug_of(charger), token="TOKEN-1", limit_kwh=None)


@pytest.fixture
def running(charger, session) -> Session:
    """Begun at noon with the register at 1 kWh."""
    charger.begin("TOKEN-1")
    session.refresh_from_db()
    return session
