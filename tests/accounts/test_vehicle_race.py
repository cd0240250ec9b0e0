"""Of several presses at once each has its answer, and the account holds what one press would have made of it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from apps.accounts import services
from apps.accounts.models import User, Vehicle
from apps.lib.errors import Refused

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def asha() -> User:
    """In this file rows are really committed."""
    return User.objects.create_user("asha@example.org")


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


def test_one_vehicle_added_by_five_presses_is_one(asha, factory):
    model = factory.make_vehicle_model()
    added = at_once(*[lambda: services.add_vehicle(asha, model=model, year=2024)] * 5)
    assert len({vehicle.pk for vehicle in added}) == 1
    assert Vehicle.objects.get().is_driven


def test_no_race_leads_past_the_limit_or_to_two_driven(asha, factory, monkeypatch):
    monkeypatch.setattr(services, "MOST_VEHICLES", 2)
    models = [factory.make_vehicle_model() for _number in range(5)]
    answers = at_once(
        *[lambda model=model: services.add_vehicle(asha, model=model, year=2024) for model in models]
    )
    assert sum(isinstance(answer, services.TooManyVehicles) for answer in answers) == 3
    assert Vehicle.objects.count() == 2
    assert Vehicle.objects.filter(is_driven=True).count() == 1


def test_choosing_two_at_once_leaves_one_driven(asha, factory):
    vehicles = [factory.make_vehicle(asha) for _number in range(4)]
    at_once(*[lambda vehicle=vehicle: services.choose_vehicle(vehicle) for vehicle in vehicles])
    assert Vehicle.objects.filter(is_driven=True).count() == 1
