"""Law 11 in the admin: read-only, and only one's own operator."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from apps.bookings.models import Booking
from apps.charging.models import Orphan, Session

MODELS = ["bookings_booking", "charging_session", "charging_orphan"]


@pytest.fixture
def rows(app, placed, charger) -> dict[str, int]:
    app.update("start-charging")
    charger.begin(placed.start_token)
    charger.end(4711, wh=2000, at=placed.confirmed_at)
    return {
        "bookings_booking": Booking.objects.get().pk,
        "charging_session": Session.objects.get().pk,
        "charging_orphan": Orphan.objects.get().pk,
    }


def staff_of(factory, operator):
    user = factory.make_staff(operator)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return user


@pytest.mark.parametrize("model", MODELS)
def test_people_of_the_operator_read_their_rows(client, factory, app, rows, model):
    client.force_login(staff_of(factory, app.plug.evse.station.operator))
    assert client.get(reverse(f"admin:{model}_changelist")).context["cl"].result_count == 1
    page = client.get(reverse(f"admin:{model}_change", args=[rows[model]]))
    assert page.status_code == 200
    assert b'name="_save"' not in page.content


@pytest.mark.parametrize("model", MODELS)
def test_people_of_another_operator_see_nothing(client, factory, rows, model):
    client.force_login(staff_of(factory, factory.make_operator()))
    assert client.get(reverse(f"admin:{model}_changelist")).context["cl"].result_count == 0
    assert client.get(reverse(f"admin:{model}_change", args=[rows[model]])).status_code == 302


@pytest.mark.parametrize("model", MODELS)
def test_nobody_writes(client, factory, rows, model):
    client.force_login(factory.make_user(is_staff=True, is_superuser=True))
    assert client.get(reverse(f"admin:{model}_add")).status_code == 403
    assert client.post(reverse(f"admin:{model}_delete", args=[rows[model]])).status_code == 403


def test_the_secrets_of_a_booking_are_not_shown(client, factory, placed):
    client.force_login(factory.make_user(is_staff=True, is_superuser=True))
    page = client.get(reverse("admin:bookings_booking_change", args=[placed.pk])).content.decode()
    assert placed.code in page
    assert placed.start_token not in page
    assert placed.track_token not in page
