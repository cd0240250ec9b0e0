"""Asking a remote registry: both styles, remembered for a while, refreshed when a key has changed."""

import json

import pytest

from apps.beckn import registry
from apps.beckn.participant import RegistrySilent
from tests.beckn.peers import Peer
from tests.beckn.server import as_json, serving


@pytest.fixture
def far():
    return Peer("far.example", "BAP", "http://far.example/beckn")


@pytest.fixture
def remote(settings, db):
    """A registry on this machine whose answer a test may change."""
    entries: list[dict] = []
    with serving(lambda *_: as_json(entries)) as server:
        settings.BECKN = {**settings.BECKN, "REGISTRY_URL": server.url}
        server.entries = entries
        server.asked = lambda: [json.loads(body) for _path, body, _headers in server.came]
        yield server


def entry(peer, **changes):
    return {
        "subscriber_id": peer.subscriber_id,
        "type": peer.type,
        "url": peer.url,
        "key_id": peer.key_id,
        "signing_public_key": peer.public,
        "status": "SUBSCRIBED",
        "valid_from": "2020-01-01T00:00:00Z",
        "valid_until": "2099-01-01T00:00:00Z",
        **changes,
    }


def test_a_sender_known_to_the_remote_registry_is_believed_and_remembered(remote, far):
    remote.entries.append(entry(far))
    assert [far.post(far.say("select")).status for _time in range(3)] == [200] * 3
    assert remote.asked() == [{"subscriber_id": "far.example", "key_id": "k1"}]
    assert [path for path, *_rest in remote.came] == ["/lookup"]


def test_the_protocol_servers_field_names(remote, far, settings):
    settings.BECKN = {**settings.BECKN, "REGISTRY_STYLE": "ps"}
    found = entry(far, ukId="k1", subscriber_url=far.url)
    remote.entries.append({name: value for name, value in found.items() if name not in ("key_id", "url")})
    assert far.post(far.say("select")).status == 200
    assert remote.asked() == [{"subscriber_id": "far.example", "ukId": "k1", "domain": "ev-charging:uei"}]


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "UNSUBSCRIBED"},
        {"type": "BPP"},
        {"key_id": "k9"},
        {"subscriber_id": "other.example"},
        {"valid_until": "2021-01-01T00:00:00Z"},
        {"valid_from": "2098-01-01T00:00:00Z"},
        {"signing_public_key": "?"},
    ],
)
def test_the_answer_is_filtered_here_again(remote, far, wrong):
    remote.entries.append(entry(far, **wrong))
    assert far.post(far.say("select")).status == 401


def test_who_is_unknown_is_not_asked_for_again_at_once(remote, far):
    assert [far.post(far.say("select")).status for _time in range(3)] == [401] * 3
    assert len(remote.came) == 1


def test_a_changed_key_is_looked_up_once_more(remote, far, monkeypatch):
    old = Peer(far.subscriber_id, "BAP", far.url)
    remote.entries.append(entry(old))
    assert old.post(old.say("select")).status == 200
    remote.entries[0] = entry(far)
    assert far.post(far.say("select")).status == 401  # asked a moment ago
    monkeypatch.setattr(registry, "NEWS_SECONDS", 0)
    assert far.post(far.say("select")).status == 200
    assert len(remote.came) == 2


def test_a_silent_registry_is_no_verdict_on_the_sender(settings, db, far):
    settings.BECKN = {**settings.BECKN, "REGISTRY_URL": "http://127.0.0.1:9"}
    came = far.post(far.say("select"))
    assert (came.status, came.ack) == (503, "NACK")
    with pytest.raises(RegistrySilent):
        registry.look_up("far.example")


@pytest.mark.parametrize("answer", [b"", b"[", b'{"error": 1}', b"[1, null, {}]", b'"x"'])
def test_an_answer_that_says_nothing_finds_nobody(settings, db, far, answer):
    with serving(lambda *_: (200, answer)) as server:
        settings.BECKN = {**settings.BECKN, "REGISTRY_URL": server.url}
        assert far.post(far.say("select")).status in (401, 503)


def test_the_platforms_of_the_registry_are_known_before_a_search(remote, far):
    grid = Peer("grid.example", "BPP", "http://grid.example")
    remote.entries += [entry(far), entry(grid, key_id="k2"), entry(grid)]
    assert registry.bpps() == []
    registry.refresh_platforms()
    assert remote.asked() == [{"type": "BPP"}]
    assert [(bpp.subscriber_id, bpp.url) for bpp in registry.bpps()] == [("grid.example", grid.url)]
    remote.entries[1:] = [entry(grid, url="http://moved.example")]
    registry.refresh_platforms()
    assert [bpp.url for bpp in registry.bpps()] == ["http://moved.example"]
    remote.entries.pop()
    registry.refresh_platforms()
    assert registry.bpps() == []


def test_a_silent_registry_does_not_make_the_platforms_forgotten(remote, settings):
    grid = Peer("grid.example", "BPP", "http://grid.example")
    remote.entries.append(entry(grid))
    registry.refresh_platforms()
    settings.BECKN = {**settings.BECKN, "REGISTRY_URL": "http://127.0.0.1:9"}
    registry.refresh_platforms()
    assert len(registry.bpps()) == 1


def test_with_a_remote_registry_the_built_in_one_is_closed(remote, far):
    from tests.loopback import post  # here: the only test that needs it

    assert post("/beckn/registry/lookup", b"{}").status == 404
    registry.ensure_own_subscribers()
    assert not registry.Subscriber.objects.exists()
