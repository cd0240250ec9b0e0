from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.beckn.models import Message
from apps.catalog.models import Connector, Station
from apps.catalog.selectors import FRESH_FOR
from apps.catalog.services import record_charge
from tests.catalog.conftest import items_of, near
from tests.factory import NOON


@pytest.fixture
def plug(factory) -> Connector:
    operator = factory.make_operator(code="garden", name="Garden City Charging")
    station = factory.make_station(operator, code="hub", hours_text="06:00–23:00", amenities=["cafe"])
    evse = factory.make_evse(station, code="hub-1", label="DC 1")
    tariff = factory.make_tariff(operator, session_fee=Decimal(10))
    return factory.make_priced_connector(evse, code="hub-1-a", tariff=tariff)


def tags_of(part: dict, group: str) -> dict[str, str]:
    found = next(tags for tags in part["tags"] if tags["descriptor"]["code"] == group)
    return {tag["descriptor"]["code"]: tag["value"] for tag in found["list"]}


def test_the_last_charge_that_worked_is_told(plug, search):
    record_charge(connector=plug, energy_kwh=Decimal(3), ended_at=NOON - timedelta(hours=2))
    (provider,) = search(near())
    specifications = tags_of(provider["items"][0], "connector-specifications")
    assert specifications["last-charge-at"] == "2026-11-22T04:30:00.000Z"


def test_a_plug_nearby_is_told_with_its_station_and_price(plug, search):
    (provider,) = search(near())
    (item,), (place,), (point,) = provider["items"], provider["locations"], provider["fulfillments"]
    assert (provider["id"], place["id"], point["id"], item["id"]) == ("garden", "hub", "hub-1", "hub-1-a")
    assert place["gps"] == "12.971900,77.641200"
    assert item["price"] == {"currency": "INR/kWH", "value": "18.50"}
    assert item["fulfillment_ids"] == ["hub-1"]
    assert tags_of(item, "connector-specifications") == {
        "connector-id": "A",
        "evse-id": "hub-1",
        "charger-type": "DC",
        "power-type": "DC",
        "connector-type": "IEC_62196_T2_COMBO",
        "connector-format": "CABLE",
        "power-rating": "60kW",
        "availability": "Available",
        "status-changed-at": "2026-11-22T06:30:00.000Z",
        "last-seen-at": "2026-11-22T06:30:00.000Z",
        "vehicle-type": "4-WHEELER",
        "reservable": "no",
    }
    assert "last-charge-at" not in tags_of(item, "connector-specifications")  # nobody knows of one
    prices = tags_of(item, "price-components")
    assert {name: Decimal(prices[name]) for name in ("energy-rate", "service-charge", "tax-percent")} == {
        "energy-rate": Decimal("18.5"),
        "service-charge": Decimal(10),
        "tax-percent": Decimal(18),
    }
    assert prices["tax-name"] == "GST"
    assert tags_of(item, "station-details") == {
        "time-zone": "Asia/Kolkata",
        "opening-hours": "06:00–23:00",
        "amenity": "cafe",
    }
    assert tags_of(point, "charging-point-specifications")["availability"] == "Online"


def test_a_plug_without_a_tariff_is_shown_without_a_price(factory, search):
    factory.make_connector(code="unpriced")
    (provider,) = search(near())
    assert "price" not in provider["items"][0]
    assert {tags["descriptor"]["code"] for tags in provider["items"][0]["tags"]} == {
        "connector-specifications",
        "station-details",
    }


def test_nothing_found_is_said_once_with_empty_providers(plug, ask):
    (answer,) = ask("search", {"intent": near("28.613900,77.209000")})
    assert answer["message"]["catalog"]["providers"] == []


@pytest.mark.parametrize(
    "changes",
    [{"is_published": False}, {"access": Station.Access.RESTRICTED}, {"access": Station.Access.PRIVATE}],
)
def test_stations_that_are_not_open_to_all_are_not_offered(factory, plug, search, changes):
    Station.objects.update(**changes)
    assert search(near()) == []


def test_a_plug_taken_off_the_post_is_not_offered(plug, search):
    Connector.objects.update(is_published=False)
    assert search(near()) == []


