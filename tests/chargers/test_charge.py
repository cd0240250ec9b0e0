"""A whole charge, in both versions of OCPP: the charging room does not know which."""

from decimal import Decimal

import pytest
from channels.db import database_sync_to_async as database

from apps.catalog.models import Connector
from apps.charging import services
from apps.charging.models import Orphan, Session
from apps.ocpp.models import ChargePoint, Command
from tests.chargers.conftest import Site, until_there_is
from tests.charging.doubles import plug_of
from tests.ocpp.conftest import until

State, Status = Session.State, Connector.Status


def of_the_box(session: Session, site: Site) -> None:
    """What we bill is what the box delivered, to the watt-hour."""
    delivered = site.box.connectors[1].whole_wh - 5_000
    assert session.energy_wh == delivered
    assert session.meter_start_wh == 5_000
    assert session.meter_stop_wh == site.box.connectors[1].whole_wh


def test_start_readings_and_stop(site):
    async def story(site: Site):
        await site.charge(minutes=5)
        running = await site.session()
        plug = await database(plug_of)(site)
        await site.stop()
        await until(lambda: site.box.connectors[1].transaction is None)
        return site, running, plug, await site.until_state(State.CLOSED)

    played, running, plug, session = site(story)
    assert running.state == State.ACTIVE
    assert running.soc_percent > 10
    assert Decimal(4_800) < running.energy_wh <= Decimal(5_050)
    assert (plug.status, plug.status_source) == (Status.CHARGING, "ocpp")
    assert (session.end_reason, session.stop_tries) == ("Remote", 1)
    of_the_box(session, played)
    assert session.readings.count() >= 6
    assert not session.readings.filter(accepted=False).exists()
    assert not Orphan.objects.exists()


def test_the_car_goes_and_the_plug_is_free(site):
    async def story(site: Site):
        await site.charge(minutes=2)
        site.box.unplug(1)
        await site.all_said()
        session = await site.until_state(State.CLOSED)
        return site, session, await database(plug_of)(site)

    played, session, plug = site(story)
    assert session.end_reason == "EVDisconnected"
    of_the_box(session, played)
    assert plug.status == Status.AVAILABLE


def test_a_full_car_pauses_the_session(site):
    async def story(site: Site):
        await site.charge(minutes=1)
        site.box.connectors[1].car.leaves_at_percent = 1
        await site.wait(60)
        return await site.until_state(State.SUSPENDED)

    assert site(story).state == State.SUSPENDED


def test_the_ordered_energy_stops_the_charge(site):
    async def story(site: Site):
        await site.begin(limit_kwh=Decimal(2))
        await site.wait(180)
        return site, await site.until_state(State.CLOSED)

    played, session = site(story)
    of_the_box(session, played)
    assert Decimal(2_000) <= session.energy_wh < Decimal(3_200)  # within one reading


def test_a_busy_plug_refuses_the_start(site):
    async def story(site: Site):
        site.plug_in()
        site.box.present_token("RFID-1")
        await site.all_said()
        await site.start()
        await until_there_is(Session.objects.filter(reference="BK-1", state=State.FAILED))
        return await Session.objects.aget(reference="BK-1")

    assert site(story).failure == Session.Failure.REJECTED


def test_the_second_plug_is_the_second_plug(site):
    """EVSE 2 of OCPP 2.0.1 is connector 2 of 1.6."""

    async def story(site: Site):
        await site.start(number=2)
        await until(lambda: site.box.connectors[2].expected_token == "TOKEN-1")
        site.box.plug_in(2)
        await site.all_said()
        return await site.until_state(State.ACTIVE)

    assert site(story).ocpp_connector_id == 2


def test_two_plugs_of_one_evse(site):
    ChargePoint.objects.update(plugs_per_evse=[2])

    async def story(site: Site):
        second = site.box.connectors[2]
        second.evse_id, second.place = 1, 2
        site.box.plug_in(2)
        site.box.present_token("RFID-1", 2)
        await site.all_said()
        return await site.until_state(State.ACTIVE)

    assert site(story).ocpp_connector_id == 2


def test_a_card_that_is_not_welcome_ends_at_once(site):
    """A token of ours at a charger where nobody asked for it."""

    async def story(site: Site):
        await site.start()
        await until(lambda: site.box.connectors[1].expected_token)
        site.box.connectors[1].expected_token = None
        await site.stop()  # withdrawn before it began
        site.plug_in()
        site.box.present_token("TOKEN-1")
        await site.all_said()
        await until(lambda: site.box.connectors[1].transaction is None)
        await site.all_said()

    site(story)
    assert set(Session.objects.values_list("state", flat=True)) == {State.FAILED}


def test_a_charge_is_begun_by_a_code_where_nothing_else_begins_it(site):
    ChargePoint.objects.update(starts_by_code=True)

    async def story(site: Site):
        await database(services.start)(
            reference="BK-1", connector=await database(plug_of)(site), token="48210937", limit_kwh=None
        )
        site.plug_in()
        site.box.present_token("48210938")
        await site.all_said()
        await until(lambda: site.box.connectors[1].transaction is None)
        site.unplug()
        site.plug_in()
        site.box.present_token("48210937")
        session = await site.until_state(State.ACTIVE)
        await site.wait(120)
        site.box.present_token("48210937")
        await site.until_waits(State.CLOSED)
        return session

    begun = site(story)
    assert (begun.reference, begun.token) == ("BK-1", "48210937")
    closed = Session.objects.get(reference="BK-1")
    assert (closed.state, closed.end_reason) == (State.CLOSED, "Local")
    assert closed.energy_wh > 0
    assert set(Session.objects.filter(reference="").values_list("state", flat=True)) == {State.FAILED}
    assert not Command.objects.filter(action="remote_start").exists()


def test_a_lost_line_pauses_and_what_was_buffered_settles_it(site):
    """AT-A6, AT-C3."""

    async def story(site: Site):
        await site.charge(minutes=2)
        site.box.lose_line(seconds=300)
        await site.until_state(State.OFFLINE)
        await site.wait(240)
        site.box.unplug(1)
        await site.wait(120)
        return site, await site.until_state(State.CLOSED)

    played, session = site(story)
    of_the_box(session, played)
    assert Decimal(5_500) < session.energy_wh
    assert [e.now for e in session.events.all()].count(State.OFFLINE) == 1


def test_the_stop_reaches_a_box_that_comes_back(site):
    async def story(site: Site):
        await site.charge(minutes=1)
        site.box.lose_line(seconds=60)
        await site.until_state(State.OFFLINE)
        await site.stop()
        await site.wait(61)
        return await site.until_state(State.CLOSED)

    assert site(story).end_reason == "Remote"


def test_the_box_says_how_its_plugs_are_when_it_is_asked(site):
    Connector.objects.update(status=Status.UNKNOWN)

    async def story(site: Site):
        await until_there_is(Connector.objects.filter(status=Status.AVAILABLE, ocpp_connector_id=1))
        await until_there_is(Connector.objects.filter(status=Status.AVAILABLE, ocpp_connector_id=2))

    site(story)
    assert set(Connector.objects.values_list("status", flat=True)) == {Status.AVAILABLE}
    assert not Command.objects.filter(state=Command.State.REJECTED).exists()


@pytest.mark.parametrize("times", [1, 5])
def test_a_stop_pressed_often_is_one_stop(site, times):
    """AT-A3."""

    async def story(site: Site):
        await site.charge(minutes=1)
        for _press in range(times):
            await site.stop()
        return await site.until_state(State.CLOSED)

    site(story)
    assert Command.objects.filter(action=Command.Action.REMOTE_STOP).count() == 1
