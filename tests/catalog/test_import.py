"""The AFDC download: how it is read, written twice, interrupted, and refused."""

import csv
import string
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.catalog.importers import afdc, run
from apps.catalog.importers.records import SkippedRow, StationRow
from apps.catalog.models import Connector, Evse, Operator, Station, Tariff
from apps.catalog.services import publish_tariff, update_connector, update_station

COLUMNS = [*sorted(afdc.NEEDED), "Plus4"]
USUAL = {
    "Fuel Type Code": "ELEC",
    "Station Name": "Main Street Garage",
    "Street Address": "1 Main St",
    "City": "Albany",
    "State": "NY",
    "ZIP": "12207",
    "Station Phone": "518-555-0100  518-555-0101",
    "Status Code": "E",
    "Groups With Access Code": "Public",
    "Access Days Time": "24 hours daily",
    "EV Level2 EVSE Num": "2",
    "EV Network": "Some Network",
    "Latitude": "42.6525793",
    "Longitude": "-73.7562317",
    "EV Connector Types": "J1772",
    "Country": "US",
    "Access Code": "public",
}


@pytest.fixture
def write(tmp_path) -> Callable[..., Path]:
    """write({...}, {...}) → a download with these rows, each the usual one with changes."""

    def written(*rows: dict[str, str]) -> Path:
        path = tmp_path / "stations.csv"
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="")
            writer.writeheader()
            writer.writerows({**USUAL, "ID": str(number), **row} for number, row in enumerate(rows, start=1))
        return path

    return written


def load(path: Path, **options) -> str:
    out = StringIO()
    call_command("import_stations", path, format="afdc", operator="Empire", stdout=out, stderr=out, **options)
    return out.getvalue()


def first(path: Path) -> StationRow | SkippedRow:
    return next(afdc.records(path))


def plugs_of(row: StationRow) -> dict[str, list[str]]:
    return {evse.label: [plug.standard for plug in evse.plugs] for evse in row.evses}


# --- Reading ------------------------------------------------------------------------------------------


def test_a_row_is_read_into_the_words_of_the_catalog(write):
    row = first(write({}))
    assert row.facts == {
        "name": "Main Street Garage",
        "address": "1 Main St",
        "city": "Albany",
        "region": "NY",
        "postcode": "12207",
        "country": "USA",
        "lat": Decimal("42.652579"),
        "lon": Decimal("-73.756232"),
        "zone": "America/New_York",
        "hours": [{"days": [0, 1, 2, 3, 4, 5, 6], "opens": "00:00", "closes": "24:00"}],
        "hours_text": "24 hours daily",
        "phone": "518-555-0100",
        "network_name": "Some Network",
        "price_text": "",
        "access": "PUBLIC",
    }


@pytest.mark.parametrize(
    ("counts", "types", "plugs"),
    [
        ((0, 2, 0), "J1772", {"L2 1": ["IEC_62196_T1"], "L2 2": ["IEC_62196_T1"]}),
        ((0, 0, 1), "CHADEMO J1772COMBO", {"DC 1": ["IEC_62196_T1_COMBO", "CHADEMO"]}),
        ((0, 1, 1), "J1772 J1772COMBO", {"L2 1": ["IEC_62196_T1"], "DC 1": ["IEC_62196_T1_COMBO"]}),
        ((0, 1, 0), "J1772 TESLA", {"L2 1": ["IEC_62196_T1", "TESLA_S"]}),
        ((0, 0, 1), "TESLA", {"DC 1": ["TESLA_S"]}),
        (
            (0, 1, 1),
            "J1772 J1772COMBO TESLA",
            {"L2 1": ["IEC_62196_T1"], "DC 1": ["IEC_62196_T1_COMBO", "TESLA_S"]},
        ),
        ((1, 1, 0), "J1772 NEMA520", {"L1 1": ["NEMA_5_20"], "L2 1": ["IEC_62196_T1"]}),
        ((1, 0, 0), "NEMA515", {"L1 1": ["DOMESTIC_B"]}),
        ((1, 0, 0), "J1772", {"L1 1": ["IEC_62196_T1"]}),
    ],
)
def test_each_counted_post_is_one_evse_with_the_plugs_of_its_level(write, counts, types, plugs):
    numbers = {
        column: str(count or "") for column, count in zip(afdc.COUNT_COLUMNS.values(), counts, strict=True)
    }
    assert plugs_of(first(write({**numbers, "EV Connector Types": types}))) == plugs


