import json

import pytest

from apps.beckn.wire import v1_1 as wire

ACK = {"message": {"ack": {"status": "ACK"}}}
NACK = {"message": {"ack": {"status": "NACK"}}}


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, ACK, "accepted"),
        (202, {"context": {}, **ACK}, "accepted"),
        (200, {"message": {"status": "ack"}}, "accepted"),
        (200, "", "accepted"),
        (204, "<html>", "accepted"),
        (200, {"error": {}}, "accepted"),
        (200, NACK, "refused"),
        (202, {"message": {"ack": {"status": "NACK"}, "error": {"code": 1}}}, "refused"),
        (200, {"error": {"code": "30000"}}, "refused"),
        (301, "", "refused"),
        (400, NACK, "refused"),
        (401, "", "refused"),
        (404, ACK, "refused"),
        (408, "", "retry"),
        (429, "", "retry"),
        (500, NACK, "retry"),
        (503, "", "retry"),
    ],
)
def test_what_an_answer_means(status, body, verdict):
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    assert wire.read_ack(status, raw).verdict == verdict


@pytest.mark.parametrize("place", [lambda e: {**NACK, "error": e}, lambda e: {"message": {"error": e}}])
def test_the_reason_is_found_at_the_top_or_inside(place):
    body = json.dumps(place({"code": 30010, "message": "no such order"})).encode()
    assert wire.read_ack(400, body).error.code == "30010"


def test_our_own_replies_are_understood_by_ourselves():
    assert wire.read_ack(200, json.dumps(wire.ack()).encode()).verdict == "accepted"
    reply = json.dumps(wire.nack(wire.Error(code="30000", message="no"))).encode()
    outcome = wire.read_ack(400, reply)
    assert (outcome.verdict, outcome.error.code) == ("refused", "30000")
