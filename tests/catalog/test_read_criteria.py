from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from apps.beckn.wire import v1_1 as wire
from apps.catalog import geo
from apps.catalog.network import read_criteria
from tests.factory import NOON

WORDS = st.text(max_size=30) | st.sampled_from(
    ["12.97,77.64", "-90,180", "0", "-1", "1e400", "NaN", "60kW", "CCS2", "km"]
)
CODES = st.sampled_from(["connector-type", "charger-type", "power-rating", "availability", "vehicle-type"])


def intent(gps: str, radius: str, unit: str, polygon: str, tags: list[tuple[str, str]], words: str) -> dict:
    circle = {"gps": gps, "radius": {"value": radius, "unit": unit}}
    listed = [{"descriptor": {"code": code}, "value": value} for code, value in tags]
    return {
        "descriptor": {"name": words},
        "provider": {"id": words, "descriptor": {"name": words}},
        "fulfillment": {
            "stops": [
                {"location": {"circle": circle, "polygon": polygon}, "time": {"range": {"start": words}}}
            ],
            "tags": [{"list": listed}],
        },
    }


@given(
    st.builds(
        intent, WORDS, WORDS, WORDS, WORDS | st.just(""), st.lists(st.tuples(CODES, WORDS), max_size=4), WORDS
    )
)
def test_whatever_a_search_says_is_read_or_matches_nothing(raw):
    criteria = read_criteria(wire.Intent.read(raw, "message.intent"), NOON)
    assert len(criteria.words) <= 8
    if criteria.circle:
        assert 0 <= criteria.circle.radius_km <= 20_100
        geo.box_around(criteria.circle)


@given(
    st.decimals(-90, 90, places=4),
    st.decimals(-180, 180, places=4),
    st.decimals(0, 20_000, places=2),
    st.decimals(-90, 90, places=4),
    st.decimals(-180, 180, places=4),
)
def test_the_box_loses_nobody_whom_the_circle_holds(lat, lon, radius_km, other_lat, other_lon):
    box = geo.box_around(geo.Circle(lat, lon, radius_km))
    if geo.distance_km((lat, lon), (other_lat, other_lon)) <= radius_km:
        assert box.south <= other_lat <= box.north
        assert any(west <= other_lon <= east for west, east in box.spans)


def test_distances_are_those_of_the_globe():
    paris, new_york = (Decimal("48.8566"), Decimal("2.3522")), (Decimal("40.7128"), Decimal("-74.0060"))
    assert round(geo.distance_km(paris, new_york)) == 5837
