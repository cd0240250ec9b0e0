from datetime import timedelta
from decimal import Decimal

import pytest

from apps.discovery import clusters, selectors
from apps.discovery.areas import Box
from apps.discovery.forms import FilterForm, Filters
from apps.discovery.words import Counts
from tests.discovery import catalogs

SLOW = {
    "charger_type": "AC",
    "connector_type": "Type 2",
    "power_rating": "22kW",
    "availability": "Charging",
}
INDIA = Box(Decimal(5), Decimal(60), Decimal(40), Decimal(100))


def filters(**said) -> Filters:
    return FilterForm({"lat": "12.9716", "lon": "77.5946", **said}).filters()


def names(**said) -> list[str]:
    return [card.station.name for card in selectors.find(filters(**said)).cards]


@pytest.fixture
def town(tell):
    """Three stations: DC free here, AC in use 5 km off, one fault far away."""
    tell(
        catalogs.catalog(
            catalogs.provider(
                locations=[
                    catalogs.location("st-1", name="Near Plaza"),
                    catalogs.location("st-2", gps="13.010000,77.590000", name="Middle Park"),
                    catalogs.location("st-3", gps="12.300000,76.640000", name="Mysuru Palace"),
                ],
                items=[
                    catalogs.item("a", place="st-1"),
                    catalogs.item(
                        "b",
                        place="st-2",
                        charger_type="AC",
                        connector_type="Type 2",
                        power_rating="22kW",
                        availability="Charging",
                    ),
                    catalogs.item("c", place="st-3", availability="Faulted"),
                ],
            )
        )
    )


def test_the_nearest_comes_first(town):
    assert names() == ["Near Plaza", "Middle Park"]
    assert names(lat="13.02", lon="77.59") == ["Middle Park", "Near Plaza"]


def test_only_the_circle_counts(town):
    assert names(radius="3") == ["Near Plaza"]
    assert names(radius="200") == ["Near Plaza", "Middle Park", "Mysuru Palace"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"current": "AC"}, ["Middle Park"]),
        ({"plug": "IEC_62196_T2_COMBO"}, ["Near Plaza"]),
        ({"kw": "50"}, ["Near Plaza"]),
        ({"free": "on"}, ["Near Plaza"]),
        ({"operator": "sparkdock"}, ["Near Plaza", "Middle Park"]),
        ({"operator": "nobody"}, []),
        ({"q": "palace mysuru"}, ["Mysuru Palace"]),
        ({"q": "sparkdock"}, ["Near Plaza", "Middle Park", "Mysuru Palace"]),
        ({"current": "AC", "free": "on"}, []),
    ],
)
def test_filters_narrow(town, said, expected):
    assert names(**said) == expected


@pytest.mark.parametrize(
    "said",
    [
        {"lat": "north", "lon": "NaN", "radius": "-5"},
        {"plug": "banana", "current": "XY", "kw": "1e9"},
        {"lat": "91", "lon": "181"},
    ],
)
def test_nonsense_in_a_filter_is_as_good_as_nothing(town, said):
    assert names(**said) == ["Near Plaza", "Middle Park"]


def test_an_offer_older_than_15_minutes_is_not_confirmed_and_never_free(town, noon):
    assert selectors.find(filters()).cards[0].counts.word == "free"
    noon.shift(timedelta(minutes=15))
    assert selectors.find(filters()).cards[0].counts.word == "free"
    noon.shift(timedelta(seconds=1))
    assert [card.counts.word for card in selectors.find(filters()).cards] == ["unknown", "unknown"]
    assert names(free="on") == []


def test_a_charger_that_lost_its_line_is_not_confirmed_rather_than_broken(tell):
    tell(catalogs.catalog(catalogs.provider(items=[catalogs.item(availability="Offline")])))
    (card,) = selectors.find(filters()).cards
    assert (card.counts.word, card.counts.pin_text, card.counts.broken) == ("unknown", "?", 0)


def test_an_old_proof_of_life_is_old_however_fresh_the_message(tell):
    tell(catalogs.catalog(catalogs.provider(items=[catalogs.item(last_seen_at="2026-11-22T06:00:00Z")])))
    assert selectors.find(filters()).cards[0].counts.word == "unknown"


def test_yesterdays_offers_are_not_shown(town, noon):
    noon.shift(timedelta(hours=25))
    assert names() == []
    assert selectors.why_empty(filters()).nothing_known


