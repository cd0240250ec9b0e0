"""A driver who plugs into the plug beside (AT-H4), and one who sees another car on the order; both versions of OCPP."""

from datetime import timedelta

from channels.db import database_sync_to_async as database
from django.db import transaction

from apps.charging import changing, services
from apps.charging.models import LedgerLine, Session
from apps.lib import clock
from apps.ocpp.simulator import Car
from tests.chargers.conftest import Site, until_there_is
from tests.charging.doubles import plug_of
from tests.ocpp.conftest import until

State, Stage = Session.State, LedgerLine.Stage


async def start_and_plug_in_beside(site: Site) -> None:
    """Asked for at plug 1, and the car comes to plug 2."""
    await site.start()
    await until(lambda: site.box.connectors[1].expected_token == "TOKEN-1")
    await site.until_accepted()
    site.box.plug_in(2)
    await site.all_said()
    await until_there_is(LedgerLine.objects.filter(stage=Stage.OTHER_PLUG))


def move_to_plug_2(site: Site) -> Session:
    with transaction.atomic():
        return changing.begin_elsewhere(changing.locked("BK-1"), plug_of(site, 2), token="TOKEN-1")


def test_a_cable_in_the_plug_beside_begins_nothing_and_is_seen(site):
    async def story(site: Site):
        await start_and_plug_in_beside(site)
        await site.wait(30)
        return site, await site.session()

    played, session = site(story)
    assert session.state == State.PENDING
    assert played.box.connectors[2].transaction is None
    assert session.ledger.get(stage=Stage.OTHER_PLUG).detail == "B"
    assert not session.ledger.filter(stage=Stage.PLUGGED_IN).exists()


def test_moved_there_it_charges_and_the_first_plug_is_nobodys(site):
    async def story(site: Site):
        await start_and_plug_in_beside(site)
        moved = await database(move_to_plug_2)(site)
        plug = site.box.connectors[2]
        await until(lambda: plug.expected_token == "TOKEN-1" or plug.transaction is not None)
        await site.wait(2)
        await until(lambda: plug.transaction is not None)
        await until_there_is(Session.objects.filter(pk=moved.pk, state=State.ACTIVE))
        # The box cannot be told to stop waiting at plug 1: a stranger comes there.
        site.box.plug_in(1, Car(battery_wh=200_000))
        await site.wait(5)
        await until(lambda: site.box.connectors[1].transaction is None)
        return moved

    moved = site(story)
    sessions = Session.objects.order_by("pk")
    first = sessions.first()
    assert (first.state, first.failure) == (State.FAILED, Session.Failure.MOVED)
    moved.refresh_from_db()
    assert moved.state in Session.STARTED  # the story is over, and with it the line
    assert moved.ocpp_connector_id == 2
    assert Session.objects.filter(state__in=Session.LIVE).count() == 1


def stop_as_another_car(session: Session) -> None:
    services.stop(reference="BK-1", for_free=changing.is_not_my_car(session))


def test_another_car_on_the_order_is_stopped_for_nothing(site):
    async def story(site: Site):
        await site.begin()
        session = await site.session()
        await database(stop_as_another_car)(session)
        await until(lambda: site.box.connectors[1].transaction is None)
        return await site.until_state(State.CLOSED)

    assert site(story).is_free


def test_later_than_a_minute_it_is_a_stop_like_any_other(site):
    async def story(site: Site):
        await site.begin()
        long_ago = clock.now() - timedelta(seconds=61)
        await Session.objects.aupdate(began_at=long_ago)
        await database(stop_as_another_car)(await site.session())
        return await site.until_state(State.CLOSED)

    assert not site(story).is_free
