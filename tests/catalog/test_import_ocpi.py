"""OCPI Locations: how they are read, what is offered of them, and what is said of the rest."""

from decimal import Decimal

import pytest
from django.core.management import CommandError

from apps.catalog.importers import ocpi
from apps.catalog.importers.records import SkippedRow, StationRow
from apps.catalog.models import Connector, Evse, Station
from apps.catalog.selectors import shown_status
from apps.catalog.services import publish_tariff, update_connector, update_evse
from apps.lib import clock
from tests.catalog.sources import FOLDER, kept, load, location, poi, with_evse


@pytest.fixture
def first(tmp_path):
    """first(location) → what the format makes of it."""
    return lambda *entries: next(ocpi.records(kept(tmp_path, *entries)))


@pytest.fixture
def bring(db, tmp_path):
    """bring(location, …) → what the command says about them."""
    return lambda *entries, **options: load(kept(tmp_path, *entries), "ocpi", **options)


def plugs_of(row: StationRow) -> list[tuple]:
    return [(plug.standard, plug.power_type, plug.max_kw) for evse in row.evses for plug in evse.plugs]


# --- Reading ------------------------------------------------------------------------------------------


def test_a_location_is_read_into_the_words_of_the_catalog():
    row = next(ocpi.records(FOLDER / "ocpi_locations.json"))
    assert row.source_id == "NL-TST-LOC1"
    assert row.facts == {
        "name": "Garage by the Canal",
        "address": "Gracht 1",
        "city": "Utrecht",
        "region": "Utrecht",
        "postcode": "3511 AA",
        "country": "NLD",
        "lat": Decimal("52.090736"),
        "lon": Decimal("5.121420"),
        "zone": "Europe/Amsterdam",
        "hours": [
            {"days": [0, 1], "opens": "07:00", "closes": "24:00"},
            {"days": [6], "opens": "10:00", "closes": "18:00"},
        ],
        "hours_text": "",
        "network_name": "Canal Charging",
        "amenities": ["cafe", "train", "wifi"],
        "access": "PUBLIC",
    }
    assert (row.closed_reason, row.notes) == ("", ())


def test_posts_and_plugs_are_exactly_those_of_the_source():
    row = next(ocpi.records(FOLDER / "ocpi_locations.json"))
    assert [(evse.label, evse.name) for evse in row.evses] == [("7", "3256"), ("NL*TST*E3257", "3257")]
    assert plugs_of(row) == [
        ("IEC_62196_T2_COMBO", "DC", Decimal("150.0")),
        ("CHADEMO", "DC", Decimal("62.5")),
        ("IEC_62196_T2", "AC_3_PHASE", Decimal("22.1")),
    ]
    assert {plug.format for evse in row.evses for plug in evse.plugs} == {"CABLE", "SOCKET"}


@pytest.mark.parametrize(
    ("plug", "kw"),
    [
        ({"power_type": "AC_1_PHASE", "max_voltage": 230, "max_amperage": 32}, "7.4"),
        ({"power_type": "AC_2_PHASE_SPLIT", "max_voltage": 240, "max_amperage": 40}, "9.6"),
        ({"power_type": "AC_3_PHASE", "max_voltage": 230, "max_amperage": 16}, "11.0"),
        ({"power_type": "AC_3_PHASE", "max_voltage": 400, "max_amperage": 32}, "22.2"),  # between two phases
        ({"power_type": "DC", "max_voltage": "500", "max_amperage": "120"}, "60.0"),
    ],
)
def test_kilowatts_follow_from_volts_amperes_and_phases(first, plug, kw):
    row = first(with_evse(max_electric_power=None, **plug))
    assert row.evses[0].plugs[0].max_kw == Decimal(kw)


def test_a_power_that_cannot_be_is_replaced_by_what_can(first):
    row = first(with_evse(max_electric_power=150, max_voltage=500, max_amperage=300))  # kW where W were asked
    assert row.evses[0].plugs[0].max_kw == Decimal("150.0")


@pytest.mark.parametrize(
    ("plug", "note"),
    [
        ({"standard": "STEAM"}, "standard STEAM"),
        ({"standard": None}, "standard not stated"),
        ({"format": "HOLE"}, "format HOLE"),
        ({"power_type": "AC_9_PHASE"}, "power_type AC_9_PHASE"),
        ({"max_electric_power": None, "max_voltage": 0}, "no credible power"),
        ({"max_electric_power": 10**12, "max_voltage": -5}, "no credible power"),
    ],
)
def test_a_plug_with_an_unknown_word_is_left_out_and_noted(first, plug, note):
    good, odd = with_evse(), with_evse({"uid": "odd"}, **plug)
    row = first(location(evses=good["evses"] + odd["evses"]))
    assert [evse.name for evse in row.evses] == ["3256"]
    assert f"connector left out: {note}" in row.notes


