"""Law 11 in the admin: read-only, and only one's own operator."""

import pytest
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
    return factory.make_staff(operator)


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


def cancel_in_admin(client, booking, reason_id="14"):
    chosen = {"action": "cancel", "_selected_action": [booking.pk], "reason_id": reason_id}
    return client.post(reverse("admin:bookings_booking_changelist"), chosen, follow=True)


@pytest.mark.parametrize(
    ("role", "state"), [("MANAGER", "CANCELLED"), ("VIEWER", "CONFIRMED"), ("FINANCE", "CONFIRMED")]
)
def test_managers_cancel_for_their_operator(client, factory, app, placed, role, state):
    user = staff_of(factory, app.plug.evse.station.operator)
    user.staff.role = role
    user.staff.save()
    client.force_login(user)
    cancel_in_admin(client, placed)
    assert app.booking().state == state


def test_managers_of_another_operator_cancel_nothing(client, factory, app, placed):
    user = staff_of(factory, factory.make_operator())
    user.staff.role = "MANAGER"
    user.staff.save()
    client.force_login(user)
    cancel_in_admin(client, placed)
    assert app.booking().state == "CONFIRMED"


def test_cancelling_without_a_reason_says_so(client, factory, app, placed):
    client.force_login(factory.make_user(is_staff=True, is_superuser=True))
    assert b"Choose a reason" in cancel_in_admin(client, placed, reason_id="").content
    assert app.booking().state == "CONFIRMED"


def test_the_secrets_of_a_booking_are_not_shown(client, factory, placed):
    client.force_login(factory.make_user(is_staff=True, is_superuser=True))
    page = client.get(reverse("admin:bookings_booking_change", args=[placed.pk])).content.decode()
    assert placed.code in page
    assert placed.start_token not in page
    assert placed.track_token not in page
