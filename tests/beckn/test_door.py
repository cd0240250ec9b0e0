"""What comes in at the door: who is believed, what is stored, and how everybody else is turned away."""

import json
from datetime import timedelta

import pytest

from apps.beckn import registry, signing
from apps.beckn.models import Message, Subscriber
from apps.lib import clock
from tests.beckn.peers import Peer
from tests.loopback import post

SELECT = "/beckn/bpp/select"


def refused(came, status, code="30000"):
    assert (came.status, came.ack) == (status, "NACK")
    assert came.error["code"] == code and came.error["message"]
    assert not Message.objects.filter(direction="IN").exists()


# --- Fail closed: the signature ---------------------------------------------------------------------------
def test_without_a_signature_nothing_is_believed(app):
    came = post(SELECT, app.say("select"))
    refused(came, 401)
    assert came.headers["www-authenticate"] == (
        'Signature realm="bpp.localhost",headers="(created) (expires) digest"'
    )


def test_a_signature_of_another_key_is_refused(app):
    impostor = Peer(app.subscriber_id, "BAP", app.url)
    refused(impostor.post(app.say("select")), 401)


def test_an_old_signature_is_refused(app):
    body = app.say("select")
    refused(post(SELECT, body, app.sign(body, at=-120)), 401)


def test_a_signature_from_the_future_is_refused_beyond_five_seconds(app):
    body = app.say("select")
    refused(post(SELECT, body, app.sign(body, at=20)), 401)
    assert post(SELECT, body, app.sign(body, at=5)).status == 200


def test_a_changed_byte_is_noticed(app):
    body = app.say("select")
    refused(post(SELECT, body + b" ", app.sign(body)), 401)
    refused(post(SELECT, json.dumps(json.loads(body), indent=1).encode(), app.sign(body)), 401)


@pytest.mark.parametrize(
    ("this", "that"),
    [
        ("Signature ", "Bearer "),
        ("|ed25519", "|rsa"),
        ('algorithm="ed25519"', 'algorithm="hs2019"'),
        ("|k1|", "|k1|x|"),
        ('headers="(created) (expires) digest"', 'headers="digest"'),
        ('created="', 'created="x'),
        ('signature="', 'signature="!'),
        ("keyId=", "KeyId="),
        (",", ";"),
        ('created="', 'created="1",created="'),
    ],
)
def test_a_crooked_header_is_refused(app, this, that):
    body = app.say("select")
    header = app.sign(body)["Authorization"]
    assert this in header
    refused(post(SELECT, body, {"Authorization": header.replace(this, that, 1)}), 401)


def test_an_unknown_sender_is_refused(ourselves):
    stranger = Peer("nobody.example", "BAP", "http://nobody.example")
    refused(stranger.post(stranger.say("select")), 401)


def test_a_signature_may_not_outlive_its_key(ourselves):
    peer = Peer("brief.example", "BAP", "http://brief.example")
    peer.register(valid_until=clock.now() + timedelta(seconds=30))
    refused(peer.post(peer.say("select")), 401)


@pytest.mark.parametrize("state", [s for s in Subscriber.State.values if s != "SUBSCRIBED"])
def test_only_subscribed_keys_are_believed(app, state):
    Subscriber.objects.filter(subscriber_id=app.subscriber_id).update(state=state)
    registry.forget()
    refused(app.post(app.say("select")), 401)


def test_a_key_is_not_believed_before_its_time(ourselves):
    peer = Peer("early.example", "BAP", "http://early.example")
    peer.register(valid_from=clock.now() + timedelta(hours=1))
    refused(peer.post(peer.say("select")), 401)


def test_a_revoked_peer_is_refused(app):
    assert app.post(app.say("select")).status == 200
    Message.objects.all().delete()
    registry.revoke(Subscriber.objects.get(subscriber_id=app.subscriber_id), why="misbehaved")
    registry.forget()  # what every other process does by itself after FRESH_SECONDS
    refused(app.post(app.say("select")), 401)


def test_what_is_remembered_of_a_key_is_seconds_old_at_most(app):
    assert app.post(app.say("select")).status == 200
    assert registry.remembered(app.subscriber_id, app.key_id)
    assert registry.FRESH_SECONDS <= 5


def test_a_new_key_works_beside_the_old_one(app):
    newer = Peer(app.subscriber_id, "BAP", app.url, key_id="k2")
    newer.register()
    assert app.post(app.say("select")).status == newer.post(newer.say("select")).status == 200


# --- Fail closed: who speaks, and to whom -----------------------------------------------------------------
def test_the_signer_must_be_the_speaker(app):
    other = Peer("other.example", "BAP", "http://other.example")
    other.register()
    refused(app.post(other.say("select")), 401)


