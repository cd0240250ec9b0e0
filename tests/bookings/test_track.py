import asyncio
import json
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.testing import ApplicationCommunicator, WebsocketCommunicator

from apps.bookings import links
from apps.live import consumers
from apps.live.consumers import NOT_YOURS
from evportal.asgi import application, wants_events
from tests.bookings.doubles import App
from tests.charging.doubles import make_charger
from tests.factory import NOON


@pytest.fixture
def page(placed) -> str:
    return f"/track/{links.make(placed)}/"


def as_json(client, page: str):
    return client.get(page, headers={"accept": "application/json"})


@pytest.fixture
def running(app, placed, charger):
    app.update("start-charging")
    number = charger.begin(placed.start_token).transaction_id
    charger.meter(
        number, (NOON + timedelta(minutes=10), 8_420), power_w=Decimal(42_100), soc_percent=Decimal(58)
    )
    return number


def test_people_see_energy_power_and_cost(client, page, running):
    text = client.get(page).content.decode()
    assert "7.42 kWh" in text
    assert "42.1 kW" in text
    assert "₹173.78" in text


def test_machines_get_json(client, page, running):
    told = client.get(page, headers={"accept": "application/json"}).json()
    assert (told["status"], told["kwh"], told["total_cost"]) == ("ACTIVE", "7.42", {"incl_vat": "173.78"})
    assert told["last_updated"] == "2026-11-22T06:40:00.000Z"


def test_htmx_gets_the_part_that_moves(client, page, running):
    text = client.get(page, headers={"hx-request": "true"}).content.decode()
    assert text.startswith('<section id="tracking"')


def test_before_the_start_the_page_says_what_was_ordered(client, page):
    assert "20.0 kWh" in client.get(page).content.decode()
    assert client.get(page, headers={"accept": "application/json"}).json()["status"] == "PENDING"


def test_after_the_end_the_page_shows_the_final_bill_for_a_day(client, page, placed, running, charger, clock):
    charger.end(running, wh=17_000, at=NOON + timedelta(minutes=20))
    assert "₹361.08" in client.get(page).content.decode()
    assert as_json(client, page).json()["status"] == "COMPLETED"
    clock.shift(25 * 3600)
    assert client.get(f"/track/{links.make(placed)}/").status_code == 404


def test_machines_read_the_meter_as_in_ocpi(client, page, running):
    (period,) = as_json(client, page).json()["charging_periods"]
    volumes = {one["type"]: one["volume"] for one in period["dimensions"]}
    assert volumes == {"ENERGY": "7.42", "POWER": "42.1", "STATE_OF_CHARGE": "58.0"}


# --- A link is given out for some hours -------------------------------------------------------------------


def test_a_link_expires(client, page, running, clock, settings):
    settings.TRACK_LINK_HOURS = 2
    clock.shift(2 * 3600 - 1)
    assert client.get(page).status_code == 200
    clock.shift(2)
    for answer in (client.get(page), as_json(client, page)):
        assert answer.status_code == 410
        assert b"7.42" not in answer.content and b"173.78" not in answer.content
    assert "ask there for a new link" in client.get(page).content.decode()


def test_an_open_page_whose_link_expired_asks_no_more(client, page, running, clock):
    clock.shift(13 * 3600)
    answer = client.get(page, headers={"hx-request": "true"})
    assert answer.status_code == 200
    assert 'id="tracking"' in answer.content.decode() and "hx-trigger" not in answer.content.decode()


def test_the_app_gets_a_new_link_whenever_it_asks(client, app, placed, running, clock):
    clock.shift(13 * 3600)
    url = app.about("track")["message"]["tracking"]["url"]
    assert client.get(url.removeprefix("http://localhost:8000")).status_code == 200


def test_a_link_does_not_prolong_itself(client, page, running, clock, settings):
    """The stream that the page names is the same link, with the same end."""
    clock.shift(3600)
    assert as_json(client, page).json()["stream_url"].endswith(page)


