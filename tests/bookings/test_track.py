import json
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator

from apps.live.consumers import NOT_YOURS
from evportal.asgi import application
from tests.factory import NOON


@pytest.fixture
def page(placed) -> str:
    return f"/track/{placed.track_token}/"


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


def test_after_the_end_the_page_shows_the_final_bill_for_a_day(client, page, running, charger, clock):
    charger.end(running, wh=17_000, at=NOON + timedelta(minutes=20))
    assert "₹361.08" in client.get(page).content.decode()
    clock.shift(25 * 3600)
    assert client.get(page).status_code == 404


def test_the_page_is_neither_kept_nor_indexed(client, page):
    response = client.get(page)
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["X-Robots-Tag"] == "noindex"


def test_nobody_guesses_an_address(client, placed):
    assert client.get("/track/BK-12345678/").status_code == 404
    assert client.get(f"/track/{placed.code}/").status_code == 404


def test_the_page_is_read_only(client, page):
    assert client.post(page).status_code == 405


def test_an_order_that_is_not_placed_has_no_page(client, app):
    app.select()
    assert client.get(f"/track/{app.booking().track_token}/").status_code == 404


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