# --- Place ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("radius", "unit", "found"),
    [
        ("1.2", "km", True),
        ("1.0", "km", False),
        ("1200", "m", True),
        ("1000", "m", False),
        ("0.75", "miles", True),
        ("0.5", "mi", False),
        ("0", "km", False),
        ("1e9", "km", True),
    ],
)
def test_the_circle_is_measured_in_the_unit_that_was_said(plug, search, radius, unit, found):
    north = "12.981900,77.641200"  # 1.112 km away
    assert bool(search(near(north, radius, unit))) is found


def test_radius_zero_finds_the_station_that_stands_there(plug, search):
    assert items_of(search(near(radius="0"))) == {"hub-1-a"}


def test_a_circle_without_a_radius_has_a_usual_one(plug, search):
    assert items_of(search(near("13.030000,77.641200", radius=None))) == {"hub-1-a"}


@pytest.mark.parametrize(
    ("centre", "station"),
    [
        ("89.950000,0.000000", ("89.950000", "180.000000")),
        ("-89.990000,10.000000", ("-89.980000", "-170.000000")),
        ("0.000000,179.990000", ("0.000000", "-179.990000")),
        ("52.000000,-179.990000", ("52.000000", "179.990000")),
        ("0.000000,180.000000", ("0.000000", "-180.000000")),
    ],
)
def test_the_circle_is_round_at_the_poles_and_across_the_date_line(factory, search, centre, station):
    lat, lon = map(Decimal, station)
    factory.make_connector(factory.make_evse(factory.make_station(lat=lat, lon=lon)), code="far-out")
    assert items_of(search(near(centre, "12"))) == {"far-out"}


@pytest.mark.parametrize(
    "place",
    [
        {"circle": {"gps": "north of here"}},
        {"circle": {"gps": "91.0,0.0"}},
        {"circle": {}},
        {"circle": {"gps": "12.9719,77.6412", "radius": {"value": "-5", "unit": "km"}}},
        {"circle": {"gps": "12.9719,77.6412", "radius": {"value": "5", "unit": "parsec"}}},
        {"circle": {"gps": "12.9719,77.6412", "radius": {"value": "NaN", "unit": "km"}}},
        {"polygon": "12.9,77.6"},
        {"polygon": "nonsense"},
    ],
)
def test_a_place_nobody_can_read_finds_nothing(plug, search, place):
    assert search({"fulfillment": {"stops": [{"location": place}]}}) == []


@pytest.mark.parametrize(
    ("polygon", "found"),
    [
        ("12.96,77.63 12.98,77.63 12.98,77.65 12.96,77.65", True),
        ("12.96,77.63;12.98,77.63;12.96,77.639", False),
    ],
)
def test_a_polygon_holds_what_is_inside(plug, search, polygon, found):
    intent = {"fulfillment": {"stops": [{"location": {"polygon": polygon}}]}}
    assert bool(search(intent)) is found


# --- What it must be ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ({"connector_type": "CCS2"}, True),
        ({"connector_type": "iec_62196_t2_combo"}, True),
        ({"connector_type": "CHAdeMO"}, False),
        ({"connector_type": ["CHAdeMO", "CCS"]}, True),
        ({"connector_type": "MAGIC_PLUG"}, False),
        ({"connector_type": ["MAGIC_PLUG", "CCS2"]}, True),
        ({"charger_type": "DC"}, True),
        ({"charger_type": "AC"}, False),
        ({"charger_type": "steam"}, False),
        ({"power_type": "DC"}, True),
        ({"power_rating": "50kW"}, True),
        ({"power_rating": "60"}, True),
        ({"power_rating": "60001 W"}, False),
        ({"power_rating": "a lot"}, False),
        ({"availability": "Available"}, True),
        ({"availability": "Charging"}, False),
        ({"availability": "perhaps"}, False),
        ({"vehicle_type": "HOVERCRAFT"}, False),
        ({"made_up": "anything"}, True),
        ({"connector_type": "CCS2", "charger_type": "AC"}, False),
    ],
)
def test_equal_tags_are_alternatives_and_different_tags_add_up(plug, search, tags, found):
    assert bool(search(near(**tags))) is found


