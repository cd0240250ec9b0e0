"""The acceptance lines of a charge, each with a simulated charge point at the real door, in both versions of OCPP.

What stands here had only been played with doubles; the other lines are in the files beside, and in
`tests/charging/test_simulated.py`. The last test keeps the list.
"""

import ast
from datetime import timedelta
from pathlib import Path

import pytest
from channels.db import database_sync_to_async as database

from apps.catalog.models import Connector
from apps.catalog.selectors import shown_status
from apps.charging import desk, services
from apps.charging.models import Orphan, Session
from apps.lib import clock, wiring
from apps.ocpp import services as ocpp
from apps.ocpp.models import Command
from tests.chargers.conftest import Site
from tests.charging.doubles import plug_of
from tests.factory import Factory
from tests.ocpp.conftest import PASSWORD, at_the_door, run, until

State, Status = Session.State, Connector.Status
HERE = Path(__file__).parent
LINES = [
    *("AT-A1", "AT-A2", "AT-A3", "AT-A4", "AT-A5", "AT-A6", "AT-B1", "AT-B2", "AT-B3", "AT-B4"),
    *("AT-C1", "AT-C2", "AT-C3", "AT-D1", "AT-D2", "AT-D3", "AT-D4", "AT-D5", "AT-E1", "AT-H1", "AT-H2"),
]


# --- Ends -------------------------------------------------------------------------------------------------


def test_a_plug_that_is_free_without_a_stop_is_waited_for_and_closed_on_the_last_good_reading(site):
    """AT-A1, AT-D4: no further minute is billed, and the estimate is never above what was delivered."""

    async def story(site: Site):
        await site.charge(minutes=3)
        before = (await site.session()).energy_wh
        site.box.unplug(1)
        await site.all_said()
        waits = await site.until_waits_for(State.ENDED_PENDING_METER)
        await site.until_waits(State.CLOSED)
        return site, before, waits

    played, before, waits = site(story, scenario="stuck-after-stop")
    closed = Session.objects.get()
    assert waits.deadline_at - clock.now() > timedelta(minutes=25)
    assert (closed.is_estimated, closed.end_reason, closed.meter_stop_wh) == (True, "", None)
    delivered = played.box.connectors[1].whole_wh - 5_000
    assert before <= closed.energy_wh <= delivered
    assert closed.ended_at == closed.register_at


def test_driver_and_operator_stop_at_the_same_time_and_the_charger_hears_it_once(site):
    """AT-A3."""

    async def story(site: Site):
        await site.charge(minutes=2)
        session = await site.session()
        for _press in range(2):
            await site.stop()
            await database(desk.stop_power)(session, by="mira")
            await session.arefresh_from_db()
        return await site.until_state(State.CLOSED)

    assert site(story).end_reason == "Remote"
    assert Command.objects.filter(action=Command.Action.REMOTE_STOP).count() == 1


def test_a_closed_record_leaves_the_charger_alone_and_its_real_stop_is_reconciled(site):
    """AT-A4."""

    async def story(site: Site):
        await site.charge(minutes=2)
        session = await site.session()
        words = await database(desk.close_record)(session, by="mira", reason="the driver is on the phone")
        closed = await site.session()
        assert not await Command.objects.filter(action=Command.Action.REMOTE_STOP).aexists()
        site.box.unplug(1)
        await site.all_said()
        return words, closed, site

    words, closed, played = site(story)
    assert f"{closed.register_wh.normalize():f} Wh" in words
    after = Session.objects.get()
    assert (after.state, after.energy_wh) == (State.CLOSED, closed.energy_wh)
    assert played.box.connectors[1].transaction is None
    assert after.meter_stop_wh == played.box.connectors[1].whole_wh
    assert Orphan.objects.filter(why__contains="came after its close").count() == 1


# --- A late start -----------------------------------------------------------------------------------------


async def begins_late(site: Site) -> Session:
    """The box took the start and waits for the cable longer than we do."""
    site.box.connection_timeout = 3600
    await site.start()
    await until(lambda: site.box.connectors[1].expected_token == "TOKEN-1")
    await site.until_accepted()
    await site.until_waits(State.FAILED)
    site.plug_in()
    await site.all_said()
    return await Session.objects.order_by("pk").alast()


def test_a_late_start_that_is_still_wanted_is_adopted_and_may_be_stopped_for_nothing(site, monkeypatch):
    """AT-B2."""
    announce = wiring.announce
    monkeypatch.setattr(
        wiring, "announce", lambda name, *facts: name == "late_start.beginning" or announce(name, *facts)
    )

    async def story(site: Site):
        late = await begins_late(site)
        await database(services.stop)(reference="BK-1")
        await until(lambda: site.box.connectors[1].transaction is None)
        await site.all_said()
        return late

    late = site(story)
    assert (late.reference, late.state) == ("BK-1", State.ACTIVE)
    assert Session.objects.get(pk=late.pk).is_free
    assert Session.objects.count() == 2


