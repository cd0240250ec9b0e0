from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.discovery.models import Offer, OfferedStation, SearchAnswer, SearchRun
from tests.discovery import catalogs
from tests.discovery.conftest import BPP, NOON


def offer() -> Offer:
    return Offer.objects.select_related("station").get()


def test_a_plug_comes_home_with_its_facts(tell):
    facts = {
        "status_changed_at": "2026-11-22T06:00:00.000Z",
        "last_seen_at": "2026-11-22T06:29:00.000Z",
        "evse_id": "cp-1",
        "service_charge": "5.00",
        "energy_rate": "18.5025",
        "tax_name": "GST",
        "tax_percent": "18",
        "time_zone": "Asia/Kolkata",
        "opening_hours": "24 h",
    }
    tell(catalogs.catalog(catalogs.provider(items=[catalogs.item(**facts)])))
    plug, place = offer(), offer().station
    assert (place.bpp_id, place.provider_id, place.location_id) == (BPP, "sparkdock", "st-1")
    assert (place.provider_name, place.name, place.city) == ("SparkDock", "Cubbon Park Plaza", "Bengaluru")
    assert (place.lat, place.lon) == (Decimal("12.971600"), Decimal("77.594600"))
    assert (place.zone, place.hours_text) == ("Asia/Kolkata", "24 h")
    assert (plug.item_id, plug.fulfillment_id, plug.evse_id, plug.letter) == ("plug-1", "cp-1", "cp-1", "A")
    assert (plug.standard, plug.power_type, plug.max_kw) == ("IEC_62196_T2_COMBO", "DC", Decimal("60.0"))
    assert (plug.currency, plug.energy_rate, plug.session_fee) == ("INR", Decimal("18.5025"), Decimal("5.00"))
    assert (plug.tax_name, plug.tax_percent, plug.status) == ("GST", Decimal(18), "Available")
    assert plug.status_changed_at == NOON - timedelta(minutes=30)
    assert plug.confirmed_at == NOON - timedelta(minutes=1)


def test_what_is_not_told_is_unknown(tell):
    bare = {"id": "x", "location_ids": ["st-1"]}
    tell(catalogs.catalog(catalogs.provider(items=[bare], fulfillments=[])))
    plug = offer()
    assert (plug.status, plug.standard, plug.power_type, plug.max_kw) == ("Unknown", "", "", None)
    assert (plug.energy_rate, plug.session_fee, plug.tax_percent, plug.fulfillment_id) == (
        None,
        None,
        None,
        "",
    )
    assert plug.station.zone == "Asia/Kolkata"  # from where it stands
    assert plug.confirmed_at == NOON


def test_telling_it_again_changes_nothing_but_its_age(tell, noon):
    tell()
    before = Offer.objects.values().get()
    noon.shift(timedelta(minutes=5))
    tell()
    after = Offer.objects.values().get()
    ages = {"seen_at", "status_seen_at", "shown_seen_at"}
    assert {key: value for key, value in after.items() if key not in ages} == {
        key: value for key, value in before.items() if key not in ages
    }
    assert after["seen_at"] == NOON + timedelta(minutes=5)


def test_an_older_answer_never_covers_a_newer_one(tell):
    tell(catalogs.catalog(catalogs.provider(items=[catalogs.item(availability="Charging")])))
    tell(late=3)
    assert offer().status == "Charging"


def test_pages_are_merged_not_replaced(tell):
    tell(catalogs.catalog(catalogs.provider(items=[catalogs.item("plug-1")])))
    tell(catalogs.catalog(catalogs.provider(items=[catalogs.item("plug-2")])))
    assert set(Offer.objects.values_list("item_id", flat=True)) == {"plug-1", "plug-2"}
    assert OfferedStation.objects.count() == 1


def test_rows_of_another_platform_are_never_touched(tell):
    tell()
    tell(
        catalogs.catalog(catalogs.provider(items=[catalogs.item(availability="Faulted")])),
        bpp_id="volt.example",
    )
    assert Offer.objects.get(station__bpp_id=BPP).status == "Available"
    assert Offer.objects.get(station__bpp_id="volt.example").status == "Faulted"


def test_equal_ids_of_two_providers_are_two_plugs(tell):
    tell(catalogs.catalog(catalogs.provider("a"), catalogs.provider("b")))
    assert Offer.objects.count() == 2


def test_an_id_repeated_in_one_catalog_counts_once_as_said_first(tell):
    tell(
        catalogs.catalog(
            catalogs.provider(items=[catalogs.item(price="18.50"), catalogs.item(price="25.00")])
        )
    )
    assert offer().energy_rate == Decimal("18.5000")


@pytest.mark.parametrize(
    "item",
    [
        {"id": "no-place", "location_ids": ["nowhere"]},
        {"descriptor": {"name": "no id"}, "location_ids": ["st-1"]},
        {"id": "x" * 300, "location_ids": ["st-1"]},
        {"id": "coffee", "descriptor": {"code": "beverage"}, "location_ids": ["st-1"]},
        "not even an object",
    ],
)
def test_what_cannot_be_ordered_is_passed_over(tell, item):
    tell(catalogs.catalog(catalogs.provider(items=[item, catalogs.item("good")])))
    assert offer().item_id == "good"


