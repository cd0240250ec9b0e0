"""“Tell me when it is free” (AT-G4): once, by page and by mail, for two hours, with others when it is taken first."""

import smtplib
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.db import transaction

from apps.accounts.models import User
from apps.beckn.models import Message
from apps.discovery import mails, services, watch_panel, watches
from apps.discovery.models import Offer, OfferedStation, SearchRun, Watch
from apps.lib import wiring
from tests.discovery import catalogs

S = Watch.State
PRICED = {"service_charge": "5.00", "tax_name": "GST", "tax_percent": "18"}


@pytest.fixture
def asha(db) -> User:
    return User.objects.create_user("asha@example.org")


@pytest.fixture
def say(tell):
    """say(p_1="Available", …): what the operator says of its two plugs now."""

    def say(p_1: str = "Charging", p_2: str = "Charging", **more) -> None:
        items = [
            catalogs.item("p-1", connector_id="A", availability=p_1, **more),
            catalogs.item("p-2", connector_id="B", availability=p_2, **more),
        ]
        tell(catalogs.catalog(catalogs.provider(items=items)))

    return say


@pytest.fixture
def station(say) -> OfferedStation:
    say()
    return OfferedStation.objects.get()


def plug(item_id: str) -> Offer:
    return Offer.objects.get(item_id=item_id)


def only_watch() -> Watch:
    return Watch.objects.get()


def page(client, station) -> str:
    return client.get(station.get_absolute_url()).content.decode()


# --- Starting ---------------------------------------------------------------------------------------------


def test_one_tap_starts_it(client, asha, station):
    client.force_login(asha)
    assert "Tell me when it is free" in page(client, station)
    answer = client.post(f"/stations/{station.code}/watch/", {"plug": str(plug("p-1").code)})
    assert answer.url == f"{station.get_absolute_url()}#watches"
    watch = only_watch()
    assert (watch.person, watch.offer, watch.state) == (asha, plug("p-1"), S.WAITING)
    assert watch.expires_at - watch.started_at == timedelta(hours=2)
    text = page(client, station)
    assert "Watching plug A" in text and "write to asha@example.org" in text and "Until 14:00 IST" in text
    assert "You are watching it" in text


def test_a_station_can_be_watched_as_a_whole(client, asha, station):
    client.force_login(asha)
    assert "Tell me when one is free" in page(client, station)
    client.post(f"/stations/{station.code}/watch/")
    assert only_watch().offer is None
    text = page(client, station)
    assert "Watching all plugs here" in text and "Tell me when one is free" not in text


def test_guests_are_asked_to_sign_in_and_come_back(client, station):
    text = page(client, station)
    sign_in = f"/accounts/login/?next=%2Fstations%2F{station.code}%2F"
    assert sign_in in text
    assert client.post(f"/stations/{station.code}/watch/").url == sign_in
    assert not Watch.objects.exists()


def test_pressing_twice_watches_once(asha, station):
    first = watches.start(asha, station, plug("p-1"))
    assert watches.start(asha, station, plug("p-1")) == first
    assert watches.start(asha, station) == watches.start(asha, station)
    assert Watch.objects.count() == 2


def test_five_and_no_more(client, asha, tell):
    items = [catalogs.item(f"p-{number}", availability="Charging") for number in range(6)]
    tell(catalogs.catalog(catalogs.provider(items=items)))
    station = OfferedStation.objects.get()
    started = [watches.start(asha, station, plug(f"p-{number}")) for number in range(5)]
    with pytest.raises(watches.TooManyWatches):
        watches.start(asha, station, plug("p-5"))
    watches.stop(started[0])
    assert watches.start(asha, station, plug("p-5"))


def test_what_is_free_needs_no_watch(client, asha, station, say):
    say(p_1="Available")
    client.force_login(asha)
    answer = client.post(f"/stations/{station.code}/watch/", {"plug": str(plug("p-1").code)})
    assert answer.status_code == 409 and "It is free now" in answer.content.decode()
    assert watches.start(asha, station, plug("p-2"))


