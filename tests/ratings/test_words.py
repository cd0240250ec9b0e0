"""Words of drivers: read at once, held where a rule or readers doubt them, decided by support."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.lib import clock
from apps.lib.errors import Refused
from apps.ratings import moderation, rules, selectors
from apps.ratings.models import GivenRating, WordsReport
from apps.ratings.services import Said, rate
from apps.ratings.states import Words

W = Words
QUEUE = "/admin/ratings/givenrating/"


@pytest.fixture
def say(stage):
    """`say("words")`: what the driver writes of their charge, again and again."""
    stage.until("SETTLED")

    def speak(words: str) -> GivenRating:
        return rate(stage.fresh(), Said(did_work=True, stars=4, words=words))

    return speak


@pytest.fixture
def agent(factory):
    user = factory.make_user(is_staff=True)
    user.groups.add(Group.objects.get(name="Support L1"))
    return user


def shown(rating: GivenRating) -> bool:
    return selectors.shown_words(rating.code) is not None


# --- Rules ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "doubts"),
    [
        ("Worked first time, 18.5 kWh in 25 min at 2 plugs.", []),
        ("सब ठीक था, धन्यवाद।", []),
        ("Shitake soup next door, and a class act.", []),
        ("Cheaper at www.rival.example", ["link"]),
        ("see ＨＴＴＰＳ://evil.example/x", ["link"]),
        ("rival.shop is cheaper", ["link"]),
        ("write asha@example.org or pay asha@okbank", ["address"]),
        ("call 98450 12345 now", ["phone"]),
        ("call ९८४५०१२३४५", ["phone"]),
        ("call +91-98450-12345", ["phone"]),
        ("<script>alert(1)</script>", ["markup"]),
        ("<img src=x onerror=alert(1)>", ["markup"]),
        ("What a BASTARD of a plug", ["abuse"]),
        ("b.i.t.c.h", ["abuse"]),
        ("5h1t place", ["abuse"]),
        ("f\u200buck this", ["abuse"]),
        ("यह हरामी जगह है", ["abuse"]),
    ],
)
def test_what_a_rule_doubts(words, doubts):
    assert rules.doubts_of(words) == doubts


def test_a_site_adds_its_own_words(settings):
    settings.RATING_HELD_WORDS = ["Rivalcharge"]
    assert rules.doubts_of("go to rivalcharge") == ["abuse"]


def test_clean_words_are_read_at_once_and_doubted_ones_wait(say):
    assert shown(say("Fine."))
    rating = say("Call 98450 12345")
    assert (rating.state, rating.doubts) == (W.HELD, ["phone"])
    assert not shown(rating)
    assert shown(say("Fine again."))


def test_the_driver_is_told_that_words_wait_and_why(say, stage):
    say("Call 98450 12345")
    page = stage.client().get(stage.order.get_absolute_url()).content.decode()
    assert "Your words wait for a look" in page and "has a phone number" in page


def test_stars_count_whatever_becomes_of_the_words(say, stage, agent):
    moderation.hide(say("Call 98450 12345"), by=agent, why="a number")
    place = {name: getattr(stage.order, name) for name in ("bpp_id", "provider_id", "lat", "lon")}
    assert selectors.said_of_station(**place).here.count == 1
    assert selectors.said_of_station(**place).words == []


# --- Readers ----------------------------------------------------------------------------------------------


def test_one_report_asks_for_a_look_and_three_hide(say, factory):
    rating = say("Not true at all.")
    readers = [factory.make_user() for _number in range(3)]
    assert moderation.report(rating, reader=readers[0], why="false")
    assert not moderation.report(rating, reader=readers[0], why="abuse")
    assert rating.state == W.REPORTED and shown(rating)
    moderation.report(rating, reader=readers[1], why="false")
    assert shown(rating)
    moderation.report(rating, reader=readers[2], why="false")
    assert rating.state == W.HELD and not shown(rating)
    assert WordsReport.objects.count() == 3


def test_words_that_were_looked_at_stay_unless_many_object_anew(say, agent, factory):
    rating = say("Fine.")
    moderation.report(rating, reader=factory.make_user(), why="false")
    moderation.approve(rating, by=agent)
    for _number in range(2):
        moderation.report(rating, reader=factory.make_user(), why="false")
    assert rating.state == W.APPROVED
    moderation.report(rating, reader=factory.make_user(), why="false")
    assert rating.state == W.HELD


def test_other_words_do_not_undo_what_readers_said(say, factory):
    rating = say("Bad words.")
    moderation.report(rating, reader=factory.make_user(), why="abuse")
    assert say("Other words.").state == W.REPORTED


def test_nobody_reports_their_own_words_or_hidden_ones(say, driver, agent, stranger):
    rating = say("Fine.")
    with pytest.raises(Refused):
        moderation.report(rating, reader=driver, why="false")
    moderation.hide(rating, by=agent, why="no")
    with pytest.raises(Refused):
        moderation.report(rating, reader=stranger, why="false")


def test_reporting_from_the_page_needs_a_name_and_a_reason(say, client, stranger):
    url = reverse("ratings:report_words", args=[say("Fine.").code])
    assert client.post(url, {"why": "false"}).status_code == 302 and not WordsReport.objects.exists()
    client.force_login(stranger)
    assert "Fine." in client.get(url).content.decode()
    assert client.post(url, {"why": "boring"}).status_code == 422
    assert client.post(url, {"why": "false"}).status_code == 302
    assert GivenRating.objects.get().state == W.REPORTED


# --- Support ----------------------------------------------------------------------------------------------


def decide(client: Client, rating: GivenRating, action: str, reason: str = "") -> str:
    said = {"action": action, "reason": reason, "_selected_action": [rating.pk]}
    return client.post(f"{QUEUE}?waits=all", said, follow=True).content.decode()


@pytest.fixture
def desk(agent) -> Client:
    client = Client()
    client.force_login(agent)
    return client


def test_the_queue_shows_what_waits_and_why(say, desk):
    say("Fine.")
    assert "Fine." not in desk.get(QUEUE).content.decode()
    assert "Fine." in desk.get(QUEUE, {"waits": "all"}).content.decode()
    say("Call 98450 12345")
    page = desk.get(QUEUE).content.decode()
    assert "Call 98450 12345" in page and "has a phone number" in page


def test_words_are_approved_or_hidden_with_a_reason_and_audited(say, desk, agent, stage):
    rating = say("Call 98450 12345")
    decide(desk, rating, "approve")
    rating.refresh_from_db()
    assert rating.state == W.APPROVED and shown(rating)
    assert "Whoever hides words says why" in decide(desk, rating, "hide")
    decide(desk, rating, "hide", "It has a number of somebody.")
    rating.refresh_from_db()
    assert rating.state == W.HIDDEN and not shown(rating)
    event = rating.events.last()
    assert (event.was, event.now, event.by, event.words) == (
        W.APPROVED,
        W.HIDDEN,
        agent,
        "Call 98450 12345",
    )
    assert event.why == "It has a number of somebody."
    assert event.why in stage.client().get(stage.order.get_absolute_url()).content.decode()
    assert event.why in desk.get(f"{QUEUE}{rating.pk}/change/").content.decode()


def test_hidden_words_that_are_changed_wait_again(say, agent):
    moderation.hide(say("Bad."), by=agent, why="no")
    rating = say("Better.")
    assert (rating.state, rating.decision) == (W.HELD, "")
    assert say("").state == W.HELD
    assert say("Bad.").state == W.HELD and not shown(rating)
    moderation.approve(rating, by=agent)
    assert say("Good.").state == W.PUBLISHED


@pytest.mark.parametrize("who", ["driver", "operator", "nobody"])
def test_only_support_decides(say, who, driver, factory, client):
    rating = say("Call 98450 12345")
    people = {
        "driver": lambda: driver,
        "operator": lambda: factory.make_staff(factory.make_operator()),
        "nobody": lambda: factory.make_user(is_staff=True),
    }
    person = people[who]()
    client.force_login(person)
    assert client.get(QUEUE).status_code in (302, 403)
    decide(client, rating, "approve")
    for verb in (moderation.approve, moderation.hide):
        with pytest.raises(Refused):
            verb(rating, by=person, why="mine")
    rating.refresh_from_db()
    assert rating.state == W.HELD


def test_nobody_decides_about_their_own_words(say, driver):
    driver.is_staff = driver.is_superuser = True
    driver.save(update_fields=["is_staff", "is_superuser"])
    with pytest.raises(Refused):
        moderation.approve(say("Call 98450 12345"), by=driver)


def test_whoever_decides_second_is_told(say, agent):
    rating = say("Call 98450 12345")
    same = GivenRating.objects.get(pk=rating.pk)
    moderation.approve(rating, by=agent)
    with pytest.raises(Refused):
        moderation.hide(same, by=agent, why="no")
    assert GivenRating.objects.get().state == W.APPROVED


def test_the_queue_asks_as_often_for_many_as_for_one(say, desk, stage, django_assert_num_queries):
    say("Call 98450 12345")
    with CaptureQueriesContext(connection) as one:
        desk.get(QUEUE)
    for _number in range(4):
        stage.until("SETTLED")
        rate(stage.order, Said(did_work=True, stars=4, words="Call 98450 12345"))
    with django_assert_num_queries(len(one)):
        page = desk.get(QUEUE).content.decode()
    assert page.count("98450 12345") == 5


def test_what_nobody_looked_at_in_time_is_decided(say, factory, stage):
    held = say("Call 98450 12345")
    stage.until("SETTLED")
    reported = rate(stage.order, Said(did_work=True, stars=4, words="Fine."))
    moderation.report(reported, reader=factory.make_user(), why="false")
    assert moderation.decide_overdue() == 0
    with time_machine.travel(clock.now() + timedelta(days=7, minutes=1), tick=False):
        assert moderation.decide_overdue() == 2
        assert moderation.decide_overdue() == 0
    held.refresh_from_db()
    reported.refresh_from_db()
    assert (held.state, reported.state) == (W.HIDDEN, W.PUBLISHED)
