"""Every filter of the address: what it finds, that unknown is not a match, and that two wishes mean one plug."""

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.discovery import finding, selectors
from apps.discovery.forms import FilterForm, Fit
from apps.discovery.models import Facets, Offer
from apps.lib import clock
from tests.discovery import catalogs
from tests.discovery.test_find import INDIA, filters, names

HUB = {
    "vehicle_type": "4-WHEELER",
    "amenity": "food",
    "accessible": "yes",
    "green_energy": "yes",
    "reservable": "yes",
    "opening_hours": "24 h",
    "service_charge": "5.00",
    "tax_name": "GST",
    "tax_percent": "18",
}
CORNER = {
    "charger_type": "AC",
    "connector_type": "15A",
    "power_rating": "3.3kW",
    "vehicle_type": "2W, auto_rickshaw",
    "amenity": "Shop, Food",
    "accessible": "no",
}


@pytest.fixture
def street(tell):
    """A hub that tells everything, a corner with a socket, and one that tells nothing."""
    tell(
        catalogs.catalog(
            catalogs.provider(
                locations=[
                    catalogs.location("hub", name="Hub"),
                    catalogs.location("corner", gps="12.975000,77.594600", name="Corner"),
                    catalogs.location("mute", gps="12.980000,77.594600", name="Mute"),
                ],
                items=[
                    catalogs.item("h-1", place="hub", power_rating="180kW", **HUB),
                    catalogs.item("c-1", place="corner", price="8.00", **CORNER),
                    {"id": "m-1", "location_ids": ["mute"]},
                ],
            )
        )
    )


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, ["Hub", "Corner", "Mute"]),
        ({"speed": "ultra"}, ["Hub"]),
        ({"speed": "slow"}, ["Corner"]),
        ({"speed": "normal"}, []),
        ({"kw": "150"}, ["Hub"]),
        ({"plug": ["DOMESTIC_D", "IEC_62196_T2_COMBO"]}, ["Hub", "Corner"]),
        ({"plug": ["DOMESTIC_D"], "current": "DC"}, []),
        ({"vehicle": "4-WHEELER"}, ["Hub"]),
        ({"vehicle": "3-WHEELER"}, ["Corner"]),
        ({"vehicle": "BUS"}, []),
        ({"amenity": ["food"]}, ["Hub", "Corner"]),
        ({"amenity": ["food", "shop"]}, ["Corner"]),
        ({"accessible": "on"}, ["Hub"]),
        ({"reservable": "on"}, ["Hub"]),
        ({"green": "on"}, ["Hub"]),
        ({"open": "on"}, ["Hub"]),
        ({"free": "on"}, ["Hub", "Corner"]),
        ({"max_price": "160"}, ["Corner"]),
        ({"max_price": "442.50"}, ["Hub", "Corner"]),  # (18.50 × 20 + 5) and 18 %
        ({"max_price": "442.49"}, ["Corner"]),
        ({"max_price": "100", "kwh": "10"}, ["Corner"]),
        ({"sort": "price"}, ["Corner", "Hub", "Mute"]),
        ({"sort": "power"}, ["Hub", "Corner", "Mute"]),
        ({"fits": ["DOMESTIC_D"], "ac_kw": "3"}, ["Corner"]),
        ({"operator": "SPARKDOCK", "green": "on"}, ["Hub"]),
    ],
)
def test_a_filter_finds_what_fits(street, said, expected):
    assert names(**said) == expected
    pins = selectors.pins_in_box(filters(**said), INDIA)["pins"]
    assert sorted(pin["name"] for pin in pins) == sorted(expected)
    assert selectors.find(filters(**said)).total == len(expected)


@pytest.mark.parametrize(
    "said",
    [
        {"vehicle": "TANK", "speed": "warp", "sort": "beauty", "amenity": ["casino"]},
        {"plug": ["banana"], "fits": ["banana"], "kwh": "-1", "minutes": "x", "max_price": "NaN"},
        {"max_price": "-5", "kwh": "1e99", "ac_kw": "Infinity"},
    ],
)
def test_nonsense_is_as_good_as_empty(street, said):
    assert names(**said) == ["Hub", "Corner", "Mute"]


def test_one_of_several_words_may_be_nonsense(street):
    assert FilterForm({"plug": ["banana", "DOMESTIC_D"]}).filters().plugs == ("DOMESTIC_D",)


