"""The admin registers, approves and blocks through the services and lets nobody rewrite what was said."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.messages import get_messages
from django.urls import reverse

from apps.ocpp import admission, services
from apps.ocpp.models import ChargePoint, Command, Frame
from tests.ocpp.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client):
    person = get_user_model()(is_superuser=True, is_staff=True, email="boss@example.org")
    if hasattr(person, "username"):
        person.username = "boss"
    person.save()
    client.force_login(person)
    return client


def shown(response) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def test_registering_shows_the_password_once_and_keeps_only_its_hash(boss):
    response = boss.post(
        reverse("admin:ocpp_chargepoint_add"),
        {"id": "CP-7", "events-TOTAL_FORMS": 0, "events-INITIAL_FORMS": 0},
    )
    charge_point = ChargePoint.objects.get(pk="CP-7")
    password = shown(response).split(" is ")[1].split(".")[0]
    assert charge_point.state == ChargePoint.State.APPROVED
    assert admission.password_matches(password, charge_point.password_hash)
    assert password not in charge_point.password_hash


@pytest.mark.parametrize(("action", "state"), [("block", "BLOCKED"), ("approve", "APPROVED")])
def test_actions_move_the_state_with_their_author(boss, action, state):
    services.register("CP-7", PASSWORD)
    if action == "approve":
        services.block(ChargePoint.objects.get(pk="CP-7"), why="before")
    boss.post(reverse("admin:ocpp_chargepoint_changelist"), {"action": action, "_selected_action": ["CP-7"]})
    charge_point = ChargePoint.objects.get(pk="CP-7")
    assert charge_point.state == state
    assert charge_point.events.last().why.startswith("by ")


def test_a_forbidden_move_is_told_not_thrown(boss):
    services.register("CP-7", PASSWORD)
    response = boss.post(
        reverse("admin:ocpp_chargepoint_changelist"), {"action": "approve", "_selected_action": ["CP-7"]}
    )
    assert response.status_code == 302
    assert "may not go" in shown(response)


@pytest.mark.parametrize("model", [Frame, Command])
def test_frames_and_commands_are_only_read(boss, model):
    name = model._meta.model_name
    assert boss.get(reverse(f"admin:ocpp_{name}_changelist")).status_code == 200
    assert boss.get(reverse(f"admin:ocpp_{name}_add")).status_code == 403


def test_the_page_of_a_charge_point_never_shows_its_hash(boss):
    services.register("CP-7", PASSWORD)
    page = boss.get(reverse("admin:ocpp_chargepoint_change", args=["CP-7"]))
    assert page.status_code == 200
    assert b"hmac-sha256" not in page.content
