"""What an operator lets be rated: asked when a charge ends, kept, and never waited for."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine

from apps.lib import clock
from apps.ratings import categories
from apps.ratings.models import Categories
from apps.ratings.services import Said, rate
from tests.conformance import assert_conforms

ASKED = "get_rating_categories"


def answer(stage, *names: str, **more) -> None:
    asked = Categories.objects.get().message_id
    stage.tell("rating_categories", {"rating_categories": list(names)}, **{"message_id": asked, **more})


def offered(stage) -> list[str]:
    return [name for name, _words in categories.asked_of(stage.fresh())]


def test_an_operator_is_asked_once_in_a_day(stage):
    with time_machine.travel(clock.now(), tick=False) as now:
        stage.until("CHARGING")
        assert stage.sent(ASKED) == []
        stage.final_bill()
        (asked,) = stage.sent(ASKED)
        assert_conforms(ASKED, asked)
        answer(stage, "Order", "Provider")
        stage.until("SETTLED")
        assert stage.sent(ASKED) == []
        now.shift(timedelta(days=1, minutes=1))
        stage.until("SETTLED")
        assert len(stage.sent(ASKED)) == 1
        assert offered(stage) == ["Provider"]  # an old answer is better than none


def test_one_that_says_nothing_is_asked_again_after_an_hour_and_rated_by_default(stage):
    with time_machine.travel(clock.now(), tick=False) as now:
        stage.until("SETTLED")
        stage.until("SETTLED")
        assert stage.sent(ASKED) == [] and offered(stage) == ["Fulfillment"]
        now.shift(timedelta(hours=1, minutes=1))
        stage.until("SETTLED")
        assert len(stage.sent(ASKED)) == 1


@pytest.mark.parametrize(
    ("names", "known"),
    [
        (["Order", "Fulfillment", "Provider"], ["Fulfillment", "Provider"]),
        (["order", " PROVIDER ", "Provider"], ["Provider"]),
        (["charger", "<script>", "Agent"], []),
        (["charger"], ["Fulfillment"]),
        ([], ["Fulfillment"]),
        (["Provider"] * 500, ["Provider"]),
    ],
)
def test_what_it_lists_is_what_is_asked(stage, names, known):
    stage.until("SETTLED")
    answer(stage, *names)
    assert offered(stage) == known


def test_an_error_or_an_answer_to_nothing_changes_nothing(stage):
    stage.until("SETTLED")
    answer(stage, "Provider", message_id=uuid4())
    assert offered(stage) == ["Fulfillment"]
    stage.tell("rating_categories", error={"code": "40001", "message": "no"}, message_id=uuid4())
    assert offered(stage) == ["Fulfillment"]


def test_the_page_asks_and_the_wire_tells_what_the_operator_lists(stage):
    stage.until("SETTLED")
    answer(stage, "Order", "Provider", "Support")
    page = stage.client().get(stage.order.get_absolute_url()).content.decode()
    assert 'name="stars_Provider"' in page and 'name="stars_Support"' in page
    assert 'name="stars_Fulfillment"' not in page
    rate(stage.order, Said(did_work=True, stars=4, marks={"Provider": 2, "Fulfillment": 1}))
    (said,) = stage.sent("rating")
    assert said["message"]["ratings"] == [
        {"id": stage.number, "rating_category": "Order", "value": "4"},
        {"id": "sparkdock", "rating_category": "Provider", "value": "2"},
    ]


def test_without_a_category_for_the_whole_its_stars_go_to_what_there_is(stage):
    stage.until("SETTLED")
    answer(stage, "Provider")
    rate(stage.order, Said(did_work=True, stars=5))
    (said,) = stage.sent("rating")
    assert said["message"]["ratings"] == [{"id": "sparkdock", "rating_category": "Provider", "value": "5"}]