@pytest.mark.parametrize("code", ["nonsense", "00000000-0000-4000-8000-000000000000"])
def test_a_plug_of_elsewhere_is_not_found(client, asha, station, code):
    client.force_login(asha)
    assert client.post(f"/stations/{station.code}/watch/", {"plug": code}).status_code == 404


@pytest.mark.parametrize("status", ["Faulted", "Unavailable"])
def test_what_is_broken_is_not_watched(client, asha, station, say, status):
    say(p_1=status, p_2=status)
    client.force_login(asha)
    text = page(client, station)
    assert "Tell me when" not in text and "Why not?" in text


# --- Noticing ---------------------------------------------------------------------------------------------


def test_a_free_plug_is_noticed_with_the_catalog(asha, station, say):
    watches.start(asha, station, plug("p-1"))
    say(p_2="Available")
    assert only_watch().state == S.WAITING
    say(p_1="Available")
    watch = only_watch()
    assert (watch.state, watch.found) == (S.FREE, plug("p-1"))
    assert [event.now for event in watch.events.all()] == [S.FREE]


def test_any_plug_will_do_for_a_watched_station(asha, station, say):
    watches.start(asha, station)
    say(p_2="Available")
    assert only_watch().found == plug("p-2")


def test_an_old_word_is_no_news(asha, station, say):
    watches.start(asha, station, plug("p-1"))
    say(p_1="Available", last_seen_at="2026-11-22T05:00:00Z")
    assert only_watch().state == S.WAITING


def test_a_closed_station_is_not_free(asha, station, say):
    watches.start(asha, station, plug("p-1"))
    say(p_1="Available", closed="closed for the night")
    OfferedStation.objects.get()
    assert OfferedStation.objects.get().closed_reason and only_watch().state == S.WAITING


def test_news_and_offers_are_stored_together_or_not_at_all(asha, station, say):
    watches.start(asha, station, plug("p-1"))
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        say(p_1="Available")
        raise ZeroDivisionError
    assert only_watch().state == S.WAITING and plug("p-1").status == "Charging"


def test_whoever_stopped_hears_nothing(asha, station, say):
    watches.stop(watches.start(asha, station, plug("p-1")))
    say(p_1="Available")
    watches.tell()
    assert only_watch().state == S.STOPPED and not mail.outbox


def test_a_catalog_nobody_watches_costs_one_query_more(asha, station, say, django_assert_max_num_queries):
    from apps.discovery import watching

    with django_assert_max_num_queries(1):
        watching.notice([station.pk])
    with django_assert_max_num_queries(1):
        watching.notice(range(1, 400))


# --- Telling ----------------------------------------------------------------------------------------------


def test_one_mail_and_never_a_second(asha, station, say):
    watches.start(asha, station, plug("p-1"))
    say(p_1="Available")
    assert watches.tell() == 1
    for _again in range(3):
        say()
        say(p_1="Available")
        assert watches.tell() == 0
    (letter,) = mail.outbox
    assert letter.to == ["asha@example.org"]
    assert letter.subject == "Free now: plug A · CCS2 at Cubbon Park Plaza"
    assert f"/orders/new/{plug('p-1').code}/" in letter.body and "Nobody holds it for you" in letter.body
    assert only_watch().state == S.TOLD and only_watch().told_at


def test_the_mail_speaks_the_language_of_its_person(asha, station, say):
    User.objects.update(language="hi")
    watches.start(asha, station, plug("p-1"))
    say(p_1="Available")
    assert watches.tell() == 1


def test_the_mail_is_sent_outside_a_transaction_with_its_state_on_disk(asha, station, say, monkeypatch):
    seen = []
    monkeypatch.setattr(mails, "send_free", lambda watch: seen.append(only_watch().state))
    watches.start(asha, station, plug("p-1"))
    say(p_1="Available")
    watches.tell()
    assert seen == [S.TELLING]