@pytest.mark.parametrize(
    ("evse", "note"),
    [
        ({"status": "DEMOLISHED"}, "unknown status DEMOLISHED"),
        ({"parking_restrictions": ["DISABLED"]}, "parking for DISABLED only"),
        ({"parking_restrictions": ["MOTORCYCLES"]}, "parking for MOTORCYCLES only"),
        ({"parking_restrictions": ["WIZARDS", "EV_ONLY"]}, "parking for WIZARDS only"),
        ({"uid": ""}, "no usable uid"),
        ({"uid": "3256"}, "repeated uid"),
        ({"connectors": None}, "no plug that can be used"),
        ({"connectors": ["x"]}, "no plug that can be used"),
    ],
)
def test_a_post_that_may_not_be_for_all_is_left_out_and_noted(first, evse, note):
    good, odd = with_evse(), with_evse({"uid": "odd", **evse})
    row = first(location(evses=[*good["evses"], *odd["evses"], "x"]))
    assert [post.name for post in row.evses] == ["3256"]
    assert f"EVSE left out: {note}" in row.notes


def test_posts_for_customers_are_kept_apart_from_those_for_all(first):
    guests = {"uid": "g", "parking_restrictions": ["CUSTOMERS"]}
    only = first(with_evse(guests))
    assert (only.facts["access"], len(only.evses)) == ("RESTRICTED", 1)
    mixed = first(location(evses=with_evse()["evses"] + with_evse(guests)["evses"]))
    assert (mixed.facts["access"], [evse.name for evse in mixed.evses]) == ("PUBLIC", ["3256"])
    assert "1 EVSEs for customers only left out" in mixed.notes


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"publish": False}, "not published"),
        ({"publish": "false"}, "not published"),
        ({"evses": []}, "no EVSE to offer"),
        ({"evses": None}, "no EVSE to offer"),
        ({"coordinates": None}, "no coordinates"),
        ({"coordinates": {"latitude": "52.1"}}, "no coordinates"),
        ({"coordinates": {"latitude": "north", "longitude": "5"}}, "coordinates unreadable"),
        ({"coordinates": {"latitude": "1e999", "longitude": "5"}}, "coordinates unreadable"),
        ({"coordinates": {"latitude": "91", "longitude": "5"}}, "coordinates not on earth"),
        ({"coordinates": {"latitude": 0, "longitude": 0}}, "coordinates not on earth"),
        ({"name": None, "address": " "}, "no name"),
        ({"id": ""}, "no usable ID"),
        ({"id": "x" * 37}, "no usable ID"),
        ({"id": {"a": 1}}, "no usable ID"),
        (
            {"country": "XX", "time_zone": "", "coordinates": {"latitude": "20", "longitude": "-140"}},
            "unknown country",
        ),
    ],
)
def test_locations_that_cannot_be_used_are_skipped_with_a_reason(first, changes, reason):
    row = first({**location(), **changes})
    assert isinstance(row, SkippedRow)
    assert row.reason == reason


@pytest.mark.parametrize("status", ["PLANNED", "REMOVED"])
def test_what_is_planned_or_removed_is_not_offered(first, status):
    gone = with_evse({"status": status})
    assert first(gone).reason == "no EVSE to offer"
    row = first(location(evses=gone["evses"] + with_evse({"uid": "there"})["evses"]))
    assert [evse.name for evse in row.evses] == ["there"]


def test_a_list_with_odd_entries_gives_the_others(tmp_path):
    path = kept(tmp_path, None, 5, "x", [], location(), location(), location("loc1"))
    rows = list(ocpi.records(path))
    reasons = [getattr(row, "reason", "read") for row in rows]
    assert reasons == [*["not an object"] * 4, "read", "repeated ID", "repeated ID"]
    assert [row.number for row in rows] == [1, 2, 3, 4, 5, 6, 7]


def test_a_zone_that_does_not_exist_is_taken_from_the_position(first):
    row = first(location(time_zone="Mars/Olympus"))
    assert row.facts["zone"] == "Europe/Amsterdam"
    assert row.notes == ("time zone Mars/Olympus does not exist: taken from the position",)


def test_a_country_of_two_letters_or_none_is_understood(first):
    assert first(location(country="DE")).facts["country"] == "DEU"
    assert first(location(country="?")).facts["country"] == "NLD"  # by its zone