def test_a_late_start_that_nobody_wants_is_stopped_at_once_at_no_cost(site):
    """AT-B2, AT-B3."""

    async def story(site: Site):
        await begins_late(site)
        await until(lambda: site.box.connectors[1].transaction is None)
        await site.all_said()

    site(story)
    assert set(Session.objects.values_list("state", "energy_wh")) == {(State.FAILED, 0)}


# --- Two cars, two plugs ----------------------------------------------------------------------------------


def test_two_charges_in_a_row_share_no_interval(site):
    """AT-D5: the end of the first is never told, the second begins at the same register."""

    async def story(site: Site):
        await site.charge(minutes=3)
        site.box.unplug(1)
        await site.all_said()
        await site.wait(60)
        site.plug_in()
        site.box.present_token("RFID-2")
        await site.all_said()
        await site.wait(120)
        site.box.unplug(1)
        await site.all_said()
        for _round in range(200):
            if not await Session.objects.filter(state__in=Session.LIVE).aexists():
                break
            await database(site._hurry)()
        return site

    played = site(story, scenario="stuck-after-stop")
    first, second = Session.objects.order_by("pk")
    assert (first.state, second.state) == (State.CLOSED, State.CLOSED)
    assert first.register_at <= second.started_at
    counted = {
        session.pk: set(session.readings.filter(accepted=True).values_list("at", flat=True))
        for session in (first, second)
    }
    assert not counted[first.pk] & counted[second.pk]
    assert first.energy_wh + second.energy_wh <= played.box.connectors[1].whole_wh - 5_000
    assert first.energy_wh > 0 and second.energy_wh > 0


def test_plugs_of_one_evse_turn_busy_together(site):
    """AT-H2: the EVSE serves one car, so the free plug beside it says so."""

    async def story(site: Site):
        before = await database(shown)(site)
        await site.charge(minutes=1)
        return before, await database(shown)(site)

    def shown(site: Site) -> list[str]:
        plugs = [plug_of(site, number) for number in (1, 2)]
        others = list(reversed(plugs))
        return [shown_status(plug, clock.now(), [other]) for plug, other in zip(plugs, others, strict=True)]

    before, after = site(story)
    assert before == [Status.AVAILABLE, Status.AVAILABLE]
    assert after == [Status.CHARGING, Status.CHARGING]


@pytest.mark.django_db(transaction=True)
def test_connector_1_of_two_boxes_are_two_plugs_and_connector_0_is_the_box():
    """AT-H1."""
    factory = Factory()
    for identity in ("CP-1", "CP-2"):
        ocpp.register(identity, PASSWORD)
        factory.make_priced_connector(factory.make_evse(charge_point_id=identity), seen_at=clock.now())

    def words() -> list[str]:
        plugs = Connector.objects.order_by("evse__charge_point_id")
        return list(plugs.values_list("status", flat=True))

    async def story():
        heard = []
        async with at_the_door("CP-1") as first, at_the_door("CP-2") as second:
            for talker, connector, word, seconds in (
                (first, 1, "Charging", 1),
                (second, 1, "Available", 2),
                (first, 0, "Available", 3),  # no worse than its plug: says nothing of it
                (first, 0, "Faulted", 5),
                (first, 0, "Unavailable", 4),  # older
                (first, 0, "Available", 6),  # well again, but the plug has not said so itself
                (first, 1, "Available", 7),
            ):
                at = clock.utc_text(began + timedelta(seconds=seconds))
                said = {"connectorId": connector, "errorCode": "NoError", "status": word, "timestamp": at}
                await talker.call("StatusNotification", said, f"{word}-{seconds}")
                heard.append(await database(words)())
        return heard

    began = clock.now() - timedelta(seconds=30)
    heard = run(story)
    first, second = zip(*heard, strict=True)
    assert list(second) == [second[0], *[Status.AVAILABLE] * 6]
    assert list(first) == [
        *[Status.CHARGING] * 3,
        *[Status.FAULTED] * 2,
        Status.UNKNOWN,
        Status.AVAILABLE,
    ]


# --- The list ---------------------------------------------------------------------------------------------


def test_every_acceptance_line_of_a_charge_is_played_with_a_charge_point():
    files = [*HERE.glob("test_*.py"), HERE.parent / "charging" / "test_simulated.py"]
    tests = [
        node
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    words = " ".join(ast.get_docstring(test) or "" for test in tests)
    assert [line for line in LINES if f"{line}" not in words] == []
