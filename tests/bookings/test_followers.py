"""The app is told of a charge at the address it gave: signed, at its own host only, to the end or until it says no."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
import time_machine

from apps.beckn import keys, registry, signing
from apps.beckn.models import Side
from apps.beckn.transport import Transport
from apps.bookings import followers
from apps.bookings.models import Booking, Follower
from apps.lib import clock as lib_clock
from tests.beckn.server import serving
from tests.bookings.doubles import App, code_of
from tests.factory import NOON
from tests.foreign.beckn import verified_sender

S = Follower.State
HOOK = "/hooks/track?order=7"


@pytest.fixture
def peer() -> Iterator[SimpleNamespace]:
    """The app's own host, which answers as `peer.says` wants."""
    says = SimpleNamespace(status=204)
    with serving(lambda *_: (says.status, b"")) as server:
        server.says = says
        yield server


@pytest.fixture
def app(charger, peer) -> App:
    """It is registered with an address on that host."""
    app = App(charger)
    app.uri = f"{peer.url}/beckn/bap"
    public = signing.public_text(signing.load_private_key(signing.make_private_key()))
    registry.add_subscriber(subscriber_id=app.id, url=app.uri, type="BAP", key_id="k1", public_key=public)
    registry.forget()
    return app


@pytest.fixture
def running(app, placed, charger) -> int:
    app.update("start-charging")
    number = charger.begin(placed.start_token).transaction_id
    app.news()
    return number


def track(app: App, url: str) -> dict:
    return app.about("track", callback_url=url)


def read_meter(charger, number: int, seconds: int, wh: int) -> None:
    charger.meter(number, (NOON + timedelta(seconds=seconds), wh), power_w=Decimal(42_100))


def tell() -> int:
    """Whoever is due is told here and now."""
    transport = Transport()
    claimed = followers.claim()
    for follower in claimed:
        followers.tell(follower, transport)
    return len(claimed)


def told(peer) -> list[dict]:
    return [json.loads(body) for _path, body, _headers in peer.came]


def the_follower() -> Follower:
    return Follower.objects.get()


# --- What is told -----------------------------------------------------------------------------------------


def test_the_app_is_told_the_figures_of_the_charge(app, peer, placed, charger, running):
    assert track(app, peer.url + HOOK)["message"]["tracking"]["status"] == "active"
    read_meter(charger, running, 600, 8_420)
    assert tell() == 1
    ((path, _body, _headers),) = peer.came
    assert (path, peer.methods) == (HOOK, ["PATCH"])
    (said,) = told(peer)
    assert (said["order_id"], said["status"], said["kwh"]) == (placed.code, "ACTIVE", "7.42")
    assert said["total_cost"] == {"incl_vat": "173.78"}
    assert {"type": "POWER", "volume": "42.1"} in said["charging_periods"][0]["dimensions"]
    assert "stream_url" not in said


def test_what_is_told_is_signed_by_our_operators_platform(app, peer, charger, running):
    track(app, peer.url + HOOK)
    tell()
    ((_path, body, headers),) = peer.came
    public = keys.own_key(Side.BPP).public
    sender = verified_sender(headers["Authorization"], body, lambda *_who: public, now=NOON.timestamp())
    assert sender == "bpp.localhost"


def test_it_is_told_at_most_every_ten_seconds_and_only_news(app, peer, charger, running, clock):
    track(app, peer.url + HOOK)
    tell()
    read_meter(charger, running, 5, 1_100)
    clock.shift(9)
    assert tell() == 0
    clock.shift(1)
    tell()
    assert len(peer.came) == 2
    clock.shift(10)
    assert tell() == 1  # looked at, but nothing is new
    assert len(peer.came) == 2


def test_before_energy_flows_there_is_nothing_to_tell(app, peer, placed, charger, clock):
    track(app, peer.url + HOOK)
    assert (tell(), peer.came) == (1, [])
    app.update("start-charging")
    charger.begin(placed.start_token)
    clock.shift(10)
    tell()
    assert [said["status"] for said in told(peer)] == ["ACTIVE"]


def test_the_last_word_is_the_end_of_it(app, peer, charger, running, clock):
    track(app, peer.url + HOOK)
    tell()
    charger.end(running, wh=17_000, at=NOON + timedelta(minutes=20))
    clock.shift(1200)
    tell()
    last = told(peer)[-1]
    assert (last["status"], last["total_cost"]) == ("COMPLETED", {"incl_vat": "361.08"})
    assert the_follower().state == S.DONE
    clock.shift(3600)
    assert tell() == 0


def test_a_cancelled_order_is_told_once(app, peer, placed, clock):
    track(app, peer.url + HOOK)
    app.about("cancel", cancellation_reason_id="2")
    tell()
    clock.shift(60)
    tell()
    assert [said["status"] for said in told(peer)] == ["INVALID"]


# --- Asking again -----------------------------------------------------------------------------------------


def test_asking_without_an_address_asks_for_nothing(app, running):
    app.about("track")
    assert not Follower.objects.exists()


def test_asking_twice_is_one_follower(app, peer, running):
    for _time in range(3):
        track(app, peer.url + HOOK)
    assert the_follower().events.count() == 0
    assert tell() == 1 and len(peer.came) == 1


def test_the_newest_address_counts(app, peer, running):
    track(app, f"{peer.url}/old")
    track(app, f"{peer.url}/new")
    tell()
    assert [path for path, _body, _headers in peer.came] == ["/new"]


def test_a_sender_of_the_old_address_changes_nothing_any_more(app, peer, running):
    track(app, f"{peer.url}/old")
    peer.says.status = 404
    (old,) = followers.claim()
    track(app, f"{peer.url}/new")
    followers.tell(old, Transport())
    assert (the_follower().state, the_follower().url) == (S.FOLLOWING, f"{peer.url}/new")