@pytest.mark.parametrize(
    ("times", "hours"),
    [
        (None, []),
        ({}, []),
        ({"twentyfourseven": True}, [{"days": [0, 1, 2, 3, 4, 5, 6], "opens": "00:00", "closes": "24:00"}]),
        ({"regular_hours": [{"weekday": 8, "period_begin": "08:00", "period_end": "20:00"}]}, []),
        ({"regular_hours": [{"weekday": 1, "period_begin": "8", "period_end": "20:00"}]}, []),
        ({"regular_hours": [{"weekday": True, "period_begin": "08:00", "period_end": "20:00"}]}, []),
        ({"regular_hours": ["always"]}, []),
    ],
)
def test_hours_that_are_not_understood_are_unknown(first, times, hours):
    row = first(location(opening_times=times))
    assert row.facts["hours"] == hours
    unreadable = bool(times and times.get("regular_hours"))
    assert row.notes == (("opening hours unreadable: left unknown",) if unreadable else ())


def test_single_days_are_told_in_words(first):
    closing = {"period_begin": "2026-12-25T00:00:00Z", "period_end": "2026-12-26T00:00:00Z"}
    row = first(location(opening_times={"twentyfourseven": True, "exceptional_closings": [closing]}))
    assert row.facts["hours_text"] == "24 hours daily; closed 2026-12-25T00:00:00Z – 2026-12-26T00:00:00Z"


def test_texts_stay_texts_and_fit_their_columns(bring):
    bring(location(name="<script>'; DROP TABLE x;--\x00\ud800", address="x" * 10_000, city="\t=1+1"))
    station = Station.objects.get()
    assert station.name == "<script>'; DROP TABLE x;--"
    assert (len(station.address), station.city) == (300, "=1+1")
    station.full_clean()


# --- Writing ------------------------------------------------------------------------------------------


def test_importing_twice_changes_nothing_and_says_so(bring):
    told = bring(location(), location("LOC2", publish=False))
    assert "created      1" in told
    assert "1  not published (entries 2)" in told
    before = list(Connector.objects.values())
    assert "Nothing to change" in bring(location(), location("LOC2", publish=False))
    assert list(Connector.objects.values()) == before
    assert Station.history.count() == 1
    for row in (*Station.objects.all(), *Evse.objects.all(), *Connector.objects.all()):
        row.full_clean()


def test_an_import_is_no_proof_of_life(bring):
    """Whatever the source says of the moment, the plug is not confirmed until a charge point speaks."""
    for status in ("AVAILABLE", "CHARGING", "BLOCKED", "RESERVED", "UNKNOWN", "available"):
        bring(with_evse({"status": status}))
        plug = Connector.objects.select_related("evse__station").get()
        assert (plug.status, plug.last_seen_at, plug.status_source) == ("Unknown", None, "")
        assert shown_status(plug, clock.now()) == "Unknown"


def test_an_import_leaves_the_word_of_a_charge_point_alone(bring):
    bring(with_evse())
    Connector.objects.update(status="Charging", last_seen_at=clock.now())
    bring(with_evse({"status": "AVAILABLE"}))
    assert Connector.objects.get().status == "Charging"


@pytest.mark.parametrize("status", ["OUTOFORDER", "INOPERATIVE"])
def test_a_place_where_all_is_out_of_order_is_closed_until_it_is_not(bring, status):
    broken, sound = with_evse({"status": status}), with_evse({"uid": "2"})
    bring(broken)
    assert Station.objects.get().closed_reason == "Temporarily out of service"
    told = bring(location(evses=broken["evses"] + sound["evses"]))
    assert Station.objects.get().closed_reason == ""
    assert "1 EVSEs said to be out of order" in told


@pytest.mark.parametrize(
    "changes",
    [
        {"publish": False},
        {"evses": with_evse({"status": "REMOVED"})["evses"]},
        {"evses": []},
        {"coordinates": None, "publish": False},
    ],
)
def test_what_the_source_withdraws_is_unpublished_and_comes_back(bring, changes):
    bring(location())
    told = bring(location(**changes))
    assert "1 stations were withdrawn by the source: unpublished" in told
    station = Station.objects.get()
    assert (station.is_published, station.closed_reason) == (False, "Withdrawn by the imported source")
    assert Station.history.count() == 2
    bring(location())
    station.refresh_from_db()
    assert (station.is_published, station.closed_reason) == (True, "")


def test_posts_and_plugs_that_left_are_off_sale_and_come_back(bring):
    bring(location())
    bring(location(evses=[]), location("LOC2"))
    removed = with_evse({"status": "REMOVED"})
    rest = location(evses=[*removed["evses"], location()["evses"][1]])
    bring(rest)
    on_sale = Connector.objects.filter(is_published=True, evse__station__source_id="NL-TST-LOC1")
    assert [plug.standard for plug in on_sale] == ["IEC_62196_T2"]
    bring(location())
    assert on_sale.all().count() == 3


