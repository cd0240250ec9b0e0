"""How one comes into a registry: apply, answer the challenge, be admitted; and our own keys in it."""

import json
from datetime import timedelta

import pytest

from apps.beckn import keys, registry, signing, subscription
from apps.beckn.models import Side, Subscriber
from apps.beckn.transport import Answer
from apps.beckn.wire import v1_1 as wire
from apps.lib import clock
from tests.beckn.peers import Peer
from tests.beckn.server import as_json, serving
from tests.loopback import Loopback, post

State = Subscriber.State


@pytest.fixture
def newcomer(ourselves):
    peer = Peer("new.example", "BAP", "http://new.example/beckn")
    peer.opener = signing.load_encryption_key(signing.make_encryption_key())
    return peer


def application(peer, **changes) -> bytes:
    words = {
        "subscriber_id": peer.subscriber_id,
        "url": peer.url,
        "type": peer.type,
        "domain": "ev-charging:uei",
        "key_id": peer.key_id,
        "signing_public_key": peer.public,
        "encr_public_key": signing.encryption_public_text(peer.opener),
        "nonce": "1",
    }
    return json.dumps({**words, **changes}).encode()


def apply(peer, by=None, **changes):
    body = application(peer, **changes)
    return post("/beckn/registry/subscribe", body, (by or peer).sign(body))


class Answering(Loopback):
    """The newcomer's /on_subscribe: decrypts, or signs as the protocol server does, or says nonsense."""

    def __init__(self, peer, how="decrypt"):
        super().__init__()
        self.peer, self.how = peer, how

    def post(self, url, body, headers):
        self.sent.append((url, body, headers))
        challenge = json.loads(body)["challenge"]
        said = {
            "decrypt": lambda: signing.decrypt_challenge(self.peer.opener, challenge),
            "sign": lambda: signing.signed_challenge(self.peer.private, challenge),
            "guess": lambda: "42",
        }[self.how]()
        return Answer(wire.Verdict.ACCEPTED, 200, json.dumps({"answer": said}))


def state_of(peer) -> str:
    return Subscriber.objects.get(subscriber_id=peer.subscriber_id, key_id=peer.key_id).state


@pytest.mark.parametrize("how", ["decrypt", "sign"])
def test_a_newcomer_passes_the_challenge_and_waits_for_admission(newcomer, how):
    assert apply(newcomer).payload == {"status": "UNDER_SUBSCRIPTION"}
    assert state_of(newcomer) == State.INITIATED
    transport = Answering(newcomer, how)
    assert subscription.challenge_applicants(transport) == 1
    [(url, body, headers)] = transport.sent
    assert url == "http://new.example/beckn/on_subscribe"
    signature = signing.read_authorization(headers["Authorization"], now=int(clock.now().timestamp()))
    assert signature.subscriber_id == "registry.localhost"
    assert signature.holds(keys.own_key("REGISTRY").signing_key.verify_key, signing.digest(body))
    assert state_of(newcomer) == State.UNDER_SUBSCRIPTION
    registry.forget()
    assert newcomer.post(newcomer.say("select")).status == 401
    registry.admit(Subscriber.objects.get(subscriber_id="new.example"), why="known to us")
    registry.forget()
    assert newcomer.post(newcomer.say("select")).status == 200


def test_who_passes_may_be_admitted_at_once(newcomer, settings):
    settings.BECKN = {**settings.BECKN, "ADMIT_ON_CHALLENGE": True}
    apply(newcomer)
    subscription.challenge_applicants(Answering(newcomer))
    assert state_of(newcomer) == State.SUBSCRIBED


def test_a_wrong_answer_does_not_pass_and_after_an_hour_it_is_over(newcomer, time_machine):
    time_machine.move_to(clock.now())
    apply(newcomer)
    transport = Answering(newcomer, "guess")
    subscription.challenge_applicants(transport)
    assert state_of(newcomer) == State.INITIATED
    assert subscription.challenge_applicants(transport) == 0  # not before a minute has passed
    time_machine.shift(timedelta(hours=2))
    subscription.challenge_applicants(transport)
    assert state_of(newcomer) == State.INVALID_SSL


