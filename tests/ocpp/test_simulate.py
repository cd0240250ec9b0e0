"""Simulated charge points against the real door, over a real socket served by Daphne's protocol."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from channels.db import database_sync_to_async as database
from django.core.management import CommandError, call_command

from apps.ocpp import commands, services
from apps.ocpp.models import Command
from apps.ocpp.simulator import Car, LoopThread, SimulatedChargePoint, SteppedClock, fleet
from apps.ocpp.simulator.connector import Connector
from tests.ocpp.conftest import PASSWORD, run, until
from tests.ocpp.socket_server import serve_charge_points

pytestmark = pytest.mark.django_db(transaction=True)
FIVE_HOURS_AGO = timedelta(hours=5)


class Scene:
    """One box at the door, with a clock that stands still until it is moved."""

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
            **{"drivers": False, **options},
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
    readings = [event.readings[0] for event in domain.of("meter_readings")]
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
    powers = [event.readings[0].power_w for event in domain.of("meter_readings")]
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
    told = [
        e for e in domain.heard if e.kind in {"transaction_started", "meter_readings", "transaction_stopped"}
    ]
    assert [e.kind for e in told] == ["transaction_started", *["meter_readings"] * 4, "transaction_stopped"]
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
    registers = [e.readings[0].register_wh for e in domain.of("meter_readings")]
    assert registers == sorted(registers)
    assert domain.only("transaction_started").meter_start_wh == 5_000
    assert len(registers) == 4


def test_a_fault_is_shown_and_refuses_starts(charge_point, domain):
    async def story(scene):
        scene.box.fail(1)
        assert not scene.box.remote_start(token="GOOD", connector_id=1)
        scene.box.repair(1)
        assert scene.box.remote_start(token="GOOD", connector_id=1)
        await scene.all_said()

    played(story)
    fault = next(e for e in domain.of("connector_status") if e.status == "Faulted")
    assert fault.error_code == "PowerSwitchFailure"


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


# --- The command -----------------------------------------------------------------------------------------


def test_the_command_names_what_is_missing(tmp_path):
    with pytest.raises(CommandError, match="does not exist"):
        call_command("simulate_chargers", file=tmp_path / "none.json", stdout=StringIO())
    with pytest.raises(CommandError, match="--password"):
        call_command("simulate_chargers", id="CP-1", stdout=StringIO())


@pytest.mark.parametrize("text", ["", "{}", '[{"id": "CP-1"}]', "[1]"])
def test_the_command_refuses_a_broken_file(tmp_path, text):
    file = tmp_path / "charge-points.json"
    file.write_text(text)
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("simulate_chargers", file=file, stdout=StringIO())


def test_a_file_gives_exact_powers(tmp_path):
    file = tmp_path / "charge-points.json"
    connectors = [{"id": 1, "max_kw": 7.4, "power_type": "AC_1_PHASE"}, {"id": 2, "power_type": "DC"}]
    file.write_text(json.dumps([{"id": "CP-1", "password": "p", "connectors": connectors}]))

    async def story():  # a box belongs to a loop
        return fleet.build(fleet.read_specs(file), fleet.Plan(url="ws://localhost/ocpp/"))

    (box,) = run(story)
    assert [(c.max_w, c.direct) for c in box.connectors.values()] == [(7_400, False), (60_000, True)]


def test_a_box_can_be_played_with_from_an_ordinary_test():
    with LoopThread() as thread:
        box = thread.do(SimulatedChargePoint, "CP-1", url="ws://127.0.0.1:1/ocpp/", password=PASSWORD)
        thread.do(box.start)
        thread.do(box.plug_in, 1)
        thread.do(box.present_token, "GOOD-1")
        assert box.connectors[1].status == "Charging"
        assert len(box.outbox) == 1  # the start waits for the line
        thread.wait_for(box.stop())


def test_a_box_with_a_fault_in_the_file_is_out_of_order():
    spec = {"id": "CP-1", "password": "p", "connectors": [{"id": 1}], "fault": "GroundFailure"}

    async def story():
        return fleet.build([spec], fleet.Plan(url="ws://localhost/ocpp/"))

    (box,) = run(story)
    assert [(c.status, c.error_code) for c in box.connectors.values()] == [("Faulted", "GroundFailure")]
