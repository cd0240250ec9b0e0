"""What our drivers said of a station: theirs alone, and only of that place."""

from decimal import Decimal
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.discovery.forms import Filters
from apps.discovery.models import OfferedStation
from apps.discovery.selectors import find
from apps.lib import wiring
from apps.orders.models import Order
from apps.ratings.models import GivenRating, ReceivedRating
from apps.ratings.selectors import Given, given_at_stations
from apps.ratings.services import Said, rate
from tests.discovery import catalogs
from tests.orders.stage import OPERATOR, Stage

PLACE = {
    "bpp_id": OPERATOR,
    "provider_id": "sparkdock",
    "lat": Decimal("12.976300"),
    "lon": Decimal("77.592900"),
}


def said(**changes):
    return wiring.handler("EVENTS", "station.rated")(**{**PLACE, **changes})


def rated(person: Stage, stars: int = 5, *, did_work: bool = True, words: str = "", **at: Any) -> None:
    person.until("SETTLED")
    Order.objects.filter(pk=person.order.pk).update(**at)
    rate(person.fresh(), Said(did_work=did_work, stars=stars, words=words))


def test_nothing_is_said_while_nobody_rated(stage):
    stage.until("SETTLED")
    assert said() is None


def test_mean_count_and_whether_it_worked(stage, stranger):
    for person, stars, did_work in ((stage, 5, True), (Stage(stranger), 4, True), (stage, 4, False)):
        rated(person, stars, did_work=did_work)
    assert said().here == Given(Decimal("4.3"), 3, 2)


def test_a_few_ratings_have_counts_and_no_mean(stage):
    for _charge in range(2):
        rated(stage, 1)
    assert said().here == Given(None, 2, 2)


def test_the_operator_is_counted_over_all_its_stations(stage):
    for lat in ("12.976300", "12.900000", "12.800000"):
        rated(stage, 4, lat=Decimal(lat))
    assert (said().here.count, said().operator) == (1, Given(Decimal("4.0"), 3, 3))


def test_other_places_and_other_apps_have_no_say(stage):
    rated(stage)
    assert said(lat=Decimal("12.976301")) is None
    assert said(provider_id="volt") is None
    assert said(bpp_id="volt.example") is None
    assert not ReceivedRating.objects.exists() and said().here.count == 1


def test_the_rating_outlives_the_row_of_discovery(stage):
    rated(stage)
    stage.order.offer.station.delete()
    assert said().here.count == 1


def test_many_stations_are_asked_at_once(stage, django_assert_num_queries):
    for lat in ("12.976300", "12.976300", "12.900000"):
        rated(stage, 4, lat=Decimal(lat))
    places = [
        tuple({**PLACE, "lat": Decimal(lat)}.values()) for lat in ("12.976300", "12.900000", "12.700000")
    ]
    with django_assert_num_queries(1):
        found = given_at_stations(places)
    assert found == {places[0]: Given(None, 2, 2), places[1]: Given(None, 1, 1)}


def test_the_page_of_a_station_shows_words_and_nobodys_name(stage, client):
    rated(stage, 4, words='Dark & "cold".')
    page = client.get(stage.order.offer.station.get_absolute_url()).content.decode()
    assert "Dark &amp; &quot;cold&quot;." in page and "1 rating so far" in page
    assert "Asha" not in page and "Report these words" in page


def test_the_list_shows_what_drivers_said(stage, client, tell):
    tell(catalogs.catalog(catalogs.provider()))
    station = OfferedStation.objects.exclude(location_id="st-elsewhere").latest("pk")
    place = {name: getattr(station, name) for name in ("bpp_id", "provider_id", "lat", "lon")}
    for _charge in range(3):
        stage.until("SETTLED")
        rate(stage.fresh(), Said(did_work=True, stars=4))
    GivenRating.objects.update(**place)
    (card,) = find(Filters(lat=station.lat, lon=station.lon)).cards
    assert card.rated == Given(Decimal("4.0"), 3, 3)
    page = client.get("/", {"lat": str(station.lat), "lon": str(station.lon)}).content.decode()
    assert "4.0 of 5 from 3 charges" in page


def test_a_station_page_asks_as_often_for_many_as_for_one(stage, client, django_assert_num_queries):
    rated(stage, words="One.")
    client.get(stage.order.offer.station.get_absolute_url())  # asks the network
    with CaptureQueriesContext(connection) as one:
        client.get(stage.order.offer.station.get_absolute_url())
    path = stage.order.offer.station.get_absolute_url()
    for number in range(4):
        rated(stage, words=f"Word {number}.")
    with django_assert_num_queries(len(one)):
        client.get(path)