def test_an_operator_platform_may_not_ask_and_an_app_may_not_answer(app, grid):
    body = grid.say("select", bap_id=grid.subscriber_id, bap_uri=grid.url)
    refused(post(SELECT, body, grid.sign(body)), 401)
    body = app.say("on_select", bpp_id=app.subscriber_id, bpp_uri=app.url)
    refused(post("/beckn/bap/on_select", body, app.sign(body)), 401)


@pytest.mark.parametrize(
    "uri",
    [
        "http://evil.example/beckn/bap",
        "http://app.voltpath.example/beckn/bapx",
        "http://app.voltpath.example/beckn/bap/../admin",
        "http://app.voltpath.example/beckn/bap/%2e%2e",
        "http://user@app.voltpath.example/beckn/bap",
        "http://app.voltpath.example:81/beckn/bap",
        "file:///etc/passwd",
        "http://[::1",
        "http://app.voltpath.example/beckn/bap/₹",
    ],
)
def test_answers_go_only_where_the_registry_says(app, uri):
    refused(app.post(app.say("select", bap_uri=uri)), 400)


def test_a_message_for_somebody_else_is_not_ours(app):
    refused(app.post(app.say("select", bpp_id="other.example")), 404)
    refused(app.post(app.say("select", bpp_id=None)), 404)


@pytest.mark.parametrize(
    "wrong",
    [
        {"domain": "retail"},
        {"version": "2.0.0"},
        {"transaction_id": "1"},
        {"message_id": None},
        {"message_id": "urn:uuid:0b8f5a0e-2a55-4c67-9d3e-51f0a9b7c001"},
    ],
)
def test_a_context_that_cannot_be_used_is_refused(app, wrong):
    refused(app.post(app.say("select", **wrong)), 400)


def test_the_action_must_be_that_of_the_endpoint(app):
    body = app.say("confirm")
    refused(post(SELECT, body, app.sign(body)), 400)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"context":1}',
        b"\xff\xfe",
        b'{"a":1,"a":2}',
        b"[" * 5000,
        b'"\\ud800"',
        b"NaN",
    ],
)
def test_bytes_that_are_no_message_get_a_nack(app, body):
    refused(post(SELECT, body, app.sign(body)), 400)


def test_a_message_without_its_needed_parts_is_refused_at_once(app):
    came = app.post(app.say("select", {"nothing": 1}))
    refused(came, 400)
    assert came.error["paths"].startswith("message.order")


@pytest.mark.parametrize(
    "path",
    [
        "/beckn/bpp/on_select",
        "/beckn/bap/select",
        "/beckn/bpp/dance",
        "/beckn/",
        "/beckn/bpp/",
        "/beckn/x/select",
    ],
)
def test_unknown_endpoints_do_not_exist(ourselves, path):
    refused(post(path, b"{}"), 404)


def test_only_post_is_understood(ourselves):
    came = post(SELECT, b"", method="GET")
    refused(came, 405)
    assert came.headers["allow"] == "POST"


def test_a_role_that_is_off_has_no_door(app, settings):
    settings.ROLES = frozenset({"bap"})
    refused(app.post(app.say("select")), 404)


def test_a_body_beyond_the_limit_is_refused(app, settings):
    settings.BECKN = {**settings.BECKN, "MAX_BODY_BYTES": 1000}
    refused(app.post(app.say("select", {"order": {"id": "x" * 1000}})), 413)
    body = app.say("select")
    refused(post(SELECT, body, {**app.sign(body), "Content-Length": "9" * 12}), 413)


# --- Taken ------------------------------------------------------------------------------------------------
def test_a_good_message_is_stored_as_it_came_and_acknowledged(app):
    body = app.say("select", {"order": {"note": "Café ₹ चार्जर"}})
    came = app.post(body)
    assert (came.status, came.payload) == (200, {"message": {"ack": {"status": "ACK"}}})
    message = Message.objects.get()
    assert bytes(message.body) == body and message.digest == signing.digest(body)
    assert (message.side, message.direction, message.state) == ("BPP", "IN", "RECEIVED")
    assert (message.peer_id, message.bap_uri) == (app.subscriber_id, app.url)
    assert str(message.message_id) == json.loads(body)["context"]["message_id"]
    assert message.headers["authorization"].startswith("Signature keyId=")
    assert message.expires_at - message.created_at < timedelta(seconds=30)


def test_a_callback_is_taken_unasked(grid):
    assert grid.post(grid.say("on_status")).status == 200
    assert Message.objects.get().side == "BAP"