def test_a_forged_link_shows_nothing(client, placed, running):
    secret, at, signature = links.make(placed).split(".")
    for forged in (
        secret,  # what links are made of, unsigned
        f"{secret}.{at}",
        f"{secret}.{at}.",
        f"{secret}.zzzzzz.{signature}",  # lasts longer
        f"{'x' * 43}.{at}.{signature}",
        f"{secret}.{at}.{signature[:-1]}{'A' if signature[-1] != 'A' else 'B'}",
    ):
        assert client.get(f"/track/{forged}/").status_code == 404, forged
        assert as_json(client, f"/track/{forged}/").status_code == 404


def test_a_link_signed_by_another_installation_shows_nothing(client, page, running, settings):
    settings.SECRET_KEY = "another"
    assert client.get(page).status_code == 404


def test_the_link_of_another_charge_shows_only_that_charge(client, factory, page, running):
    other = App(make_charger(factory, "CP-2", station=factory.make_station())).place(amount="436.60")
    told = as_json(client, f"/track/{links.make(other)}/").json()
    assert (told["order_id"], told["status"], told["kwh"]) == (other.code, "PENDING", "0")


def test_the_page_is_neither_kept_nor_indexed(client, page):
    response = client.get(page)
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["X-Robots-Tag"] == "noindex"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "Accept" in response.headers["Vary"]


def test_nobody_guesses_an_address(client, placed):
    assert client.get("/track/BK-12345678/").status_code == 404
    assert client.get(f"/track/{placed.code}/").status_code == 404


def test_the_page_is_read_only(client, page):
    assert client.post(page).status_code == 405


def test_an_order_that_is_not_placed_has_no_page(client, app):
    app.select()
    assert client.get(f"/track/{links.make(app.booking())}/").status_code == 404


# --- The live stream --------------------------------------------------------------------------------------


@pytest.fixture
def stream(page) -> WebsocketCommunicator:
    """A machine: no cookie, no Origin."""
    return WebsocketCommunicator(application, page)


@pytest.mark.django_db(transaction=True)
def test_a_listener_hears_every_reading_at_once(stream, running, charger):
    def read_again() -> None:
        charger.meter(running, (NOON + timedelta(minutes=11), 9_000), power_w=Decimal(41_000))

    async def scenario():
        connected, _ = await stream.connect()
        assert connected
        first = json.loads(await stream.receive_from(5))
        assert (first["status"], first["kwh"], first["connector_status"]) == ("ACTIVE", "7.42", "Charging")
        await database_sync_to_async(read_again)()
        second = json.loads(await stream.receive_from(5))
        assert (second["kwh"], second["power_kw"]) == ("8", "41.0")
        await stream.disconnect()

    with time_machine.travel(NOON + timedelta(minutes=12), tick=True):  # the socket waits by the clock
        async_to_sync(scenario)()


@pytest.mark.django_db(transaction=True)
def test_the_page_tells_machines_where_the_stream_is(client, page, running, settings):
    settings.PUBLIC_URL = "https://charge.example"
    told = client.get(page, headers={"accept": "application/json"}).json()
    assert told["stream_url"] == f"wss://charge.example{page}"
    settings.PUBLIC_URL = "http://localhost:8000"
    told = client.get(page, headers={"accept": "application/json"}).json()
    assert told["stream_url"] == f"ws://localhost:8000{page}"


@pytest.mark.django_db(transaction=True)
def test_nobody_guesses_a_stream():
    async def scenario():
        guess = WebsocketCommunicator(application, f"/track/{'x' * 43}/")
        await guess.connect()
        assert await guess.receive_output(5) == {"type": "websocket.close", "code": NOT_YOURS}
        order_id = WebsocketCommunicator(application, "/track/BK-12345678/")
        assert await order_id.connect() == (False, 4404)

    async_to_sync(scenario)()