def test_applying_again_changes_nothing(newcomer):
    for _time in range(3):
        assert apply(newcomer).status == 200
    assert Subscriber.objects.filter(subscriber_id="new.example").count() == 1


def test_an_application_must_be_signed_with_its_own_key(newcomer):
    other = Peer(newcomer.subscriber_id, "BAP", newcomer.url)
    assert apply(newcomer, by=other).status == 401
    assert post("/beckn/registry/subscribe", application(newcomer)).status == 401
    stranger = Peer("x.example", "BAP", newcomer.url, private=newcomer.private)
    assert apply(newcomer, by=stranger).status == 401


@pytest.mark.parametrize(
    "wrong", [{"type": "BREG"}, {"url": "nowhere"}, {"signing_public_key": "?"}, {"encr_public_key": "?"}]
)
def test_an_application_that_cannot_be_used_is_refused(newcomer, wrong):
    assert apply(newcomer, **wrong).status == 400
    assert not Subscriber.objects.filter(subscriber_id="new.example").exists()


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff"])
@pytest.mark.parametrize("action", ["lookup", "subscribe"])
def test_bytes_that_are_no_application_are_refused(ourselves, action, body):
    assert post(f"/beckn/registry/{action}", body).status in (400, 401)


def test_nobody_takes_over_an_id_that_is_subscribed(app):
    app.opener = signing.load_encryption_key(signing.make_encryption_key())
    thief = Peer(app.subscriber_id, "BAP", "http://thief.example", key_id="k2")
    thief.opener = app.opener
    assert apply(thief).status == 401


def test_a_new_key_vouched_for_by_the_old_one_needs_only_the_challenge(app):
    newer = Peer(app.subscriber_id, "BAP", app.url, key_id="k2")
    newer.opener = signing.load_encryption_key(signing.make_encryption_key())
    assert apply(newer, by=app).status == 200
    subscription.challenge_applicants(Answering(newer))
    assert state_of(newer) == State.SUBSCRIBED


def test_lookup_tells_who_is_subscribed_by_any_filter(app, grid):
    def found(**asked):
        came = post("/beckn/registry/lookup", json.dumps(asked).encode())
        return [entry["subscriber_id"] for entry in came.payload]

    assert set(found()) >= {app.subscriber_id, grid.subscriber_id, "bap.localhost", "bpp.localhost"}
    assert found(subscriber_id=app.subscriber_id, ukId="k1") == [app.subscriber_id]
    assert found(type="BPP", subscriber_id=app.subscriber_id) == []
    registry.revoke(Subscriber.objects.get(subscriber_id=app.subscriber_id), why="gone")
    assert found(subscriber_id=app.subscriber_id) == []


# --- As participant ---------------------------------------------------------------------------------------
def challenge(words, key=None, path="/beckn/bap/on_subscribe"):
    body = json.dumps(words).encode()
    own = keys.own_key("REGISTRY")
    registry_peer = Peer("registry.localhost", "BG", "", private=key or own.signing_key)
    return post(path, body, registry_peer.sign(body))


def test_we_decrypt_the_challenge_of_our_registry(ourselves):
    ours = signing.encryption_public_text(keys.own_encryption_key())
    sealed = signing.encrypt_challenge(ours, "open sesame")
    assert challenge({"challenge": sealed}).payload == {"answer": "open sesame"}


def test_we_sign_it_where_the_network_wants_that(ourselves, settings):
    settings.BECKN = {**settings.BECKN, "CHALLENGE": "sign"}
    answer = challenge({"challenge": "open sesame"}).payload["answer"]
    assert signing.opens_signed_challenge(keys.own_key(Side.BAP).public, answer, "open sesame")
    forged = signing.signing_string("digest", 1, 2).decode()
    assert challenge({"challenge": forged}).status == 400


def test_nobody_else_may_challenge_us(ourselves):
    stranger = signing.load_private_key(signing.make_private_key())
    assert challenge({"challenge": "x"}, key=stranger).status == 401
    assert post("/beckn/bap/on_subscribe", b"{}").status == 401
    assert challenge({"challenge": "nonsense"}).status == 400


