"""The open-ev-data format: how it is read, written twice, interrupted, cut off and refused."""

import csv
import json
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.importers import open_ev_data, run
from apps.accounts.importers.open_ev_data import SkippedRow, VehicleRow
from apps.accounts.models import VehicleModel
from apps.beckn.wire.v1_1 import taxonomy

USUAL = {
    "make": {"slug": "volta", "name": "Volta"},
    "model": {"slug": "one", "name": "One"},
    "year": 2024,
    "trim": {"slug": "rs", "name": "RS"},
    "vehicle_type": "suv",
    "battery": {"pack_capacity_kwh_gross": 64, "pack_capacity_kwh_net": 60.5},
    "charge_ports": [{"kind": "combo", "connector": "ccs2"}],
    "charging": {"ac": {"max_power_kw": 11.0, "phases": 3}, "dc": {"max_power_kw": 135}},
}
LEFT_OUT = object()


def entry(**changes) -> dict:
    made = {**deepcopy(USUAL), **changes}
    return {name: value for name, value in made.items() if value is not LEFT_OUT}


def named(name: str) -> dict:
    return {"slug": "x", "name": name}


@pytest.fixture
def write(tmp_path) -> Callable[..., Path]:
    def written(*entries: object) -> Path:
        path = tmp_path / "vehicles.json"
        path.write_text(json.dumps(entries), encoding="utf-8")
        return path

    return written


def load(path: Path, **options) -> str:
    out = StringIO()
    call_command("import_vehicles", path, stdout=out, stderr=out, **options)
    return out.getvalue()


def first(path: Path) -> VehicleRow | SkippedRow:
    return next(open_ev_data.records(open_ev_data.read(path).entries))


def imported():
    return VehicleModel.objects.filter(source=VehicleModel.Source.OPEN_EV_DATA)


# --- Reading ------------------------------------------------------------------------------------------


def test_a_vehicle_is_read_into_our_words(write):
    assert first(write(entry())).facts == {
        "make": "Volta",
        "model": "One",
        "trim": "RS",
        "year_from": 2024,
        "year_to": 2024,
        "category": "4-WHEELER",
        "battery_kwh": Decimal("60.50"),
        "ac_standards": ["IEC_62196_T2"],
        "max_ac_kw": Decimal("11.00"),
        "dc_standards": ["IEC_62196_T2_COMBO"],
        "max_dc_kw": Decimal("135.00"),
    }


@pytest.mark.parametrize(
    ("ports", "ac", "dc"),
    [
        (["combo ccs1"], ["IEC_62196_T1"], ["IEC_62196_T1_COMBO"]),
        (["combo nacs"], ["TESLA_S"], ["TESLA_S"]),
        (["combo gb_t_dc"], ["GBT_AC"], ["GBT_DC"]),
        (["ac_only type2"], ["IEC_62196_T2"], []),
        (["ac_only ccs2"], ["IEC_62196_T2"], []),
        (["ac_only type1", "dc_only chademo"], ["IEC_62196_T1"], ["CHADEMO"]),
        (["combo ccs2", "dc_only gb_t_dc"], ["IEC_62196_T2"], ["GBT_DC", "IEC_62196_T2_COMBO"]),
    ],
)
def test_ports_become_the_standards_of_the_network(write, ports, ac, dc):
    made = [dict(zip(("kind", "connector"), port.split(), strict=True)) for port in ports]
    facts = first(write(entry(charge_ports=made))).facts
    assert (facts["ac_standards"], facts["dc_standards"]) == (ac, dc)
    assert (facts["max_ac_kw"] is None, facts["max_dc_kw"] is None) == (not ac, not dc)


def test_our_table_of_ports_knows_only_words_of_the_network():
    standards = {standard for pair in open_ev_data.CONNECTORS.values() for standard in pair if standard}
    assert standards <= set(taxonomy.CONNECTOR_TYPES)


