from uuid import uuid4

import pytest

from apps.beckn import delivery, outbox, registry, signing
from apps.beckn.models import Message
from apps.beckn.wire import v1_1 as wire
from evportal import wiring as tables
from tests.beckn import takers
from tests.beckn.peers import Peer
from tests.loopback import Loopback

OURS = {"SIGNING_KEY": signing.make_private_key(), "ENCRYPTION_KEY": signing.make_encryption_key()}


@pytest.fixture(autouse=True)
def network(settings):
    """One machine, one key, and nothing remembered from the test before."""
    settings.BECKN = {**settings.BECKN, **OURS, "ALLOW_INSECURE_PEERS": True}
    settings.PUBLIC_URL = "http://portal.example"
    registry.forget()
    yield
    registry.forget()


@pytest.fixture
def ourselves(db):
    registry.ensure_own_subscribers()
    registry.forget()


@pytest.fixture
def app(ourselves) -> Peer:
    """A foreign buyer application."""
    peer = Peer("app.voltpath.example", "BAP", "http://app.voltpath.example/beckn/bap")
    peer.register()
    return peer


@pytest.fixture
def grid(ourselves) -> Peer:
    """A foreign operator platform."""
    peer = Peer("grid.sparkdock.example", "BPP", "http://grid.sparkdock.example/beckn/bpp")
    peer.register()
    return peer


@pytest.fixture
def gateway(ourselves) -> Peer:
    peer = Peer("gateway.example", "BG", "http://gateway.example/bg")
    peer.register()
    return peer


@pytest.fixture
def rooms(monkeypatch):
    """Both sides answered by tests/beckn/takers.py; what they took is in the fixture."""
    for notes in (takers.taken, takers.undelivered, takers.trouble):
        notes.clear()
    room = "tests.beckn.takers"
    monkeypatch.setattr(
        tables,
        "BECKN_BPP",
        {
            "select": f"{room}.take_and_answer",
            "confirm": f"{room}.take_and_answer",
            "init": f"{room}.refuse",
            "search": f"{room}.take",
        },
    )
    monkeypatch.setattr(
        tables,
        "BECKN_BAP",
        {name: f"{room}.take" for name in ("on_select", "on_search", "on_status", "on_confirm")},
    )
    monkeypatch.setattr(tables, "EVENTS", {"message.undeliverable": f"{room}.note_undelivered"})
    return takers


@pytest.fixture
def loopback() -> Loopback:
    return Loopback()


@pytest.fixture
def our_request():
    """Ask `peer` something and let its side acknowledge."""

    def ask(peer: Peer, **how) -> Message:
        body = wire.SelectMessage(order=wire.Order())
        message = outbox.request(
            "select", body, transaction_id=uuid4(), bpp_id=peer.subscriber_id, bpp_uri=peer.url, **how
        )
        delivery.deliver(Loopback({peer.url: lambda *_: (200, b"")}))
        message.refresh_from_db()
        return message

    return ask
