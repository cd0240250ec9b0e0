"""A closed station is never green: pin, card, list, filter and station page ask the same question."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from apps.discovery import facets, selectors, words
from apps.discovery.forms import FilterForm
from apps.discovery.models import OfferedStation
from tests.discovery import catalogs
from tests.discovery.conftest import NOON
from tests.discovery.test_find import INDIA

# NOON is a Sunday, 12:00 IST.
SHUT = {"closed": "Outside opening hours", "opens_at": "2026-11-22T11:30:00Z"}
FURTHER_NOTICE = {"closed": "Waterlogged"}
HOUR = timedelta(hours=1)


@pytest.fixture
def told(tell):
    """told(closed=…, opens_at=…): one station with a free plug and these tags."""

    def told(**facts) -> OfferedStation:
        facts = {"time_zone": "Asia/Kolkata", **facts}
        tell(catalogs.catalog(catalogs.provider(items=[catalogs.item(**facts)])))
        return OfferedStation.objects.get()

    return told


def filters(**said):
    return FilterForm({"lat": "12.9716", "lon": "77.5946", **said}).filters()


def said_everywhere(station: OfferedStation) -> set[tuple[str, int, int]]:
    """(word, free, stations listed as available now) of list, map and station page."""
    card, view = selectors.find(filters()).cards[0], selectors.station_view(station.code)
    (pin,) = selectors.pins_in_box(filters(), INDIA)["pins"]
    available = selectors.find(filters(free="on")).total
    assert len(selectors.pins_in_box(filters(free="on"), INDIA)["pins"]) == available
    return {
        (card.counts.word, card.counts.free, available),
        (pin["status"], pin["free"], available),
        (view.counts.word, view.counts.free, available),
        (view.plugs[0].word, int(view.plugs[0].is_first_free), available),
    }


OPEN, CLOSED = {("free", 1, 1)}, {("closed", 0, 0)}


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({}, OPEN),
        (SHUT, CLOSED),
        (FURTHER_NOTICE, CLOSED),
        ({"closes_at": "2026-11-22T17:30:00Z"}, OPEN),
        ({"closes_at": "2026-11-22T06:30:00Z"}, CLOSED),  # this very moment
        ({"opens_at": "2026-11-22T11:30:00Z"}, OPEN),  # nobody said that it is closed
        ({**SHUT, "opens_at": "2026-11-22T06:30:00Z"}, OPEN),
        ({**SHUT, "opens_at": "some day"}, CLOSED),
        ({**SHUT, "closes_at": "2026-11-22T06:00:00Z"}, CLOSED),  # when it closed: no news
        ({**FURTHER_NOTICE, "closed": "no"}, OPEN),
    ],
)
def test_all_pages_say_the_same_of_a_closed_station(told, tags, said):
    assert said_everywhere(told(**tags)) == said


def test_a_station_whose_opening_has_passed_is_open_again(told, noon):
    station = told(**SHUT, last_seen_at="2026-11-22T12:00:00Z", closes_at="2026-11-22T17:30:00Z")
    noon.shift(5 * HOUR)
    told(**SHUT, last_seen_at="2026-11-22T11:30:00Z", closes_at="2026-11-22T17:30:00Z")
    assert said_everywhere(station) == OPEN
    assert selectors.station_view(station.code).closes == "23:00 IST"
    noon.shift(6 * HOUR)
    told(**SHUT, last_seen_at="2026-11-22T17:30:00Z", closes_at="2026-11-22T17:30:00Z")
    assert said_everywhere(station) == CLOSED
    assert selectors.station_view(station.code).counts.text == ""


def test_a_station_that_is_told_open_again_forgets_that_it_was_closed(told, noon):
    told(**SHUT)
    noon.shift(timedelta(minutes=1))
    station = told()
    assert (station.closed_reason, station.opens_at) == ("", None)
    assert said_everywhere(station) == OPEN


def test_an_old_word_on_a_closed_station_is_still_closed(told, noon):
    station = told(**FURTHER_NOTICE)
    noon.shift(HOUR)
    assert said_everywhere(station) == CLOSED


@pytest.mark.parametrize(
    ("zone", "opens_at", "text"),
    [
        ("Asia/Kolkata", "2026-11-22T11:30:00Z", "17:00 IST"),
        ("Asia/Kolkata", "2026-11-23T06:30:00Z", "12:00 IST"),
        ("Asia/Kolkata", "2026-11-24T00:30:00Z", "Tue 06:00 IST"),
        ("Asia/Kolkata", "2026-12-24T00:30:00Z", "24 December 2026 06:00 IST"),
        ("America/New_York", "2026-11-22T11:00:00Z", "06:00 EST"),
        ("Europe/Berlin", "2026-11-23T05:00:00Z", "06:00 CET"),
    ],
)
def test_the_opening_is_told_by_the_clock_of_the_station(told, zone, opens_at, text):
    station = told(closed="Night", opens_at=opens_at, time_zone=zone)
    counts = selectors.station_view(station.code).counts
    assert counts.text == f"Closed, opens {text}"
    assert selectors.pins_in_box(filters(), INDIA)["pins"][0]["words"] == counts.text


def test_the_clock_is_that_after_the_change_in_the_night(told, noon):
    noon.move_to(datetime(2026, 10, 31, 23, 0, tzinfo=UTC))  # New York goes back an hour at 06:00 UTC
    station = told(closed="Night", opens_at="2026-11-01T05:00:00Z", time_zone="America/New_York")
    assert selectors.station_view(station.code).counts.text == "Closed, opens 01:00 EDT"
    again = told(closed="Night", opens_at="2026-11-01T06:00:00Z", time_zone="America/New_York")
    assert selectors.station_view(again.code).counts.text == "Closed, opens 01:00 EST"


def test_rows_and_facets_mean_the_same():
    moments = [None, NOON - HOUR, NOON, NOON + HOUR]
    place = {"lat": Decimal("12.97"), "lon": Decimal("77.59"), "provider_name": "SparkDock"}
    for reason in ("", "Night"):
        for opens_at in moments:
            for closes_at in moments:
                said = {"closed_reason": reason, "opens_at": opens_at, "closes_at": closes_at}
                station = OfferedStation(**place, **said)
                told = facets.of_place(station)
                is_open = told["open_from"] <= facets.micros(NOON) < told["open_until"]
                assert is_open == (words.closing_of(station, NOON) is None), said


def test_the_button_of_a_plug_says_why(client, told):
    url = told(**SHUT).get_absolute_url()
    text = client.get(url).content.decode()
    assert "Closed, opens 17:00 IST" in text and "The station is closed now and opens 17:00 IST." in text
    assert "Charge here" not in text and "/orders/new/" not in text
    text = client.get("/").content.decode()
    assert "pin--closed" in text and "Closed, opens 17:00 IST" in text


def test_the_reason_of_the_operator_is_told(client, told):
    text = client.get(told(**FURTHER_NOTICE).get_absolute_url()).content.decode()
    assert "Closed now" in text and "The station is closed. The operator says: Waterlogged" in text


def test_when_it_closes_is_told_the_day_before(client, told):
    text = client.get(told(closes_at="2026-11-22T17:30:00Z").get_absolute_url()).content.decode()
    assert "closes 23:00 IST" in text
    text = client.get(told(closes_at="2026-11-27T17:30:00Z").get_absolute_url()).content.decode()
    assert "closes" not in text