@pytest.mark.parametrize(
    ("changes", "facts"),
    [
        ({"trim": named("Base")}, {"trim": ""}),
        ({"trim": LEFT_OUT}, {"trim": ""}),
        ({"make": named("Tata Motors")}, {"make": "Tata"}),
        ({"battery": LEFT_OUT}, {"battery_kwh": None}),
        ({"battery": {"pack_capacity_kwh_gross": 64}}, {"battery_kwh": Decimal(64)}),
        ({"charging": LEFT_OUT}, {"max_ac_kw": None, "max_dc_kw": None}),
        ({"charging": {"ac": None, "dc": {}}}, {"max_ac_kw": None, "max_dc_kw": None}),
        ({"vehicle_type": "bus"}, {"category": "BUS"}),
    ],
)
def test_what_is_not_told_stays_empty(write, changes, facts):
    read = first(write(entry(**changes))).facts
    assert {name: read[name] for name in facts} == facts


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"year": LEFT_OUT}, "no year"),
        ({"year": "2024"}, "year unreadable"),
        ({"year": 2024.5}, "year unreadable"),
        ({"year": -2024}, "year unreadable"),
        ({"year": True}, "year unreadable"),
        ({"year": 1e300}, "year unreadable"),
        ({"make": LEFT_OUT}, "no usable make"),
        ({"make": named("")}, "no usable make"),
        ({"make": named("Vol\x00ta")}, "no usable make"),
        ({"make": "Volta"}, "wrong type"),
        ({"model": named(7)}, "no usable model"),
        ({"model": named("x" * 81)}, "model too long"),
        ({"trim": named(None)}, "no usable trim"),
        ({"charge_ports": LEFT_OUT}, "no charge port"),
        ({"charge_ports": []}, "no charge port"),
        ({"charge_ports": "ccs2"}, "wrong type"),
        ({"charge_ports": ["ccs2"]}, "wrong type"),
        ({"charge_ports": [{"kind": "combo", "connector": "steam"}]}, "no known charge port"),
        ({"charge_ports": [{"kind": ["combo"], "connector": {}}]}, "no known charge port"),
        ({"charge_ports": [{"kind": "dc_only", "connector": "type2"}]}, "no known charge port"),
        ({"battery": [64]}, "wrong type"),
        ({"battery": {"pack_capacity_kwh_net": "64"}}, "number unreadable"),
        ({"battery": {"pack_capacity_kwh_net": -64}}, "number unreadable"),
        ({"battery": {"pack_capacity_kwh_net": float("nan")}}, "number unreadable"),
        ({"battery": {"pack_capacity_kwh_net": float("inf")}}, "number unreadable"),
        ({"charging": {"ac": {"max_power_kw": 0}}}, "number unreadable"),
        ({"charging": {"ac": {"max_power_kw": 1e-300}}}, "number unreadable"),
        ({"charging": {"dc": {"max_power_kw": 1e12}}}, "number unreadable"),
        ({"charging": {"dc": {"max_power_kw": [135]}}}, "number unreadable"),
        ({"vehicle_type": "hovercraft"}, "unknown kind of vehicle"),
        ({"vehicle_type": None}, "unknown kind of vehicle"),
    ],
)
def test_vehicles_that_cannot_be_used_are_skipped_with_a_reason(write, changes, reason):
    row = first(write(entry(**changes)))
    assert isinstance(row, SkippedRow)
    assert row.reason == reason


@pytest.mark.parametrize("strange", [None, 7, "Volta", [], [[]], True])
def test_what_is_no_vehicle_is_skipped(write, strange):
    assert first(write(strange)).reason == "not a vehicle"


def test_an_unknown_port_beside_a_known_one_is_left_out_and_noted(write):
    row = first(
        write(entry(charge_ports=[*USUAL["charge_ports"], {"kind": "dc_only", "connector": "chaoji"}]))
    )
    assert row.facts["dc_standards"] == ["IEC_62196_T2_COMBO"]
    assert row.notes == ("left out an unknown port: dc_only chaoji",)


def test_a_repeated_vehicle_is_taken_once_and_the_first_that_is_whole_counts(write):
    path = write(entry(charge_ports=LEFT_OUT), entry(), entry())
    rows = open_ev_data.records(open_ev_data.read(path).entries)
    outcomes = [getattr(row, "reason", "taken") for row in rows]
    assert outcomes == ["no charge port", "taken", "repeated vehicle"]


# --- Writing ------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_importing_twice_changes_nothing_and_says_so(write):
    path = write(entry(), entry(year=2023), entry(year=None))
    told = load(path)
    assert "created      2" in told
    assert "1  no year (vehicles 3)" in told
    before = list(imported().values())
    told = load(path)
    assert "unchanged      2" in told and "Nothing to change" in told
    assert list(imported().values()) == before


@pytest.mark.django_db
def test_what_changed_in_the_file_is_changed_and_keeps_its_drivers(write, factory, asha):
    load(write(entry()))
    vehicle = factory.make_vehicle(asha, imported().get())
    told = load(write(entry(charging={"dc": {"max_power_kw": 150.5}})))
    assert "updated      1" in told
    vehicle.model.refresh_from_db()
    assert (vehicle.model.max_dc_kw, vehicle.model.max_ac_kw) == (Decimal("150.5"), None)


@pytest.mark.django_db
def test_what_left_the_file_stays(write):
    load(write(entry(), entry(year=2023)))
    load(write(entry()))
    assert imported().count() == 2