@pytest.mark.parametrize("gps", [None, "here", "99,200", 7])
def test_a_station_that_is_nowhere_is_not_on_the_map(tell, gps):
    assert tell(catalogs.catalog(catalogs.provider(locations=[{"id": "st-1", "gps": gps}]))) == 0


def test_an_only_station_needs_no_mention(tell):
    item = {key: value for key, value in catalogs.item().items() if key != "location_ids"}
    tell(catalogs.catalog(catalogs.provider(items=[item])))
    assert offer().station.location_id == "st-1"


def test_weird_but_legal_shapes_are_understood(tell):
    """Facts on the charging point, at catalog level, in capitals, with spaces; numbers as numbers; lower case money."""
    point = {
        "id": "cp-1",
        "tags": [
            {
                "descriptor": {"name": "Connector Specifications"},
                "list": [
                    {"descriptor": {"name": "Connector Type"}, "value": "ccs2"},
                    {"descriptor": {"code": "POWER_RATING"}, "value": 120},
                    {"descriptor": {"code": "charger-type"}, "value": "dc"},
                    {"descriptor": {"code": "availability"}, "value": "IN USE"},
                ],
            },
            "odd",
        ],
    }
    item = {
        "id": 17,
        "descriptor": {"code": "EV-CHARGER"},
        "price": {"value": Decimal("21.5"), "currency": "inr/KWH"},
        "location_ids": ["st-1"],
        "fulfillment_ids": ["cp-1"],
        "tags": None,
        "x_extra": {"deep": [1, 2]},
    }
    told = catalogs.provider(
        items=[item], fulfillments=None, locations=[{**catalogs.location(), "gps": "12.9716 , 77.5946"}]
    )
    tell({"fulfillments": [point], "providers": [told], "exp": 7})
    plug = offer()
    assert (plug.item_id, plug.standard, plug.max_kw) == ("17", "IEC_62196_T2_COMBO", Decimal(120))
    assert (plug.power_type, plug.status, plug.currency) == ("DC", "Charging", "INR")
    assert plug.energy_rate == Decimal("21.5")


@pytest.mark.parametrize(
    ("price", "rate"),
    [
        ({"value": "18.5", "currency": "INR/min"}, None),
        ({"value": "cheap", "currency": "INR"}, None),
        ({"value": "-3", "currency": "INR"}, None),
        ({"value": "9999999", "currency": "INR"}, None),
        ({"value": "18.5"}, None),
        ({"value": "18.5INR", "currency": "INR"}, Decimal("18.5")),
        (None, None),
    ],
)
def test_only_a_price_per_kwh_is_a_price(tell, price, rate):
    tell(catalogs.catalog(catalogs.provider(items=[{**catalogs.item(), "price": price}])))
    assert offer().energy_rate == rate


def test_a_status_from_the_future_is_as_old_as_its_arrival(tell):
    facts = {"last_seen_at": "2027-01-01T00:00:00Z", "status_changed_at": "2027-01-01T00:00:00Z"}
    tell(catalogs.catalog(catalogs.provider(items=[catalogs.item(**facts)])))
    assert offer().confirmed_at == offer().status_changed_at == NOON


def test_numbers_too_large_for_a_charger_are_unknown(tell):
    item = catalogs.item(power_rating="9999999kW", tax_percent="500", service_charge="9999999999")
    tell(catalogs.catalog(catalogs.provider(items=[item])))
    assert (offer().max_kw, offer().tax_percent, offer().session_fee) == (None, None, None)


def test_two_thousand_plugs_come_home_in_few_queries(tell, django_assert_max_num_queries):
    items = [catalogs.item(f"plug-{number}", place=f"st-{number % 500}") for number in range(2000)]
    places = [catalogs.location(f"st-{number}") for number in range(500)]
    big = catalogs.catalog(catalogs.provider(items=items, locations=places))
    with django_assert_max_num_queries(90):  # 49 + 9 on SQLite, which takes 999 values a statement
        assert tell(big) == 2000
    with django_assert_max_num_queries(90):
        tell(big)
    assert Offer.objects.count() == 2000


def test_answers_are_counted_per_operator(tell):
    run = SearchRun.objects.create(area="x", tick=1, asked_at=NOON, asked=[BPP])
    tell(transaction_id=run.transaction_id)
    tell(
        catalogs.catalog(catalogs.provider(items=[catalogs.item("plug-2")])),
        transaction_id=run.transaction_id,
    )
    answer = SearchAnswer.objects.get()
    assert (answer.bpp_id, answer.pages, answer.plugs) == (BPP, 2, 2)


def test_a_catalog_nobody_asked_for_is_kept(tell):
    assert tell() == 1
    assert not SearchAnswer.objects.exists()


def test_a_catalog_told_again_asks_no_more_for_more_plugs(tell):
    """Rows that are written anew are not read first, and the number of queries does not grow with them."""
    items = [catalogs.item(f"plug-{number}", connector_id="A") for number in range(12)]
    few = catalogs.catalog(catalogs.provider(items=items[:2]))
    many = catalogs.catalog(catalogs.provider(items=items))
    tell(few), tell(many)
    asked = []
    for told in (few, many):
        with CaptureQueriesContext(connection) as queries:
            tell(told)
        asked.append(len(queries))
    assert asked[1] <= asked[0]
