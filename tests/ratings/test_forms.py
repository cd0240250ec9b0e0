"""A form of the operator: read as questions, never shown as HTML, answered by a signed POST on its own host."""

import json
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import parse_qsl

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from apps.beckn import keys, registry, signing
from apps.beckn.models import Side
from apps.lib import clock
from apps.lib.errors import Refused
from apps.ratings import feedback
from apps.ratings.models import FeedbackForm
from apps.ratings.services import Said, rate
from apps.ratings.states import Form
from tests.beckn.server import serving
from tests.foreign.beckn import verified_sender
from tests.orders.stage import OPERATOR, Stage

PAGE = """<!doctype html><title>Feedback</title><script>alert("evil")</script>
<form action="answers" method="POST" onsubmit="steal()"><input type="hidden" name="ref" value="7&amp;8">
<label for="m">What could be <b onclick="steal()">better</b>?</label><textarea id="m" name="more"></textarea>
<fieldset><legend>Would you come again?</legend>
<label><input type="radio" name="again" value="y" required> Yes</label>
<label><input type="radio" name="again" value="n"> No <img src=x onerror=steal()></label></fieldset>
<label>Age <input type="number" name="age"></label>
<select name="seen"><option value="a">Advert</option><option>Friend</option></select>
<input type="checkbox" name="likes" value="cafe" id="c1"><label for="c1">Café</label>
<button onclick="steal()">Send</button></form>"""


@pytest.fixture
def peer(db) -> Iterator[SimpleNamespace]:
    """The operator's host: `peer.page` for GET, `peer.reply` for POST."""
    said = SimpleNamespace(page=(200, PAGE), reply=(200, {"status": "SUCCESS", "submission_id": "s-1"}))

    def answer(*_request) -> tuple[int, bytes]:
        if server.methods[-1] == "GET":
            return said.page[0], said.page[1].encode()
        return said.reply[0], json.dumps(said.reply[1]).encode()

    with serving(answer) as server:
        public = signing.public_text(signing.load_private_key(signing.make_private_key()))
        registry.add_subscriber(
            subscriber_id=OPERATOR,
            url=f"{server.url}/beckn/bpp",
            type="BPP",
            key_id="k1",
            public_key=public,
        )
        registry.forget()
        said.server, said.form = server, f"{server.url}/feedback/7"
        yield said
    registry.forget()


@pytest.fixture
def rated(stage) -> Stage:
    stage.until("SETTLED")
    rate(stage.order, Said(did_work=True, stars=4))
    return stage


def offer(stage: Stage, url: str, **more) -> None:
    message_id = stage.order.rating.message_id
    said = {"feedback_form": {"form": {"url": url, "mime_type": "text/html"}, "required": False}}
    stage.tell("on_rating", said, **{"message_id": message_id, **more})


def work() -> FeedbackForm:
    while feedback.work_due():
        pass
    return FeedbackForm.objects.get()


def page(stage: Stage) -> str:
    return stage.client().get(stage.order.get_absolute_url()).content.decode()


def questions_url(stage: Stage) -> str:
    return reverse("ratings:answer_form", args=[stage.order.code])


ANSWERS = {"q1": "Roof & light", "q2": "y", "q4": "a"}


# --- Asked here -------------------------------------------------------------------------------------------


def test_its_questions_are_drawn_by_us_and_nothing_of_its_html(rated, peer):
    offer(rated, peer.form)
    assert work().state == Form.OFFERED
    assert "SparkDock would like to know a little more" in page(rated)
    shown = rated.client().get(questions_url(rated)).content.decode()
    for words in ("What could be better?", "Would you come again?", "Yes", "Age", "Friend", "Café"):
        assert words in shown
    for evil in ("steal", "alert(", "onerror", "feedback/answers"):
        assert evil not in shown


def test_answers_go_signed_to_the_operators_host_as_its_own_form_would_send_them(rated, peer):
    offer(rated, peer.form)
    work()
    answer = rated.client().post(questions_url(rated), ANSWERS)
    assert answer["Location"] == rated.order.get_absolute_url()
    form = work()
    assert (form.state, form.submission_id) == (Form.TAKEN, "s-1")
    path, body, headers = peer.server.came[-1]
    assert path == "/feedback/answers" and headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qsl(body.decode(), keep_blank_values=True) == [
        ("ref", "7&8"),
        ("more", "Roof & light"),
        ("again", "y"),
        ("age", ""),
        ("seen", "a"),
    ]
    public = keys.own_key(Side.BAP).public
    sender = verified_sender(
        headers["Authorization"], body, lambda *_who: public, now=clock.now().timestamp()
    )
    assert sender == "bap.localhost"
    assert "SparkDock has your answers" in page(rated)


