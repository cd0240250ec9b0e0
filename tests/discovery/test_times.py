"""When a plug can be reserved: asked of its operator alone, and kept as it was told."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest

from apps.beckn.models import Message
from apps.discovery import services
from apps.discovery.models import Offer, OfferedTimes, SearchRun
from apps.discovery.times import calendar
from tests.conformance import assert_conforms
from tests.discovery import catalogs
from tests.discovery.conftest import BPP, NOON


def slot(hours: int, minutes: int = 45) -> dict:
    begins = NOON + timedelta(hours=hours)
    ends = begins + timedelta(minutes=minutes)
    return {"type": "start", "time": {"range": {"start": begins.isoformat(), "end": ends.isoformat()}}}


def told_with(*stops: dict, **tags) -> dict:
    point = {"id": "cp-1", "type": "CHARGING", **({"stops": list(stops)} if stops else {})}
    return catalogs.catalog(catalogs.provider(fulfillments=[point], items=[catalogs.item(**tags)]))


def hours_of(offer: Offer) -> list[int]:
    days, _told_at = calendar(offer, "UTC")
    return [(time.begins - NOON) // timedelta(hours=1) for day in days for time in day.times]


@pytest.fixture
def offer(tell) -> Offer:
    tell(told_with())
    return Offer.objects.select_related("station").get()


def test_only_the_operator_of_the_plug_is_asked_and_for_a_time(offer, operators):
    run = services.refresh_times(offer)
    message = json.loads(bytes(Message.objects.get().body))
    assert_conforms("search", message)
    stop = message["message"]["intent"]["fulfillment"]["stops"][0]
    assert stop["time"]["range"] == {"start": "2026-11-22T06:30:00.000Z", "end": "2026-12-06T06:30:00.000Z"}
    assert stop["location"]["circle"]["radius"]["value"] == "0.5"
    assert run.asked == [BPP]
    assert services.refresh_times(offer) == run


def test_another_search_does_not_stand_for_the_question_about_times(offer, operators):
    station = offer.station
    place = {"bpp_id": station.bpp_id, "provider_id": station.provider_id}
    services.refresh_place(**place, lat=station.lat, lon=station.lon)
    services.refresh_times(offer)
    assert SearchRun.objects.count() == 2


def test_free_times_are_kept_in_order_and_the_plug_can_be_reserved(tell, offer):
    tell(told_with(slot(3), slot(1), slot(1), slot(2, minutes=-5)))
    assert hours_of(offer) == [1, 3]
    assert Offer.objects.get().is_reservable


def test_times_that_are_over_are_not_shown(tell, offer, noon):
    tell(told_with(slot(1), slot(3)))
    noon.shift(timedelta(hours=2))
    assert hours_of(offer) == [3]


def test_a_catalog_that_was_not_asked_for_times_takes_none_away(tell, offer):
    tell(told_with(slot(1)))
    tell(told_with())
    assert hours_of(offer) == [1]


def test_an_answer_about_times_without_any_says_that_all_are_taken(tell, offer, operators):
    tell(told_with(slot(1)))
    run = services.refresh_times(offer)
    tell(told_with(), transaction_id=run.transaction_id)
    assert hours_of(offer) == []
    assert calendar(offer, "UTC")[1] is not None


def test_without_an_answer_nobody_knows(offer):
    assert calendar(offer, "UTC") == ([], None)


def test_a_flood_of_times_is_cut(tell, offer):
    tell(told_with(*[slot(number) for number in range(1, 600)]))
    assert len(OfferedTimes.objects.get().slots) == 400


def test_times_of_a_strange_transaction_are_as_welcome_as_any_catalog(tell, offer):
    tell(told_with(slot(1)), transaction_id=uuid4())
    assert hours_of(offer) == [1]
