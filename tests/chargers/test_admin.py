"""Who may see a charge point in the admin, and who may command it (law 11)."""

import json

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.catalog.models import Staff
from apps.lib.clock import now
from apps.ocpp import commands, services
from apps.ocpp.admission import password_matches
from apps.ocpp.models import ChargePoint, Command, Frame, Transaction
from tests.ocpp.conftest import PASSWORD

pytestmark = pytest.mark.django_db
Role = Staff.Role
OURS, THEIRS, SHARED, NOBODYS = "our@box", "THEIR-1", "SHARED-1", "SPARE-1"
MODELS = ["chargepoint", "frame", "command", "transaction"]


@pytest.fixture
def operator(factory):
    """Two operators with a box each, one box both point at, and one nobody points at."""
    ours, theirs = factory.make_operator(code="ours"), factory.make_operator(code="theirs")
    for identity, owners in ((OURS, [ours]), (THEIRS, [theirs]), (SHARED, [ours, theirs]), (NOBODYS, [])):
        services.register(identity, PASSWORD)
        for owner in owners:
            factory.make_connector(factory.make_evse(factory.make_station(owner), charge_point_id=identity))
        told = {"charge_point_id": identity, "at": now(), "raw": "[]"}
        Frame.objects.create(direction="IN", action="Heartbeat", **told)
        Transaction.objects.create(charge_point_id=identity, name=f"T {identity}", heard_at=now())
        commands.reset(charge_point_id=identity)
    return ours


@pytest.fixture
def as_role(factory, client, operator):
    def signed_in(role):
        client.force_login(factory.make_staff(operator, role))
        return client

    return signed_in


@pytest.fixture
def boss(factory, client, operator):
    client.force_login(factory.make_user(is_staff=True, is_superuser=True))
    return client


def page(identity: str) -> str:
    return reverse("admin:ocpp_chargepoint_commands", args=[identity.replace("@", "_40")])


def shown(client, model: str) -> set[str]:
    response = client.get(reverse(f"admin:ocpp_{model}_changelist"))
    assert response.status_code == 200
    return {getattr(row, "charge_point_id", row.pk) for row in response.context["cl"].result_list}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("role", Role.values)
def test_staff_see_the_boxes_of_their_operator_and_of_no_other(as_role, model, role):
    assert shown(as_role(role), model) == {OURS}


@pytest.mark.parametrize("model", MODELS)
def test_an_administrator_sees_them_all(boss, model):
    assert shown(boss, model) == {OURS, THEIRS, SHARED, NOBODYS}


def test_somebody_without_a_job_and_without_rights_sees_nothing(factory, client, operator):
    client.force_login(factory.make_user(is_staff=True))
    assert client.get(reverse("admin:ocpp_chargepoint_changelist")).status_code == 403
    assert client.get(page(OURS)).status_code in (302, 403)


def test_the_page_of_a_box_leads_to_what_was_said(as_role):
    client = as_role(Role.VIEWER)
    url = reverse("admin:ocpp_chargepoint_change", args=["our_40box"])
    response = client.get(url)
    assert response.status_code == 200
    assert page(OURS) not in response.content.decode()
    for name in ("messages_url", "transactions_url", "commands_given_url"):
        listed = client.get(response.context[name])
        assert listed.status_code == 200
        assert len(listed.context["cl"].result_list) == 1


def test_staff_may_not_register_approve_or_block(as_role):
    client = as_role(Role.MANAGER)
    assert client.get(reverse("admin:ocpp_chargepoint_add")).status_code == 403
    changelist = reverse("admin:ocpp_chargepoint_changelist")
    client.post(changelist, {"action": "block", "_selected_action": [OURS]})
    assert ChargePoint.objects.get(pk=OURS).state == ChargePoint.State.APPROVED


# --- Commands --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("identity", [THEIRS, SHARED, NOBODYS, "nowhere"])
def test_a_manager_cannot_command_another_box(as_role, identity):
    before = Command.objects.count()
    client = as_role(Role.MANAGER)
    assert client.get(page(identity)).status_code == 404
    assert client.post(page(identity), {"verb": "reset"}).status_code == 404
    assert Command.objects.count() == before


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE])
def test_who_only_reads_cannot_command(as_role, role):
    before = Command.objects.count()
    client = as_role(role)
    assert client.post(page(OURS), {"verb": "reset"}).status_code == 403
    changelist = reverse("admin:ocpp_chargepoint_changelist")
    client.post(changelist, {"action": "give_new_password", "_selected_action": [OURS]})
    assert Command.objects.count() == before
    assert password_matches(PASSWORD, ChargePoint.objects.get(pk=OURS).password_hash)