def test_a_remote_registry_needs_its_key_configured(ourselves, settings):
    settings.BECKN = {**settings.BECKN, "REGISTRY_URL": "http://registry.example"}
    assert challenge({"challenge": "x"}).status == 401
    key = signing.load_private_key(signing.make_private_key())
    settings.BECKN = {**settings.BECKN, "REGISTRY_PUBLIC_KEY": signing.public_text(key), "CHALLENGE": "sign"}
    assert challenge({"challenge": "open sesame"}, key=key).status == 200


def test_we_apply_to_a_remote_registry_with_our_signature(settings, db):
    with serving(lambda *_: as_json({"status": "UNDER_SUBSCRIPTION"})) as server:
        settings.BECKN = {**settings.BECKN, "REGISTRY_URL": server.url}
        assert subscription.apply(Side.BPP).http_status == 200
        [(path, body, headers)] = server.came
    words = json.loads(body)
    assert path == "/subscribe" and words["url"] == "http://portal.example/beckn/bpp"
    assert headers["Authorization"].startswith('Signature keyId="bpp.localhost|k1|')


# --- Ourselves in the built-in registry -------------------------------------------------------------------
def test_both_of_our_sides_are_registered_once(db):
    for _time in range(3):
        registry.ensure_own_subscribers()
    rows = {row.subscriber_id: row for row in Subscriber.objects.all()}
    assert set(rows) == {"bap.localhost", "bpp.localhost"}
    assert rows["bpp.localhost"].url == "http://portal.example/beckn/bpp"
    assert rows["bap.localhost"].state == State.SUBSCRIBED


def test_a_side_that_is_off_is_not_registered(db, settings):
    settings.ROLES = frozenset({"bpp"})
    registry.ensure_own_subscribers()
    assert Subscriber.objects.get().subscriber_id == "bpp.localhost"


def test_a_new_key_signs_and_the_old_one_stays_for_a_day(ourselves, settings):
    old = keys.own_key(Side.BAP)
    settings.BECKN = {**settings.BECKN, "KEY_ID": "k2", "SIGNING_KEY": signing.make_private_key()}
    registry.ensure_own_subscribers()
    registry.forget()
    assert registry.participant("bap.localhost", "BAP").key_id == "k2" == keys.own_key(Side.BAP).key_id
    kept = registry.pick(registry.look_up("bap.localhost"), "BAP", old.key_id)
    assert timedelta(hours=23) < kept.valid_until - clock.now() <= timedelta(days=1)


def test_a_new_address_of_ours_is_published(ourselves, settings):
    settings.PUBLIC_URL = "http://moved.example"
    registry.ensure_own_subscribers()
    assert {row.url for row in Subscriber.objects.all()} == {
        "http://moved.example/beckn/bap",
        "http://moved.example/beckn/bpp",
    }


def test_embedded_keys_are_made_once_and_kept_private(settings, tmp_path):
    settings.BECKN = {**settings.BECKN, "SIGNING_KEY": ""}
    settings.DATA_DIR, settings.EMBEDDED = tmp_path, True
    first, other = keys.own_key(Side.BAP).public, keys.own_key(Side.BPP).public
    keys._kept_in.cache_clear()
    assert keys.own_key(Side.BAP).public == first != other
    assert all(file.stat().st_mode & 0o077 == 0 for file in tmp_path.iterdir())


def test_outside_the_embedded_mode_keys_must_be_configured(settings):
    settings.BECKN = {**settings.BECKN, "SIGNING_KEY": ""}
    settings.EMBEDDED = False
    with pytest.raises(Exception, match="BECKN_SIGNING_KEY"):
        keys.own_key(Side.BAP)
    settings.BECKN = {**settings.BECKN, "SIGNING_KEY": "x"}
    with pytest.raises(Exception, match="BECKN_SIGNING_KEY"):
        keys.own_key(Side.BAP)


def test_keys_whose_time_is_over_are_closed(app):
    Subscriber.objects.filter(subscriber_id=app.subscriber_id).update(valid_until=clock.now())
    assert registry.expire_subscribers() == 1
    assert state_of(app) == State.EXPIRED
    assert "its time was over" in str(Subscriber.objects.get(subscriber_id=app.subscriber_id).events.last())
