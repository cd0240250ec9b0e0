from datetime import timedelta
from decimal import Decimal

import pytest

from apps.bookings import reconcile
from apps.bookings.models import Booking
from tests.factory import NOON


@pytest.fixture
def billed(app, placed, charger) -> Booking:
    app.update("start-charging")
    number = charger.begin(placed.start_token).transaction_id
    charger.end(number, wh=11_000, at=NOON + timedelta(minutes=12))
    return app.booking()


def kinds() -> list[str]:
    return [found.kind for findings in reconcile.look(NOON - timedelta(days=1)) for found in findings]


def test_a_bill_of_what_was_measured_fits(billed):
    assert kinds() == []


def test_another_energy_than_was_measured_is_told(billed):
    Booking.objects.update(delivered_kwh=Decimal("9.000"))
    assert kinds() == ["BILL_DIFFERS"]


def test_energy_without_a_bill_is_told(billed):
    Booking.objects.update(state=Booking.State.FAILED)
    assert kinds() == ["SESSION_NOT_BILLED"]