def test_a_relabelled_post_stays_itself(bring):
    """On the side of the source as on ours: the uid names it."""
    bring(location())
    update_evse(evse=Evse.objects.get(label="7"), label="North")
    evses = location()["evses"]
    evses[1]["physical_reference"] = "8"
    assert "Nothing to change" in bring(location(evses=evses))
    assert sorted(Evse.objects.values_list("label", flat=True)) == ["NL*TST*E3257", "North"]


def test_two_posts_with_one_label_get_two(bring):
    posts = [with_evse({"uid": uid})["evses"][0] for uid in ("a", "b", "c")]
    bring(location(evses=posts))
    assert list(Evse.objects.values_list("label", flat=True)) == ["7", "7 (2)", "7 (3)"]


def test_codes_of_long_and_odd_names_fit_and_differ(bring):
    uids = ["a-b", "a_b", "a b", "A" * 36, "ü", "1"]
    evses = [with_evse({"uid": uid})["evses"][0] for uid in uids]
    odd = [location("x" * 36, evses=evses), location("a b/c?d#é", evses=evses), location("a", evses=evses)]
    bring(*odd, location("a-b", evses=evses), operator="Operator of a quite remarkable length of name")
    assert (Station.objects.count(), Evse.objects.count()) == (4, 24)
    for row in (*Station.objects.all(), *Evse.objects.all(), *Connector.objects.all()):
        row.full_clean()
        assert " " not in row.code and row.code.isascii()


def test_two_cables_of_one_kind_at_one_post_are_two_plugs(bring):
    twins = with_evse()["evses"][0]
    twins["connectors"] = [{**twins["connectors"][0], "id": str(number)} for number in (2, 1)]
    bring(location(evses=[twins]))
    assert Connector.objects.count() == 2
    assert "Nothing to change" in bring(location(evses=[twins]))
    twins["connectors"].pop()
    bring(location(evses=[twins]))
    assert Connector.objects.filter(is_published=True).count() == 1


def test_what_the_source_states_of_a_plug_follows_the_source(bring):
    bring(with_evse())
    update_connector(connector=Connector.objects.get(), max_kw=Decimal(11))
    bring(with_evse(max_electric_power=300_000))
    plug = Connector.objects.get()
    assert (plug.max_kw, plug.letter) == (Decimal("300.0"), "A")


def test_tariffs_set_by_hand_stay(bring):
    bring(with_evse(), energy_rate=Decimal("0.4"))
    plug = Connector.objects.select_related("evse__station__operator").get()
    assert plug.tariff.energy_rate == Decimal("0.4")
    own = publish_tariff(operator=plug.evse.station.operator, code="own", name="Own", energy_rate=Decimal(1))
    update_connector(connector=plug, tariff=own)
    bring(with_evse(), energy_rate=Decimal("0.4"))
    plug.refresh_from_db()
    assert plug.tariff == own


def test_two_stations_on_one_point_and_one_id_in_two_sources_are_kept_apart(bring, tmp_path):
    bring(location("7"), location("8"), location("7", country_code="BE"))
    load(kept(tmp_path, poi(7)), "ocm")
    assert Station.objects.count() == 4
    assert len(set(Station.objects.values_list("code", flat=True))) == 4


def test_an_entry_without_a_name_of_its_own_keeps_others_from_being_removed(bring):
    bring(location("A"), location("B"))
    told = bring(location("A"), {"coordinates": {}}, remove_missing=True)
    assert "not removed" in told
    assert Station.objects.filter(is_published=True).count() == 2


def test_a_file_cut_in_the_middle_imports_nothing(db, tmp_path):
    path = kept(tmp_path, location("A"), location("B"))
    path.write_bytes(path.read_bytes()[:-700])
    with pytest.raises(CommandError, match="cut off after entry 1"):
        load(path, "ocpi")
    assert not Station.objects.exists()


def test_the_report_tells_what_was_left_out_of_what_was_imported(bring, tmp_path):
    report = tmp_path / "report.csv"
    bring(location("=A", evses=[]), location("B", time_zone="X"), report=report)
    assert report.read_text(encoding="utf-8").splitlines()[1:] == [
        "1,NL-TST-=A,no EVSE to offer,",
        '2,,"imported, with a remark",time zone X does not exist: taken from the position',
    ]


def test_the_number_of_questions_does_not_grow_with_the_stations(bring, django_assert_max_num_queries):
    many = [location(f"L{number}") for number in range(150)]
    with django_assert_max_num_queries(30):
        bring(*many)
    with django_assert_max_num_queries(30):
        bring(*[{**one, "name": "New"} for one in many])
