"""The numbers of the map against the plugs themselves: never another answer, and seldom a second question."""

import random
from datetime import timedelta

import pytest

from apps.discovery import facets, finding, words
from apps.discovery.models import Facets, Offer
from apps.lib import clock
from tests.discovery import catalogs
from tests.discovery.test_find import filters

KITS = (
    ("DC", "IEC_62196_T2_COMBO", "180kW"),
    ("DC", "CHADEMO", "50kW"),
    ("AC", "IEC_62196_T2", "22kW"),
    ("AC", "15A", "3.3kW"),
    ("DC", "QUANTUM", None),  # nobody knows it
)
QUESTIONS = [
    {},
    {"vehicle": "BUS"},
    {"vehicle": "4-WHEELER", "green": "on"},
    {"vehicle": "4-WHEELER", "green": "on", "reservable": "on", "accessible": "on"},
    {"vehicle": "2-WHEELER", "free": "on"},
    {"green": "on", "reservable": "on", "free": "on", "amenity": ["food"]},
    {"green": "on", "plug": ["CHADEMO"]},
    {"reservable": "on", "current": "AC", "free": "on"},
    {"vehicle": "4-WHEELER", "current": "DC", "kw": "50"},
    {"vehicle": "4-WHEELER", "kw": "40"},
    {"current": "DC", "free": "on", "open": "on"},
    {"max_price": "400", "green": "on"},
]


@pytest.fixture
def many(tell, noon) -> None:
    """Stations of every mixture: kinds, wishes, states, and plugs that were told today and a day ago."""
    dice = random.Random(11)
    places = [catalogs.location(f"s-{n}", gps=f"12.97{n:04},77.594600") for n in range(120)]
    for age in (timedelta(hours=30), timedelta(minutes=40), timedelta(0)):
        noon.move_to(clock.now() - age)
        some = dice.sample(range(120), 80)
        items = [item for n in some for item in _plugs(n, dice)]
        tell(catalogs.catalog(catalogs.provider(locations=[places[n] for n in some], items=items)))
        noon.move_to(clock.now() + age)


def _plugs(place: int, dice: random.Random) -> list[dict]:
    station = {"amenity": dice.choice(("food", "shop")), "accessible": dice.choice(("yes", "no", None))}
    plugs = []
    for number in dice.sample(range(4), dice.randint(1, 3)):
        current, standard, power = dice.choice(KITS)
        said = {
            **station,
            "charger_type": current,
            "connector_type": standard,
            "power_rating": power,
            "availability": dice.choice(("Available", "Available", "Charging", "Faulted")),
            "green_energy": dice.choice(("yes", "no", None)),
            "reservable": dice.choice(("yes", "no", None)),
            "vehicle_type": dice.choice(("4-WHEELER", "2-WHEELER, BUS", None)),
            "opening_hours": "24 h",
        }
        plugs.append(catalogs.item(f"p-{place}-{number}", place=f"s-{place}", **said))
    return plugs


def by_facets(said: dict) -> set[int]:
    return set(finding.stations(filters(**said), clock.now()).values_list("pk", flat=True))


def by_plugs(said: dict) -> set[int]:
    """The slow way: every plug that fits, and of its station what is said of the place."""
    asked, now = filters(**said), clock.now()
    plugs = finding.plugs(asked, now).select_related("station")
    if asked.free:
        plugs = plugs.filter(shown_status="Available", shown_seen_at__gte=now - words.fresh_for())
    return {plug.station_id for plug in plugs if _fits_place(plug, asked)}


def _fits_place(plug: Offer, asked) -> bool:
    place = plug.station
    return (not asked.accessible or place.is_accessible) and set(asked.amenities) <= set(place.amenities)


@pytest.mark.parametrize("said", QUESTIONS, ids=str)
def test_the_numbers_say_what_the_plugs_say(many, said):
    found = by_facets(said)
    assert found == by_plugs(said)
    assert found  # a question that finds nothing proves nothing
    Facets.objects.update(seen_from=0)  # now nothing is sure
    assert by_facets(said) == found


def test_wishes_for_one_plug_are_answered_without_asking_the_plugs(tell):
    """Two plugs of one age: the numbers alone know that one is green and for cars, and none green and for buses."""
    items = [
        catalogs.item("a", green_energy="yes", vehicle_type="4-WHEELER"),
        catalogs.item("b", vehicle_type="BUS", availability="Charging"),
    ]
    tell(catalogs.catalog(catalogs.provider(items=items)))
    Offer.objects.all().delete()
    assert by_facets({"vehicle": "4-WHEELER", "green": "on"})
    assert by_facets({"vehicle": "4-WHEELER", "green": "on", "free": "on"})
    assert by_facets({"vehicle": "BUS"}) and by_facets({"vehicle": "4-WHEELER", "current": "DC"})
    assert not by_facets({"vehicle": "BUS", "green": "on"})
    assert not by_facets({"vehicle": "BUS", "free": "on"})


@pytest.mark.parametrize("wish", facets.WISHES)
def test_a_plug_fulfils_a_wish_when_it_has_all_of_it(wish):
    needed, bit = facets.needs_of(wish), facets.WISHES[wish]
    assert facets.fit_bits(needed) & bit
    assert facets.fit_bits(-1) == sum(facets.WISHES.values())
    for trait in facets.TRAITS.values():
        if needed & trait:
            assert not facets.fit_bits(needed & ~trait) & bit


def test_a_row_from_before_is_asked_of_its_plugs(tell):
    """As migration 0005 leaves it: every wish perhaps, none surely."""
    tell(catalogs.catalog(catalogs.provider(items=[catalogs.item("a", green_energy="yes")])))
    everything = sum(facets.WISHES.values())
    assert everything == (1 << 24) - 1
    Facets.objects.update(fits=everything, fits_free=everything, seen_from=0)
    assert by_facets({"green": "on"})
    assert not by_facets({"reservable": "on"})