def test_kilowatts_are_assumed_by_level(write):
    row = first(
        write({"EV Level2 EVSE Num": "1", "EV DC Fast Count": "1", "EV Connector Types": "J1772 CHADEMO"})
    )
    assert [evse.plugs[0].max_kw for evse in row.evses] == [Decimal("7.2"), Decimal(50)]


def test_posts_without_a_fitting_plug_are_left_out_and_noted(write):
    row = first(write({"EV DC Fast Count": "3", "EV Connector Types": "J1772"}))
    assert list(plugs_of(row)) == ["L2 1", "L2 2"]
    assert row.notes == ("3 DC posts left out: no plug type that fits in ['J1772']",)


@pytest.mark.parametrize(
    ("changes", "access"),
    [
        ({}, "PUBLIC"),
        ({"Groups With Access Code": "Public - Credit card at all times"}, "PUBLIC"),
        ({"Groups With Access Code": "Public - Call ahead"}, "RESTRICTED"),
        ({"Groups With Access Code": "Public - Card key at all times"}, "RESTRICTED"),
        ({"Restricted Access": "true"}, "RESTRICTED"),
        ({"Access Days Time": "24 hours daily; guest use only"}, "RESTRICTED"),
        ({"Access Days Time": "24 hours daily; for Rivian use only"}, "RESTRICTED"),
        ({"Access Code": "private"}, "PRIVATE"),
        ({"Groups With Access Code": "Private - Fleet customers only"}, "PRIVATE"),
    ],
)
def test_who_may_charge_there(write, changes, access):
    assert first(write(changes)).facts["access"] == access


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("$0.40 per kWh", ("0.40", "0.00")),
        ("$0.54/kWh + tax", ("0.54", "0.00")),
        ("$1.50 per session; $0.75 per kWh", ("0.75", "1.50")),
        ("$1per session; $0.35 per kWh", ("0.35", "1.00")),
        ("$0.30 per kWh; $2 per hour idle fee", None),
        ("$2.50 per hour", None),
        ("Free", None),
        ("=1+1", None),
        ("", None),
    ],
)
def test_only_prices_that_can_be_billed_as_written_are_prices(write, text, price):
    row = first(write({"EV Pricing": text}))
    assert row.price == (price and run_price(*price))
    assert row.facts["price_text"] == text
    assert row.is_free is (text == "Free")


def run_price(rate: str, fee: str):
    return afdc.PriceRow(Decimal(rate), Decimal(fee), "USD")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Fuel Type Code": "CNG"}, "not electric"),
        ({"Status Code": "P"}, "not open yet"),
        ({"Latitude": ""}, "no coordinates"),
        ({"Latitude": "north"}, "coordinates unreadable"),
        ({"Latitude": "1e999"}, "coordinates unreadable"),
        ({"Longitude": "NaN"}, "coordinates unreadable"),
        ({"Latitude": "91"}, "coordinates not on earth"),
        ({"Latitude": "0", "Longitude": "0"}, "coordinates not on earth"),
        ({"EV Level2 EVSE Num": ""}, "no posts counted"),
        ({"EV Level2 EVSE Num": "-3"}, "count unreadable"),
        ({"EV Level2 EVSE Num": "1000000"}, "count unreadable"),
        ({"EV Level2 EVSE Num": "two"}, "count unreadable"),
        ({"EV Connector Types": "STEAM"}, "no known connector type"),
        ({"EV Connector Types": ""}, "no known connector type"),
        ({"Station Name": " "}, "no name"),
        ({"ID": ""}, "no usable ID"),
        ({"ID": "=cmd()"}, "no usable ID"),
        ({"Country": "XX"}, "unknown country"),
        ({"Street Address": "x" * 6_000}, "cell too long"),
    ],
)
def test_rows_that_cannot_be_used_are_skipped_with_a_reason(write, changes, reason):
    row = first(write(changes))
    assert isinstance(row, SkippedRow)
    assert row.reason == reason


