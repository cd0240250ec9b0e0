"""From the first watt-hour to the final bill: what the app is told, and that it is told once."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from apps.beckn.models import Message
from apps.bookings import links
from apps.bookings.models import Booking
from apps.charging import services as charging
from apps.charging.models import Session
from apps.lib import clock as lib_clock
from apps.ocpp import events
from tests.bookings.doubles import App, code_of, lines, state_of, telemetry, total
from tests.charging.doubles import minutes
from tests.factory import NOON

State = Booking.State


@pytest.fixture
def number(app, placed, charger) -> int:
    """The transaction of the running charge; the app has heard of its start."""
    app.update("start-charging")
    answer = charger.begin(placed.start_token)
    app.news()
    return answer.transaction_id


@pytest.fixture
def told_every_5_seconds(settings) -> None:
    settings.CHARGING = settings.CHARGING | {"STATUS_EVERY_SECONDS": 5}


def read_meter(charger, number: int, seconds: int, wh: int, **figures) -> None:
    charger.meter(number, (NOON + timedelta(seconds=seconds), wh), **figures)


def test_readings_are_told_with_the_running_bill(app, charger, number, clock):
    clock.shift(600)
    read_meter(
        charger, number, 600, 8420, power_w=Decimal(42_100), soc_percent=Decimal(58), voltage_v=Decimal(390)
    )
    told = app.the_news()
    assert told["context"]["action"] == "on_status"
    tags = telemetry(told)
    assert (tags["energy-delivered"], tags["power"], tags["soc"], tags["voltage"]) == (
        "7.42kWh",
        "42.1kW",
        "58.0%",
        "390.0V",
    )
    assert tags["reading-at"] == lib_clock.utc_text(NOON + minutes(10))
    assert lines(told) == {"energy-cost": "137.27", "service-charge": "10.00", "gst": "26.51"}
    words = json.loads(told["message"]["order"]["fulfillments"][0]["state"]["descriptor"]["long_desc"])
    assert words["status"] == "Charging"


def test_readings_are_told_no_more_often_than_promised(app, charger, number, clock, told_every_5_seconds):
    told = 0
    for seconds in range(1, 12):
        clock.shift(1)
        read_meter(charger, number, seconds, 1000 + seconds * 10)
        told += len(app.news())
    assert told == 2


def test_news_that_was_not_sent_yet_is_brought_up_to_date(app, charger, number, clock, told_every_5_seconds):
    for seconds in (5, 10, 15):
        clock.shift(5)
        read_meter(charger, number, seconds, 1000 + seconds * 2)
    assert telemetry(app.the_news())["energy-delivered"] == "0.03kWh"


def test_a_change_of_state_is_told_at_once(app, charger, number, clock):
    clock.shift(1)
    charger.status("SuspendedEV")
    told = app.the_news()
    words = json.loads(told["message"]["order"]["fulfillments"][0]["state"]["descriptor"]["long_desc"])
    assert (state_of(told), words["status"]) == (("ACTIVE", "charging-started"), "SuspendedEV")
    charger.say(events.Disconnected)
    assert (
        app.the_news()["message"]["order"]["fulfillments"][0]["state"]["descriptor"]["short_desc"]
        == "Paused: site offline"
    )


def test_a_stop_is_answered_with_the_final_bill(app, charger, number, clock):
    clock.shift(1200)
    assert app.update("end-charging") == {}
    assert [told["context"]["action"] for told in app.news()] == ["on_status"]  # stopping
    charger.answer("remote_stop")
    assert [told["context"]["action"] for told in app.news()] == ["on_status"]  # the charger took the stop
    charger.end(number, wh=17_000, at=NOON + minutes(20))
    told = app.the_news()
    order = told["message"]["order"]
    assert told["context"]["action"] == "on_update"
    assert state_of(told) == ("COMPLETE", "charging-ended")
    assert lines(told) == {"energy-cost": "296.00", "service-charge": "10.00", "gst": "55.08"}
    assert order["items"][0]["quantity"]["allocated"]["measure"]["value"] == "16"
    assert order["items"][0]["quantity"]["selected"]["measure"]["value"] == "20"
    assert (telemetry(told)["meter-start"], telemetry(told)["meter-stop"]) == ("1000", "17000")
    assert telemetry(told)["stop-time"] == lib_clock.utc_text(NOON + minutes(20))
    assert order["payments"][0]["params"]["amount"] == "448.40"
    booking = app.booking()
    assert (booking.state, booking.final_total, booking.delivered_kwh) == (
        State.COMPLETED,
        Decimal("361.08"),
        16,
    )


def test_the_final_bill_is_never_older_than_the_news_before_it(app, charger, number, clock):
    """A charger's clock may be slow, and readers go by the time of the news."""
    clock.shift(1200)
    read_meter(charger, number, 600, 5000)
    before = app.the_news()["message"]["order"]
    charger.end(number, wh=6000, at=NOON + minutes(11))
    after = app.the_news()["message"]["order"]
    assert after["updated_at"] >= before["updated_at"]
    assert after["fulfillments"][0]["state"]["updated_at"] >= before["fulfillments"][0]["state"]["updated_at"]


