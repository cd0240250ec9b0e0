"""Whoever knocks too often, without a lock on the line, or with the password of yesterday."""

import base64

import pytest
import structlog
from channels.db import database_sync_to_async as database
from channels.testing import WebsocketCommunicator
from django.core.cache import cache

from apps.lib.mistakes import Mistakes
from apps.ocpp import admission, commands, services, visitor
from apps.ocpp.models import ChargePoint, Command
from tests.ocpp.conftest import PASSWORD, at_the_door, basic_auth, knock, run

pytestmark = pytest.mark.django_db(transaction=True)
OTHER = "another-password-of-forty-characters-yes"


async def answer_to(socket: WebsocketCommunicator) -> int:
    """0 when the door opens."""
    connected, code = await socket.connect(timeout=5)
    await socket.disconnect(timeout=5)
    return 0 if connected else code


@pytest.fixture
def said():
    with structlog.testing.capture_logs() as lines:
        yield lines


def test_a_thousand_attempts_from_one_address_cost_twenty_looks_and_a_few_lines(
    charge_point, domain, said, django_assert_max_num_queries
):
    """The others never reach the database, and who comes from elsewhere is not kept waiting."""

    async def story():
        codes = [await answer_to(knock(login=("CP-1", "wrong-password-here"))) for _ in range(1000)]
        neighbour = knock()
        neighbour.scope["client"] = ["192.0.2.7", 1]
        return codes, await answer_to(neighbour)

    cache.delete("ocpp-mistakes:192.0.2.7")
    codes, neighbour = run(story)
    assert codes[:20] == [4401] * 20
    assert set(codes[20:]) == {4429}
    assert neighbour == 0
    assert [line["event"] for line in said].count("charge point refused") == 20
    assert [line["event"] for line in said].count("address shut out") == 1
    with django_assert_max_num_queries(0), pytest.raises(admission.TooOften):
        admission.admit(charge_point_id="CP-1", authorization=b"", address="unknown")


def test_a_wrong_password_is_logged_without_itself(charge_point, domain, said):
    run(lambda: answer_to(knock(login=("CP-1", "wrong-password-here"))))
    (line,) = [line for line in said if line["event"] == "charge point refused"]
    assert (line["charge_point"], line["why"], line["address"]) == ("CP-1", "wrong password", "unknown")
    assert "wrong-password-here" not in str(said)


def test_a_box_that_dials_again_and_again_waits_and_its_neighbours_do_not(charge_point, domain, monkeypatch):
    services.register("CP-2", PASSWORD)
    cache.delete("ocpp-comings-mistakes:CP-2")
    monkeypatch.setattr(admission, "COMINGS", Mistakes("ocpp-comings", allowed=3, seconds=60))

    async def story():
        return [await answer_to(knock()) for _ in range(4)], await answer_to(knock("CP-2"))

    assert run(story) == ([0, 0, 0, 4429], 0)


def test_a_stranger_cannot_use_up_the_comings_of_a_box(charge_point, domain, monkeypatch):
    monkeypatch.setattr(admission, "COMINGS", Mistakes("ocpp-comings", allowed=3, seconds=60))

    async def story():
        for _ in range(5):
            await answer_to(knock(login=("CP-1", "wrong-password-here")))
        return await answer_to(knock())

    assert run(story) == 0


# --- The line ---------------------------------------------------------------------------------------------


def test_behind_a_proxy_the_last_address_it_names_counts(settings):
    scope = {"client": ["10.0.0.1", 1], "headers": [(b"x-forwarded-for", b"203.0.113.9, 198.51.100.4")]}
    assert visitor.address_of(scope) == "10.0.0.1"  # anybody can write that header
    settings.BEHIND_PROXY = True
    assert visitor.address_of(scope) == "198.51.100.4"
    assert visitor.address_of({"headers": []}) == "unknown"


@pytest.mark.parametrize(
    ("is_behind", "scheme", "forwarded", "code"),
    [
        (False, "ws", b"", 4426),
        (False, "wss", b"", 0),
        (False, "ws", b"https", 4426),
        (True, "ws", b"https", 0),
        (True, "ws", b"http", 4426),
    ],
)
def test_where_tls_is_asked_for_nothing_else_opens(
    charge_point, domain, settings, is_behind, scheme, forwarded, code
):
    settings.OCPP = settings.OCPP | {"REQUIRE_TLS": True}
    settings.BEHIND_PROXY = is_behind

    async def story():
        socket = knock(headers=(basic_auth("CP-1", PASSWORD), (b"x-forwarded-proto", forwarded)))
        socket.scope["scheme"] = scheme
        return await answer_to(socket)

    assert run(story) == code


# --- The password -----------------------------------------------------------------------------------------


def can_open(password: str) -> bool:
    return run(lambda: answer_to(knock(login=("CP-1", password)))) == 0


def test_both_passwords_open_until_the_new_one_was_used(charge_point, domain):
    services.expect_password(charge_point, OTHER)
    assert [can_open(PASSWORD), can_open(OTHER), can_open(PASSWORD), can_open(OTHER)] == [
        True,
        True,
        False,
        True,
    ]


def test_a_key_of_bytes_opens_as_ocpp_1_6_sends_it(charge_point, domain):
    key = bytes(range(200, 220))
    services.rotate_password(charge_point, key.hex())
    coded = base64.b64encode(b"CP-1:" + key)
    assert run(lambda: answer_to(knock(headers=((b"authorization", b"Basic " + coded),)))) == 0
    assert can_open(key.hex())


async def told_a_password(talker, answer):
    """Ask for it; the box hears the call, which is returned, and gives `answer`."""
    await database(commands.send_new_password)(charge_point_id="CP-1", asked_by="boss")
    heard = await talker.listen()
    if answer is not None:
        await talker.tell([3, heard[1], answer])
        await talker.call("Heartbeat", {})
    return heard


def test_a_box_that_refuses_keeps_the_password_it_has(charge_point, domain):
    async def story():
        async with at_the_door() as talker:
            return await told_a_password(talker, {"status": "Rejected"})

    heard = run(story)
    assert heard[2:] == ["ChangeConfiguration", {"key": "AuthorizationKey", "value": heard[3]["value"]}]
    charge_point.refresh_from_db()
    assert charge_point.next_password_hash == ""
    assert not can_open(heard[3]["value"])
    assert can_open(PASSWORD)


def test_a_box_that_says_nothing_may_have_taken_it(charge_point, domain):
    """It was sent: either may be right, until one is used."""

    async def story():
        async with at_the_door() as talker:
            return await told_a_password(talker, None)

    heard = run(story)
    Command.objects.update(deadline_at=charge_point.registered_at)
    assert commands.expire_commands() == 1
    assert can_open(PASSWORD)
    assert can_open(heard[3]["value"])


def test_a_password_that_never_left_is_forgotten(charge_point):
    command = commands.send_new_password(charge_point_id="CP-1")
    password = command.payload["password"]
    assert commands.send_new_password(charge_point_id="CP-1").pk == command.pk  # asked twice, told once
    Command.objects.update(deadline_at=charge_point.registered_at)
    commands.expire_commands()
    command.refresh_from_db()
    assert password not in str(command.payload)
    assert ChargePoint.objects.get(pk="CP-1").next_password_hash == ""
