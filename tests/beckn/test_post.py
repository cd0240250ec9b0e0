"""The transport: one POST over a real socket, judged."""

import socket
from decimal import Decimal

import pytest

from apps.beckn import addresses, transport
from apps.beckn.addresses import AddressRefused
from apps.beckn.transport import Transport, Unreadable
from apps.beckn.wire import v1_1 as wire
from tests.beckn.server import as_json, serving


def test_the_bytes_arrive_as_they_are_and_the_connection_is_kept():
    with serving(lambda *_: as_json(wire.ack())) as peer:
        post = Transport()
        for _time in range(3):
            answer = post.post(f"{peer.url}/select", b'{"a": "\xe2\x82\xb9"}', {"Authorization": "x"})
        assert answer.verdict == wire.Verdict.ACCEPTED and answer.http_status == 200
        assert [(path, body) for path, body, _headers in peer.came] == [
            ("/select", b'{"a": "\xe2\x82\xb9"}')
        ] * 3
        assert len(peer.connections) == 1
        assert all("Cookie" not in headers for _path, _body, headers in peer.came)


def test_redirects_are_not_followed():
    with serving(lambda *_: (307, b"")) as peer:
        answer = Transport().post(f"{peer.url}/select", b"{}", {})
        assert answer.verdict == wire.Verdict.RETRY and answer.http_status == 307
        assert len(peer.came) == 1


def test_an_endless_answer_is_cut():
    with serving(lambda *_: (200, b"x" * 1_000_000)) as peer:
        answer = Transport().post(f"{peer.url}/select", b"{}", {})
    assert answer.verdict == wire.Verdict.ACCEPTED and len(answer.text) == transport.EXCERPT


def test_a_silent_peer_is_a_reason_to_try_again(monkeypatch):
    monkeypatch.setattr(transport, "TIMEOUT", (0.2, 0.2))
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        answer = Transport().post(f"http://127.0.0.1:{deaf.getsockname()[1]}/select", b"{}", {})
    assert answer.verdict == wire.Verdict.RETRY and answer.http_status is None
    assert "ReadTimeout" in answer.error_message


def test_a_closed_port_is_a_reason_to_try_again():
    answer = Transport().post("http://127.0.0.1:9/select", b"{}", {})
    assert answer.verdict == wire.Verdict.RETRY and "ConnectionError" in answer.error_message


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.1.2.3", "[::1]", "169.254.169.254", "0.0.0.0", "[::ffff:10.0.0.1]"]
)
def test_private_addresses_are_refused_outside_one_machine(settings, host):
    settings.BECKN = {**settings.BECKN, "ALLOW_INSECURE_PEERS": False}
    answer = Transport().post(f"https://{host}:9/select", b"{}", {})
    assert answer.verdict == wire.Verdict.RETRY and "AddressRefused" in answer.error_message


def test_plain_http_is_refused_outside_one_machine(settings):
    addresses.check_form("http://peer.example/x")
    settings.BECKN = {**settings.BECKN, "ALLOW_INSECURE_PEERS": False}
    with pytest.raises(AddressRefused):
        addresses.check_form("http://peer.example/x")
    assert addresses.check_form("https://peer.example/x/") == "https://peer.example/x"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "//peer",
        "ftp://peer",
        "https://",
        "https://a b",
        "https://p?q=1",
        "https://p#f",
        "https://p:x",
        "https://u:p@peer",
    ],
)
def test_urls_of_other_shapes_are_refused(url):
    with pytest.raises(AddressRefused):
        addresses.check_form(url)


@pytest.mark.parametrize(
    ("url", "beneath"),
    [
        ("https://Peer.example/beckn", True),
        ("https://peer.example:443/beckn/", True),
        ("https://peer.example/beckn/bap", True),
        ("https://peer.example/beckn2", False),
        ("https://peer.example/", False),
        ("http://peer.example/beckn", False),
        ("https://peer.example:444/beckn", False),
        ("https://peer.example/beckn/../x", False),
    ],
)
def test_what_lies_beneath_a_registered_url(url, beneath):
    assert addresses.is_beneath(url, "https://peer.example/beckn") is beneath


# --- Reading what a peer links -----------------------------------------------------------------------------


def test_a_link_is_read_as_json_with_exact_numbers():
    with serving(lambda *_: (200, b'{"kwh": 7.42}')) as peer:
        assert Transport().get_json(f"{peer.url}/track/1/?t=x") == {"kwh": Decimal("7.42")}
        ((path, body, headers),) = peer.came
    assert (path, body, headers["Accept"]) == ("/track/1/?t=x", b"", "application/json")


@pytest.mark.parametrize(
    "answer", [(404, b"{}"), (302, b"{}"), (500, b""), (200, b"<html>"), (200, b'"' + b"x" * 70_000 + b'"')]
)
def test_a_link_that_says_nothing_useful(answer):
    with serving(lambda *_: answer) as peer, pytest.raises(Unreadable):
        Transport().get_json(f"{peer.url}/track/1/")


@pytest.mark.parametrize(
    "url", ["", "file:///etc/passwd", "https://u:p@peer/", "https://p/#x", "http://127.0.0.1:9/x"]
)
def test_a_link_to_nowhere(url):
    with pytest.raises(Unreadable):
        Transport().get_json(url)


def test_a_link_into_our_walls_is_not_followed(settings):
    settings.BECKN = {**settings.BECKN, "ALLOW_INSECURE_PEERS": False}
    with pytest.raises(Unreadable, match="AddressRefused"):
        Transport().get_json("https://169.254.169.254/latest/")
