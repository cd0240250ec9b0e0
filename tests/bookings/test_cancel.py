import pytest

from apps.beckn import inbox
from apps.bookings import services
from apps.bookings.models import Booking
from apps.catalog.models import Operator, TakenTime
from apps.charging.models import Session
from apps.lib.errors import Refused
from apps.ocpp import events
from tests.bookings.doubles import App, code_of, lines, state_of, total
from tests.factory import NOON

State = Booking.State


def test_a_cancelled_order_costs_the_fee_and_frees_the_charging_point(app, placed, charger):
    told = app.about("cancel", cancellation_reason_id="2")
    cancellation = told["message"]["order"]["cancellation"]
    assert state_of(told) == ("CANCELLED", "order-cancelled")
    assert lines(told) == {"cancellation-fee": "44.84"}
    assert (cancellation["cancelled_by"], cancellation["reason"]["id"]) == ("CONSUMER", "2")
    booking = app.booking()
    assert (booking.state, booking.ended_at, booking.deadline_at) == (State.CANCELLED, NOON, None)
    assert "message" in App(charger, "other.example").select()


def test_a_policy_edited_later_changes_nothing_for_an_accepted_order(app, placed):
    Operator.objects.update(cancellation_fee_percent=90)
    assert lines(app.about("cancel", cancellation_reason_id="2")) == {"cancellation-fee": "44.84"}


def test_cancelled_twice_it_is_cancelled_once(app, placed, clock):
    first = app.about("cancel", cancellation_reason_id="2")["message"]
    clock.shift(60)
    assert app.about("cancel", cancellation_reason_id="5")["message"] == first
    assert app.booking().events.filter(now=State.CANCELLED).count() == 1


@pytest.mark.parametrize("reason", ["12", "99", "77", "", "no"])
def test_only_reasons_of_drivers_count(app, placed, reason):
    told = app.about("cancel", cancellation_reason_id=reason)
    assert told["error"]["code"] == "30011" if reason else "message" in told


def test_a_preview_shows_the_fee_and_cancels_nothing(app, placed):
    told = app.about("cancel", cancellation_reason_id="2", descriptor={"code": "SOFT_CANCEL"})
    assert (state_of(told), total(told)) == (("ACTIVE", "payment-completed"), "44.84")
    assert app.booking().state == State.CONFIRMED


def test_after_energy_flows_it_is_stopped_not_cancelled(app, placed, charger):
    app.update("start-charging")
    charger.begin(placed.start_token)
    app.news()
    for descriptor in ({"code": "CONFIRM_CANCEL"}, {"code": "SOFT_CANCEL"}):
        assert code_of(app.about("cancel", descriptor=descriptor)) == "50001"
    assert not charger.asked("remote_stop").exists()
    assert app.booking().state == State.IN_SESSION


# --- By the operator --------------------------------------------------------------------------------------
def by_operator(booking: Booking, factory, reason_id: str = "14") -> bool:
    return services.cancel_as_operator(booking=booking, reason_id=reason_id, by=factory.make_user())


def test_when_the_operator_cancels_the_driver_is_told_and_pays_nothing(app, placed, factory):
    assert by_operator(placed, factory)
    (told,) = app.news()
    cancellation = told["message"]["order"]["cancellation"]
    assert (told["context"]["action"], state_of(told)) == ("on_cancel", ("CANCELLED", "order-cancelled"))
    assert (cancellation["cancelled_by"], cancellation["reason"]["id"]) == ("PROVIDER", "14")
    assert (total(told), lines(told)) == ("0.00", {"cancellation-fee": "0.00"})


def test_the_operator_cancels_once(app, placed, factory):
    assert by_operator(placed, factory)
    app.news()
    assert not by_operator(app.booking(), factory)
    assert app.news() == []


@pytest.mark.parametrize("reason_id", ["", "2", "12", "77"])
def test_the_operator_gives_a_reason_of_its_own(app, placed, factory, reason_id):
    with pytest.raises(Refused):
        by_operator(placed, factory, reason_id)
    assert app.booking().state == State.CONFIRMED


def test_the_operator_does_not_cancel_what_has_begun(app, placed, charger, factory):
    app.update("start-charging")
    charger.begin(placed.start_token)
    app.news()
    with pytest.raises(Refused):
        by_operator(app.booking(), factory)
    assert app.booking().state == State.IN_SESSION


