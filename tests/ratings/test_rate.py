"""A driver says how it was, and the operator hears it."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse

from apps.lib import clock
from apps.lib.errors import Refused
from apps.ratings.models import GivenRating
from apps.ratings.services import rate

SAID = {"did_work": True, "stars": 4, "tags": ["speed"], "words": "Fine."}


def url(stage) -> str:
    return reverse("ratings:rate", args=[stage.order.code])


def test_a_rating_is_told_to_the_operator_with_order_and_charging_point(stage):
    stage.until("SETTLED")
    rate(stage.order, **SAID)
    (said,) = stage.sent("rating")
    assert said["message"]["ratings"] == [
        {"id": stage.number, "rating_category": "Order", "value": "4"},
        {"id": "cp-07", "rating_category": "Fulfillment", "value": "4"},
    ]


def test_the_same_rating_again_is_told_once(stage):
    stage.until("SETTLED")
    assert rate(stage.order, **SAID) == rate(stage.order, **SAID)
    assert len(stage.sent("rating")) == 1


def test_a_rating_may_be_changed_for_seven_days(stage):
    stage.until("SETTLED")
    rate(stage.order, **SAID)
    rate(stage.order, **{**SAID, "stars": 2})
    assert GivenRating.objects.get().stars == 2
    assert len(stage.sent("rating")) == 2
    GivenRating.objects.update(given_at=clock.now() - timedelta(days=7, minutes=1))
    with pytest.raises(Refused):
        rate(stage.order, **SAID)


@pytest.mark.parametrize("state", ["QUOTED", "CONFIRMED", "CHARGING"])
def test_only_what_is_over_can_be_rated(stage, state):
    stage.until(state)
    with pytest.raises(Refused):
        rate(stage.order, **SAID)


def test_the_operators_answer_is_kept_and_old_answers_are_not(stage):
    stage.until("SETTLED")
    first = rate(stage.order, **SAID).message_id
    second = rate(stage.order, **{**SAID, "stars": 5}).message_id
    stage.tell("on_rating", {}, message_id=first)
    assert GivenRating.objects.get().acknowledged_at is None
    stage.tell("on_rating", {}, message_id=second)
    assert GivenRating.objects.get().acknowledged_at is not None
    stage.tell("on_rating", error={"code": "30014", "message": "unknown"}, message_id=second)
    assert GivenRating.objects.get().refusal == "unknown"


def test_stars_from_the_receipt(stage):
    stage.until("SETTLED")
    client = stage.client()
    assert "How was it?" in client.get(stage.order.get_absolute_url()).content.decode()
    answer = client.post(
        url(stage), {"did_work": "yes", "stars": "5", "tags": ["safe", "price"], "words": "Good"}
    )
    assert answer["Location"] == stage.order.get_absolute_url()
    rating = GivenRating.objects.get()
    assert (rating.stars, rating.did_work, rating.tags, rating.words) == (5, True, ["safe", "price"], "Good")
    assert "Change the rating" in client.get(stage.order.get_absolute_url()).content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"stars": ""},
        {"stars": "0"},
        {"stars": "6"},
        {"did_work": "perhaps"},
        {"tags": "loud"},
        {"words": "x" * 501},
    ],
)
def test_a_rating_that_makes_no_sense_is_refused(stage, wrong):
    stage.until("SETTLED")
    answer = stage.client().post(url(stage), {"did_work": "yes", "stars": "4", **wrong})
    assert answer.status_code == 422
    assert not GivenRating.objects.exists()


def test_the_page_of_stars_stands_alone(stage, client):
    stage.until("SETTLED")
    assert stage.client().get(url(stage)).status_code == 200
    assert client.get(url(stage)).status_code == 302
    assert stage.client().get(reverse("ratings:rate", args=[uuid4()])).status_code == 404
