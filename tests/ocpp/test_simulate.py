"""Simulated charge points against the real door, over a real socket served by Daphne's protocol."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from channels.db import database_sync_to_async as database

from apps.ocpp import commands, services
from apps.ocpp.events import Reading
from apps.ocpp.models import Command
from apps.ocpp.simulator import Car, SimulatedChargePoint, SteppedClock, fleet
from apps.ocpp.simulator.connector import Connector
from tests.ocpp.conftest import PASSWORD, run, until
from tests.ocpp.socket_server import serve_charge_points

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("protocol")]
FIVE_HOURS_AGO = timedelta(hours=5)


@pytest.fixture(params=["1.6", "2.0.1"])
def protocol(request, monkeypatch) -> str:
    """Stories are played in both versions."""
    monkeypatch.setattr(Scene, "protocol", request.param)
    return request.param


class Scene:
    """One box at the door, with a clock that stands still until it is moved."""

    protocol = "1.6"

    def __init__(self, url: str, **options):
        self.clock = SteppedClock(datetime.now(UTC) - FIVE_HOURS_AGO)
        self.box = SimulatedChargePoint(
            "CP-1",
            url=url,
            password=PASSWORD,
            connectors=[Connector(1, max_w=60_000, direct=True), Connector(2, max_w=7_400)],
            clock=self.clock,
            readings_every=60,
            retry_after=(0.02, 0.1),
            **{"drivers": False, "protocol": self.protocol, **options},
        )

    async def __aenter__(self):
        self.box.start()
        await asyncio.wait_for(self.box.online.wait(), 5)
        return self

    async def __aexit__(self, *_):
        await self.box.stop()

    async def all_said(self) -> None:
        await until(lambda: self.box.online.is_set() and not self.box.outbox)

    async def wait(self, seconds: int) -> None:
        await self.clock.advance(seconds)
        await self.all_said()


def readings_of(domain) -> list[Reading]:
    """Without the one that 2.0.1 tells with the start."""
    starts = [event.at for event in domain.of("transaction_started")]
    told = [reading for event in domain.of("meter_readings") for reading in event.readings]
    return [reading for reading in told if reading.at not in starts]


def played(story, **options):
    async def play():
        async with serve_charge_points() as url, Scene(url, **options) as scene:
            return await story(scene)

    return run(play)


def test_it_boots_and_shows_its_plugs(charge_point, domain):
    async def story(scene):
        await scene.all_said()

    played(story)
    assert domain.of("connected")[-1].booted
    assert [(e.connector_id, e.status) for e in domain.of("connector_status")] == [
        (1, "Available"),
        (2, "Available"),
    ]


def test_a_charge_from_plug_to_unplug(charge_point, domain):
    async def story(scene):
        scene.box.plug_in(1, Car(battery_wh=60_000, charged_wh=Decimal(30_000)))
        scene.box.present_token("GOOD-1")
        await scene.wait(600)
        scene.box.unplug(1)
        await scene.all_said()

    played(story)
    started, stopped = domain.only("transaction_started"), domain.only("transaction_stopped")
    readings = readings_of(domain)
    assert stopped.transaction_id == 1
    assert stopped.reason == "EVDisconnected"
    registers = [started.meter_start_wh] + [r.register_wh for r in readings] + [stopped.meter_stop_wh]
    assert registers == sorted(registers)
    assert registers[-1] == registers[-2]  # the last reading is the stop
    assert 9_000 < stopped.meter_stop_wh - started.meter_start_wh <= 10_000  # ten minutes at 60 kW
    assert [r.at - started.at for r in readings[:10]] == [timedelta(minutes=n) for n in range(1, 11)]
    assert readings[5].soc_percent > 50
    assert stopped.at - started.at == timedelta(minutes=10)


def test_a_car_takes_less_as_it_fills(charge_point, domain):
    async def story(scene):
        scene.box.plug_in(1, Car(battery_wh=40_000, charged_wh=Decimal(24_000), dc_limit_w=60_000))
        scene.box.present_token("GOOD-1")
        await scene.wait(3600)

    played(story)
    powers = [reading.power_w for reading in readings_of(domain)]
    assert powers[0] > 45_000
    assert powers[30] < 15_000


def test_a_full_car_suspends(charge_point, domain):
    async def story(scene):
        scene.box.plug_in(1, Car(battery_wh=20_000, charged_wh=Decimal(15_000), leaves_at_percent=80))
        scene.box.present_token("GOOD-1")
        await scene.wait(600)

    played(story)
    assert domain.of("connector_status")[-1].status == "SuspendedEV"
    assert domain.of("meter_readings")[-1].readings[0].power_w == 0


def test_a_remote_start_brings_a_car_and_a_remote_stop_sends_it_away(charge_point, domain):
    async def story(scene):
        await database(commands.remote_start)(
            charge_point_id="CP-1", connector_id=2, token="GOOD-7", reference="SE-1"
        )
        await until(lambda: domain.of("command_answered"))
        await scene.wait(300)
        number = domain.starts and next(iter(domain.starts.values()))
        await database(commands.remote_stop)(charge_point_id="CP-1", transaction_id=number, reference="SE-1")
        await until(lambda: domain.of("transaction_stopped"))
        await scene.wait(30)

    played(story, drivers=True)
    assert [e.outcome for e in domain.of("command_answered")] == ["accepted", "accepted"]
    started = domain.only("transaction_started")
    assert (started.connector_id, started.token) == (2, "GOOD-7")
    assert domain.only("transaction_stopped").reason == "Remote"
    shown = [e.status for e in domain.of("connector_status") if e.connector_id == 2]
    assert shown == ["Available", "Preparing", "Charging", "Finishing", "Available"]


def test_a_busy_plug_refuses_a_remote_start(charge_point, domain):
    async def story(scene):
        scene.box.plug_in(1)
        scene.box.present_token("GOOD-1")
        await scene.all_said()
        await database(commands.remote_start)(
            charge_point_id="CP-1", connector_id=1, token="GOOD-7", reference="SE-1"
        )
        await until(lambda: domain.of("command_answered"))

    played(story)
    assert domain.only("command_answered").outcome == "rejected"
    assert Command.objects.get().state == Command.State.REJECTED


def test_a_refused_token_ends_at_once(charge_point, domain):
    async def story(scene):
        scene.box.plug_in(1)
        scene.box.present_token("BAD-1")
        await until(lambda: domain.of("transaction_stopped"))

    played(story)
    assert domain.only("transaction_stopped").reason == "DeAuthorized"


def test_what_happened_off_line_is_told_in_order_with_its_own_times(charge_point, domain):
    async def story(scene):
        scene.box.password = "wrong-for-a-while-now"
        await scene.box.line.drop()
        await until(lambda: not scene.box.online.is_set())
        scene.box.plug_in(1)
        scene.box.present_token("GOOD-1")
        await scene.clock.advance(180)
        scene.box.unplug(1)
        scene.box.password = PASSWORD
        await scene.all_said()

    played(story)
    kinds = {"transaction_started", "meter_readings", "transaction_stopped"}
    told = [e for e in domain.heard if e.kind in kinds]
    assert (told[0].kind, told[-1].kind) == ("transaction_started", "transaction_stopped")
    ats = [reading.at for reading in readings_of(domain)]
    assert ats == sorted(ats)
    assert len(ats) == 4
    assert {e.transaction_id for e in told[1:]} == {1}
    assert told[-1].at - told[0].at == timedelta(minutes=3)
    assert told[0].at < told[0].received_at - timedelta(hours=4)


def test_meters_go_on_after_the_line_broke(charge_point, domain):
    async def story(scene):
        scene.box.connectors[1].register_wh = Decimal(5_000)
        scene.box.plug_in(1, Car())
        scene.box.present_token("GOOD-1")
        await scene.wait(120)
        await scene.box.line.drop()
        await until(lambda: not scene.box.online.is_set())
        await scene.wait(120)

    played(story)
    registers = [reading.register_wh for reading in readings_of(domain)]
    assert registers == sorted(registers)
    assert domain.only("transaction_started").meter_start_wh == 5_000
    assert len(registers) == 4


def test_a_fault_is_shown_and_refuses_starts(charge_point, domain, protocol):
    async def story(scene):
        scene.box.fail(1)
        assert not scene.box.remote_start(token="GOOD", connectors=[1])
        scene.box.repair(1)
        assert scene.box.remote_start(token="GOOD", connectors=[1])
        await scene.all_said()

    played(story)
    fault = next(e for e in domain.of("connector_status") if e.status == "Faulted")
    assert fault.error_code == ("PowerSwitchFailure" if protocol == "1.6" else "OtherError")


def test_many_boxes_with_walk_ins_in_one_process(transactional_db, domain):
    specs = [
        {
            "id": f"B-{n}",
            "password": services.register(f"B-{n}"),
            "connectors": [{"id": 1, "power_type": "AC"}],
        }
        for n in range(20)
    ]

    async def story():
        stop = asyncio.Event()
        async with serve_charge_points() as url:
            plan = fleet.Plan(url=url, failed=3)
            boxes = fleet.build(specs, plan)
            running = asyncio.create_task(fleet.run(boxes, plan, stop))
            await until(lambda: len(domain.of("connector_status")) >= 20)
            stop.set()
            await running

    run(story)
    assert sum(e.status == "Faulted" for e in domain.of("connector_status")) == 3
