"""Who may come in, and which of two sockets speaks for a charge point."""

import pytest
from channels.db import database_sync_to_async as database

from apps.lib.mistakes import Mistakes
from apps.ocpp import admission, services
from apps.ocpp.models import ChargePoint
from tests.ocpp.conftest import PASSWORD, at_the_door, basic_auth, knock, run

pytestmark = pytest.mark.django_db(transaction=True)
BOOT = {"chargePointVendor": "Acme", "chargePointModel": "Box", "firmwareVersion": "1.2"}


async def refusal(*args, **kwargs) -> int:
    connected, code = await knock(*args, **kwargs).connect(timeout=5)
    assert not connected
    return code


def test_a_registered_charge_point_boots(charge_point, domain):
    async def story():
        async with at_the_door() as talker:
            return await talker.call("BootNotification", BOOT)

    kind, unique_id, answer = run(story)
    assert (kind, unique_id, answer["status"], answer["interval"]) == (3, "m1", "Accepted", 60)
    opened, booted = domain.of("connected")
    assert (opened.booted, booted.booted, booted.firmware) == (False, True, "1.2")
    charge_point.refresh_from_db()
    assert (charge_point.vendor, charge_point.model) == ("Acme", "Box")


def test_leaving_is_told_once(charge_point, domain):
    async def story():
        async with at_the_door():
            assert domain.only("connected").charge_point_id == "CP-1"

    run(story)
    charge_point.refresh_from_db()
    assert not charge_point.connected
    assert domain.only("disconnected").charge_point_id == "CP-1"


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (basic_auth("CP-1", "wrong-password-here"),),
        (basic_auth("CP-2", PASSWORD),),
        ((b"authorization", b"Bearer x"),),
        ((b"authorization", b"Basic !!!"),),
        ((b"authorization", b"Basic /w=="),),
    ],
)
def test_without_the_right_password_the_door_stays_shut(charge_point, domain, headers):
    assert run(lambda: refusal(headers=headers)) == 4401
    assert not domain.heard


def test_a_stranger_is_refused(charge_point, domain):
    assert run(lambda: refusal("CP-9")) == 4404
    assert not ChargePoint.objects.filter(pk="CP-9").exists()


@pytest.mark.parametrize("path", ["", "a b", "x" * 49, "CP-1/../CP-2", "CP-1\n"])
def test_what_is_no_identity_is_refused(charge_point, domain, path):
    async def story():
        communicator = knock()
        communicator.scope["path"] = f"/ocpp/{path}"
        return await communicator.connect(timeout=5)

    connected, _code = run(story)
    assert not connected


def test_a_blocked_charge_point_is_refused(charge_point, domain):
    services.block(charge_point, why="test")
    assert run(refusal) == 4403


@pytest.mark.parametrize("offers", [(), ("ocpp1.5",), ("ocpp2.0", "soap")])
def test_an_unknown_version_is_closed_politely(charge_point, domain, offers):
    async def story():
        communicator = knock(offers=offers)
        connected, chosen = await communicator.connect(timeout=5)
        closed = await communicator.receive_output(timeout=5)
        return connected, chosen, closed["code"]

    assert run(story) == (True, None, 1002)
    assert not domain.heard


@pytest.mark.parametrize(
    ("offers", "chosen"),
    [
        (("ocpp2.1", "ocpp1.6"), "ocpp1.6"),
        (("ocpp2.0.1", "ocpp1.6"), "ocpp2.0.1"),
        (("ocpp1.6", "ocpp2.0.1"), "ocpp1.6"),
    ],
)
def test_the_first_version_that_both_speak_is_chosen(charge_point, domain, offers, chosen):
    async def story():
        communicator = knock(offers=offers)
        answer = await communicator.connect(timeout=5)
        await communicator.disconnect()
        return answer

    assert run(story) == (True, chosen)
    charge_point.refresh_from_db()
    assert charge_point.protocol == chosen


def test_too_many_wrong_passwords_from_one_address_shut_the_door(charge_point, domain, monkeypatch):
    monkeypatch.setattr(admission, "MISTAKES", Mistakes("ocpp", allowed=2, seconds=60))

    async def story():
        codes = [await refusal(login=("CP-1", "wrong-password-here")) for _ in range(3)]
        return [*codes, await refusal()]  # even with the right one, for a while

    assert run(story) == [4401, 4401, 4429, 4429]


def test_a_newer_socket_wins_and_the_older_ones_goodbye_changes_nothing(charge_point, domain):
    async def story():
        async with at_the_door() as older, at_the_door() as newer:
            assert await older.hears_close() == 4409
            refused = await older.call("Heartbeat", {})
            await older.socket.disconnect()
            answer = await newer.call("Heartbeat", {})
            return refused, answer, await refreshed(charge_point)

    refused, answer, connected = run(story)
    assert (refused[0], refused[2]) == (4, "SecurityError")
    assert answer[0] == 3
    assert connected
    assert len(domain.of("disconnected")) == 1  # the newer one's, at the end


async def refreshed(charge_point) -> bool:
    await charge_point.arefresh_from_db()
    return charge_point.connected


def test_blocking_hangs_up(charge_point, domain):
    async def story():
        async with at_the_door() as talker:
            await database(services.block)(charge_point, why="stolen")
            return await talker.hears_close()

    assert run(story) == 4409
    assert domain.only("disconnected")


def test_another_password_hangs_up_and_the_old_one_is_worthless(charge_point, domain):
    async def story():
        async with at_the_door() as talker:
            fresh = await database(services.rotate_password)(charge_point)
            assert await talker.hears_close() == 4409
        assert await refusal() == 4401
        async with at_the_door(login=("CP-1", fresh)):
            pass

    run(story)


# --- Strangers who may wait ------------------------------------------------------------------------------


@pytest.fixture
def open_to_strangers(settings):
    settings.OCPP = settings.OCPP | {"ADMIT_UNKNOWN": True}


def test_a_stranger_is_parked_until_somebody_approves_it(transactional_db, domain, open_to_strangers):
    async def story():
        async with at_the_door("NEW-1") as talker:
            boot = await talker.call("BootNotification", BOOT)
            start = await talker.call("Authorize", {"idTag": "GOOD"})
        return boot, start

    boot, start = run(story)
    assert boot[2]["status"] == "Pending"
    assert start[2] == "SecurityError"
    assert not domain.heard
    parked = ChargePoint.objects.get(pk="NEW-1")
    assert parked.state == ChargePoint.State.PENDING
    services.approve(parked, why="ours")

    async def back():
        async with at_the_door("NEW-1") as talker:
            return await talker.call("BootNotification", BOOT)

    assert run(back)[2]["status"] == "Accepted"


def test_a_parked_stranger_cannot_be_impersonated(transactional_db, domain, open_to_strangers):
    async def story():
        async with at_the_door("NEW-1"):
            pass
        return await refusal("NEW-1", login=("NEW-1", "another-long-password"))

    assert run(story) == 4401


def test_a_stranger_without_password_stays_out_once_approved(transactional_db, domain, open_to_strangers):
    async def story():
        async with at_the_door("NEW-1", headers=()):
            pass

    run(story)
    services.approve(ChargePoint.objects.get(pk="NEW-1"), why="ours")
    assert run(lambda: refusal("NEW-1", headers=())) == 4401


def test_strangers_do_not_pile_up_without_end(transactional_db, domain, open_to_strangers, monkeypatch):
    monkeypatch.setattr(admission, "MOST_PENDING", 0)
    assert run(lambda: refusal("NEW-1")) == 4429
