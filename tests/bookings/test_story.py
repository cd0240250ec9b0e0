"""What the app is told of the story of a charge, in tag groups that other apps may skip."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.bookings import services
from apps.charging import services as charging
from apps.charging.models import PlugInTime, Session
from apps.lib import clock as lib_clock
from apps.ocpp import events
from tests.bookings.doubles import code_of, state_of, telemetry, total
from tests.charging.doubles import minutes, plug_of
from tests.factory import NOON


@pytest.fixture
def number(app, placed, charger) -> int:
    app.update("start-charging")
    answer = charger.begin(placed.start_token)
    app.news()
    return answer.transaction_id


def group(told: dict[str, Any], code: str) -> list[dict[str, Any]]:
    tags = told["message"]["order"]["fulfillments"][0]["tags"]
    return next((entry["list"] for entry in tags if entry["descriptor"]["code"] == code), [])


def story(told: dict[str, Any]) -> list[tuple[str, str]]:
    return [(tag["descriptor"]["code"], tag["descriptor"]["name"]) for tag in group(told, "session-ledger")]


def facts(told: dict[str, Any]) -> dict[str, str]:
    return {tag["descriptor"]["code"]: tag["value"] for tag in group(told, "session-facts")}


def plug_says(told: dict[str, Any]) -> str:
    return told["message"]["order"]["fulfillments"][0]["state"]["descriptor"]["long_desc"]


def test_the_ledger_goes_with_every_word_of_a_charge(app, charger, number, clock):
    clock.shift(60)
    charger.status("SuspendedEV")
    told = app.the_news()
    assert story(told) == [
        ("start-asked", "driver"),
        ("charging", "station"),
        ("paused-by-car", "car"),
    ]
    assert group(told, "session-ledger")[-1]["value"] == lib_clock.utc_text(NOON + minutes(1))
    # An app that knows nothing of it reads the same state, word and figures as ever.
    assert state_of(told) == ("ACTIVE", "charging-started")
    assert "energy-delivered" in telemetry(told)
    known = set(telemetry(told))
    assert not known & {tag["descriptor"]["code"] for tag in group(told, "session-ledger")}


@pytest.mark.parametrize("word", ["SuspendedEV", "SuspendedEVSE", "Faulted"])
def test_who_paused_it_is_told_in_the_word_of_the_plug(app, charger, number, clock, word):
    clock.shift(1)
    charger.status(word)
    assert f'"status":"{word}"' in plug_says(app.the_news())


def test_a_pause_that_passes_to_the_station_is_news(app, charger, number, clock):
    clock.shift(1)
    charger.status("SuspendedEV")
    app.news()
    clock.shift(1)
    charger.status("SuspendedEVSE")
    assert '"status":"SuspendedEVSE"' in plug_says(app.the_news())
    clock.shift(1)
    charger.status("SuspendedEVSE")
    assert app.news() == []


def test_the_app_learns_how_long_the_charger_waits_for_the_cable(app, placed, charger, clock):
    """AT-B1."""
    PlugInTime.objects.create(charge_point_id=charger.id, seconds=60)
    app.update("start-charging")
    clock.shift(2)
    charger.answer("remote_start")
    told = app.the_news()
    assert state_of(told) == ("ACTIVE", "payment-completed")
    assert facts(told) == {"plug-in-by": lib_clock.utc_text(NOON + timedelta(seconds=62))}
    clock.shift(60)
    charging.move_overdue()
    assert code_of(app.the_news()) == "40006"
    assert Session.objects.get().failure == "no-cable"
    assert app.update("start-charging") == {}  # the same order, once more
    assert charger.asked("remote_start").count() == 2


def test_each_proved_step_of_a_stop_is_told(app, charger, number, clock):
    """AT-A2."""
    clock.shift(60)
    app.update("end-charging")
    clock.shift(1)
    charger.answer("remote_stop")
    assert story(app.news()[-1])[-2:] == [("stop-asked", "driver"), ("stop-accepted", "station")]
    clock.shift(2)
    charger.end(number, wh=2000, at=NOON + timedelta(seconds=62))
    told = app.the_news()
    assert state_of(told) == ("COMPLETE", "charging-ended")
    assert {"stopped", "meter-final"} <= {code for code, _by in story(told)}
    assert "meter-estimated" not in facts(told)


def test_a_bill_on_an_estimate_says_so_and_until_when_the_meter_was_waited_for(app, charger, number, clock):
    """AT-A1, AT-D4."""
    charger.meter(number, (NOON + minutes(1), 1900))
    clock.shift(60)
    charger.status("Available")
    clock.shift(121)
    app.news()
    charging.move_overdue()
    waiting = app.the_news()
    assert facts(waiting) == {"closes-by": lib_clock.utc_text(lib_clock.now() + minutes(30))}
    assert '"status":"Finishing"' in plug_says(waiting)
    clock.shift(30 * 60 + 1)
    charging.move_overdue()
    told = app.the_news()
    assert state_of(told) == ("COMPLETE", "charging-ended")
    assert facts(told) == {"meter-estimated": "true"}
    assert telemetry(told)["energy-delivered"] == "0.9kWh"


def test_a_clock_that_is_wrong_is_put_right_on_the_wire(app, placed, charger, clock):
    """AT-E1."""
    app.update("start-charging")
    ahead = timedelta(hours=1)
    start = {"connector_id": 1, "token": placed.start_token, "meter_start_wh": Decimal(1000)}
    charger.say(events.TransactionStarted, **start, at=NOON + ahead, clock_skew_seconds=3600)
    assert telemetry(app.the_news())["start-time"] == lib_clock.utc_text(NOON)


# --- A start that begins after it was given up (AT-B2) ------------------------------------------------


def given_up(app, charger, clock) -> None:
    app.update("start-charging")
    charger.answer("remote_start")
    clock.shift(91)
    charging.move_overdue()
    app.news()


def test_a_late_start_is_adopted_and_may_be_stopped_for_nothing(app, placed, charger, clock):
    given_up(app, charger, clock)
    clock.shift(60)
    number = charger.begin(placed.start_token).transaction_id
    told = app.the_news()
    assert state_of(told) == ("ACTIVE", "charging-started")
    assert facts(told) == {"free-until": lib_clock.utc_text(lib_clock.now() + minutes(1))}
    charger.meter(number, (lib_clock.now() + timedelta(seconds=20), 1300))
    clock.shift(30)
    app.update("end-charging")
    app.news()
    charger.end(number, wh=1400, at=lib_clock.now())
    bill = app.the_news()
    assert (state_of(bill), total(bill)) == (("COMPLETE", "charging-ended"), "0.00")


def test_a_late_start_of_a_cancelled_order_is_stopped(app, placed, charger, clock):
    given_up(app, charger, clock)
    app.about("cancel")
    assert not charger.begin(placed.start_token).accepted
    assert charger.asked("remote_stop").count() == 1
    assert app.news() == []


def test_the_plug_is_kept_for_the_late_start_as_long_as_it_may_come(app, placed, charger, clock):
    given_up(app, charger, clock)
    clock.shift(9 * 60)
    services.move_overdue()
    assert charger.begin(placed.start_token).accepted
    assert plug_of(charger).bookings.get().state == "IN_SESSION"