@pytest.mark.django_db
def test_our_own_list_is_never_touched(write, factory):
    ours = factory.make_vehicle_model(make="Volta", model="One", trim="RS", year_from=2023, year_to=2024)
    told = load(write(entry(year=2024), entry(year=2025)))
    assert "1  in the built-in list already (vehicles 1)" in told
    assert [row.year_from for row in imported()] == [2025]
    ours.refresh_from_db()
    assert ours.max_dc_kw == Decimal(60)


@pytest.mark.django_db
def test_a_batch_costs_the_same_for_many(write, django_assert_num_queries):
    path = write(*(entry(trim=named(str(number))) for number in range(30)))
    with django_assert_num_queries(4):  # a transaction around what is known and what is new
        load(path)
    assert imported().count() == 30


@pytest.mark.django_db
def test_an_interrupted_run_keeps_its_batches_and_is_finished_by_another(write, monkeypatch):
    path = write(*(entry(trim=named(str(number))) for number in range(25)))
    monkeypatch.setattr(run, "BATCH", 10)
    differs, compared = run._key, []

    def interrupted(model):
        compared.append(model)
        raise KeyboardInterrupt  # in the second transaction: in the first nothing was known

    monkeypatch.setattr(run, "_key", interrupted)
    with pytest.raises(SystemExit) as stop:
        load(path)
    assert stop.value.code == 130 and compared
    assert imported().count() == 10
    monkeypatch.setattr(run, "_key", differs)
    told = load(path)
    assert "created     15" in told and "unchanged     10" in told


@pytest.mark.django_db
def test_the_report_names_every_skipped_vehicle_and_runs_no_formula(write, tmp_path):
    path = write(entry(), entry(make=named("=1+1"), year=None), entry(vehicle_type="@SUM"))
    load(path, report=tmp_path / "skipped.csv")
    report = (tmp_path / "skipped.csv").read_text(encoding="utf-8")
    assert list(csv.reader(StringIO(report))) == [
        ["vehicle", "name", "reason", "detail"],
        ["2", "'=1+1 One RS", "no year", ""],
        ["3", "Volta One RS 2024", "unknown kind of vehicle", "'@SUM"],
    ]


@pytest.mark.django_db
def test_markup_in_a_name_is_plain_text(write, client):
    load(write(entry(make=named("<script>alert(1)</script>"))))
    page = client.get("/me/vehicles/find/").content.decode()
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page


# --- Refusing ------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no list of vehicles"),
        (b"\xef\xbb\xbf", "no list of vehicles"),
        (b'{"vehicles": []}', "no list of vehicles"),
        (b"<html><body>504</body></html>", "no list of vehicles"),
        (b"PK\x03\x04\x00\xff\xfebinary", "not UTF-8"),
        (b"[]", "No vehicle"),
        (b"[", "cut off or damaged after vehicle 0"),
        (b"[" * 100_000, "cut off or damaged after vehicle 0"),
        (b"[nonsense]", "cut off or damaged after vehicle 0"),
    ],
)
def test_a_file_that_is_no_list_is_refused(tmp_path, content, message):
    path = tmp_path / "wrong.json"
    path.write_bytes(content)
    with pytest.raises(CommandError, match=message):
        load(path)
    assert not imported().exists()


@pytest.mark.django_db
def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        load(tmp_path / "nothing.json")
    with pytest.raises(CommandError, match="directory"):
        load(tmp_path)


def test_a_file_that_is_far_too_large_is_not_read(write, monkeypatch):
    monkeypatch.setattr(open_ev_data, "MOST_BYTES", 10)
    with pytest.raises(open_ev_data.UnreadableFile, match="larger"):
        open_ev_data.read(write(entry()))


@pytest.mark.django_db
@pytest.mark.parametrize("cut", [1, 2, 30, 200])
def test_a_file_cut_in_the_middle_gives_what_is_whole(write, cut):
    path = write(entry(), entry(year=2023), entry(year=2022))
    path.write_bytes(path.read_bytes()[:-cut])
    whole = 3 if cut == 1 else 2
    with pytest.raises(CommandError, match=f"cut off or damaged after vehicle {whole} .*is kept"):
        load(path)
    assert imported().count() == whole


def test_a_number_at_the_cut_may_be_half_of_one(tmp_path):
    path = tmp_path / "cut.json"
    path.write_text("[1, 20")
    reading = open_ev_data.read(path)
    assert reading.entries == [1] and reading.damage


# --- The real file -----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_real_file_is_read_whole(shared):
    path = shared / "data" / "open-ev-data.json"
    if not path.exists():
        pytest.skip("needs ../shared/data/open-ev-data.json")
    assert len(open_ev_data.read(path).entries) == 1_189
    told = load(path)
    assert "460  no charge port" in told and "3  unknown kind of vehicle" in told
    assert imported().count() > 600
    for model in imported():
        model.full_clean()
    assert "Nothing to change" in load(path)
