"""`manage.py simulate_chargers` and the boxes it makes."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.ocpp.simulator import LoopThread, SimulatedChargePoint, fleet
from apps.ocpp.simulator.scenarios import SCENARIOS
from tests.ocpp.conftest import PASSWORD, run


def test_the_command_names_what_is_missing(tmp_path):
    with pytest.raises(CommandError, match="does not exist"):
        call_command("simulate_chargers", file=tmp_path / "none.json", stdout=StringIO())
    with pytest.raises(CommandError, match="--password"):
        call_command("simulate_chargers", id="CP-1", stdout=StringIO())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '[{"id": "CP-1"}]',
        "[1]",
        '[{"id": "CP-1", "password": "p", "protocol": "1.5"}]',
        '[{"id": "CP-1", "password": "p", "scenario": "earthquake"}]',
        '[{"id": "CP-1", "password": "p", "leave_after": 300}]',
        '[{"id": "CP-1", "password": "p", "leave_after": [8, 3]}]',
        '[{"id": "CP-1", "password": "p", "leave_after": [-1, "x"]}]',
    ],
)
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


def test_the_command_refuses_a_version_and_a_scenario_it_does_not_know():
    for option in ({"protocol": "1.5"}, {"scenario": "earthquake"}):
        with pytest.raises(CommandError, match="invalid choice"):
            call_command("simulate_chargers", *(f"--{k}={v}" for k, v in option.items()), stdout=StringIO())


def test_the_file_says_for_a_box_what_the_options_say_for_the_rest():
    specs = [
        {"id": "CP-1", "password": "p"},
        {"id": "CP-2", "password": "p", "protocol": "1.6", "scenario": "honest"},
    ]
    plan = fleet.Plan(url="ws://localhost/ocpp/", protocol="2.0.1", scenario="rollover")

    async def story():
        return fleet.build(specs, plan)

    boxes = run(story)
    assert [box.version.SUBPROTOCOL for box in boxes] == ["ocpp2.0.1", "ocpp1.6"]
    assert [type(box.scenario) for box in boxes] == [SCENARIOS["rollover"], SCENARIOS["honest"]]


def test_the_file_says_how_long_cars_stay_after_their_charge(tmp_path):
    file = tmp_path / "charge-points.json"
    boxes = [{"id": "CP-1", "password": "p", "leave_after": [300, 420.5]}, {"id": "CP-2", "password": "p"}]
    file.write_text(json.dumps(boxes))

    async def story():
        return fleet.build(fleet.read_specs(file), fleet.Plan(url="ws://localhost/ocpp/"))

    assert [box.leave_after for box in run(story)] == [(300, 420), (3, 8)]


def test_a_file_says_where_a_plug_is_in_its_evse():
    connectors = [{"id": 1, "evse": 1}, {"id": 2, "evse": 1, "place": 2}, {"id": 3}]

    async def story():
        return fleet.build(
            [{"id": "CP-1", "password": "p", "connectors": connectors}], fleet.Plan(url="ws://x/")
        )

    (box,) = run(story)
    assert [(c.evse_id, c.place) for c in box.connectors.values()] == [(1, 1), (1, 2), (3, 1)]