@pytest.mark.parametrize(
    ("counts", "word", "pin"),
    [
        (Counts(total=4, free=2, unknown=0, broken=1, reserved=0), "free", "2"),
        (Counts(total=4, free=2, unknown=1, broken=0, reserved=0), "some-unknown", "2"),
        (Counts(total=4, free=0, unknown=1, broken=0, reserved=0), "unknown", "?"),
        (Counts(total=4, free=0, unknown=4, broken=0, reserved=0), "unknown", "?"),
        (Counts(total=4, free=0, unknown=0, broken=4, reserved=0), "fault", "!"),
        (Counts(total=2, free=0, unknown=0, broken=0, reserved=2), "reserved", ""),
        (Counts(total=4, free=0, unknown=0, broken=1, reserved=0), "busy", "0"),
        (Counts(total=0, free=0, unknown=0, broken=0, reserved=0), "unknown", "?"),
    ],
)
def test_a_station_says_one_word(counts, word, pin):
    assert (counts.word, counts.pin_text) == (word, pin)


def test_an_empty_list_says_which_filter_hides_what(town):
    empty = selectors.why_empty(filters(current="AC", free="on"))
    assert [(drop.field, drop.total) for drop in empty.relaxations] == [("free", 1), ("current", 1)]


def test_an_empty_circle_says_how_far_the_nearest_is(town):
    empty = selectors.why_empty(filters(lat="12.31", lon="76.65", radius="1", current="DC"))
    assert (empty.nearest.name, empty.nearest_km) == ("Mysuru Palace", Decimal("1.6"))


def test_the_list_costs_four_queries(town, django_assert_num_queries):
    with django_assert_num_queries(4):
        assert selectors.find(filters()).total == 2


def test_the_list_has_pages(tell):
    places = [catalogs.location(f"st-{number}") for number in range(31)]
    items = [catalogs.item(f"p-{number}", place=f"st-{number}") for number in range(31)]
    tell(catalogs.catalog(catalogs.provider(locations=places, items=items)))
    first, second = selectors.find(filters()), selectors.find(filters(), page=2)
    assert (len(first.cards), first.has_next, first.total) == (30, True, 31)
    assert (len(second.cards), second.has_next) == (1, False)


def test_pins_say_what_the_list_says(town):
    pins = selectors.pins_in_box(filters(), INDIA)["pins"]
    assert [(pin["name"], pin["status"], pin["free"], pin["total"]) for pin in pins] == [
        ("Near Plaza", "free", 1, 1),
        ("Middle Park", "busy", 0, 1),
        ("Mysuru Palace", "fault", 0, 1),
    ]
    assert [pin["name"] for pin in selectors.pins_in_box(filters(free="on"), INDIA)["pins"]] == ["Near Plaza"]


@pytest.mark.parametrize(
    ("zoom", "pins", "balls"),
    [(5, [], [3]), (9, ["Mysuru Palace"], [2]), (12, ["Near Plaza", "Middle Park", "Mysuru Palace"], [])],
)
def test_pins_that_would_cover_each_other_are_one_ball(town, zoom, pins, balls):
    found = selectors.pins_in_box(filters(), INDIA, zoom)
    assert [pin["name"] for pin in found["pins"]] == pins
    assert [ball["count"] for ball in found["clusters"]] == balls


def test_a_ball_is_in_the_middle_of_its_stations(town):
    (ball,) = selectors.pins_in_box(filters(), INDIA, 9)["clusters"]
    assert (ball["lat"], ball["lon"]) == ("12.99080", "77.59230")


def test_from_close_by_stations_of_one_yard_have_pins_of_their_own():
    points = [(number, 12_970_000, 77_590_000) for number in range(3)]
    assert [len(group) for group in clusters.gather(points, INDIA, 14)] == [3]
    assert [len(group) for group in clusters.gather(points, INDIA, 15)] == [1, 1, 1]


@pytest.mark.parametrize("box", [INDIA, Box(Decimal(12), Decimal(76), Decimal(14), Decimal(78))])
def test_pins_cost_two_queries_and_so_do_clusters(town, django_assert_num_queries, monkeypatch, box):
    with django_assert_num_queries(2):
        assert len(selectors.pins_in_box(filters(), box)["pins"]) == 3
    monkeypatch.setattr(selectors, "MOST_PINS", 1)
    with django_assert_num_queries(2):
        found = selectors.pins_in_box(filters(), box)
    assert found["pins"] == []
    assert sum(cluster["count"] for cluster in found["clusters"]) == 3
