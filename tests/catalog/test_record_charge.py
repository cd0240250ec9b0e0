"""The last charge that worked: energy in a car is a better witness than any status."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine

from apps.catalog.models import Connector
from apps.catalog.services import record_charge
from tests.factory import NOON

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def plug(factory) -> Connector:
    return factory.make_connector()


def told(plug: Connector) -> object:
    return Connector.objects.get(pk=plug.pk).last_charge_at


def test_a_charge_with_energy_is_kept(plug):
    assert record_charge(connector=plug, energy_kwh=Decimal("0.4"), ended_at=NOON - HOUR)
    assert told(plug) == NOON - HOUR


def test_one_without_energy_proves_nothing(plug):
    assert not record_charge(connector=plug, energy_kwh=Decimal(0), ended_at=NOON)
    assert told(plug) is None


def test_an_older_one_that_is_told_later_changes_nothing(plug):
    record_charge(connector=plug, energy_kwh=Decimal(1), ended_at=NOON - HOUR)
    assert not record_charge(connector=plug, energy_kwh=Decimal(1), ended_at=NOON - 2 * HOUR)
    assert told(plug) == NOON - HOUR


@pytest.mark.parametrize("ended_at", [NOON + HOUR, NOON - timedelta(days=9000)])
def test_a_clock_that_cannot_be_right_means_now(plug, ended_at):
    record_charge(connector=plug, energy_kwh=Decimal(1), ended_at=ended_at)
    assert told(plug) == NOON
