from datetime import UTC, datetime
from decimal import Decimal

import pytest

from apps.beckn.wire import v1_1 as wire


def tags(group: str, **pairs) -> list[dict]:
    entries = [{"descriptor": {"code": key}, "value": value} for key, value in pairs.items()]
    return [{"descriptor": {"name": group}, "list": entries}]


SAID = {
    "connector-id": "a",
    "connector-type": "IEC_62196_T2_COMBO",
    "charger-type": "DC",
    "connector-format": "cable",
    "power-rating": "60kW",
    "availability": "Available",
    "status-changed-at": "2026-11-22T06:00:00.000Z",
    "last-seen-at": "2026-11-22T12:00:00+05:30",
    "evse-id": "hub-a-evse-2",
    "vehicle-type": "4-WHEELER",
    "energy-rate": "16.5025",
    "service-charge": "5.00",
    "tax-name": "GST",
    "tax-percent": "18",
    "time-zone": "Asia/Kolkata",
    "opening-hours": "24 h",
    "closed": "Outside opening hours",
    "opens-at": "2026-11-23T06:00:00+05:30",
    "closes-at": "2026-11-23T17:30:00Z",
}


def test_everything_said_of_a_plug_is_read():
    assert wire.read_plug(wire.Item.read({"tags": tags("c", **SAID)})) == wire.PlugFacts(
        connector_id="a",
        letter="A",
        connector_type="IEC_62196_T2_COMBO",
        charger_type="DC",
        connector_format="CABLE",
        power_kw=Decimal(60),
        availability="Available",
        status_changed_at=datetime(2026, 11, 22, 6, 0, tzinfo=UTC),
        last_seen_at=datetime(2026, 11, 22, 6, 30, tzinfo=UTC),
        evse_id="hub-a-evse-2",
        vehicle_types=("4-WHEELER",),
        energy_rate=Decimal("16.5025"),
        session_fee=Decimal("5.00"),
        tax_name="GST",
        tax_percent=Decimal(18),
        time_zone="Asia/Kolkata",
        opening_hours="24 h",
        closed="Outside opening hours",
        opens_at=datetime(2026, 11, 23, 0, 30, tzinfo=UTC),
        closes_at=datetime(2026, 11, 23, 17, 30, tzinfo=UTC),
    )


@pytest.mark.parametrize("word", ["false", "No", " open ", "0"])
def test_a_station_that_is_said_not_to_be_closed_is_not(word):
    item = wire.Item.read({"tags": tags("station-details", **{"closed": word, "opens-at": "at six"})})
    plug = wire.read_plug(item)
    assert (plug.closed, plug.opens_at) == ("", None)


def test_nothing_said_is_nothing_known():
    assert wire.read_plug(wire.Item(id="x")) == wire.PlugFacts()


def test_facts_on_the_charging_point_are_found():
    point = wire.Fulfillment.read(
        {
            "tags": tags(
                "Connector Specifications", Connector_Type="ccs2", POWER_RATING="50 kW", status="IN USE"
            )
        }
    )
    plug = wire.read_plug(wire.Item(id="x"), point)
    assert (plug.connector_type, plug.power_kw, plug.availability) == ("IEC_62196_T2_COMBO", 50, "Charging")


def test_a_plug_of_an_offline_point_is_offline():
    point = wire.Fulfillment.read({"tags": tags("Charging Point Specifications", availability="Offline")})
    assert (
        wire.read_plug(
            wire.Item(id="x", tags=wire.Item.read({"tags": tags("c", **SAID)}).tags), point
        ).availability
        == "Offline"
    )


def test_an_online_point_says_nothing_of_its_plugs():
    point = wire.Fulfillment.read({"tags": tags("Charging Point Specifications", availability="Online")})
    assert wire.read_plug(wire.Item(id="x"), point).availability == "Unknown"
    point = wire.Fulfillment.read({"tags": tags("Charging Point Specifications", availability="Available")})
    assert wire.read_plug(wire.Item(id="x"), point).availability == "Available"


@pytest.mark.parametrize("power", ["much", "-5kW", "NaN", "60kWh", ""])
def test_impossible_numbers_are_unknown(power):
    item = wire.Item.read({"tags": tags("c", **{"power-rating": power, "tax-percent": "-1"})})
    plug = wire.read_plug(item)
    assert (plug.power_kw, plug.tax_percent) == (None, None)


def test_an_unknown_plug_keeps_the_word_of_its_operator():
    item = wire.Item.read({"tags": tags("c", **{"connector-type": "MegaPlug", "availability": "dunno"})})
    plug = wire.read_plug(item)
    assert (plug.connector_type, plug.availability) == ("MegaPlug", "Unknown")