def test_the_operator_gives_up_a_start_that_waits(app, placed, charger, factory):
    app.update("start-charging")
    assert by_operator(placed, factory)
    assert Session.objects.get().failure == Session.Failure.WITHDRAWN
    assert not charger.begin(placed.start_token).accepted


def test_cancelling_gives_up_a_start_that_waits(app, placed, charger):
    app.update("start-charging")
    told = app.about("cancel")
    assert state_of(told) == ("CANCELLED", "order-cancelled")
    assert Session.objects.get().failure == Session.Failure.WITHDRAWN
    assert not charger.begin(placed.start_token).accepted


def test_the_waiting_start_is_answered_too(app, placed):
    app.update("start-charging")
    app.say("cancel", {"order_id": placed.code})
    inbox.work()
    answers = {told["context"]["action"]: told for told in app.news()}
    assert code_of(answers["on_update"]) == "40006"
    assert state_of(answers["on_cancel"]) == ("CANCELLED", "order-cancelled")


def test_a_charger_that_failed_the_driver_costs_no_fee(app, placed, charger):
    app.update("start-charging")
    charger.answer("remote_start", "rejected")
    app.news()
    assert total(app.about("cancel", cancellation_reason_id="1")) == "0.00"


def test_a_completed_order_cannot_be_cancelled(app, placed, charger):
    app.update("start-charging")
    number = charger.begin(placed.start_token).transaction_id
    charger.end(number, wh=2000, at=NOON)
    app.news()
    assert code_of(app.about("cancel")) == "50001"


def test_who_never_comes_is_told_and_pays_the_fee(app, placed, charger, clock):
    """AT-I1."""
    clock.shift(30 * 60)
    charger.say(events.Heard)
    assert services.move_overdue() == 1
    told = app.the_news()
    assert told["context"]["action"] == "on_cancel"
    cancellation = told["message"]["order"]["cancellation"]
    assert (cancellation["cancelled_by"], cancellation["reason"]["descriptor"]["code"]) == (
        "PROVIDER",
        "NO_SHOW",
    )
    assert total(told) == "44.84"
    assert app.booking().state == State.NO_SHOW
    assert services.move_overdue() == 0


def test_a_broken_charger_is_no_no_show(app, placed, charger, clock):
    """AT-I2."""
    charger.status("Faulted")
    clock.shift(30 * 60)
    services.move_overdue()
    told = app.the_news()
    assert told["message"]["order"]["cancellation"]["reason"]["descriptor"]["code"] == "HARDWARE_FAILURE"
    assert (total(told), app.booking().state) == ("0.00", State.FAILED)


def test_a_charge_that_runs_for_a_day_is_asked_to_stop(app, placed, charger, clock):
    app.update("start-charging")
    charger.begin(placed.start_token)
    clock.shift(24 * 3600)
    assert services.move_overdue() == 1
    assert charger.asked("remote_stop").count() == 1
    assert app.booking().state == State.IN_SESSION


def test_the_reasons_can_be_asked_for(app):
    told = app.ask("get_cancellation_reasons", {})
    reasons = {
        reason["id"]: reason["descriptor"]["code"] for reason in told["message"]["cancellation_reasons"]
    }
    assert told["context"]["action"] == "cancellation_reasons"
    assert reasons["2"] == "USER_CANCELLED"
    assert "12" not in reasons


# --- After a day's outage ------------------------------------------------------------------------------------


def test_a_deadline_that_we_meet_a_day_late_was_slept_through_by_us(app, placed, charger, clock):
    """Nobody could have started the charge meanwhile: no fee, and the app is told so."""
    clock.shift(24 * 3600)
    charger.say(events.Heard)
    assert services.move_overdue() == 1
    told = app.the_news()
    assert (total(told), app.booking().state) == ("0.00", State.FAILED)


def test_leaving_after_such_a_day_is_free_too(app, placed, charger, clock):
    clock.shift(24 * 3600)
    charger.say(events.Heard)
    assert total(app.about("cancel", cancellation_reason_id="2")) == "0.00"


@pytest.mark.parametrize("state", [State.QUOTED, State.HELD])
def test_what_was_only_offered_is_free_again_after_a_day(app, clock, state):
    app.select()
    if state == State.HELD:
        app.init()
    assert app.booking().state == state
    clock.shift(24 * 3600)
    services.move_overdue()
    assert (app.booking().state, TakenTime.objects.count()) == (State.EXPIRED, 0)
