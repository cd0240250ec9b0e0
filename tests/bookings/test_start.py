from datetime import timedelta

import pytest

from apps.bookings import services
from apps.bookings.models import Booking
from apps.charging import services as charging
from apps.charging.models import Session
from tests.bookings.doubles import App, code_of, state_of, telemetry
from tests.charging.doubles import minutes
from tests.factory import NOON

State = Booking.State


def test_a_start_is_answered_when_the_charger_has_begun(app, placed, charger):
    assert app.update("start-charging") == {}
    command = charger.asked("remote_start").get()
    assert command.payload == {"connector_id": 1, "token": placed.start_token}
    charger.answer("remote_start")
    charger.status("Preparing")
    assert [told["context"]["action"] for told in app.news()] == ["on_status"]  # it waits for the cable
    charger.begin(placed.start_token, wh=182_004)
    told = app.the_news()
    assert told["context"]["action"] == "on_update"
    assert state_of(told) == ("ACTIVE", "charging-started")
    assert telemetry(told)["meter-start"] == "182004"
    assert telemetry(told)["start-time"] == "2026-11-22T06:30:00.000Z"
    assert app.booking().state == State.IN_SESSION


def test_the_answer_repeats_the_message_id_of_the_request(app, placed, charger):
    order = {"id": placed.code, "fulfillments": [{"state": {"descriptor": {"code": "start-charging"}}}]}
    message_id = "0b8f5a0e-2a55-4c67-9d3e-51f0a9b7c002"
    app.ask("update", {"update_target": "fulfillments[0].state", "order": order}, message_id=message_id)
    charger.begin(placed.start_token)
    assert app.the_news()["context"]["message_id"] == message_id


def test_pressed_twice_it_is_one_command_and_each_request_has_its_answer(app, placed, charger):
    app.update("start-charging")
    app.update("start-charging")
    assert charger.asked("remote_start").count() == 1
    charger.begin(placed.start_token)
    assert [told["context"]["action"] for told in app.news()] == ["on_update", "on_update"]


def test_a_start_of_what_already_charges_is_answered_at_once(app, placed, charger):
    app.update("start-charging")
    charger.begin(placed.start_token)
    app.news()
    assert state_of(app.update("start-charging")) == ("ACTIVE", "charging-started")
    assert Session.objects.count() == 1


@pytest.mark.parametrize("outcome", ["rejected", "timed-out"])
def test_a_start_the_charger_does_not_take_is_told_and_may_be_tried_again(app, placed, charger, outcome):
    app.update("start-charging")
    charger.answer("remote_start", outcome)
    assert code_of(app.the_news()) == "40006"
    assert app.booking().state == State.CONFIRMED
    app.update("start-charging")
    charger.begin(placed.start_token)
    assert state_of(app.the_news()) == ("ACTIVE", "charging-started")


def test_a_start_without_a_cable_ends_in_time_and_leaves_time_to_try_again(app, placed, charger, clock):
    """AT-B3."""
    clock.shift(29 * 60)
    app.update("start-charging")
    charger.answer("remote_start")
    app.news()
    clock.shift(91)
    assert services.move_overdue() == 1  # waits for the charger, not for the driver
    charging.move_overdue()
    told = app.the_news()
    assert code_of(told) == "40006"
    assert told["error"]["message"] == "No car was plugged in."
    assert app.booking().deadline_at >= NOON + timedelta(minutes=29, seconds=91) + minutes(5)


def test_a_charger_that_is_not_connected_is_told_at_once(app, placed):
    app.plug.evse.charge_point_id = ""
    app.plug.evse.save(update_fields=["charge_point_id"])
    assert code_of(app.update("start-charging")) == "40006"
    assert not Session.objects.exists()


def test_nothing_starts_before_confirm(app):
    app.select()
    app.init()
    assert code_of(app.update("start-charging")) == "30010"


def test_nothing_starts_after_the_end(app, placed):
    app.about("cancel")
    assert code_of(app.update("start-charging")) == "50002"


def test_another_app_cannot_start_it(app, placed, charger):
    """Laws 6 and 11."""
    thief = App(charger, "thief.example")
    order = {"id": placed.code, "fulfillments": [{"state": {"descriptor": {"code": "start-charging"}}}]}
    told = thief.ask("update", {"update_target": "order.fulfillments[0].state", "order": order})
    assert code_of(told) == "30010"


@pytest.mark.parametrize(
    "target", ["order.fulfillments[0].state", "fulfillments.state", "Fulfillments[1].State", "fulfillments"]
)
def test_the_target_is_read_in_many_spellings(app, placed, charger, target):
    app.update("start-chargin", target)
    assert charger.asked("remote_start").count() == 1


@pytest.mark.parametrize(
    "target",
    [
        "order.payments,order.items",
        "order.fulfillments[0].state,order.items",
        "",
    ],
)
def test_other_targets_are_refused(app, placed, target):
    assert code_of(app.update("start-charging", target)) == "30012"


@pytest.mark.parametrize("code", ["charging-ended", "moon-landing", ""])
def test_other_states_are_refused(app, placed, code):
    assert code_of(app.update(code)) == "30013"


def test_an_update_that_changes_more_than_the_state_is_refused(app, placed):
    other = app.order("10")["order"]
    told = app.update("start-charging", provider=other["provider"], items=other["items"])
    assert code_of(told) == "30013"
    same = app.order("20")["order"]
    assert app.update("start-charging", provider=same["provider"], items=same["items"]) == {}


def test_without_an_order_id_the_transaction_tells_which(app, placed, charger):
    order = {"fulfillments": [{"state": {"descriptor": {"code": "start-charging"}}}]}
    app.ask("update", {"update_target": "order.fulfillments[0].state", "order": order})
    assert charger.asked("remote_start").count() == 1