def test_a_repeated_id_is_taken_once(write):
    _station, again = afdc.records(write({"ID": "7"}, {"ID": "7"}))
    assert again.reason == "repeated ID"


def test_a_site_out_of_service_is_closed_and_not_left_out(write):
    assert first(write({"Status Code": "T"})).closed_reason == "Temporarily out of service"


# --- Writing ------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_importing_twice_changes_nothing_and_says_so(write):
    path = write({}, {"EV Pricing": "$0.40 per kWh"}, {"Fuel Type Code": "LPG"})
    told = load(path)
    assert "created      2" in told
    assert "1  not electric (lines 4)" in told
    before = list(Connector.objects.values())
    told = load(path)
    assert "Nothing to change" in told
    assert list(Connector.objects.values()) == before
    assert (Tariff.objects.count(), Station.history.count()) == (1, 2)


@pytest.mark.django_db
def test_what_changed_in_the_file_is_changed_and_kept_in_the_history(write):
    load(write({"ID": "7"}))
    told = load(write({"ID": "7", "Station Name": "New Name", "EV Level2 EVSE Num": "3"}))
    assert "updated      1" in told
    station = Station.objects.get()
    assert (station.name, station.evses.count(), station.history.count()) == ("New Name", 3, 2)


@pytest.mark.django_db
def test_plugs_that_left_the_post_are_taken_off_sale_and_come_back(write):
    both = {
        "ID": "7",
        "EV Level2 EVSE Num": "",
        "EV DC Fast Count": "2",
        "EV Connector Types": "CHADEMO J1772COMBO",
    }
    load(write(both))
    load(write({**both, "EV DC Fast Count": "1", "EV Connector Types": "J1772COMBO"}))
    on_sale = Connector.objects.filter(is_published=True)
    assert [(plug.evse.label, plug.standard) for plug in on_sale] == [("DC 1", "IEC_62196_T1_COMBO")]
    assert Connector.objects.count() == 4
    load(write(both))
    assert on_sale.all().count() == 4


@pytest.mark.django_db
def test_letters_go_on_through_the_whole_station_and_past_z(write):
    def letters() -> list[str]:
        return list(Connector.objects.order_by("pk").values_list("letter", flat=True))

    load(write({"EV Level2 EVSE Num": "27", "EV DC Fast Count": "", "EV Connector Types": "J1772"}))
    assert letters() == [*string.ascii_uppercase, "AA"]
    load(write({"EV Level2 EVSE Num": "28", "EV DC Fast Count": "1", "EV Connector Types": "J1772 CHADEMO"}))
    assert letters()[27:] == ["AB", "AC"]
    for plug in Connector.objects.all():
        plug.full_clean()


@pytest.mark.django_db
def test_what_the_operator_set_by_hand_stays(write):
    path = write({"ID": "7", "EV Pricing": "$0.40 per kWh"})
    load(path)
    plug, station = Connector.objects.first(), Station.objects.get()
    own = publish_tariff(operator=station.operator, code="own", name="Own", energy_rate=Decimal(1))
    update_connector(connector=plug, tariff=own, max_kw=Decimal("19.2"))
    update_station(station=station, closed_reason="Repaving", is_published=False)
    assert "Nothing to change" in load(path)
    plug.refresh_from_db(), station.refresh_from_db()
    assert (plug.tariff, plug.max_kw) == (own, Decimal("19.2"))
    assert (station.closed_reason, station.is_published) == ("Repaving", False)