def test_a_mail_server_that_fails_is_tried_again_later(asha, station, say, noon, monkeypatch):
    watches.start(asha, station, plug("p-1"))
    say(p_1="Available")
    with monkeypatch.context() as patch:
        patch.setattr(mails, "send_free", _down)
        assert watches.tell() == 0 and watches.tell() == 0
    assert (only_watch().state, only_watch().tries) == (S.FREE, 1)
    noon.shift(timedelta(seconds=31))
    assert watches.tell() == 1 and len(mail.outbox) == 1


def _down(watch: Watch) -> None:
    raise smtplib.SMTPServerDisconnected("gone")


def test_who_dies_while_sending_is_followed_by_another_with_the_same_letter(
    asha, station, say, noon, monkeypatch
):
    watches.start(asha, station, plug("p-1"))
    say(p_1="Available")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(mails, "send_free", _killed_after_sending(mails.send_free))
        watches.tell()
    assert only_watch().state == S.TELLING
    assert watches.move_overdue() == 0 and watches.tell() == 0
    noon.shift(timedelta(minutes=2, seconds=1))
    assert watches.move_overdue() == 1 and watches.tell() == 1
    first, second = mail.outbox
    assert first.extra_headers["Message-ID"] == second.extra_headers["Message-ID"]
    assert only_watch().state == S.TOLD


def _killed_after_sending(send):
    def send_and_die(watch: Watch) -> None:
        send(watch)
        raise KeyboardInterrupt

    return send_and_die


def test_two_workers_send_one_mail(asha, station, say, monkeypatch):
    """The second has read the row before the first moved it."""
    watches.start(asha, station, plug("p-1"))
    say(p_1="Available")
    late = only_watch()
    assert watches.tell() == 1
    assert not watches._go(late, S.TELLING, why="sending the mail")
    assert len(mail.outbox) == 1


def test_the_page_says_it_too(client, asha, station, say):
    watches.start(asha, station, plug("p-1"))
    say(p_1="Available")
    panel = wiring.handler("LIVE", "watch")(asha, str(station.code))
    assert "Plug A · CCS2 is free" in panel and f"/orders/new/{plug('p-1').code}/" in panel
    client.force_login(asha)
    assert "Plug A · CCS2 is free" in page(client, station)
    assert "Free now" in client.get("/saved/").content.decode()


def test_open_pages_are_told(asha, station, say, monkeypatch, django_capture_on_commit_callbacks):
    pushed = []
    monkeypatch.setattr("apps.live.push.push", lambda *said: pushed.append(said[:2]))
    watches.start(asha, station, plug("p-1"))
    with django_capture_on_commit_callbacks(execute=True):
        say(p_1="Available")
    assert ("watch", str(station.code)) in pushed


def test_the_panel_is_for_its_person(asha, station):
    bala = User.objects.create_user("bala@example.org")
    watches.start(asha, station, plug("p-1"))
    assert "Watching" not in watch_panel.live_panel(bala, str(station.code))
    from django.contrib.auth.models import AnonymousUser

    assert watch_panel.live_panel(AnonymousUser(), str(station.code)) is None
    assert watch_panel.live_panel(asha, "nonsense") is None


def test_nobody_stops_the_watch_of_another(client, asha, station):
    watch = watches.start(asha, station, plug("p-1"))
    assert client.post(f"/stations/watches/{watch.code}/stop/").status_code == 404
    client.force_login(User.objects.create_user("bala@example.org"))
    assert client.post(f"/stations/watches/{watch.code}/stop/").status_code == 404
    client.force_login(asha)
    assert client.post(f"/stations/watches/{watch.code}/stop/").url == station.get_absolute_url()
    assert only_watch().state == S.STOPPED


# --- Taken first, and over --------------------------------------------------------------------------------


@pytest.fixture
def neighbours(tell, station) -> None:
    """Four with a free CCS2 at growing distance, one with a plug of another kind, one that is busy."""
    places, items = [], []
    for number, facts in enumerate(
        ({}, {}, {}, {}, {"connector_type": "IEC_62196_T2"}, {"availability": "Charging"})
    ):
        gps = f"{12.98 + number / 1000:.6f},77.594600"
        places.append(catalogs.location(f"n-{number}", gps=gps, name=f"Neighbour {number}"))
        items.append(catalogs.item(f"i-{number}", place=f"n-{number}", **PRICED, **facts))
    tell(catalogs.catalog(catalogs.provider("volt", locations=places, items=items)), bpp_id="volt.example")