@pytest.mark.django_db(transaction=True)
def test_the_stream_of_a_link_that_expires_closes(stream, running, charger, settings):
    def a_reading_after_the_end_of_the_link() -> None:
        settings.TRACK_LINK_HOURS = -1
        charger.meter(running, (NOON + timedelta(minutes=11), 9_000))

    async def scenario():
        assert (await stream.connect())[0]
        await stream.receive_from(5)
        await database_sync_to_async(a_reading_after_the_end_of_the_link)()
        assert await stream.receive_output(5) == {"type": "websocket.close", "code": NOT_YOURS}

    with time_machine.travel(NOON + timedelta(minutes=12), tick=True):
        async_to_sync(scenario)()


# --- The same stream as text/event-stream -----------------------------------------------------------------


class Events:
    """Who reads the page's own address as a stream."""

    def __init__(self, page: str) -> None:
        headers = [(b"accept", b"text/event-stream"), (b"host", b"localhost")]
        scope = {"type": "http", "method": "GET", "path": page, "headers": headers, "query_string": b""}
        self.line = ApplicationCommunicator(application, scope)

    async def ask(self) -> tuple[int, dict[bytes, bytes]]:
        await self.line.send_input({"type": "http.request", "body": b""})
        start = await self.line.receive_output(5)
        return start["status"], dict(start["headers"])

    async def hear(self) -> str:
        return (await self.line.receive_output(5))["body"].decode()

    async def leave(self) -> None:
        await self.line.send_input({"type": "http.disconnect"})
        await self.line.wait(5)


def figures_of(event: str) -> dict:
    assert event.startswith("data: ") and event.endswith("\n\n")
    return json.loads(event.removeprefix("data: "))


@pytest.mark.django_db(transaction=True)
def test_events_tell_every_reading(page, running, charger, monkeypatch):
    monkeypatch.setattr(consumers, "BEAT_SECONDS", 0.01)

    def read_again() -> None:
        charger.meter(running, (NOON + timedelta(minutes=11), 9_000), power_w=Decimal(41_000))

    async def scenario():
        events = Events(page)
        status, headers = await events.ask()
        assert (status, headers[b"Content-Type"]) == (200, b"text/event-stream; charset=utf-8")
        heard = [await events.hear()]
        await database_sync_to_async(read_again)()
        while len(told := [event for event in heard if event.startswith("data")]) < 2:
            heard.append(await asyncio.wait_for(events.hear(), 5))
        assert [figures_of(event)["kwh"] for event in told] == ["7.42", "8"]
        assert ": still here\n\n" in heard
        await events.leave()

    with time_machine.travel(NOON + timedelta(minutes=12), tick=True):
        async_to_sync(scenario)()


@pytest.mark.django_db(transaction=True)
def test_events_of_a_forged_or_expired_link_are_none(page, running, settings):
    async def scenario():
        forged = page.replace(".", "A.", 1)
        assert (await Events(forged).ask())[0] == 404
        settings.TRACK_LINK_HOURS = -1
        assert (await Events(page).ask())[0] == 404

    async_to_sync(scenario)()


@pytest.mark.django_db(transaction=True)
def test_events_end_with_the_link(page, running, charger, settings):
    def a_reading_after_the_end_of_the_link() -> None:
        settings.TRACK_LINK_HOURS = -1
        charger.meter(running, (NOON + timedelta(minutes=11), 9_000))

    async def scenario():
        events = Events(page)
        await events.ask()
        await events.hear()
        await database_sync_to_async(a_reading_after_the_end_of_the_link)()
        over = await events.line.receive_output(5)
        assert over["body"] == b"event: over\ndata:\n\n" and not over["more_body"]
        await events.leave()

    with time_machine.travel(NOON + timedelta(minutes=12), tick=True):
        async_to_sync(scenario)()


def test_only_who_asks_for_events_gets_them():
    asked = {"method": "GET", "headers": [(b"accept", b"text/event-stream")]}
    assert wants_events(asked)
    assert not wants_events(asked | {"method": "POST"})
    assert not wants_events(asked | {"headers": [(b"accept", b"text/html,*/*")]})