@pytest.mark.django_db
def test_the_rate_of_the_command_is_for_stations_without_a_price(write):
    path = write({}, {"EV Pricing": "$0.40 per kWh"}, {"EV Pricing": "Free"}, {"EV Pricing": "$2 per hour"})
    load(path, energy_rate=Decimal("0.35"), currency="USD", tax_percent=Decimal("8.875"))
    rates = [
        plug.tariff and plug.tariff.energy_rate
        for plug in Connector.objects.filter(letter="A", evse__label="L2 1").order_by("pk")
    ]
    assert rates == [Decimal("0.35"), Decimal("0.40"), None, Decimal("0.35")]
    assert {tariff.tax_percent for tariff in Tariff.objects.all()} == {Decimal("8.875")}
    load(path, tax_percent=Decimal("8.875"))  # without the option: prices stay
    assert Connector.objects.filter(tariff=None).count() == 2


@pytest.mark.django_db
def test_stations_that_left_the_file_go_only_when_asked(write):
    load(write({"ID": "1"}, {"ID": "2"}))
    assert "1 stations are no longer in the file: still published" in load(write({"ID": "1"}))
    assert Station.objects.filter(is_published=True).count() == 2
    assert "unpublished" in load(write({"ID": "1"}), remove_missing=True)
    assert Station.objects.get(source_id="2").is_published is False
    load(write({"ID": "1"}, {"ID": "2"}))
    back = Station.objects.get(source_id="2")
    assert (back.is_published, back.closed_reason) == (True, "")


@pytest.mark.django_db
def test_a_row_that_became_unusable_is_not_gone(write):
    load(write({"ID": "1"}, {"ID": "2"}))
    load(write({"ID": "1"}, {"ID": "2", "Latitude": ""}), remove_missing=True)
    assert Station.objects.filter(is_published=True).count() == 2


@pytest.mark.django_db
def test_a_damaged_file_removes_nothing(write):
    path = write({"ID": "1"}, {"ID": "2"}, {"ID": "3"})
    load(path)
    path.write_text(
        "\n".join(path.read_text(encoding="utf-8-sig").splitlines()[:2]) + "\n2,cut", encoding="utf-8"
    )
    told = load(path, remove_missing=True)
    assert "not removed" in told
    assert Station.objects.filter(is_published=True).count() == 3


@pytest.mark.django_db
def test_two_operators_import_the_same_file_into_rows_of_their_own(write):
    path = write({"ID": "7"})
    load(path)
    call_command("import_stations", path, format="afdc", operator="Other", stdout=StringIO())
    assert Station.objects.filter(source_id="7").count() == 2


@pytest.mark.django_db
def test_an_operator_is_found_by_name_or_code(write, factory):
    operator = factory.make_operator(code="emp", name="Empire")
    load(write({}))
    call_command("import_stations", write({}), format="afdc", operator="emp", stdout=StringIO())
    assert list(Operator.objects.all()) == [operator]


@pytest.mark.django_db
def test_a_limit_stops_after_so_many_stations(write):
    load(write({"Fuel Type Code": "CNG"}, {}, {}, {}), limit=2)
    assert Station.objects.count() == 2


@pytest.mark.django_db
def test_an_interrupted_run_keeps_its_batches_and_is_finished_by_another(write, monkeypatch):
    path = write(*({} for _number in range(25)))
    monkeypatch.setattr(run, "BATCH", 10)
    written = run._save

    def interrupted(batch) -> None:
        written(batch)
        if Station.objects.count() > 10:
            raise KeyboardInterrupt  # in the middle of the second transaction

    monkeypatch.setattr(run, "_save", interrupted)
    with pytest.raises(SystemExit) as stop:
        load(path)
    assert stop.value.code == 130
    assert (Station.objects.count(), Evse.objects.count()) == (10, 20)
    monkeypatch.setattr(run, "_save", written)
    told = load(path)
    assert "created     15" in told and "unchanged     10" in told
    assert (Station.objects.count(), Evse.objects.count()) == (25, 50)


