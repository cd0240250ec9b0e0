"""What real operators send: our own catalog room, and a foreign platform with odd manners."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from apps.beckn.wire import v1_1 as wire
from apps.catalog import network as catalog_network
from apps.discovery.models import Offer, OfferedStation
from tests.discovery.conftest import NOON
from tests.foreign import shop


def on_the_wire(body: dict) -> dict:
    """Through bytes and back, as a message travels."""
    raw = json.dumps({"context": {"action": "on_search"}, "message": {"catalog": body}})
    return wire.read_envelope(raw.encode()).message["catalog"]


def test_our_own_catalog_comes_home_whole(tell, factory):
    evse = factory.make_evse()
    plugs = (
        factory.make_priced_connector(evse),
        factory.make_priced_connector(evse, standard="IEC_62196_T2", power_type="AC_3_PHASE"),
    )
    told = catalog_network.OfferedEvse(evse, plugs, plugs)
    (catalog,) = catalog_network.catalogs([told], NOON)
    tell(on_the_wire(catalog.to_wire()))
    one, other = Offer.objects.select_related("station")
    tariff, station = plugs[0].tariff, evse.station
    assert (one.item_id, one.fulfillment_id, one.letter) == (plugs[0].code, evse.code, "A")
    assert one.evse_id == other.evse_id == evse.code
    assert (one.energy_rate, one.session_fee) == (tariff.energy_rate, tariff.session_fee)
    assert (one.tax_name, one.tax_percent) == (tariff.tax_name, tariff.tax_percent)
    assert (one.status, one.status_changed_at, one.confirmed_at) == ("Available", NOON, NOON)
    assert (other.standard, other.power_type, other.max_kw) == ("IEC_62196_T2", "AC", Decimal(60))
    assert (one.station.name, one.station.zone) == (station.name, station.zone)
    assert (one.station.provider_id, one.station.location_id) == (station.operator.code, station.code)


def test_our_own_hours_come_home(tell, factory):
    hours = [{"days": [6], "opens": "17:00", "closes": "23:00"}]
    evse = factory.make_evse(factory.make_station(hours=hours))
    told = catalog_network.OfferedEvse(evse, plugs := (factory.make_priced_connector(evse),), plugs)
    (catalog,) = catalog_network.catalogs([told], NOON)
    tell(on_the_wire(catalog.to_wire()))
    station = OfferedStation.objects.get()
    assert (station.closed_reason, station.opens_at) == ("Outside opening hours", NOON + timedelta(hours=5))


@pytest.mark.parametrize("odd", [True, False])
def test_a_foreign_catalog_is_understood_however_it_is_said(tell, odd):
    tell(on_the_wire(shop.Voice(odd).catalog()))
    offers = {offer.item_id: offer for offer in Offer.objects.all()}
    assert set(offers) == set(shop.PLUGS)
    for station in OfferedStation.objects.all():
        assert (station.closed_reason, station.opens_at, station.closes_at) == ("", None, None)
    for item_id, plug in shop.PLUGS.items():
        offer = offers[item_id]
        assert (offer.standard, offer.power_type) == (plug.connector_type, plug.current)
        assert (offer.max_kw, offer.energy_rate) == (plug.power_kw, plug.price)
        assert (offer.currency, offer.status) == ("INR", plug.availability)
