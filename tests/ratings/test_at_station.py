"""What our drivers said of a station: theirs alone, and only of that place."""

from decimal import Decimal

from apps.lib import wiring
from apps.ratings.models import ReceivedRating
from apps.ratings.services import rate
from tests.orders.stage import OPERATOR, Stage

PLACE = {
    "bpp_id": OPERATOR,
    "provider_id": "sparkdock",
    "lat": Decimal("12.976300"),
    "lon": Decimal("77.592900"),
}


def given(**changes):
    return wiring.handler("EVENTS", "station.rated")(**{**PLACE, **changes})


def test_nothing_is_said_while_nobody_rated(stage):
    stage.until("SETTLED")
    assert given() is None


def test_mean_count_and_whether_it_worked(stage, stranger):
    for person, stars, did_work in ((stage, 5, True), (Stage(stranger), 4, True), (stage, 4, False)):
        person.until("SETTLED")
        rate(person.order, did_work=did_work, stars=stars, tags=[], words="")
    said = given()
    assert (said.stars, said.count, said.worked) == (Decimal("4.3"), 3, 2)


def test_other_places_and_other_apps_have_no_say(stage):
    stage.until("SETTLED")
    rate(stage.order, did_work=True, stars=5, tags=[], words="")
    assert given(lat=Decimal("12.976301")) is None
    assert given(provider_id="volt") is None
    assert given(bpp_id="volt.example") is None
    assert not ReceivedRating.objects.exists() and given().count == 1


def test_the_rating_outlives_the_row_of_discovery(stage):
    stage.until("SETTLED")
    rate(stage.order, did_work=True, stars=5, tags=[], words="")
    stage.order.offer.station.delete()
    assert given().count == 1
