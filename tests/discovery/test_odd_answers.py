"""Odd but legal, odd and illegal, and very much of it: the map stays right."""

from decimal import Decimal
from uuid import uuid4

import pytest

from apps.beckn.wire import v1_1 as wire
from apps.discovery import selectors, services
from apps.discovery.areas import Box, box_around
from apps.discovery.models import Offer, OfferedStation, SearchAnswer, SearchRun
from tests.discovery import catalogs
from tests.discovery.conftest import BPP, NOON
from tests.discovery.test_find import INDIA, filters, names

NASTY = "'; DROP TABLE discovery_offer; -- <script>alert(1)</script> \u0000 ‮ %s {0}"


def box(south, west, north, east) -> Box:
    return Box(*(Decimal(str(edge)) for edge in (south, west, north, east)))


def pins(*edges, zoom=None, **said):
    return selectors.pins_in_box(filters(**said), box(*edges), zoom)


def test_facts_on_the_charging_point_numbers_and_categories_are_understood(tell):
    point = {
        "id": "cp-1",
        "stops": [{"type": "start", "time": {"range": {"start": "2026-11-22T08:00:00Z"}}}],
        "tags": [catalogs.tags("", connector_type="ccs2", power_rating=120, vehicle_type="Car")],
    }
    item = {
        "id": 7,
        "category_ids": ["cat-9"],
        "location_ids": ["st-1"],
        "fulfillment_ids": ["cp-1"],
    }
    green = {"id": "cat-9", "descriptor": {"code": "GREEN_TARIFF"}}
    tell(catalogs.catalog(catalogs.provider(items=[item], fulfillments=[point], categories=[green])))
    plug = Offer.objects.get()
    assert (plug.standard, plug.max_kw, plug.vehicle_types) == ("IEC_62196_T2_COMBO", 120, ["4-WHEELER"])
    assert (plug.is_green, plug.is_reservable) == (True, True)
    assert names(green="on", reservable="on", vehicle="4-WHEELER") == ["Cubbon Park Plaza"]


def test_equal_ids_of_two_platforms_and_two_stations_on_one_point(tell):
    tell()
    tell(bpp_id="volt.example")
    assert Offer.objects.count() == 2
    assert len(pins(12, 77, 13, 78, zoom=16)["pins"]) == 2
    (ball,) = pins(12, 77, 13, 78, zoom=12)["clusters"]
    assert ball["count"] == 2


def test_a_zone_that_does_not_exist_is_taken_from_the_place(tell):
    tell(catalogs.catalog(catalogs.provider(items=[catalogs.item(time_zone="Mars/Olympus")])))
    assert OfferedStation.objects.get().zone == "Asia/Kolkata"


@pytest.mark.parametrize("gps", ["-17.8,179.99", "-17.8,-179.99"])
def test_stations_by_the_date_line_are_seen_from_both_sides(tell, gps):
    tell(catalogs.catalog(catalogs.provider(locations=[catalogs.location(gps=gps)])))
    for west, east in ((179, 181), (-181, -179), (539, 541)):
        (pin,) = pins(-19, west, -17, east)["pins"]
        assert west <= Decimal(pin["lon"]) <= east
    assert pins(-19, 178, -17, 179.5)["pins"] == []
    for lon in ("179.95", "-179.95"):
        (card,) = selectors.find(filters(lat="-17.8", lon=lon)).cards
        assert card.distance_km < 20


def test_the_nearest_is_the_nearest_across_the_date_line(tell):
    far, near = catalogs.location("far", gps="-17.8,179.8"), catalogs.location("near", gps="-17.8,-179.99")
    items = [catalogs.item("a", place="far"), catalogs.item("b", place="near")]
    tell(catalogs.catalog(catalogs.provider(locations=[far, near], items=items)))
    found = selectors.find(filters(lat="-17.8", lon="179.99", radius="50")).cards
    assert [card.station.location_id for card in found] == ["near", "far"]


@pytest.mark.parametrize(("lat", "lon"), [("90", "0"), ("-90", "180"), ("89.99", "-120")])
def test_stations_at_the_poles_are_found(tell, lat, lon):
    tell(catalogs.catalog(catalogs.provider(locations=[catalogs.location(gps=f"{lat},{lon}")])))
    assert selectors.find(filters(lat=lat, lon="60")).total == 1
    assert len(pins(-90, -180, 90, 180)["pins"]) == len(pins(-90, -720, 90, 720)["pins"]) == 1