@pytest.mark.django_db
def test_the_report_names_every_skipped_row_and_runs_no_formula(write, tmp_path):
    path = write({}, {"ID": "=1+1"}, {"Fuel Type Code": "@SUM"})
    load(path, report=tmp_path / "skipped.csv")
    report = (tmp_path / "skipped.csv").read_text(encoding="utf-8")
    assert list(csv.reader(StringIO(report))) == [
        ["line", "id", "reason", "detail"],
        ["3", "'=1+1", "no usable ID", "'=1+1"],
        ["4", "3", "not electric", "'@SUM"],
    ]


@pytest.mark.django_db
def test_cells_that_look_like_formulas_are_plain_text(write):
    load(write({"Station Name": '=HYPERLINK("http://evil.example")', "City": "<script>"}))
    assert Station.objects.get().name == '=HYPERLINK("http://evil.example")'


# --- Refusing ------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "not the header"),
        (b"<html><body>504</body></html>", "not the header"),
        (b"ID,Name\n1,x\n", "missing: Access Code"),
        (b"PK\x03\x04\x00\x00binary", "not a text file"),
        (b"ID,Name\n1,M\xfcnchen\n", "not UTF-8"),
    ],
)
def test_a_file_that_is_no_download_is_refused_and_nothing_is_made(tmp_path, content, message):
    path = tmp_path / "wrong.csv"
    path.write_bytes(content)
    with pytest.raises(CommandError, match=message):
        load(path)
    assert not Operator.objects.exists()


@pytest.mark.django_db
def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        load(tmp_path / "nothing.csv")


@pytest.mark.django_db
def test_bytes_that_are_not_utf_8_late_in_the_file_are_found_before_anything_is_written(write):
    path = write({}, {})
    path.write_bytes(path.read_bytes() + b"\xff\xfe")
    with pytest.raises(CommandError, match="not UTF-8"):
        load(path)
    assert not Station.objects.exists()


@pytest.mark.django_db
def test_nothing_to_import_is_an_error(write):
    with pytest.raises(CommandError, match="No station"):
        load(write({"Fuel Type Code": "CNG"}))


@pytest.mark.django_db
def test_a_file_cut_in_the_middle_gives_what_is_whole(write):
    path = write({}, {})
    text = path.read_bytes()
    path.write_bytes(text[: text.rindex(b"Main Street")])
    assert "1  row cut off (lines 3)" in load(path)
    assert Station.objects.count() == 1


@pytest.mark.django_db
def test_a_forgotten_quotation_mark_costs_its_rows_only(write):
    path = write({}, {}, {})
    path.write_bytes(path.read_bytes() + b'"open')
    told = load(path)
    assert "row cut off" in told
    assert Station.objects.count() == 3


@pytest.mark.parametrize("rate", ["-1", "NaN", "much", "Infinity"])
def test_a_rate_that_is_no_price_is_refused(write, rate):
    with pytest.raises(CommandError, match="invalid decimal value"):
        call_command(
            "import_stations", str(write({})), "--format=afdc", "--operator=E", f"--energy-rate={rate}"
        )


# --- The real file ----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_real_download_is_read_whole(shared):
    path = shared / "data" / "afdc-new-york.csv"
    if not path.exists():
        pytest.skip("needs ../shared/data/afdc-new-york.csv")
    told = load(path, energy_rate=Decimal("0.35"), tax_percent=Decimal("8.875"))
    assert "created   4736" in told
    assert "121  not electric (lines 2, 3, 4, 5, 6, …)" in told
    assert (Evse.objects.count(), Connector.objects.count()) == (16_788, 18_547)
    assert set(Station.objects.values_list("zone", flat=True)) == {"America/New_York"}
    told = load(path, tax_percent=Decimal("8.875"), limit=500)
    assert "unchanged    500" in told and "Nothing to change" in told
