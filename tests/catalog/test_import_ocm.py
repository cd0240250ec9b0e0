"""Open Charge Map: how its entries are read, and what is believed of them."""

import json
from decimal import Decimal

import pytest

from apps.catalog.importers import ocm
from apps.catalog.importers.records import SkippedRow, StationRow
from apps.catalog.models import Connector, Station
from tests.catalog.sources import FOLDER, kept, load, poi


@pytest.fixture
def first(tmp_path):
    return lambda *entries: next(ocm.records(kept(tmp_path, *entries)))


@pytest.fixture
def bring(db, tmp_path):
    return lambda *entries, **options: load(kept(tmp_path, *entries), "ocm", **options)


def connection(kind: int = 33, quantity: int | None = 1, **changes) -> dict:
    return {"ConnectionTypeID": kind, "Quantity": quantity, "CurrentTypeID": 30, "PowerKW": 50, **changes}


def plugs_of(row: StationRow) -> dict[str, list[str]]:
    return {evse.label: [plug.standard for plug in evse.plugs] for evse in row.evses}


# --- Reading ------------------------------------------------------------------------------------------


def test_an_entry_is_read_into_the_words_of_the_catalog():
    row = next(ocm.records(FOLDER / "ocm_pois.json"))
    assert row.facts == {
        "name": "Hill View Mall",
        "address": "4 Ridge Road, Level 2",
        "city": "Bengaluru",
        "region": "Karnataka",
        "postcode": "560001",
        "country": "IND",
        "lat": Decimal("12.971600"),
        "lon": Decimal("77.594600"),
        "zone": "Asia/Kolkata",
        "hours": [{"days": [0, 1, 2, 3, 4, 5, 6], "opens": "00:00", "closes": "24:00"}],
        "hours_text": "24 hours daily",
        "phone": "080 5550 0100",
        "network_name": "Hill Charging",
        "price_text": "₹18 per kWh",
        "access": "PUBLIC",
    }
    assert plugs_of(row) == {
        "DC 1": ["CHADEMO", "IEC_62196_T2_COMBO"],
        "DC 2": ["IEC_62196_T2_COMBO"],
        "AC 1": ["IEC_62196_T2"],
    }
    plugs = {plug.standard: plug for evse in row.evses for plug in evse.plugs}
    assert plugs["IEC_62196_T2_COMBO"].max_kw == Decimal("60.0")
    assert (plugs["CHADEMO"].max_kw, plugs["CHADEMO"].is_stated) == (Decimal(50), False)
    assert (plugs["IEC_62196_T2"].max_kw, plugs["IEC_62196_T2"].power_type) == (Decimal("22.2"), "AC_3_PHASE")
    assert row.price is None  # anybody may write one there: it is told, not billed


def test_the_compact_form_says_the_same(first):
    compact = poi(UsageType=None, UsageTypeID=5, StatusType=None, StatusTypeID=50)
    compact |= {"SubmissionStatus": None, "SubmissionStatusTypeID": 200}
    compact["AddressInfo"]["Country"] = None
    for one in compact["Connections"]:
        for name in ("ConnectionType", "StatusType", "Level", "CurrentType"):
            one[f"{name}ID"] = (one.pop(name, None) or {}).get("ID")
    verbose = next(ocm.records(FOLDER / "ocm_pois.json"))
    assert first(compact) == verbose


@pytest.mark.parametrize(
    ("connections", "points", "plugs"),
    [
        # Cars: as many as the most frequent plug, AC and DC apart.
        ([(33, 2), (2, 2)], None, {"DC 1": 2, "DC 2": 2}),
        ([(33, 2), (2, 2)], 3, {"DC 1": 2, "DC 2": 1, "DC 3": 1}),
        ([(33, 2), (2, 2)], 99, {"DC 1": 1, "DC 2": 1, "DC 3": 1, "DC 4": 1}),
        ([(33, 2), (2, 1), (25, 2)], 1, {"DC 1": 2, "DC 2": 1, "AC 1": 1, "AC 2": 1}),
        ([(33, 2), (33, 1)], None, {"DC 1": 1, "DC 2": 1, "DC 3": 1}),
        ([(25, None)], None, {"AC 1": 1}),
    ],
)
def test_no_more_cars_are_promised_than_the_entry_knows_of(first, connections, points, plugs):
    kinds = [
        connection(kind, quantity, CurrentTypeID=20 if kind == 25 else 30) for kind, quantity in connections
    ]
    row = first(poi(Connections=kinds, NumberOfPoints=points))
    assert {label: len(standards) for label, standards in plugs_of(row).items()} == plugs
    for standards in plugs_of(row).values():
        assert len(set(standards)) == len(standards)


