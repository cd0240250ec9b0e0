"""Mutated messages at the door: never a 500, never a row handed on that should not be, always a proper NACK."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.beckn import inbox
from apps.beckn.models import Message
from tests.loopback import post

FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)

ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(["\0", "🚗" * 50, "-1", "1e999", "../..", "' OR 1=1 --", "9" * 400]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
ORDER = {
    "order": {
        "id": "BK-1",
        "provider": {"id": "op", "descriptor": {"name": "Op"}},
        "items": [{"id": "c1", "quantity": {"selected": {"measure": {"value": "5", "unit": "kWh"}}}}],
        "fulfillments": [
            {"id": "e1", "stops": [{"type": "start", "time": {"timestamp": "2026-01-01T00:00:00Z"}}]}
        ],
        "quote": {"price": {"value": "100", "currency": "INR"}, "breakup": []},
    }
}


def places(value: Any, path: tuple = ()) -> list[tuple]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, part in inside for place in places(part, (*path, key)))]


def changed(value: Any, path: tuple, new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


def judged(came) -> None:
    """An ACK is 200; everything else is a NACK of the sender's making."""
    assert came.status in (200, 400, 401, 404, 409), came
    assert came.ack == ("ACK" if came.status == 200 else "NACK")
    assert came.status == 200 or came.error["code"]


@FEW
@given(data=st.data())
def test_a_well_signed_but_mutated_message(app, rooms, data):
    words = json.loads(app.say("select", ORDER))
    for _time in range(data.draw(st.integers(1, 3))):
        words = changed(words, data.draw(st.sampled_from(places(words))), data.draw(ODD))
    body = json.dumps(words).encode()
    judged(post("/beckn/bpp/select", body, app.sign(body)))
    inbox.work()
    ended = Message.objects.filter(direction="IN").exclude(state__in=["DONE", "REFUSED", "EXPIRED"])
    assert not ended.exists()


@FEW
@given(at=st.integers(0, 400), with_=st.binary(max_size=8), cut=st.integers(0, 5))
def test_changed_bytes_are_never_taken(app, at, with_, cut):
    body = app.say("confirm", ORDER)
    mutated = body[:at] + with_ + body[at + cut :]
    came = post("/beckn/bpp/confirm", mutated, app.sign(body))
    judged(came)
    assert came.status == (200 if mutated == body else 401)


@FEW
@given(body=st.binary(max_size=60))
def test_arbitrary_signed_bytes(app, body):
    came = post("/beckn/bpp/confirm", body, app.sign(body))
    assert came.status == 400 and came.ack == "NACK"
    assert not Message.objects.exists()


@FEW
@given(header=st.text(alphabet=st.characters(max_codepoint=255), max_size=200))
def test_arbitrary_headers(app, header):
    body = app.say("confirm", ORDER)
    for named in (
        {"Authorization": header},
        {**app.sign(body), "X-Gateway-Authorization": f"Signature {header}"},
    ):
        assert post("/beckn/bpp/confirm", body, named).status == 401
    assert not Message.objects.exists()


@FEW
@given(data=st.data())
def test_a_mutated_signature_header(app, data):
    body = app.say("confirm", ORDER)
    header = app.sign(body)["Authorization"]
    # The last letter of the signature carries four bits that mean nothing; then come padding and quote.
    at = data.draw(st.integers(10, len(header) - 5))
    letter = data.draw(st.characters(min_codepoint=33, max_codepoint=126))
    mutated = header[:at] + letter + header[at + 1 :]
    came = post("/beckn/bpp/confirm", body, {"Authorization": mutated})
    assert came.status == 401 or mutated.lower() == header.lower()


@FEW
@given(path=st.text(max_size=30))
def test_arbitrary_paths(ourselves, path):
    assert post(f"/beckn/{path}", b"{}").status in (400, 401, 404)


@pytest.mark.parametrize("action", ["lookup", "subscribe"])
@FEW
@given(
    words=st.dictionaries(st.sampled_from(["subscriber_id", "type", "key_id", "url", "domain"]), ODD) | ODD
)
def test_arbitrary_questions_to_the_registry(app, action, words):
    body = json.dumps(words).encode()
    came = post(f"/beckn/registry/{action}", body, app.sign(body))
    assert came.status in (200, 400, 401)
