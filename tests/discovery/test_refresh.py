import json
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from apps.beckn.inbox import Inbound
from apps.beckn.models import Message
from apps.beckn.wire import v1_1 as wire
from apps.discovery import forgetting, handlers, services
from apps.discovery.areas import area_around, distance_km
from apps.discovery.facets import kind_bits, micros
from apps.discovery.models import Facets, Offer, OfferedStation, SearchAnswer, SearchRun
from apps.discovery.network import Asks
from apps.lib import clock
from tests.conformance import assert_conforms
from tests.discovery import catalogs
from tests.discovery.conftest import BPP, NOON

HERE = {"lat": Decimal("12.9716"), "lon": Decimal("77.5946"), "radius_km": Decimal(5)}


def sent() -> list[dict]:
    return [json.loads(bytes(body)) for body in Message.objects.order_by("pk").values_list("body", flat=True)]


def test_a_search_goes_to_every_operator(operators):
    run = services.refresh(**HERE)
    assert run.asked == [BPP, "volt.example"]
    assert {UUID(message["context"]["transaction_id"]) for message in sent()} == {run.transaction_id}
    for message in sent():
        assert_conforms("search", message)
    circle = sent()[0]["message"]["intent"]["fulfillment"]["stops"][0]["location"]["circle"]
    assert circle == {
        "gps": "12.950000,77.600000",
        "radius": {"type": "CONSTANT", "value": "20", "unit": "km"},
    }


def test_neighbours_share_a_search(operators):
    first = services.refresh(**HERE)
    again = services.refresh(lat=Decimal("12.9610"), lon=Decimal("77.6001"), radius_km=Decimal(7))
    assert again == first
    assert Message.objects.count() == 2


def test_an_area_is_asked_again_when_the_answer_is_old(operators, noon):
    services.refresh(**HERE)
    noon.shift(timedelta(seconds=29))
    services.refresh(**HERE)
    assert SearchRun.objects.count() == 1
    noon.shift(timedelta(seconds=2))
    services.refresh(**HERE)
    assert SearchRun.objects.count() == 2


def test_the_asked_circle_covers_the_wanted_one():
    for lat, lon, radius in (
        ("12.9716", "77.5946", "5"),
        ("51.0249", "-0.0251", "12"),
        ("-33.87", "151.2", "1"),
    ):
        area = area_around(Decimal(lat), Decimal(lon), Decimal(radius))
        assert distance_km(Decimal(lat), Decimal(lon), area.lat, area.lon) + Decimal(radius) <= area.radius_km


def test_words_are_asked_as_words(operators):
    run = services.refresh_words(words="  Cubbon   Park ")
    assert sent()[0]["message"]["intent"] == {"descriptor": {"name": "Cubbon Park"}}
    assert_conforms("search", sent()[0])
    assert services.refresh_words(words="cubbon park") == run
    assert services.refresh_words(words="  ") is None


def test_with_nobody_to_ask_nothing_is_written(db):
    assert services.refresh(**HERE) is None
    assert not SearchRun.objects.exists()


def test_there_is_an_end_to_asking(operators, settings):
    settings.DISCOVERY = {**settings.DISCOVERY, "SEARCHES_AT_ONCE": 2}
    for lat in ("10", "20"):
        assert services.refresh(**{**HERE, "lat": Decimal(lat)})
    assert services.refresh(**{**HERE, "lat": Decimal("30")}) is None


def inbound(run: SearchRun, body: wire.Model | None, error: wire.Error | None = None) -> Inbound:
    message = Message(
        transaction_id=run.transaction_id, bpp_uri="https://grid.example/beckn", created_at=NOON
    )
    return Inbound(message, wire.Context(), body, error, BPP, late=False)


def test_an_answer_is_kept_and_counted(operators):
    run = services.refresh(**HERE)
    handlers.on_search(inbound(run, wire.OnSearchMessage.read({"catalog": catalogs.catalog()})))
    assert OfferedStation.objects.get().bpp_uri == "https://grid.example/beckn"
    assert SearchAnswer.objects.get().plugs == 1