@pytest.mark.parametrize("radius", ["0", "0.001", "40000", "-1", "NaN", "1e400", "x"])
def test_an_absurd_radius_is_as_good_as_none(tell, radius):
    tell()
    assert names(radius=radius) == ["Cubbon Park Plaza"]
    assert box_around(Decimal(0), Decimal(0), Decimal(40_000)).spans == ((Decimal(-180), Decimal(180)),)


def test_boxes_inside_out_hold_nothing(tell):
    tell()
    assert pins(13, 78, 12, 77) == {"pins": [], "clusters": []}


@pytest.mark.parametrize(
    "field", ["q", "operator", "plug", "vehicle", "amenity", "speed", "sort", "radius", "fits"]
)
@pytest.mark.parametrize("text", [NASTY.replace("\u0000", ""), "x" * 10_000, "\u0000", "%", "_", "\\"])
def test_texts_are_only_texts_in_every_field(client, tell, field, text):
    tell()
    for url in ("/", "/stations/pins/?south=12&north=14&west=77&east=78&zoom=12"):
        query = dict(part.split("=") for part in url.partition("?")[2].split("&") if part)
        answer = client.get(url.partition("?")[0], {**query, field: text})
        assert answer.status_code == 200
        assert "<script>alert" not in answer.content.decode()
    assert Offer.objects.count() == 1


def test_texts_of_operators_are_only_texts(client, tell):
    text = NASTY.replace("\u0000", "")
    place = {**catalogs.location(name=text), "address": text}
    tell(catalogs.catalog(catalogs.provider(locations=[place], descriptor={"name": text})))
    page = client.get("/").content.decode()
    assert "DROP TABLE" in page and "<script>alert" not in page


def test_two_hundred_operators_answer_at_once_one_with_forty_pages_and_two_with_garbage(tell):
    """Sized down: 40 pages of 25 plugs stand for 20 000 items."""
    ids = [f"bpp-{number}.example" for number in range(200)]
    run = SearchRun.objects.create(area="all", tick=1, asked_at=NOON, asked=ids)
    for page in range(40):
        items = [catalogs.item(f"{page}-{number}", place=f"st-{number % 5}") for number in range(25)]
        places = [catalogs.location(f"st-{number}", gps=f"12.9{number},77.6") for number in range(5)]
        big = catalogs.catalog(catalogs.provider("big", locations=places, items=items))
        tell(big, bpp_id=ids[0], transaction_id=run.transaction_id)
    garbage = {"providers": [{"id": None}, 7, {"id": "x", "items": "all", "locations": [[]]}], "exp": []}
    for bpp_id in ids[1:3]:
        assert tell(garbage, bpp_id=bpp_id, transaction_id=run.transaction_id) == 0
    for bpp_id in ids[3:]:
        tell(bpp_id=bpp_id, transaction_id=run.transaction_id)
    assert SearchAnswer.objects.filter(run=run).count() == 200
    assert SearchAnswer.objects.get(bpp_id=ids[0]).plugs == 1000
    assert selectors.progress_of(run).answered == 200
    assert not selectors.progress_of(run).is_running
    found = selectors.find(filters())
    assert (found.total, len(found.cards)) == (5 + 197, 30)
    balls = selectors.pins_in_box(filters(), INDIA, 5)["clusters"]
    assert sum(ball["count"] for ball in balls) == 202
    (station,) = OfferedStation.objects.filter(bpp_id=ids[0], location_id="st-0")
    assert len(selectors.station_view(station.code).plugs) == 200


def test_an_answer_that_is_only_an_error_counts_as_an_answer(db):
    run = SearchRun.objects.create(area="x", tick=1, asked_at=NOON, asked=[BPP])
    services.record_catalog(
        **{"transaction_id": run.transaction_id, "bpp_id": BPP, "bpp_uri": "https://x", "catalog": None},
        error="Overloaded",
        received_at=NOON,
    )
    assert selectors.progress_of(run).answered == 1


def test_a_catalog_without_anything_is_no_harm(tell):
    for raw in ({}, {"providers": []}, {"providers": [{"id": "x"}]}):
        assert (
            services.record_catalog(
                transaction_id=uuid4(),
                bpp_id=BPP,
                bpp_uri="https://x",
                catalog=wire.Catalog.read(raw),
                error="",
                received_at=NOON,
            )
            == 0
        )
