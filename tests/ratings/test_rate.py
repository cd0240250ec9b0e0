"""A driver says how it was, and the operator hears it."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse

from apps.accounts.models import User
from apps.lib import clock
from apps.lib.errors import Refused
from apps.ratings.models import GivenRating
from apps.ratings.services import Said, rate

SAID = Said(did_work=True, stars=4, marks={"Fulfillment": 3}, tags=("speed",), words="Fine.")


def url(stage) -> str:
    return reverse("ratings:rate", args=[stage.order.code])


def test_a_rating_is_told_to_the_operator_with_order_and_charging_point(stage):
    stage.until("SETTLED")
    rate(stage.order, SAID)
    (said,) = stage.sent("rating")
    assert said["message"]["ratings"] == [
        {"id": stage.number, "rating_category": "Order", "value": "4"},
        {"id": "cp-07", "rating_category": "Fulfillment", "value": "3"},
    ]


def test_the_same_rating_again_is_told_once(stage):
    stage.until("SETTLED")
    assert rate(stage.order, SAID) == rate(stage.order, SAID)
    assert len(stage.sent("rating")) == 1


def test_a_rating_may_be_changed_for_seven_days(stage):
    stage.until("SETTLED")
    rate(stage.order, SAID)
    rate(stage.order, replace(SAID, stars=2))
    assert GivenRating.objects.get().stars == 2
    assert len(stage.sent("rating")) == 2
    GivenRating.objects.update(given_at=clock.now() - timedelta(days=7, minutes=1))
    with pytest.raises(Refused):
        rate(stage.order, SAID)
    assert GivenRating.objects.get().stars == 2


@pytest.mark.parametrize("state", ["QUOTED", "CONFIRMED", "CHARGING"])
def test_only_what_is_over_can_be_rated(stage, state):
    stage.until(state)
    with pytest.raises(Refused):
        rate(stage.order, SAID)


def test_the_operators_answer_is_kept_and_old_answers_are_not(stage):
    stage.until("SETTLED")
    first = rate(stage.order, SAID).message_id
    second = rate(stage.order, replace(SAID, stars=5)).message_id
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
        url(stage),
        {
            "did_work": "yes",
            "stars": "5",
            "stars_Fulfillment": "2",
            "tags": ["safe", "price"],
            "words": "Good",
        },
    )
    assert answer["Location"] == stage.order.get_absolute_url()
    rating = GivenRating.objects.get()
    assert rating.marks == {"Fulfillment": 2}
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
        {"did_work": ""},
        {"stars": "NaN"},
        {"stars": "4.5"},
        {"stars_Fulfillment": "6"},
        {"words": "x" * 501},
        {"words": "x" * 10_000},
        {"words": "nul\0"},
    ],
)
def test_a_rating_that_makes_no_sense_is_refused(stage, wrong):
    stage.until("SETTLED")
    answer = stage.client().post(url(stage), {"did_work": "yes", "stars": "4", **wrong})
    assert answer.status_code == 422 and "errorlist" in answer.content.decode()
    assert not GivenRating.objects.exists()


def test_a_form_with_a_mistake_keeps_what_was_said(stage):
    stage.until("SETTLED")
    said = {"did_work": "no", "stars": "0", "tags": ["blocked"], "words": "A <b>van</b> stood there"}
    page = stage.client().post(url(stage), said).content.decode()
    assert 'value="no" required checked' in page and 'value="blocked" checked' in page
    assert "A &lt;b&gt;van&lt;/b&gt; stood there" in page


def test_a_category_that_the_operator_does_not_know_is_not_asked_and_not_told(stage):
    stage.until("SETTLED")
    stage.client().post(url(stage), {"did_work": "yes", "stars": "4", "stars_Agent": "1", "stars_Item": "1"})
    assert GivenRating.objects.get().marks == {}
    assert [row["rating_category"] for row in stage.sent("rating")[0]["message"]["ratings"]] == ["Order"]


def test_a_double_click_is_one_rating_told_once(stage):
    stage.until("SETTLED")
    client = stage.client()
    for _press in range(2):
        assert client.post(url(stage), {"did_work": "yes", "stars": "4", "words": "Fine"}).status_code == 302
    assert GivenRating.objects.count() == len(stage.sent("rating")) == 1


def test_other_words_are_no_news_to_the_operator(stage):
    """The wire has no room for them."""
    stage.until("SETTLED")
    rate(stage.order, SAID)
    rate(stage.order, replace(SAID, words="Fine, really.", tags=("safe",)))
    assert len(stage.sent("rating")) == 1
    assert GivenRating.objects.get().words == "Fine, really."


def test_after_a_week_the_page_shows_what_was_said_and_no_form(stage):
    stage.until("SETTLED")
    rate(stage.order, SAID)
    GivenRating.objects.update(given_at=clock.now() - timedelta(days=8))
    client = stage.client()
    for page in (stage.order.get_absolute_url(), url(stage)):
        shown = client.get(page).content.decode()
        assert "Fine." in shown and "3 of 5" in shown and 'name="stars"' not in shown
    late = client.post(url(stage), {"did_work": "yes", "stars": "1"})
    assert late.status_code == 409 and GivenRating.objects.get().stars == 4


def test_a_guest_rates_like_anybody(stage, driver):
    User.objects.filter(pk=driver.pk).update(is_guest=True)
    stage.until("SETTLED")
    stage.client().post(url(stage), {"did_work": "yes", "stars": "4"})
    assert GivenRating.objects.get().order == stage.order


def test_a_stranger_rates_nobodys_order(stage, stranger, client):
    stage.until("SETTLED")
    client.force_login(stranger)
    assert client.post(url(stage), {"did_work": "yes", "stars": "1"}).status_code == 404
    assert not GivenRating.objects.exists()


def test_a_charge_that_never_came_about_can_be_rated_too(stage):
    stage.until("CONFIRMED")
    stage.cancelled(by="PROVIDER", code="HARDWARE_FAILURE")
    stage.settle()
    assert url(stage) in stage.client().get(stage.order.get_absolute_url()).content.decode()
    stage.client().post(url(stage), {"did_work": "no", "stars": "1", "tags": ["broken"]})
    assert not GivenRating.objects.get().did_work


def test_the_page_of_stars_stands_alone(stage, client):
    stage.until("SETTLED")
    assert stage.client().get(url(stage)).status_code == 200
    assert client.get(url(stage)).status_code == 302
    assert stage.client().get(reverse("ratings:rate", args=[uuid4()])).status_code == 404