def test_who_was_refused_may_ask_again(app, peer, running):
    track(app, peer.url + HOOK)
    peer.says.status = 404
    tell()
    assert the_follower().state == S.REFUSED
    peer.says.status = 200
    track(app, peer.url + HOOK)
    tell()
    assert the_follower().told_at == NOON


# --- It does not go well ----------------------------------------------------------------------------------


def test_a_host_that_knows_no_patch_is_told_by_post(app, peer, running):
    track(app, peer.url + HOOK)
    peer.says.status = 405
    tell()
    peer.says.status = 200
    tell()
    assert peer.methods == ["PATCH", "POST"]
    assert (the_follower().state, the_follower().last_error) == (S.FOLLOWING, "")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_no_is_the_end_of_it(app, peer, running, status, clock):
    track(app, peer.url + HOOK)
    peer.says.status = status
    tell()
    clock.shift(3600)
    assert tell() == 0
    assert (the_follower().state, the_follower().last_error) == (S.REFUSED, f"HTTP {status}")


@pytest.mark.parametrize("status", [408, 429, 500, 503, 302])
def test_a_fault_is_tried_again_more_and_more_rarely(app, peer, running, status, clock):
    track(app, peer.url + HOOK)
    peer.says.status = status
    pauses = []
    for _time in range(4):
        assert tell() == 1
        pauses.append((the_follower().next_at - lib_clock.now()).total_seconds())
        clock.shift(pauses[-1])
    assert pauses == [10, 20, 40, 80]
    peer.says.status = 200
    tell()
    assert (the_follower().tries, the_follower().last_error) == (0, "")


def test_who_never_answers_is_given_up_and_the_admin_shows_it(app, peer, running, clock, admin_client):
    track(app, peer.url + HOOK)
    peer.says.status = 503
    for _time in range(followers.MOST_TRIES):
        assert tell() == 1
        clock.shift(301)
    assert (tell(), the_follower().state) == (0, S.GIVEN_UP)
    page = admin_client.get(f"/admin/bookings/booking/{app.booking().pk}/change/").content.decode()
    assert "Given up" in page and "HTTP 503" in page


def test_what_could_not_be_told_is_told_newest_first_and_the_end_is_not_lost(
    app, peer, charger, running, clock
):
    track(app, peer.url + HOOK)
    peer.says.status = 500
    tell()
    charger.end(running, wh=17_000, at=NOON + timedelta(minutes=20))
    clock.shift(1200)
    peer.says.status = 200
    tell()
    assert [said["status"] for said in told(peer)] == ["ACTIVE", "COMPLETED"]
    assert the_follower().state == S.DONE


# --- Only where the app is at home ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/hooks",  # another port is another owner
        "http://localhost.evil.example/hooks",
        "https://127.0.0.1/hooks",
        "http://user@127.0.0.1/hooks",
        "file:///etc/passwd",
        "http://127.0.0.1/a b",
        "not a link",
    ],
)
def test_an_address_elsewhere_is_refused(app, running, url):
    assert code_of(track(app, url)) == "30000"
    assert not Follower.objects.exists()


def test_a_lie_about_ones_own_host_helps_nobody(app, peer, running):
    """The message says where its sender lives; the registry knows better."""
    with serving(lambda *_: (200, b"")) as victim:
        Booking.objects.update(bap_uri=f"{victim.url}/beckn/bap")
        track(app, f"{victim.url}/admin/delete")
        tell()
        assert victim.came == []
    follower = the_follower()
    assert (follower.state, follower.last_error) == (
        S.REFUSED,
        "the address is not on the host of app.voltpath.example",
    )


def test_who_left_the_network_is_told_nothing(app, peer, running):
    track(app, peer.url + HOOK)
    for row in registry.Subscriber.objects.filter(subscriber_id=app.id):
        registry.revoke(row, why="left")
    registry.forget()
    tell()
    assert peer.came == []
    assert "is not subscribed as BAP" in the_follower().last_error


def test_machines_inside_our_walls_are_not_knocked_at(app, peer, running, settings):
    track(app, peer.url + HOOK)
    settings.BECKN = {**settings.BECKN, "ALLOW_INSECURE_PEERS": False}
    tell()
    assert peer.came == []
    assert the_follower().last_error


def test_the_order_of_another_app_is_not_followed(app, placed, charger, peer):
    thief = App(charger, "thief.example")
    assert code_of(thief.ask("track", {"order_id": placed.code, "callback_url": peer.url})) == "30010"
    assert not Follower.objects.exists()


# --- Many senders -----------------------------------------------------------------------------------------


def test_the_lease_of_a_dead_sender_runs_out(app, peer, running, clock):
    track(app, peer.url + HOOK)
    followers.claim()
    assert followers.claim() == []
    clock.shift(followers.LEASE.total_seconds())
    assert tell() == 1 and len(peer.came) == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_senders_one_tells(app, peer, running):
    track(app, peer.url + HOOK)
    claimed, start = [], threading.Barrier(4)

    def claim() -> None:
        start.wait(10)
        claimed.extend(followers.claim())
        followers.db.connection.close()

    threads = [threading.Thread(target=claim) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(claimed) == 1


def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.mark.django_db(transaction=True)
def test_the_duty_tells_what_is_due(app, peer, running):
    track(app, peer.url + HOOK)
    with time_machine.travel(NOON, tick=True):
        assert followers.tell_due() == 1
        until(lambda: the_follower().told_at is not None)
    assert len(peer.came) == 1
