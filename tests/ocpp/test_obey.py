"""Every command, said to a simulated box in both versions, and what it did about it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from channels.db import database_sync_to_async as database

from apps.ocpp import commands
from apps.ocpp.admission import password_matches
from apps.ocpp.models import ChargePoint, Command, Frame
from tests.ocpp.conftest import PASSWORD, run, until
from tests.ocpp.socket_server import serve_charge_points
from tests.ocpp.test_simulate import Scene, protocol  # noqa: F401  (a fixture)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("protocol")]
NAMES = {
    "1.6": ("HeartbeatInterval", "MeterValueSampleInterval", "NumberOfConnectors"),
    "2.0.1": (
        "OCPPCommCtrlr.HeartbeatInterval",
        "SampledDataCtrlr.TxUpdatedInterval",
        "ChargingStation.NumberOfConnectors",
    ),
}


async def ask(command, **facts) -> Command:
    """Ask, and wait for the answer."""
    asked = await database(command)(charge_point_id="CP-1", **facts)
    return await answer_to(asked)


async def answer_to(asked: Command) -> Command:
    await until_answered(asked)
    return asked


async def until_answered(asked: Command) -> None:
    while asked.state in Command.OPEN:
        await asked.arefresh_from_db()


def obeyed(story, **options):
    async def play():
        async with serve_charge_points() as url, Scene(url, **options) as scene:
            await scene.all_said()
            return await story(scene)

    return run(play)


def test_settings_are_read_and_changed_and_take_effect(charge_point, domain, protocol):  # noqa: F811
    heartbeat, interval, fixed = NAMES[protocol]

    async def story(scene):
        read = await ask(commands.get_configuration, keys=[heartbeat, fixed])
        changed = await ask(commands.change_configuration, key=interval, value="15")
        refusals = [
            await ask(commands.change_configuration, key=key, value=value)
            for key, value in ((interval, "often"), (interval, "0"), (fixed, "9"), ("No.Such", "1"))
        ]
        return read, changed, refusals, scene.box.readings_every

    read, changed, refusals, readings_every = obeyed(story)
    assert read.state == Command.State.ACCEPTED
    assert [entry["value"] for entry in read.told.values()] == ["60", "2"]
    assert (changed.state, readings_every) == (Command.State.ACCEPTED, 15)
    assert {refusal.state for refusal in refusals} == {Command.State.REJECTED}


def test_a_setting_nobody_knows_is_named(charge_point, domain):
    async def story(scene):
        return await ask(commands.get_configuration, keys=["No.Such"])

    read = obeyed(story)
    assert read.state == Command.State.REJECTED
    assert "No.Such" in read.answer


def test_all_settings_are_told(charge_point, domain, protocol):  # noqa: F811
    """In 2.0.1 in a report of their own, which the log keeps."""

    async def story(scene):
        read = await ask(commands.get_configuration)
        await scene.all_said()
        return read

    read = obeyed(story)
    assert read.state == Command.State.ACCEPTED
    if protocol == "1.6":
        assert set(NAMES["1.6"]) <= read.told.keys()
    else:
        assert "TxUpdatedInterval" in Frame.objects.get(action="NotifyReport", direction="IN").raw


def test_a_reserved_plug_starts_for_its_card_only(charge_point, domain):
    until_then = datetime.now(UTC) + timedelta(hours=1)

    async def story(scene):
        reserved = await ask(commands.reserve, connector_id=1, token="CARD", until=until_then)
        again = await ask(commands.reserve, connector_id=1, token="OTHER", until=until_then)
        stranger = await ask(commands.remote_start, connector_id=1, token="GOOD-1", reference="SE-1")
        owner = await ask(commands.remote_start, connector_id=1, token="CARD", reference="SE-2")
        await scene.all_said()
        return [command.state for command in (reserved, again, stranger, owner)]

    yes, no = Command.State.ACCEPTED, Command.State.REJECTED
    assert obeyed(story) == [yes, no, no, yes]
    assert "Reserved" in [event.status for event in domain.of("connector_status")]


def test_a_reservation_ends_when_it_is_cancelled_or_late(charge_point, domain):
    async def story(scene):
        until_then = scene.clock.now() + timedelta(minutes=10)
        first = await ask(commands.reserve, connector_id=1, token="CARD", until=until_then)
        cancelled = await answer_to(await database(commands.cancel_reservation)(reservation=first))
        twice = await answer_to(await database(commands.cancel_reservation)(reservation=first))
        free = scene.box.connectors[1].status
        await ask(commands.reserve, connector_id=1, token="CARD", until=until_then)
        await scene.wait(601)
        return cancelled.state, twice.state, free, scene.box.connectors[1].status

    yes, no = Command.State.ACCEPTED, Command.State.REJECTED
    assert obeyed(story) == (yes, no, "Available", "Available")


def test_in_and_out_of_service(charge_point, domain):
    async def story(scene):
        await ask(commands.change_availability, connector_id=0, operative=False)
        out = [plug.status for plug in scene.box.connectors.values()]
        await ask(commands.change_availability, connector_id=2, operative=True)
        await scene.all_said()
        return out, [plug.status for plug in scene.box.connectors.values()]

    assert obeyed(story) == (["Unavailable"] * 2, ["Unavailable", "Available"])
    assert domain.of("connector_status")[-1].status == "Available"


def test_unlocking_ends_what_runs(charge_point, domain):
    async def story(scene):
        scene.box.plug_in(1)
        scene.box.present_token("GOOD-1")
        await scene.all_said()
        unlocked = await ask(commands.unlock, connector_id=1)
        unknown = await ask(commands.unlock, connector_id=7)
        await scene.all_said()
        return unlocked.state, unknown.state

    assert obeyed(story) == (Command.State.ACCEPTED, Command.State.REJECTED)
    assert domain.only("transaction_stopped")


@pytest.mark.parametrize("hard", [True, False])
def test_a_restart_ends_what_runs_and_the_box_comes_back(charge_point, domain, hard):
    async def story(scene):
        scene.box.plug_in(1)
        scene.box.present_token("GOOD-1")
        await scene.all_said()
        boots = len(domain.of("connected"))
        assert (await ask(commands.reset, hard=hard)).state == Command.State.ACCEPTED
        await scene.clock.advance(2)
        await until(lambda: len(domain.of("connected")) >= boots + 2)  # the socket, and the boot
        await scene.all_said()

    obeyed(story)
    # Perhaps told twice: the line may have gone before the answer came.
    assert len({(stop.transaction_id, stop.at) for stop in domain.of("transaction_stopped")}) == 1


def test_a_message_is_sent_when_it_is_asked_for(charge_point, domain):
    async def story(scene):
        domain.heard.clear()
        status = await ask(commands.trigger, message="StatusNotification", connector_id=2)
        meter = await ask(commands.trigger, message="MeterValues", connector_id=1)
        unknown = await ask(commands.trigger, message="FirmwareStatusNotification")
        await scene.all_said()
        return [command.state for command in (status, meter, unknown)]

    yes, no = Command.State.ACCEPTED, Command.State.REJECTED
    assert obeyed(story) == [yes, yes, no]
    assert domain.only("connector_status").connector_id == 2
    assert domain.only("meter_readings").transaction_id is None


def test_what_the_box_does_not_know_is_refused_politely(charge_point, domain):
    async def story(scene):
        data = await ask(commands.data_transfer, vendor="Acme", message="hello")
        return data, await ask(commands.clear_cache)

    data, cache = obeyed(story)
    assert (data.state, data.answer) == (Command.State.REJECTED, "UnknownVendorId")
    assert cache.state == Command.State.ACCEPTED


def test_a_new_password_is_told_over_the_line_and_then_the_old_one_opens_nothing(charge_point, domain):
    async def story(scene):
        told = await ask(commands.send_new_password)
        both = await opens(PASSWORD), await opens(scene.box.password)
        return told, both

    async def opens(password):
        point = await ChargePoint.objects.aget(pk="CP-1")
        hashes = [point.password_hash, point.next_password_hash]
        return any(stored and password_matches(password, stored) for stored in hashes)

    async def returned(scene):
        told, both = await story(scene)
        while (await ChargePoint.objects.aget(pk="CP-1")).next_password_hash:
            await scene.clock.advance(1)
            await asyncio.sleep(0.02)
        return told, both, await opens(PASSWORD), await opens(scene.box.password), scene.box.password

    told, both, old, new, password = obeyed(returned)
    assert told.state == Command.State.ACCEPTED
    assert both == (True, True)
    assert (old, new) == (False, True)
    assert told.payload == {"password": "•••"}
    assert not Frame.objects.filter(raw__contains=password).exists()
    assert len(password) == 40
