"""A charger that cannot be started from afar: its driver enters a code, told in the stop of the start."""

from datetime import timedelta
from typing import Any

import pytest

from apps.bookings import services
from apps.bookings.models import Booking
from apps.charging import services as charging
from apps.charging.models import Session
from apps.lib import clock as lib_clock
from apps.ocpp import events
from apps.ocpp.models import ChargePoint
from tests.bookings.doubles import App, state_of
from tests.charging.doubles import Charger, make_charger, minutes
from tests.factory import NOON

CODE_LIVES = timedelta(minutes=10)


@pytest.fixture
def charger(charger) -> Charger:
    ChargePoint.objects.update(starts_by_code=True)
    return charger


def key(told: dict[str, Any]) -> dict[str, Any]:
    stops = told["message"]["order"]["fulfillments"][0]["stops"]
    return next(stop for stop in stops if stop["type"] == "start").get("authorization", {})


def said_of(app: App, action: str) -> dict[str, Any]:
    return key(next(told for told in app.heard if told["context"]["action"] == action))


@pytest.fixture
def app(charger) -> App:
    """Remembers everything it was told."""
    app = App(charger)
    app.heard = []
    hear = app.news

    def remembered(**only):
        told = hear(**only)
        app.heard += told
        return told

    app.news = remembered
    return app


def code_at(charger: Charger, code: str) -> bool:
    return charger.say(events.TokenPresented, token=code)


# --- On the wire ------------------------------------------------------------------------------------------


def test_the_kind_is_told_from_the_quote_on_and_the_code_with_the_confirmation(app, placed):
    app.news()
    assert said_of(app, "on_select") == said_of(app, "on_init") == {"type": "OTP"}
    told = said_of(app, "on_confirm")
    assert told["type"] == "OTP"
    assert told["token"] == placed.start_token
    assert told["token"].isdigit() and len(told["token"]) == 8
    assert told["valid_to"] == lib_clock.utc_text(placed.deadline_at)


def test_a_charger_that_starts_from_afar_has_no_code(app, charger):
    ChargePoint.objects.update(starts_by_code=False)
    placed = app.place()
    app.news()
    assert len(placed.start_token) == 20
    assert app.heard and "authorization" not in str(app.heard)


def test_once_energy_flows_no_code_is_told_any_more(app, placed, charger):
    app.news()
    assert charger.begin(placed.start_token).accepted
    assert key(app.the_news()) == {}


# --- At the charger ---------------------------------------------------------------------------------------


def test_a_code_begins_the_charge_of_its_order_without_anybody_pressing_start(app, placed, charger):
    app.news()
    assert code_at(charger, placed.start_token)
    answer = charger.begin(placed.start_token)
    assert answer.accepted
    session = Session.objects.get()
    assert (session.pk, session.reference, session.state) == (answer.transaction_id, placed.code, "ACTIVE")
    assert not charger.asked("remote_start").exists()
    assert state_of(app.news()[-1]) == ("ACTIVE", "charging-started")


def test_a_charger_that_does_not_ask_begins_it_too(placed, charger):
    assert charger.begin(placed.start_token).accepted
    assert Session.objects.get().reference == placed.code


def test_pressing_start_asks_nothing_of_the_charger_and_counts_the_time_of_the_code(app, placed, charger):
    app.news()
    app.update("start-charging")
    assert not charger.asked("remote_start").exists()
    told = app.the_news()
    assert key(told)["valid_to"] == lib_clock.utc_text(NOON + CODE_LIVES)
    assert charger.begin(placed.start_token).accepted
    assert state_of(app.the_news()) == ("ACTIVE", "charging-started")


def test_told_five_times_it_is_one_charge(placed, charger):
    for _time in range(5):
        assert code_at(charger, placed.start_token)
    first = charger.begin(placed.start_token)
    assert [charger.begin(placed.start_token) for _time in range(4)] == [first] * 4
    assert Session.objects.count() == 1


def test_the_code_works_once(app, placed, charger, clock):
    number = charger.begin(placed.start_token).transaction_id
    assert code_at(charger, placed.start_token)  # entered again, it ends the charge, as a card does
    charger.end(number, wh=2000, at=NOON + minutes(5), reason="Local")
    clock.shift(600)
    assert not code_at(charger, placed.start_token)
    assert not charger.begin(placed.start_token).accepted
    assert Session.objects.filter(reference=placed.code, state="CLOSED").count() == 1


def test_a_code_that_was_not_entered_in_time_leaves_the_order_and_works_again(app, placed, charger, clock):
    """AT-B1, AT-B4: one reason, and the retry is on the same authorisation."""
    app.news()
    app.update("start-charging")
    app.news()
    clock.shift(CODE_LIVES.total_seconds() + 1)
    charging.move_overdue()
    (told,) = app.news()
    assert told["error"]["message"] == "The code was not entered at the charger."
    assert Session.objects.get().failure == "no-code"
    placed.refresh_from_db()
    assert placed.state == Booking.State.CONFIRMED
    assert charger.begin(placed.start_token).accepted


def test_the_code_expires_with_its_order(placed, charger, clock):
    clock.move_to(placed.deadline_at)
    assert not code_at(charger, placed.start_token)
    services.move_overdue()
    assert not charger.begin(placed.start_token).accepted
    assert not Session.objects.filter(reference=placed.code).exists()


def test_a_cancelled_order_has_no_code(app, placed, charger):
    services.cancel(booking=placed, reason_id="2")
    assert not code_at(charger, placed.start_token)


def test_a_code_opens_no_other_charger(factory, placed, charger):
    other = make_charger(factory, "CP-2")
    ChargePoint.objects.update(starts_by_code=True)
    assert not code_at(other, placed.start_token)
    assert not other.begin(placed.start_token).accepted
    assert not Session.objects.filter(reference=placed.code).exists()


@pytest.mark.parametrize("code", ["00000000", "12345678"])
def test_a_code_of_nobody_is_refused_and_a_card_is_not(placed, charger, code):
    assert not code_at(charger, code)
    assert code_at(charger, "04A2B6C8D91E80")


def test_a_reserved_time_that_has_not_come_is_not_begun_by_its_code(placed, charger):
    Booking.objects.update(slot_starts_at=NOON + timedelta(hours=2), slot_ends_at=NOON + timedelta(hours=3))
    placed.refresh_from_db()
    assert placed.is_reserved
    assert not code_at(charger, placed.start_token)
