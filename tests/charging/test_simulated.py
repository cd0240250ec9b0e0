"""The life of a session with simulated charge points at the real door: every frame is written, read and answered."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from channels.db import database_sync_to_async as database

from apps.catalog.models import Connector as Plug
from apps.charging import services, watch
from apps.charging.models import Orphan, PlugInTime, Session
from apps.ocpp import commands
from apps.ocpp import services as ocpp
from apps.ocpp.models import ChargePoint
from apps.ocpp.simulator import Car, SimulatedChargePoint, SteppedClock
from apps.ocpp.simulator.connector import Connector
from tests.charging.doubles import Charger, make_charger, plug_of
from tests.factory import Factory
from tests.ocpp.conftest import PASSWORD, run, until
from tests.ocpp.socket_server import serve_charge_points

pytestmark = pytest.mark.django_db(transaction=True)
State = Session.State
SLOW_BY = timedelta(hours=5)  # the box's clock, which stands still until it is moved


@pytest.fixture(autouse=True)
def clock() -> None:
    """Real time: sockets do not like a clock that stands still."""


class Scene:
    """A station with one box of two plugs, one of them asked to begin for our driver."""

    def __init__(self, url: str, **options):
        self.clock = SteppedClock(datetime.now(UTC) - SLOW_BY)
        self.box = SimulatedChargePoint(
            "CP-1",
            url=url,
            password=PASSWORD,
            connectors=[Connector(1, max_w=60_000, direct=True), Connector(2, max_w=60_000, direct=True)],
            clock=self.clock,
            readings_every=60,
            retry_after=(0.02, 0.1),
            **{"drivers": False, **options},
        )

    async def __aenter__(self):
        self.box.start()
        await asyncio.wait_for(self.box.online.wait(), 10)
        return self

    async def __aexit__(self, *_):
        await self.box.stop()

    async def all_said(self) -> None:
        await until(lambda: self.box.online.is_set() and not self.box.outbox, 20)

    async def wait(self, seconds: int) -> None:
        await self.clock.advance(seconds)
        await self.all_said()

    async def start(self, car: Car | None = None, *, connector: int = 1) -> Session:
        """The driver presses Start, and plugs in."""
        session = await self.press_start(connector)
        self.box.plug_in(connector, car or Car(battery_wh=60_000, charged_wh=Decimal(12_000)))
        await self.state_is(session, State.ACTIVE)
        return session

    async def press_start(self, connector: int = 1) -> Session:
        session = await database(start_session)(connector)
        async with asyncio.timeout(40):
            while not (await database(session_now)(session)).start_accepted_at:
                await asyncio.sleep(0.02)
        return session

    async def state_is(self, session: Session, *states: str) -> None:
        async with asyncio.timeout(40):
            while (await database(session_now)(session)).state not in states:
                await asyncio.sleep(0.02)


def start_session(connector: int) -> Session:
    return services.start(reference="BK-1", connector=plug_at(connector), token="GOOD-1", limit_kwh=None)


def plug_at(number: int) -> Plug:
    return plug_of(Charger("CP-1"), number)


def session_now(session: Session) -> Session:
    return Session.objects.get(pk=session.pk)


def played(story, **options) -> Session:
    """`story(scene)` returns the session; here it is as it stands afterwards."""
    make_charger(Factory(), plugs=2)
    ocpp.rotate_password(ChargePoint.objects.get(pk="CP-1"), PASSWORD)

    async def play():
        async with serve_charge_points() as url, Scene(url, **options) as scene:
            return await story(scene)

    return session_now(run(play))


def stages(session: Session) -> list[str]:
    return [line.stage for line in session.ledger.order_by("pk")]


def test_from_start_to_the_end_that_the_driver_asked_for():
    async def story(scene):
        session = await scene.start()
        await scene.wait(300)
        await database(services.stop)(reference="BK-1", why="the driver asked")
        await scene.state_is(session, State.CLOSED)
        return session

    session = played(story)
    assert 4_500 < session.energy_wh <= 5_000  # five minutes at 60 kW
    assert not session.is_estimated
    told = stages(session)
    assert told[:3] == ["start-asked", "start-accepted", "plugged-in"]
    assert [s for s in told if s in ("stop-asked", "stopped", "meter-final")] == [
        "stop-asked",
        "stopped",
        "meter-final",
    ]
    assert session.ledger.get(stage="stopped").by == "driver"


def test_a_box_with_a_slow_clock_is_told_by_ours():
    """AT-E1: five hours behind, by its own account of it."""

    async def story(scene):
        session = await scene.start()
        await scene.all_said()
        return session

    session = played(story)
    assert datetime.now(UTC) - session.started_at > timedelta(hours=4)
    assert abs(datetime.now(UTC) - session.real(session.started_at)) < timedelta(minutes=2)


def test_a_full_car_pauses_by_itself():
    async def story(scene):
        car = Car(battery_wh=20_000, charged_wh=Decimal(15_000), leaves_at_percent=80)
        session = await scene.start(car)
        await scene.wait(600)
        await scene.state_is(session, State.SUSPENDED)
        return session

    session = played(story)
    assert session.plug_word == "SuspendedEV"
    assert session.ledger.get(stage="paused-by-car").by == "car"


def test_what_was_buffered_while_the_line_was_down_settles_it():
    """AT-A6, AT-C3: the cable is pulled during the outage."""

    async def story(scene):
        session = await scene.start()
        await scene.wait(120)
        scene.box.password = "wrong for now"
        await scene.box.line.drop()
        await until(lambda: not scene.box.online.is_set())
        await scene.state_is(session, State.OFFLINE)
        await scene.clock.advance(240)
        scene.box.unplug(1)
        scene.box.password = PASSWORD
        await scene.all_said()
        await scene.state_is(session, State.CLOSED)
        return session

    session = played(story)
    assert 5_400 < session.energy_wh <= 6_000  # six minutes
    assert (session.end_reason, session.is_estimated) == ("EVDisconnected", False)
    assert {"site-offline", "stopped", "meter-final"} <= set(stages(session))
    assert not Orphan.objects.exists()


def test_a_charge_begun_and_ended_off_line_is_nobodys_bill_but_nothing_is_lost():
    async def story(scene):
        session = await scene.press_start()
        scene.box.password = "wrong for now"
        await scene.box.line.drop()
        await until(lambda: not scene.box.online.is_set())
        scene.box.plug_in(1, Car())
        await scene.clock.advance(180)
        scene.box.unplug(1)
        scene.box.password = PASSWORD
        await scene.all_said()
        await scene.state_is(session, State.CLOSED)
        return session

    session = played(story)
    assert session.energy_wh > 2_500
    assert not session.is_estimated


def test_a_stop_that_the_box_does_not_hear_is_repeated_and_then_closed_on_the_last_reading():
    """AT-A2: it accepts and does nothing."""

    async def story(scene):
        session = await scene.start()
        await scene.wait(120)
        scene.box.remote_stop = lambda transaction_id: True
        await database(services.stop)(reference="BK-1")
        async with asyncio.timeout(40):
            while not (await database(session_now)(session)).stop_accepted_at:
                await asyncio.sleep(0.02)
        for _round in range(3):
            await database(overdue)()
        return session

    session = played(story)
    assert session.state == State.CLOSED
    assert session.is_estimated
    assert 1_800 < session.energy_wh <= 2_000
    kinds = set(session.concerns.values_list("kind", flat=True))
    assert kinds == {"stop-unanswered", "no-stop"}


def overdue() -> None:
    """Everything that waits has waited long enough."""
    Session.objects.filter(state__in=Session.LIVE).update(deadline_at=datetime.now(UTC))
    commands.expire_commands()
    services.move_overdue()


def test_a_box_that_accepts_and_does_nothing_fails_the_start():
    async def story(scene):
        session = await scene.press_start()
        await database(overdue)()
        return session

    session = played(story)
    assert (session.state, session.failure) == (State.FAILED, "no-cable")
    assert stages(session) == ["start-asked", "start-accepted", "start-failed"]


def test_the_countdown_is_what_is_set_on_the_box():
    """AT-B1."""

    async def story(scene):
        async with asyncio.timeout(40):
            while not await database(PlugInTime.objects.exists)():
                await asyncio.sleep(0.02)
        return await scene.press_start()

    session = played(story, connection_timeout=45)
    assert session.deadline_at - session.start_accepted_at == timedelta(seconds=45)


def test_a_car_at_the_other_plug_is_noticed():
    """AT-H4."""

    async def story(scene):
        session = await scene.press_start()
        scene.box.plug_in(2, Car())
        await scene.all_said()
        return session

    session = played(story)
    assert session.ledger.get(stage="other-plug").detail == plug_at(2).letter
    assert session.state == State.PENDING


def test_a_car_that_takes_nothing_is_stopped_and_costs_nothing():
    """AT-A5."""

    async def story(scene):
        full = Car(battery_wh=20_000, charged_wh=Decimal(20_000))
        session = await scene.start(full)
        await scene.wait(120)
        await database(eleven_minutes_pass)(session)
        await database(watch.look)()
        await scene.state_is(session, State.CLOSED)
        return session

    session = played(story)
    assert (session.energy_wh, session.end_reason) == (0, "Remote")
    assert session.concerns.get().kind == "no-energy"
    assert session.ledger.get(stage="stopped").by == "operator"


def eleven_minutes_pass(session: Session) -> None:
    ago = datetime.now(UTC) - timedelta(minutes=11)
    Session.objects.filter(pk=session.pk).update(began_at=ago, watch_at=ago)


def test_a_meter_that_starts_anew_loses_and_invents_nothing():
    """AT-D1: the register is reset in the middle of the charge."""

    async def story(scene):
        scene.box.connectors[1].register_wh = Decimal(9_334_000)
        session = await scene.start()
        await scene.wait(120)
        scene.box.connectors[1].register_wh = Decimal(0)
        await scene.wait(180)
        scene.box.unplug(1)
        await scene.state_is(session, State.CLOSED)
        return session

    session = played(story)
    assert 3_500 < session.energy_wh <= 5_000  # five minutes, less the one in which it happened


def test_a_meter_that_says_kwh_for_wh_is_never_billed_too_much():
    """AT-D2: a thousandfold register costs nothing more than what the plug can give."""

    async def story(scene):
        connector = scene.box.connectors[1]
        connector.register_wh = Decimal(1_000)
        session = await scene.start()
        await scene.wait(120)
        connector.register_wh *= 1000
        await scene.wait(60)
        connector.register_wh /= 1000
        await scene.wait(120)
        scene.box.unplug(1)
        await scene.state_is(session, State.CLOSED)
        return session

    session = played(story)
    assert session.energy_wh <= 5_050
    assert session.readings.filter(accepted=False, note="jump").exists()