@pytest.mark.parametrize(
    ("one", "plug"),
    [
        (connection(33, CurrentTypeID=10), ("IEC_62196_T2_COMBO", "DC", "50.0")),
        (connection(1, CurrentTypeID=None, PowerKW=None, LevelID=2), ("IEC_62196_T1", "AC_1_PHASE", "7.2")),
        (connection(28, CurrentTypeID=None, PowerKW=None), ("DOMESTIC_F", "AC_1_PHASE", "1.4")),
        (connection(25, CurrentTypeID=99, PowerKW="much"), ("IEC_62196_T2", "AC_1_PHASE", "7.2")),
        (
            connection(35, PowerKW=None, Amps=32, Voltage=400),
            ("IEC_60309_2_three_32", "AC_3_PHASE", "22.2"),
        ),
        (connection(27, CurrentTypeID=30, PowerKW=250), ("TESLA_S", "DC", "250.0")),
        (connection(2, PowerKW=-50), ("CHADEMO", "DC", "50")),
        (connection(2, PowerKW=10**14), ("CHADEMO", "DC", "50")),
    ],
)
def test_plug_current_and_kilowatts(first, one, plug):
    read = first(poi(Connections=[one])).evses[0].plugs[0]
    assert (read.standard, read.power_type, read.max_kw) == (plug[0], plug[1], Decimal(plug[2]))


@pytest.mark.parametrize(
    ("odd", "note"),
    [
        (connection(0), "type 0 is no plug we know"),
        (connection(9999), "type 9999 is no plug we know"),
        (connection("CCS"), "type -1 is no plug we know"),
        (connection(None), "type not stated"),
        (connection(StatusTypeID=150), "planned"),
        (connection(StatusTypeID=200), "removed"),
        (connection(StatusTypeID=77), "unknown status 77"),
        (connection(quantity=0), "quantity 0"),
        (connection(quantity=-3), "quantity -3"),
        (connection(quantity=1.5), "quantity 1.5"),
        (connection(quantity=1_000_000), "quantity 1000000"),
        (connection(quantity="many"), "quantity many"),
    ],
)
def test_connections_that_cannot_be_offered_are_left_out_and_noted(first, odd, note):
    row = first(poi(Connections=[connection(), odd, None]))
    assert plugs_of(row) == {"DC 1": ["IEC_62196_T2_COMBO"]}
    assert row.notes == (f"connection left out: {note}",)


@pytest.mark.parametrize(
    ("usage", "access"),
    [
        (1, "PUBLIC"),
        (5, "PUBLIC"),
        (4, "RESTRICTED"),
        (7, "RESTRICTED"),
        (3, "RESTRICTED"),
        (2, "PRIVATE"),
        (6, "PRIVATE"),
    ],
)
def test_who_may_charge_there(first, usage, access):
    row = first(poi(UsageType=None, UsageTypeID=usage))
    assert (row.facts["access"], row.notes) == (access, ())


@pytest.mark.parametrize("usage", [None, 0, 99, "all"])
def test_what_nobody_says_is_public_is_not_offered_to_all(first, usage):
    row = first(poi(UsageType=None, UsageTypeID=usage))
    assert row.facts["access"] == "RESTRICTED"
    assert row.notes == ("nobody says that it is public: not offered to all",)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"StatusTypeID": 150}, "not there"),
        ({"StatusTypeID": 200}, "not there"),
        ({"StatusTypeID": 210}, "not there"),
        ({"StatusTypeID": 12345}, "unknown status"),
        ({"SubmissionStatusTypeID": 50}, "not published"),
        ({"SubmissionStatusTypeID": 1001}, "not published"),
        ({"Connections": []}, "no plug to offer"),
        ({"Connections": None}, "no plug to offer"),
        ({"Connections": [connection(0)]}, "no plug to offer"),
        ({"address": {"Latitude": None}}, "no coordinates"),
        ({"address": {"Latitude": "NaN"}}, "coordinates unreadable"),
        ({"address": {"Longitude": 181}}, "coordinates not on earth"),
        ({"address": {"Latitude": 0, "Longitude": 0}}, "coordinates not on earth"),
        ({"address": {"Title": ""}}, "no name"),
        ({"id": None}, "no usable ID"),
        ({"id": "=1+1"}, "no usable ID"),
        ({"id": 0}, "no usable ID"),
        ({"AddressInfo": None}, "no coordinates"),
    ],
)
def test_entries_that_cannot_be_used_are_skipped_with_a_reason(first, changes, reason):
    row = first(poi(**changes))
    assert isinstance(row, SkippedRow)
    assert row.reason == reason