def test_an_error_is_an_answer_too(operators):
    run = services.refresh(**HERE)
    handlers.on_search(inbound(run, None, wire.Error(code="50000", message="closed today")))
    assert SearchAnswer.objects.get().error == "closed today"


def test_old_searches_and_offers_are_forgotten(operators, tell, noon):
    services.refresh(**HERE)
    tell()
    noon.shift(timedelta(days=2))
    forgetting.forget_old()
    assert not SearchRun.objects.exists()
    assert Offer.objects.exists()
    noon.shift(timedelta(days=40))
    forgetting.forget_old()
    assert not OfferedStation.objects.exists()
    assert forgetting.forget_old() == 0


def test_filters_travel_but_never_whether_a_plug_is_free(operators, client):
    client.get(
        "/?plug=IEC_62196_T2_COMBO&plug=CHADEMO&current=DC&kw=50&vehicle=BUS&operator=SparkDock&green=on&free=on"
    )
    message = sent()[0]
    assert_conforms("search", message)
    intent = message["message"]["intent"]
    (group,) = intent["fulfillment"]["tags"]
    assert [(tag["descriptor"]["code"], tag["value"]) for tag in group["list"]] == [
        ("connector-type", "CHADEMO"),
        ("connector-type", "IEC_62196_T2_COMBO"),
        ("charger-type", "DC"),
        ("power-rating", "50kW"),
    ]
    assert intent["fulfillment"]["vehicle"] == {"category": "BUS"}
    assert intent["provider"] == {"descriptor": {"name": "SparkDock"}}
    assert intent["category"] == {"descriptor": {"code": "green-tariff"}}


def test_a_search_for_everything_covers_those_for_less(operators):
    narrow = services.refresh(**HERE, asks=Asks(current="DC"))
    assert services.refresh(**HERE, asks=Asks(current="DC")) == narrow
    wide = services.refresh(**HERE)
    assert wide != narrow
    assert services.refresh(**HERE, asks=Asks(current="AC")) == wide
    assert SearchRun.objects.count() == 2


def test_words_and_filters_travel_together(operators):
    services.refresh_words(words="plaza", asks=Asks(current="DC"))
    assert_conforms("search", sent()[0])
    assert sent()[0]["message"]["intent"]["descriptor"] == {"name": "plaza"}


def test_a_forgotten_plug_leaves_the_numbers_of_the_map(tell, noon):
    """What the map asks of a station is what its plugs of today say, not what one said a month ago."""
    old = catalogs.item("old", connector_type="CHADEMO", evse_id="e-1", availability="Charging")
    young = catalogs.item("young", connector_type="IEC_62196_T2_COMBO", evse_id="e-1")
    tell(catalogs.catalog(catalogs.provider(items=[old, young])))
    kinds = Facets.objects.get().dc
    noon.shift(timedelta(days=20))
    tell(catalogs.catalog(catalogs.provider(items=[young])))
    assert Facets.objects.get().dc == kinds
    noon.shift(timedelta(days=11))
    forgetting.forget_old()
    row, plug = Facets.objects.get(), Offer.objects.get()
    assert row.dc == kind_bits("IEC_62196_T2_COMBO", "DC", Decimal(60))[1] != kinds
    assert row.seen_from == row.seen_to == micros(plug.seen_at)
    assert plug.item_id == "young"


def test_a_station_that_lost_all_its_plugs_is_nowhere_on_the_map(tell, noon):
    tell(catalogs.catalog(catalogs.provider(items=[catalogs.item("a")])))
    OfferedStation.objects.update(seen_at=clock.now() + timedelta(days=40))
    noon.shift(timedelta(days=31))
    forgetting.forget_old()
    assert not Offer.objects.exists()
    assert Facets.objects.get().seen_to == 0