def test_a_double_click_and_a_second_offer_send_once(rated, peer):
    offer(rated, peer.form)
    work()
    for _press in range(2):
        rated.client().post(questions_url(rated), ANSWERS)
    work()
    offer(rated, peer.form)
    rated.client().post(questions_url(rated), ANSWERS)
    work()
    assert peer.server.methods.count("POST") == 1


@pytest.mark.parametrize("wrong", [{"q2": ""}, {"q2": "perhaps"}, {"q3": "old"}, {"q1": "x" * 10_000}])
def test_bad_answers_are_told_beside_the_question(rated, peer, wrong):
    offer(rated, peer.form)
    work()
    answer = rated.client().post(questions_url(rated), {**ANSWERS, **wrong})
    assert answer.status_code == 422 and "errorlist" in answer.content.decode()
    assert FeedbackForm.objects.get().state == Form.OFFERED


def test_what_the_operator_refuses_is_told_as_text_and_may_be_answered_anew(rated, peer):
    offer(rated, peer.form)
    work()
    peer.reply = (200, {"status": "FAILURE", "errors": [{"message": "Too <b>short</b>"}]})
    rated.client().post(questions_url(rated), ANSWERS)
    assert work().state == Form.REFUSED
    assert "Too &lt;b&gt;short&lt;/b&gt;" in page(rated)
    peer.reply = (200, {"status": "SUCCESS"})
    rated.client().post(questions_url(rated), ANSWERS)
    assert work().state == Form.TAKEN


def test_an_operator_that_is_away_is_asked_again_and_given_up_in_the_end(rated, peer):
    offer(rated, peer.form)
    work()
    peer.reply = (503, {})
    rated.client().post(questions_url(rated), ANSWERS)
    with time_machine.travel(clock.now(), tick=False) as now:
        for _try in range(feedback.MOST_TRIES):
            form = work()
            now.shift(3600)
    assert form.state == Form.GIVEN_UP and peer.server.methods.count("POST") == feedback.MOST_TRIES


def test_a_worker_that_died_is_followed(rated, peer):
    offer(rated, peer.form)
    form = FeedbackForm.objects.get()
    assert feedback._claim(form, Form.READING)
    assert (feedback.work_due(), feedback.move_overdue()) == (0, 0)
    FeedbackForm.objects.update(act_at=clock.now())
    assert feedback.move_overdue() == 1
    assert work().state == Form.OFFERED


def test_a_form_that_nobody_answers_becomes_a_link(rated, peer):
    offer(rated, peer.form)
    form = work()
    with time_machine.travel(clock.now() + timedelta(days=31), tick=False):
        feedback.move_overdue()
    with pytest.raises(Refused):
        feedback.answer(FeedbackForm.objects.get(), [])
    assert form.posts_to.endswith("/feedback/answers")


def test_nobody_else_answers(rated, peer, stranger):
    offer(rated, peer.form)
    work()
    client = Client()
    client.force_login(stranger)
    assert client.post(questions_url(rated), ANSWERS).status_code == 404


# --- Only a link ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "html",
    [
        "<p>no form",
        '<form method="post"><input type="file" name="photo"></form>',
        '<form method="post"><input type="password" name="pin"></form>',
        '<form method="post"><input type="text"></form>',
        '<form><input type="text" name="a"></form>',
        '<form method="post" action="https://evil.example/take"><input type="text" name="a"></form>',
        '<form method="post" action="javascript:steal()"><input type="text" name="a"></form>',
        '<form method="post">' + '<input type="text" name="a">' * 21 + "</form>",
        '<form method="post"><select name="a">' + "<option>x" * 31 + "</select></form>",
    ],
)
def test_what_we_cannot_ask_is_a_plain_link_that_names_its_host(rated, peer, html):
    peer.page = (200, html)
    offer(rated, peer.form)
    assert work().state == Form.LINK
    shown = page(rated)
    assert f'href="{peer.form}" rel="noopener noreferrer nofollow external"' in shown
    assert "Open 127.0.0.1" in shown
    assert rated.client().get(questions_url(rated)).status_code == 302


def test_a_form_of_another_host_is_a_link_and_never_fetched(rated, peer):
    offer(rated, "https://forms.example/f/1")
    assert work().state == Form.LINK
    assert peer.server.came == [] and "Open forms.example" in page(rated)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "ftp://grid.example/f", "//grid.example/f", "x" * 600]
)
def test_an_address_that_nobody_should_follow_is_none(rated, peer, url):
    offer(rated, url)
    assert not FeedbackForm.objects.exists() and rated.order.rating


def test_an_answer_to_an_older_rating_brings_no_form(rated, peer):
    old = rated.order.rating.message_id
    rate(rated.fresh(), Said(did_work=True, stars=2))
    offer(rated, peer.form, message_id=old)
    assert not FeedbackForm.objects.exists()