def test_when_the_car_ends_it_the_final_bill_comes_unasked(app, charger, number):
    charger.end(number, wh=3000, at=NOON + minutes(20), reason="EVDisconnected")
    told = app.the_news()
    assert told["context"]["action"] == "on_update"
    assert state_of(told) == ("COMPLETE", "charging-ended")


def test_the_end_told_again_is_one_final_bill(app, charger, number):
    """Law 3."""
    for _time in range(4):
        charger.end(number, wh=3000, at=NOON + minutes(20))
    assert len(app.news()) == 1


def test_stop_pressed_twice_is_one_command_and_each_request_has_its_answer(app, charger, number):
    """AT-A3."""
    app.update("end-charging")
    app.update("end-charging")
    assert charger.asked("remote_stop").count() == 1
    app.news()
    charger.end(number, wh=3000, at=NOON + minutes(20))
    assert [told["context"]["action"] for told in app.news()] == ["on_update", "on_update"]


def test_a_stop_after_the_end_is_answered_with_the_final_bill(app, charger, number):
    charger.end(number, wh=3000, at=NOON + minutes(20))
    (final,) = app.news()
    assert app.update("end-charging")["message"] == final["message"]


def test_a_stop_before_anything_began_is_refused(app, placed):
    assert code_of(app.update("end-charging")) == "40001"


def test_a_stop_while_the_charger_is_still_asked_ends_the_start(app, placed, charger):
    """Law 9."""
    app.update("start-charging")
    answer = app.update("end-charging")
    assert state_of(answer) == ("ACTIVE", "payment-completed")
    assert Session.objects.get().failure == "withdrawn"
    assert app.booking().state == State.CONFIRMED


def test_the_driver_never_pays_for_more_than_was_ordered(app, charger, number):
    charger.meter(number, (NOON + minutes(20), 21_000))
    assert charger.asked("remote_stop").count() == 1
    charger.end(number, wh=21_500, at=NOON + minutes(21))
    assert total(app.news()[-1]) == "448.40"
    assert app.booking().delivered_kwh == 20


def test_nothing_delivered_costs_nothing(app, charger, number):
    charger.end(number, wh=1000, at=NOON + minutes(2))
    assert total(app.the_news()) == "0.00"


def test_a_charger_that_died_is_billed_by_its_last_good_reading(app, charger, number, clock):
    charger.meter(number, (NOON + minutes(5), 5000))
    clock.shift(16 * 60)
    charging.move_overdue()
    clock.shift(31 * 60)
    charging.move_overdue()
    told = app.news()[-1]
    assert (state_of(told), telemetry(told)["energy-delivered"]) == (("COMPLETE", "charging-ended"), "4kWh")


def test_the_live_total_is_the_receipt_total(app, charger, number, clock):
    """Law 1, over the whole path."""
    clock.shift(600)
    charger.meter(number, (NOON + minutes(10), 8_420))
    live = app.the_news()
    charger.end(number, wh=8_420, at=NOON + minutes(10))
    assert total(app.the_news()) == total(live)


def test_status_tells_the_order_as_it_is(app, placed, charger):
    assert state_of(app.about("status")) == ("ACTIVE", "payment-completed")
    app.update("start-charging")
    number = charger.begin(placed.start_token).transaction_id
    app.news()
    assert state_of(app.about("status")) == ("ACTIVE", "charging-started")
    charger.end(number, wh=3000, at=NOON + minutes(5))
    app.news()
    assert state_of(app.about("status")) == ("COMPLETE", "charging-ended")


@pytest.mark.parametrize("action", ["status", "track", "cancel", "refund"])
def test_the_order_of_another_app_does_not_exist(app, placed, charger, action):
    """Laws 6 and 11."""
    thief = App(charger, "thief.example")
    assert code_of(thief.ask(action, {"order_id": placed.code})) == "30010"
    assert code_of(thief.ask(action, {"order_id": "BK-NOTHING"})) == "30010"


def test_an_order_that_was_never_confirmed_does_not_exist(app):
    app.select()
    app.init()
    assert code_of(app.about("status")) == "30010"


def test_tracking_is_active_while_energy_flows(app, placed, charger):
    assert app.about("track")["message"]["tracking"]["status"] == "inactive"
    app.update("start-charging")
    charger.begin(placed.start_token)
    app.news()
    tracking = app.about("track")["message"]["tracking"]
    assert tracking["status"] == "active"
    assert links.token_of(tracking["url"].removesuffix("/").rpartition("/")[2]) == placed.track_token


def test_a_session_without_a_booking_is_nobodys_news(charger):
    charger.begin("RFID-1")
    assert not Message.objects.exists()