def test_a_manager_gives_a_new_password_to_an_own_box_only(as_role):
    changelist = reverse("admin:ocpp_chargepoint_changelist")
    as_role(Role.MANAGER).post(
        changelist, {"action": "give_new_password", "_selected_action": [OURS, THEIRS]}
    )
    kept = [
        password_matches(PASSWORD, ChargePoint.objects.get(pk=identity).password_hash)
        for identity in (OURS, THEIRS)
    ]
    assert kept == [False, True]


ASKED = [
    ("reset", {"hard": "on"}, "reset", {"hard": True}),
    ("reset", {}, "reset", {"hard": False}),
    ("unlock", {"connector": 2}, "unlock", {"connector_id": 2}),
    (
        "trigger",
        {"message": "StatusNotification", "connector": 1},
        "trigger",
        {"message": "StatusNotification", "connector_id": 1},
    ),
    ("trigger", {"message": "Heartbeat"}, "trigger", {"message": "Heartbeat"}),
    (
        "availability",
        {"connector": 0, "operative": "out"},
        "change_availability",
        {"connector_id": 0, "operative": False},
    ),
    ("read", {"keys": ""}, "get_configuration", {"keys": []}),
    ("read", {"keys": "A, B.C"}, "get_configuration", {"keys": ["A", "B.C"]}),
    ("change", {"key": "A", "value": "7"}, "change_configuration", {"key": "A", "value": "7"}),
    ("clear", {}, "clear_cache", {}),
    (
        "data",
        {"vendor": "Acme", "message": "m", "data": "d"},
        "data_transfer",
        {"vendor": "Acme", "message": "m", "data": "d"},
    ),
]


def fields(verb: str, values: dict) -> dict:
    return {"verb": verb} | {f"{verb}-{name}": value for name, value in values.items()}


@pytest.mark.parametrize(("verb", "values", "action", "payload"), ASKED)
def test_a_manager_commands_an_own_box_and_it_is_on_record(as_role, verb, values, action, payload):
    response = as_role(Role.MANAGER).post(page(OURS), fields(verb, values))
    assert response.status_code == 302
    command = Command.objects.first()
    assert (command.charge_point_id, command.action, command.payload) == (OURS, action, payload)
    person = Staff.objects.get().user
    assert command.asked_by == str(person)
    assert str(person) in command.events.get().why
    assert LogEntry.objects.get().user == person


def test_a_reservation_is_made_and_cancelled_by_its_number(as_role):
    client = as_role(Role.MANAGER)
    client.post(page(OURS), fields("reserve", {"connector": 1, "token": "CARD", "minutes": 10}))
    reservation = Command.objects.first()
    assert reservation.payload["token"] == "CARD"
    client.post(page(OURS), fields("cancel", {"number": reservation.pk}))
    assert Command.objects.first().payload == {"reservation": reservation.pk}


def test_a_reservation_of_another_box_cannot_be_cancelled(as_role):
    theirs = commands.reserve(charge_point_id=THEIRS, connector_id=1, token="CARD", until=now())
    before = Command.objects.count()
    response = as_role(Role.MANAGER).post(page(OURS), fields("cancel", {"number": theirs.pk}))
    assert response.status_code == 422
    assert Command.objects.count() == before


@pytest.mark.parametrize(
    ("verb", "values"),
    [
        ("unlock", {}),
        ("unlock", {"connector": -1}),
        ("unlock", {"connector": "x"}),
        ("trigger", {"message": "SelfDestruct"}),
        ("availability", {"connector": 0, "operative": "perhaps"}),
        ("change", {"key": "A"}),
        ("reserve", {"connector": 1, "token": "x" * 21, "minutes": 5}),
        ("reserve", {"connector": 1, "token": "x", "minutes": 0}),
        ("cancel", {"number": 10**12}),
        ("plugs", {"plugs": "two"}),
        ("plugs", {"plugs": "0"}),
        ("plugs", {"plugs": "11"}),
        ("plugs", {"plugs": ",".join("1" * 101)}),
    ],
)
def test_what_makes_no_sense_is_shown_with_its_reason(as_role, verb, values):
    before = Command.objects.count()
    response = as_role(Role.MANAGER).post(page(OURS), fields(verb, values))
    assert response.status_code == 422
    (form,) = [form for form in response.context["forms"] if form.is_bound]
    assert form.errors
    assert Command.objects.count() == before
    assert ChargePoint.objects.get(pk=OURS).plugs_per_evse == []