def test_taken_first_means_three_others(client, asha, station, say, neighbours):
    watches.start(asha, station, plug("p-1"))
    say(p_1="Available")
    watches.tell()
    say()
    client.force_login(asha)
    text = page(client, station)
    assert "It was free at 12:00 IST and is not any more" in text and "Watch again" in text
    for name in ("Neighbour 0", "Neighbour 1", "Neighbour 2"):
        assert name in text
    for name in ("Neighbour 3", "Neighbour 4", "Neighbour 5"):
        assert name not in text
    assert "0.9 km" in text and "₹442.50 for 20 kWh" in text


def test_taken_before_the_mail_went_is_what_the_mail_says(asha, station, say, neighbours):
    watches.start(asha, station, plug("p-1"))
    say(p_1="Available")
    say()
    watches.tell()
    (letter,) = mail.outbox
    assert "somebody was faster" in letter.body and "Neighbour 2" in letter.body
    assert letter.subject == "It was free for a moment: Cubbon Park Plaza"


def test_after_two_hours_it_is_over(client, asha, station, say, noon, neighbours):
    watches.start(asha, station, plug("p-1"))
    noon.shift(timedelta(hours=1, minutes=59))
    assert watches.move_overdue() == 0
    noon.shift(timedelta(minutes=1))
    assert watches.move_overdue() == 1 and only_watch().state == S.EXPIRED
    say(p_1="Available")
    assert only_watch().state == S.EXPIRED and not mail.outbox
    say()
    client.force_login(asha)
    assert "did not become free within two hours" in page(client, station)


def test_a_new_watch_takes_the_place_of_the_old(client, asha, station, noon):
    watches.start(asha, station, plug("p-1"))
    noon.shift(timedelta(hours=2))
    watches.move_overdue()
    watches.start(asha, station, plug("p-1"))
    client.force_login(asha)
    text = page(client, station)
    assert "Watching plug A" in text and "did not become free" not in text


def test_old_watches_are_forgotten(asha, station, noon):
    watches.stop(watches.start(asha, station, plug("p-1")))
    assert watches.forget_old() == 0
    noon.shift(timedelta(days=8))
    watches.forget_old()
    assert not Watch.objects.exists()


# --- Asking the network -----------------------------------------------------------------------------------


def searches() -> int:
    return Message.objects.filter(action="search").count()


def test_while_somebody_waits_the_network_is_asked_again(asha, station, operators, noon):
    watches.start(asha, station, plug("p-1"))
    assert watches.ask_again() == 1 and SearchRun.objects.count() == 1
    assert watches.ask_again() == 0
    noon.shift(timedelta(seconds=31))
    assert watches.ask_again() == 1 and SearchRun.objects.count() == 2


def test_neighbours_share_a_search(asha, station, operators):
    bala = User.objects.create_user("bala@example.org")
    watches.start(asha, station, plug("p-1"))
    watches.start(bala, station)
    assert watches.ask_again() == 2 and SearchRun.objects.count() == 1
    assert searches() == len(operators)


def test_watches_leave_half_of_the_searches_to_people(asha, station, operators, settings):
    settings.DISCOVERY = {**settings.DISCOVERY, "SEARCHES_AT_ONCE": 4}
    watches.start(asha, station, plug("p-1"))
    for lat in ("20", "30"):
        services.refresh(lat=int(lat), lon=station.lon, radius_km=watches.AROUND_KM)
    assert watches.ask_again() == 0 and SearchRun.objects.count() == 2
    assert only_watch().act_at <= datetime.now(UTC)  # it comes back in the next round


def test_nobody_is_asked_for_a_watch_that_is_over(asha, station, operators, noon):
    watches.stop(watches.start(asha, station, plug("p-1")))
    watches.start(asha, station, plug("p-2"))
    noon.shift(timedelta(hours=3))
    assert watches.ask_again() == 0 and not SearchRun.objects.exists()