@pytest.mark.parametrize(
    ("intent", "found"),
    [
        ({"provider": {"id": "garden"}}, True),
        ({"provider": {"id": "gard"}}, False),
        ({"provider": {"descriptor": {"name": "garden city"}}}, True),
        ({"provider": {"descriptor": {"name": "Other"}}}, False),
        ({"descriptor": {"name": "indiranagar"}}, True),
        ({"descriptor": {"name": "100 feet  bengaluru"}}, True),
        ({"descriptor": {"name": "garden hub"}}, True),
        ({"descriptor": {"name": "whitefield"}}, False),
        ({"descriptor": {"name": "%"}}, False),
        ({"descriptor": {"name": "'; DROP TABLE catalog_station; --"}}, False),
        ({"descriptor": {"name": "x" * 10_000}}, False),
        ({"descriptor": {"name": "hub " * 2_500}}, True),
        ({"fulfillment": {"vehicle": {"category": "BOAT", "make": "Noah"}}}, False),
        ({"category": {"descriptor": {"code": "green-tariff"}}}, False),
        ({}, True),
    ],
)
def test_operators_words_and_what_we_do_not_know(plug, search, intent, found):
    assert bool(search(intent)) is found


# --- Is it free? ----------------------------------------------------------------------------------------


def test_a_plug_nobody_heard_of_for_long_is_unknown_and_never_available(plug, search, factory):
    Connector.objects.update(last_seen_at=NOON - FRESH_FOR * 1.01)
    (provider,) = search(near())
    assert tags_of(provider["items"][0], "connector-specifications")["availability"] == "Unknown"
    assert tags_of(provider["fulfillments"][0], "charging-point-specifications")["availability"] == "Offline"


def test_stale_plugs_are_left_out_when_only_free_ones_are_wanted(plug, search):
    Connector.objects.update(last_seen_at=NOON - FRESH_FOR * 1.01)
    assert search(near(availability="Available")) == []


def test_a_car_at_one_plug_takes_the_place_of_both(factory, plug, search):
    factory.make_priced_connector(plug.evse, status=Connector.Status.CHARGING, tariff=plug.tariff)
    (provider,) = search(near())
    told = [tags_of(item, "connector-specifications")["availability"] for item in provider["items"]]
    assert told == ["Charging", "Charging"]


def test_out_of_hours_is_not_available_now_but_listed(factory, plug, search, ask):
    Station.objects.update(hours=[{"days": [0], "opens": "06:00", "closes": "23:00"}])  # NOON is a Sunday
    assert items_of(search(near())) == {"hub-1-a"}
    Message.objects.all().delete()
    assert search(near(availability="Available")) == []


def test_a_closed_station_is_unavailable(plug, search):
    Station.objects.update(closed_reason="Waterlogged")
    (provider,) = search(near())
    assert tags_of(provider["items"][0], "connector-specifications")["availability"] == "Unavailable"
    details = tags_of(provider["items"][0], "station-details")
    assert details["closed"] == "Waterlogged"
    assert not {"opens-at", "closes-at"} & set(details)


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        (
            {"days": [6], "opens": "17:00", "closes": "23:00"},
            {"closed": "Outside opening hours", "opens-at": "2026-11-22T11:30:00.000Z"},
        ),
        ({"days": [6], "opens": "06:00", "closes": "23:00"}, {"closes-at": "2026-11-22T17:30:00.000Z"}),
        ({"days": [0, 1, 2, 3, 4, 5, 6], "opens": "00:00", "closes": "24:00"}, {}),
    ],
)
def test_hours_are_told_as_instants(plug, search, hours, told):
    Station.objects.update(hours=[hours])  # NOON is 12:00 on a Sunday in Kolkata
    (provider,) = search(near())
    details = tags_of(provider["items"][0], "station-details")
    assert {name: details[name] for name in ("closed", "opens-at", "closes-at") if name in details} == told


def test_a_wish_for_tomorrow_does_not_ask_who_stands_there_now(plug, search):
    Connector.objects.update(status=Connector.Status.CHARGING)
    intent = near(availability="Available")
    tomorrow = {"start": "2026-11-23T06:30:00.000Z", "end": "2026-11-23T07:30:00.000Z"}
    intent["fulfillment"]["stops"][0]["time"] = {"range": tomorrow}
    assert items_of(search(intent)) == {"hub-1-a"}


# --- Size -----------------------------------------------------------------------------------------------