def test_an_unknown_verb_asks_for_nothing(as_role):
    before = Command.objects.count()
    assert as_role(Role.MANAGER).post(page(OURS), {"verb": "explode"}).status_code == 200
    assert Command.objects.count() == before


def test_a_blocked_box_says_so(boss):
    services.block(ChargePoint.objects.get(pk=OURS), why="stolen")
    response = boss.post(page(OURS), fields("clear", {}))
    assert response.status_code == 422
    assert b"No approved charge point" in response.content


@pytest.mark.parametrize(("typed", "plugs"), [("2, 1", [2, 1]), ("", [])])
def test_the_plugs_of_each_evse_are_set(as_role, typed, plugs):
    ChargePoint.objects.update(plugs_per_evse=[3])
    assert as_role(Role.MANAGER).post(page(OURS), fields("plugs", {"plugs": typed})).status_code == 302
    assert ChargePoint.objects.get(pk=OURS).plugs_per_evse == plugs
    assert LogEntry.objects.exists()


def test_the_page_shows_what_became_of_commands(as_role):
    told = {"HeartbeatInterval": {"value": "60", "readonly": False}}
    Command.objects.filter(charge_point_id=OURS).update(told=told, answer="1 keys")
    page_text = as_role(Role.MANAGER).get(page(OURS)).content.decode()
    assert "HeartbeatInterval" in page_text


@pytest.mark.parametrize("model", MODELS)
def test_the_number_of_questions_does_not_grow_with_the_rows(boss, model):
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            boss.get(reverse(f"admin:ocpp_{model}_changelist"))
        return len(queries)

    count()
    before = count()
    for number in range(10):
        services.register(f"MORE-{number}", PASSWORD)
        Frame.objects.create(charge_point_id=f"MORE-{number}", direction="IN", at=now(), raw="[]")
        Transaction.objects.create(charge_point_id=f"MORE-{number}", name="T", heard_at=now())
        commands.reset(charge_point_id=f"MORE-{number}")
    assert count() == before


# --- What is not shown -------------------------------------------------------------------------------------

CARD = "04A2B6C8D91E80"


@pytest.fixture
def said(operator):
    """A card at our box: in a message, in a command, in a message that waits."""
    payload = {"idToken": {"idToken": CARD, "type": "ISO14443"}}
    raw = json.dumps([2, "1", "Authorize", payload])
    frame = Frame.objects.create(charge_point_id=OURS, direction="IN", action="Authorize", raw=raw, at=now())
    command = commands.remote_start(charge_point_id=OURS, connector_id=1, token=CARD, reference="CS-1")
    waiting = Transaction.objects.create(
        charge_point_id=OURS, name="T", token=CARD, waiting=[payload], heard_at=now()
    )
    return {"frame": frame, "command": command, "transaction": waiting}


def read(client, model, row) -> str:
    response = client.get(reverse(f"admin:ocpp_{model}_change", args=[row.pk]))
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("model", ["frame", "command", "transaction"])
@pytest.mark.parametrize("role", Role.values)
def test_staff_see_the_end_of_a_card_and_not_the_card(as_role, said, model, role):
    page = read(as_role(role), model, said[model])
    assert "•••1E80" in page
    assert CARD[:8] not in page


@pytest.mark.parametrize("model", ["frame", "command", "transaction"])
def test_who_may_see_whole_tokens_does(boss, said, model):
    page = read(boss, model, said[model])
    assert CARD in page
    assert "•••" not in page


def test_a_password_has_its_own_form_and_no_other(as_role):
    client = as_role(Role.MANAGER)
    asked = {"verb": "change", "change-key": "AuthorizationKey", "change-value": "x" * 20}
    before = Command.objects.count()
    assert client.post(page(OURS), asked).status_code == 422
    assert Command.objects.count() == before
    assert client.post(page(OURS), {"verb": "password"}).status_code == 302
    sent = Command.objects.get(action=Command.Action.SET_PASSWORD)
    assert password_matches(sent.payload["password"], ChargePoint.objects.get(pk=OURS).next_password_hash)


def test_a_password_that_waits_for_its_box_is_shown_to_nobody(boss):
    command = commands.send_new_password(charge_point_id=OURS)
    assert command.payload["password"] not in read(boss, "command", command)
    box = boss.get(reverse("admin:ocpp_chargepoint_change", args=["our_40box"])).content.decode()
    assert "hmac-sha256" not in box