def test_a_brand_in_brackets_is_nobody(first):
    assert first(poi(OperatorInfo={"Title": "(Unknown Operator)"})).facts["network_name"] == ""


def test_hours_out_of_a_story_are_unknown(first):
    row = first(poi(address={"AccessComments": "24 hours daily. " + "x" * 10_000}))
    assert (row.facts["hours"], len(row.facts["hours_text"])) == ([], 300)
    assert "AccessComments cut to 300 characters" in row.notes


# --- Writing ------------------------------------------------------------------------------------------


def test_importing_twice_changes_nothing_and_says_so(bring):
    assert "created      2" in bring(poi(), poi(7))
    before = list(Connector.objects.values())
    assert "Nothing to change" in bring(poi(), poi(7))
    assert list(Connector.objects.values()) == before
    assert set(Connector.objects.values_list("status", "last_seen_at")) == {("Unknown", None)}
    for row in Station.objects.all():
        row.full_clean()


def test_a_site_out_of_order_is_closed_and_a_removed_one_unpublished(bring):
    bring(poi(), poi(7))
    bring(poi(StatusType=None, StatusTypeID=100), poi(7, StatusType=None, StatusTypeID=200))
    closed, removed = Station.objects.order_by("-source_id")
    assert (closed.closed_reason, closed.is_published) == ("Temporarily out of service", True)
    assert (removed.closed_reason, removed.is_published) == ("Withdrawn by the imported source", False)


def test_kilowatts_that_were_assumed_are_not_assumed_again(bring):
    unsaid = poi(Connections=[connection(PowerKW=None)])
    bring(unsaid)
    Connector.objects.update(max_kw=Decimal(120))
    assert "Nothing to change" in bring(unsaid)
    bring(poi(Connections=[connection(PowerKW=60)]))
    assert Connector.objects.get().max_kw == Decimal(60)


def test_what_is_free_is_not_sold(bring):
    bring(poi(UsageCost="Free to use"), poi(7), energy_rate=Decimal("18"), currency="INR")
    priced = Connector.objects.exclude(tariff=None)
    assert set(priced.values_list("evse__station__source_id", flat=True)) == {"7"}


def test_an_entry_that_went_missing_goes_only_when_asked(bring):
    bring(poi(), poi(7))
    assert "still published" in bring(poi())
    assert "unpublished" in bring(poi(), remove_missing=True)
    assert Station.objects.get(source_id="7").is_published is False


# --- The reference lists --------------------------------------------------------------------------------


def test_every_word_of_the_reference_lists_has_its_place(shared):
    path = shared / "data" / "open-charge-map-reference.json"
    if not path.exists():
        pytest.skip("needs ../shared/data/open-charge-map-reference.json")
    lists = json.loads(path.read_text(encoding="utf-8"))
    numbers = {name: {row["ID"] for row in rows} for name, rows in lists.items() if isinstance(rows, list)}
    assert numbers["ConnectionTypes"] == set(ocm.PLUGS) | ocm.WITHOUT_A_WORD
    assert not set(ocm.PLUGS) & ocm.WITHOUT_A_WORD
    assert numbers["CurrentTypes"] == set(ocm.CURRENTS)
    assert numbers["StatusTypes"] == set(ocm.NOT_THERE) | ocm.OUT_OF_ORDER | ocm.PASSING
    assert numbers["UsageTypes"] - {0} == set(ocm.ACCESS)
    live = {row["ID"] for row in lists["SubmissionStatusTypes"] if row["IsLive"]}
    assert live == ocm.LIVE_ENTRIES