def make_many(factory, stations: int, evses: int = 1) -> None:
    operator = factory.make_operator()
    tariff = factory.make_tariff(operator)
    for number in range(stations):
        station = factory.make_station(operator, lat=Decimal(12) + Decimal(number) / 1000, lon=Decimal(77))
        for _evse in range(evses):
            factory.make_priced_connector(factory.make_evse(station), tariff=tariff)


def test_many_stations_come_in_several_answers_nearest_first(factory, ask):
    make_many(factory, 120)
    answers = ask("search", {"intent": near("12.000000,77.000000", "100")})
    places = [
        place["gps"]
        for answer in answers
        for place in answer["message"]["catalog"]["providers"][0]["locations"]
    ]
    assert len(answers) == 3
    assert len(places) == 120
    assert places == sorted(places)


def test_no_answer_is_larger_than_a_peer_takes(factory, ask):
    make_many(factory, 2, evses=120)
    ask("search", {"intent": near("12.000000,77.000000", "100")})
    sizes = [len(body) for body in Message.objects.filter(direction="OUT").values_list("body", flat=True)]
    assert len(sizes) > 1
    assert max(sizes) < 170_000


def test_a_search_costs_seven_queries_per_fifty_stations(factory, ask):
    make_many(factory, 50)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        ask("search", {"intent": near("12.000000,77.000000", "100")})
    about_catalog = [query for query in queries if 'FROM "catalog_' in query["sql"]]
    assert len(about_catalog) == 6


# --- Vehicles and green energy ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "found"), [("4-WHEELER", True), ("car", True), ("BUS", True), ("2W", False), ("TANK", False)]
)
def test_a_vehicle_finds_the_plugs_for_its_kind(plug, search, category, found):
    Connector.objects.update(vehicle_types=["4-WHEELER", "BUS"])
    intent = near()
    intent["fulfillment"]["vehicle"] = {"category": category, "make": "Tata"}
    assert bool(search(intent)) is found


@pytest.mark.parametrize(
    ("code", "is_green", "found"),
    [
        ("green-tariff", True, True),
        ("GREEN_TARIFF", True, True),
        ("green-tariff", False, False),
        ("gold", True, False),
    ],
)
def test_green_energy_is_a_category_and_a_strange_category_finds_nothing(plug, search, code, is_green, found):
    Station.objects.update(is_green=is_green)
    providers = search({**near(), "category": {"descriptor": {"code": code}}})
    assert bool(providers) is found
    if found:
        assert providers[0]["items"][0]["category_ids"] == ["green-tariff"]
        assert "green-tariff" in {entry["id"] for entry in providers[0]["categories"]}
        assert tags_of(providers[0]["items"][0], "station-details")["green-energy"] == "yes"


@pytest.mark.parametrize(("known", "said"), [(True, "yes"), (False, "no"), (None, None)])
def test_a_bay_for_wheelchairs_is_told_as_far_as_it_is_known(plug, search, known, said):
    Station.objects.update(is_accessible=known)
    (provider,) = search(near())
    assert tags_of(provider["items"][0], "station-details").get("accessible") == said


def test_a_window_tomorrow_finds_the_plug_and_says_that_it_cannot_be_reserved(plug, search):
    intent = near()
    intent["fulfillment"]["stops"][0]["time"] = {"range": {"start": "2026-11-23T06:30:00Z"}}
    intent["fulfillment"]["tags"] = [
        {"list": [{"descriptor": {"code": "availability"}, "value": "Available"}]}
    ]
    Connector.objects.update(status="Charging")
    (provider,) = search(intent)
    assert tags_of(provider["items"][0], "connector-specifications")["reservable"] == "no"
    assert "stops" not in provider["fulfillments"][0]


@pytest.mark.parametrize(
    ("polygon", "found"),
    [("-18,179 -18,-179 -17,-179 -17,179", True), ("-18,178 -18,179.9 -17,179.9 -17,178", False)],
)
def test_a_polygon_may_lie_across_the_date_line(plug, search, polygon, found):
    Station.objects.update(lat="-17.8", lon="-179.9")
    intent = {"fulfillment": {"stops": [{"location": {"polygon": polygon}}]}}
    assert bool(search(intent)) is found
