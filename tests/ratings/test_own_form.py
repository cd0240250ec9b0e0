"""The form that our operators offer: answered by an app that signs, or by a driver; read by the operator only."""

from datetime import timedelta
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.test import Client

from apps.beckn import hooks, keys, registry, signing
from apps.beckn.models import Side
from apps.lib import clock
from apps.ratings import own_form, questions
from apps.ratings.models import ReceivedFeedback
from tests.bookings.conftest import app, charger, placed

__all__ = ["app", "charger", "placed"]

SAID = {"again": "perhaps", "better": "A roof."}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def path(app, placed) -> str:
    """The address in the answer to a rating."""
    answer = app.ask("rating", {"ratings": [{"id": placed.code, "rating_category": "Order", "value": "4"}]})
    offered = answer["message"]["feedback_form"]
    assert offered["form"]["mime_type"] == "text/html" and offered["required"] is False
    return offered["form"]["url"].removeprefix("http://localhost:8000")


def post(path: str, said: dict[str, str], headers: dict[str, str] | None = None):
    named = {f"HTTP_{name.upper()}": value for name, value in (headers or {}).items()}
    client = Client(enforce_csrf_checks=True)
    return client.post(path, urlencode(said), content_type=FORM, **named)


def test_a_driver_answers_at_the_link_once(client, path, placed):
    assert "Would you charge here again?" in client.get(path).content.decode()
    assert post(path, SAID).status_code == 200
    assert "Thank you" in post(path, {**SAID, "again": "no"}).content.decode()
    row = ReceivedFeedback.objects.get()
    assert (row.again, row.better, row.by_app, row.order_id) == ("perhaps", "A roof.", False, placed.code)
    assert row.operator_code == placed.evse.station.operator.code


def test_after_the_answer_no_form_is_offered(app, placed, path):
    post(path, SAID)
    answer = app.ask("rating", {"ratings": [{"id": placed.code, "rating_category": "Order", "value": "5"}]})
    assert answer["message"] == {}


def test_our_own_app_can_read_and_draw_it(client, path):
    asked, posts_to = questions.read_form(client.get(path).content.decode(), f"http://localhost:8000{path}")
    assert [(one.name, one.kind, one.is_required) for one in asked] == [
        ("again", "one", True),
        ("better", "long", False),
    ]
    assert [words for _value, words in asked[0].choices] == ["Yes", "Perhaps", "No"]
    assert asked[0].label == "Would you charge here again?"
    assert posts_to == f"http://localhost:8000{path}"


def test_an_app_that_signs_is_told_the_number_of_its_answers(path, app):
    key = signing.load_private_key(signing.make_private_key())
    registry.add_subscriber(
        subscriber_id=app.id, url=app.uri, type="BAP", key_id="k1", public_key=signing.public_text(key)
    )
    registry.forget()
    signed = _signed(key, app.id, SAID)
    said = post(path, SAID, signed).json()
    row = ReceivedFeedback.objects.get()
    assert said == {"status": "SUCCESS", "submission_id": str(row.submission_id), "errors": []}
    assert row.by_app
    assert post(path, {**SAID, "again": "no"}, signed).status_code == 401  # signed for other bytes
    wrong = {"again": "maybe"}
    assert post(path, wrong, _signed(key, app.id, wrong)).json()["errors"][0]["path"] == "again"


def _signed(key, subscriber_id: str, said: dict[str, str]) -> dict[str, str]:
    header = signing.authorization(
        key,
        subscriber_id,
        "k1",
        signing.digest(urlencode(said).encode()),
        now=int(clock.now().timestamp()),
        ttl=timedelta(seconds=60),
    )
    return {"Authorization": header}


def test_who_signs_must_be_the_app_of_the_order(path):
    registry.ensure_own_subscribers()
    registry.forget()
    own = keys.own_key(Side.BAP)  # well signed, but another app's order
    headers = hooks.signed_headers(Side.BAP, signing.digest(urlencode(SAID).encode()))
    assert own.subscriber_id in headers["Authorization"]
    assert post(path, SAID, {"Authorization": headers["Authorization"]}).status_code == 401
    assert post(path, SAID, {"Authorization": "Signature nonsense"}).status_code == 401
    assert not ReceivedFeedback.objects.exists()


@pytest.mark.parametrize("said", [{}, {"again": "maybe"}, {"again": "yes", "better": "x" * 10_000}])
def test_bad_answers_are_refused(path, said):
    assert post(path, said).status_code == 422
    assert not ReceivedFeedback.objects.exists()


def test_nobody_guesses_the_address(client, path, app):
    other = own_form.path_for(app.id, uuid4()).rstrip("/").rpartition("/")[2]
    token = path.rstrip("/").rpartition("/")[2]
    forged = f"{other.split(':')[0]}:{token.partition(':')[2]}"
    assert client.get(f"/rate/feedback/{forged}/").status_code == 404
    assert client.post("/rate/feedback/nonsense/", SAID).status_code == 404


def test_only_the_operator_and_support_read_it(path, placed, factory, client):
    post(path, SAID)
    page = "/admin/ratings/receivedfeedback/"
    client.force_login(factory.make_staff(factory.make_operator()))
    assert "A roof." not in client.get(page).content.decode()
    client.force_login(factory.make_staff(placed.evse.station.operator, role="VIEWER"))
    assert "A roof." in client.get(page).content.decode()
    client.force_login(factory.make_user(is_staff=True))
    assert client.get(page).status_code == 403