def test_spaces_order_and_bare_numbers_in_the_header_are_tolerated(app):
    body = app.say("select")
    scheme, _, rest = app.sign(body)["Authorization"].partition(" ")
    parts = [
        part.replace('"', "") if part.startswith(("created", "expires")) else part for part in rest.split(",")
    ]
    assert post(SELECT, body, {"Authorization": f"{scheme} {' , '.join(reversed(parts))}"}).status == 200


def test_a_large_message_is_taken_too(app):
    assert app.post(app.say("select", {"order": {"id": "x" * 100_000}})).status == 200


# --- Once -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("times", range(1, 6))
def test_a_repeated_message_is_acknowledged_again_and_kept_once(app, times):
    body = app.say("confirm")
    assert [app.post(body).status for _time in range(times)] == [200] * times
    assert Message.objects.count() == 1


@pytest.mark.parametrize("action", Message.SAID_ONCE)
def test_an_order_may_not_be_contradicted_under_the_same_id(app, action):
    content = {"order_id": "1", "update_target": "order", "order": {"id": "1"}}
    first = app.say(action, content, message_id="0b8f5a0e-2a55-4c67-9d3e-51f0a9b7c001")
    second = first.replace(b'"1"', b'"2"')
    assert app.post(first).status == 200
    came = app.post(second)
    assert (came.status, came.ack, came.error["code"]) == (409, "NACK", "30000")
    assert bytes(Message.objects.get().body) == first
    assert app.post(first).status == 200


def test_other_verbs_may_use_an_id_again(grid):
    one = grid.say("on_search", {"catalog": {}})
    two = one.replace(b'"catalog": {}', b'"catalog": {"providers": []}')
    assert grid.post(one).status == grid.post(two).status == 200
    assert Message.objects.count() == 2


def test_the_same_id_of_another_sender_is_another_message(app):
    other = Peer("other.example", "BAP", "http://other.example")
    other.register()
    for peer in (app, other):
        body = peer.say("confirm", message_id="0b8f5a0e-2a55-4c67-9d3e-51f0a9b7c001")
        assert peer.post(body).status == 200
    assert Message.objects.count() == 2


# --- Gateways ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("header", ["X-Gateway-Authorization", "Proxy-Authorization"])
def test_a_search_through_a_gateway_names_it(app, gateway, header):
    body = app.say("search", {"intent": {}}, bpp_id=None, bpp_uri=None)
    assert app.post(body, **{header: gateway.sign(body)["Authorization"]}).status == 200
    assert Message.objects.get().gateway_id == gateway.subscriber_id


def test_a_gateway_whose_signature_is_wrong_is_refused(app, gateway):
    body = app.say("search", {"intent": {}}, bpp_id=None)
    came = app.post(body, **{"X-Gateway-Authorization": gateway.sign(b"other")["Authorization"]})
    refused(came, 401)
    assert came.headers["proxy-authenticate"].startswith('Signature realm="bpp.localhost"')


def test_who_is_no_gateway_may_not_be_one(app, grid):
    body = app.say("search", {"intent": {}}, bpp_id=None)
    refused(app.post(body, **{"Proxy-Authorization": grid.sign(body)["Authorization"]}), 401)


def test_two_gateway_headers_must_agree(app, gateway):
    body = app.say("search", {"intent": {}}, bpp_id=None)
    other = Peer("gateway2.example", "BG", "http://gateway2.example")
    other.register()
    one, two = (peer.sign(body)["Authorization"] for peer in (gateway, other))
    refused(app.post(body, **{"X-Gateway-Authorization": one, "Proxy-Authorization": two}), 401)


# --- The four-line form -----------------------------------------------------------------------------------
def four_lines(peer, body, request_signature):
    now = int(clock.now().timestamp())
    text = signing.signing_string(signing.digest(body), now, now + 60, request_signature)
    return {
        "Authorization": f'Signature keyId="{peer.subscriber_id}|k1|ed25519",algorithm="ed25519",created="{now}",'
        f'expires="{now + 60}",headers="{signing.SIGNED_WITH_REQUEST}",signature="{signing.sign(peer.private, text)}"'
    }


def test_a_callback_may_sign_the_request_it_answers_too(grid, our_request):
    asked = our_request(grid)
    body = grid.say("on_select", transaction_id=str(asked.transaction_id), message_id=str(asked.message_id))
    ours = asked.headers["Authorization"].rpartition('signature="')[2].rstrip('"')
    assert post("/beckn/bap/on_select", body, four_lines(grid, body, ours)).status == 200


def test_a_callback_that_signs_another_request_is_refused(grid, our_request):
    asked = our_request(grid)
    body = grid.say("on_select", transaction_id=str(asked.transaction_id), message_id=str(asked.message_id))
    came = post("/beckn/bap/on_select", body, four_lines(grid, body, "b3RoZXI="))
    assert came.status == 401