def test_two_wishes_are_wishes_for_one_plug(tell):
    """A weak CCS2 and a strong CHAdeMO, one green and one for buses, are no strong, green CCS2."""
    items = [
        catalogs.item("a", power_rating="30kW", green_energy="yes", vehicle_type="4-WHEELER"),
        catalogs.item("b", connector_type="CHADEMO", power_rating="150kW", vehicle_type="BUS"),
    ]
    tell(catalogs.catalog(catalogs.provider(items=items)))
    assert names(plug=["IEC_62196_T2_COMBO"]) == names(kw="150") == names(green="on") == ["Cubbon Park Plaza"]
    assert names(plug=["IEC_62196_T2_COMBO"], kw="150") == []
    assert names(vehicle="BUS", green="on") == []
    assert names(plug=["CHADEMO"], green="on") == []


def test_free_is_a_wish_for_the_plug_that_fits(tell, noon):
    """The old word of one plug is not made young by the new word of the other."""
    items = [
        catalogs.item("old", last_seen_at="2026-11-22T06:10:00Z"),
        catalogs.item("new", connector_type="CHADEMO"),
    ]
    tell(catalogs.catalog(catalogs.provider(items=items)))
    assert names(free="on") == names(free="on", plug=["CHADEMO"]) == ["Cubbon Park Plaza"]
    assert names(free="on", plug=["IEC_62196_T2_COMBO"]) == []
    noon.shift(timedelta(minutes=16))
    assert names(free="on") == []


def test_a_plug_of_an_unknown_standard_is_found_by_what_is_known(tell):
    tell(catalogs.catalog(catalogs.provider(items=[catalogs.item(connector_type="QUANTUM")])))
    assert names(current="DC") == names(kw="50") == names(current="DC", free="on") == ["Cubbon Park Plaza"]
    assert names(plug=["IEC_62196_T2_COMBO"]) == names(kw="100") == []


def test_plugs_of_one_evse_turn_busy_together_also_across_pages(tell, noon):
    tell(catalogs.catalog(catalogs.provider(items=[catalogs.item("a", evse_id="e")])))
    assert names(free="on") == ["Cubbon Park Plaza"]
    noon.shift(timedelta(minutes=1))
    busy = catalogs.item("b", evse_id="e", connector_type="CHADEMO", availability="Charging")
    tell(catalogs.catalog(catalogs.provider(items=[busy])))
    assert names(free="on") == []
    (card,) = selectors.find(filters(plug=["IEC_62196_T2_COMBO"])).cards
    assert (card.counts.word, card.counts.free, card.counts.total) == ("busy", 0, 1)
    noon.shift(timedelta(minutes=1))
    tell(catalogs.catalog(catalogs.provider(items=[{**busy, **catalogs.item("b", evse_id="e")}])))
    assert names(free="on") == ["Cubbon Park Plaza"]


def test_cars_are_counted_and_plugs_are_listed(tell):
    items = [catalogs.item("a", evse_id="e"), catalogs.item("b", evse_id="e"), catalogs.item("c")]
    tell(catalogs.catalog(catalogs.provider(items=items)))
    (card,) = selectors.find(filters()).cards
    view = selectors.station_view(card.station.code)
    (pin,) = selectors.pins_in_box(filters(), INDIA)["pins"]
    assert (card.counts.free, card.counts.total) == (pin["free"], pin["total"]) == (2, 2)
    assert (view.counts.free, len(view.plugs)) == (2, 3)


def test_facets_and_plugs_never_disagree(street, noon):
    """Take the shortcut away: the plugs themselves give the same answer."""
    questions = [
        *(
            {"free": "on"},
            {"plug": ["DOMESTIC_D"]},
            {"speed": "ultra", "free": "on"},
            {"current": "AC", "kw": "7"},
        ),
        *({"green": "on", "free": "on"}, {"vehicle": "2-WHEELER"}),
    ]
    quick = [names(**said) for said in questions]
    Facets.objects.update(seen_from=0)  # now nothing is sure
    assert [names(**said) for said in questions] == quick


def test_the_fit_of_a_car_is_in_the_address():
    said = FilterForm({"fits": ["IEC_62196_T2_COMBO", "IEC_62196_T2"], "dc_kw": "50"}).filters()
    assert said.fits == Fit(("IEC_62196_T2_COMBO", "IEC_62196_T2"), None, Decimal(50))


def test_what_facets_say_of_a_plug_is_what_its_row_says(street):
    assert finding.stations(filters(), clock.now()).count() == Facets.objects.count() == 3
    assert Offer.objects.get(item_id="c-1").vehicle_types == ["2-WHEELER", "3-WHEELER"]
