"""Charges that are neither silent nor over, and yet not right: each has a deadline and somewhere to go."""

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.charging import runaway, services, watch
from apps.charging.models import Orphan, Session
from apps.lib import clock as lib_clock
from apps.ocpp import events
from apps.ocpp.models import ChargePoint, Command
from tests.charging.doubles import minutes
from tests.factory import NOON

State = Session.State


def stays_alive(charger, clock, count: int) -> None:
    """So many minutes of heartbeats, with the duties walked each minute."""
    for _minute in range(count):
        clock.shift(60)
        charger.say(events.Heard)
        watch.look()
        services.move_overdue()


def concerns(session: Session) -> set[str]:
    return set(session.concerns.values_list("kind", flat=True))


# --- No energy, no readings (AT-A5) -------------------------------------------------------------------


def test_no_energy_in_ten_minutes_is_stopped_for_nothing(charger, running, clock):
    """AT-A5."""
    charger.meter(running.pk, (NOON + minutes(1), 1000))
    stays_alive(charger, clock, 9)
    assert not charger.asked("remote_stop").exists()
    stays_alive(charger, clock, 1)
    running.refresh_from_db()
    assert (running.state, running.energy_wh) == (State.STOPPING, 0)
    assert charger.asked("remote_stop").count() == 1
    assert "no-energy" in concerns(running)


@pytest.mark.parametrize(("hours", "state"), [(23, State.ACTIVE), (24, State.STOPPING)])
def test_nothing_runs_for_longer_than_a_day_by_itself(charger, clock, hours, state):
    """AT-A5: also what nobody pays for."""
    walk_in = Session.objects.get(pk=charger.begin("CARD-1").transaction_id)
    charger.meter(walk_in.pk, (NOON + minutes(1), 1500))
    Session.objects.update(began_at=lib_clock.now() - timedelta(hours=hours))
    stays_alive(charger, clock, 1)
    walk_in.refresh_from_db()
    assert walk_in.state == state
    assert charger.asked("remote_stop").count() == (state == State.STOPPING)


def test_the_minutes_without_energy_are_a_setting(charger, running, clock, settings):
    settings.CHARGING = settings.CHARGING | {"NO_ENERGY_MINUTES": 3}
    stays_alive(charger, clock, 4)
    running.refresh_from_db()
    assert running.state == State.STOPPING


def test_a_charge_that_has_had_energy_is_not_stopped_for_a_pause(charger, running, clock):
    charger.meter(running.pk, (NOON + minutes(1), 1500))
    charger.status("SuspendedEV")
    stays_alive(charger, clock, 60)
    running.refresh_from_db()
    assert running.state == State.SUSPENDED
    assert not charger.asked("trigger").exists()  # a paused car has nothing to tell
    assert not concerns(running)


def test_a_charge_at_a_site_that_is_offline_is_not_judged(charger, running, clock):
    charger.say(events.Disconnected)
    clock.shift(11 * 60)
    watch.look()
    running.refresh_from_db()
    assert running.state == State.OFFLINE
    assert not charger.asked("remote_stop").exists()


def test_a_silent_meter_is_asked_and_then_told_to_a_person(charger, running, clock):
    charger.meter(running.pk, (NOON + minutes(1), 1500))
    stays_alive(charger, clock, 4)
    (asked,) = charger.asked("trigger")
    assert asked.payload == {"message": "MeterValues", "connector_id": 1}
    Command.objects.update(state=Command.State.TIMED_OUT)
    stays_alive(charger, clock, 5)
    assert charger.asked("trigger").count() == 2
    assert not concerns(running)
    stays_alive(charger, clock, 8)
    assert concerns(running) == {"no-readings"}
    running.refresh_from_db()
    assert running.state == State.ACTIVE  # energy flows: its end will tell how much


def test_a_meter_that_speaks_is_left_alone(charger, running, clock):
    for minute in range(1, 30):
        clock.shift(60)
        charger.meter(running.pk, (NOON + minutes(minute), 1000 + minute * 500))
        watch.look()
    assert not charger.asked("trigger").exists()


def test_a_silent_meter_of_a_blocked_charge_point_breaks_nothing(charger, running, clock):
    ChargePoint.objects.update(state="BLOCKED")
    charger.meter(running.pk, (NOON + minutes(1), 1500))
    clock.shift(5 * 60)
    assert watch.look() == 1


def test_a_session_is_looked_at_once_a_minute_by_one_worker(charger, running, clock):
    clock.shift(61)
    watch_at = Session.objects.get().watch_at
    assert watch.look() == 1
    assert watch.look() == 0
    assert not watch._look_at(running.pk, watch_at, lib_clock.now())  # the slower of two workers


# --- An end that nobody tells (AT-A1) -----------------------------------------------------------------


@pytest.mark.parametrize("word", ["Available", "Finishing", "Unavailable"])
def test_a_plug_that_is_done_without_a_stop_ends_the_session(charger, running, clock, word):
    clock.shift(600)
    charger.meter(running.pk, (NOON + minutes(9), 4000))
    charger.status(word)
    stays_alive(charger, clock, 3)
    running.refresh_from_db()
    assert running.state == State.ENDED_PENDING_METER


def test_a_car_that_waits_inside_its_transaction_is_not_sent_away(charger, running, clock):
    """OCPP 2.0.1: the plug is occupied, the charging state is EVConnected."""
    charger.meter(running.pk, (NOON + minutes(1), 1500))
    clock.shift(120)
    charger.status("Preparing")
    stays_alive(charger, clock, 10)
    running.refresh_from_db()
    assert running.state == State.ACTIVE


def test_energy_that_flows_after_the_plug_said_it_was_done_is_the_truth(charger, running, clock):
    clock.shift(60)
    charger.status("Finishing")
    clock.shift(60)
    charger.meter(running.pk, (NOON + minutes(2), 2500))
    stays_alive(charger, clock, 5)
    running.refresh_from_db()
    assert (running.state, running.unplugged_at) == (State.ACTIVE, None)


# --- Silent, and back (AT-A6) -------------------------------------------------------------------------


def gone_for(charger, clock, minutes_away: int) -> None:
    charger.say(events.Disconnected)
    for _minute in range(minutes_away):
        clock.shift(60)
        services.move_overdue()


def test_what_was_buffered_during_an_outage_settles_it(charger, running, clock):
    """AT-A6, AT-C3."""
    charger.meter(running.pk, (NOON + minutes(1), 1900))
    gone_for(charger, clock, 20)
    charger.say(events.Connected)
    charger.meter(running.pk, *((NOON + minutes(m), 1000 + m * 900) for m in range(2, 12)))
    charger.end(running.pk, wh=11_500, at=NOON + minutes(12), reason="EVDisconnected")
    running.refresh_from_db()
    assert (running.state, running.energy_wh, running.is_estimated) == (State.CLOSED, 10_500, False)
    assert running.ended_at == NOON + minutes(12)


def test_a_charger_that_comes_back_charging_goes_on_after_an_hour(charger, running, clock):
    charger.meter(running.pk, (NOON + minutes(1), 1900))
    gone_for(charger, clock, 50)
    running.refresh_from_db()
    assert running.state == State.ENDED_PENDING_METER
    charger.say(events.Connected)
    charger.meter(running.pk, (NOON + minutes(30), 20_000))  # buffered: proves nothing about now
    running.refresh_from_db()
    assert running.state == State.ENDED_PENDING_METER
    charger.meter(running.pk, (lib_clock.now(), 30_000))
    running.refresh_from_db()
    assert (running.state, running.energy_wh) == (State.ACTIVE, 29_000)
    services.stop(reference="BK-1")
    assert charger.asked("remote_stop").count() == 1


def test_an_outage_of_ours_of_a_day_ends_in_a_right_state(charger, running, clock):
    """Nothing ran here for a day. The charger had buffered all of it."""
    clock.shift(24 * 3600)
    services.move_overdue()
    watch.look()
    charger.meter(running.pk, *((NOON + minutes(m), 1000 + m * 900) for m in range(1, 10)))
    charger.end(running.pk, wh=9100, at=NOON + minutes(10), reason="Local")
    running.refresh_from_db()
    assert (running.state, running.energy_wh, running.is_estimated) == (State.CLOSED, 8100, False)


def test_a_charger_that_never_comes_back_costs_only_what_was_proved(charger, running, clock):
    charger.meter(running.pk, (NOON + minutes(1), 1900))
    gone_for(charger, clock, 62)
    running.refresh_from_db()
    assert (running.state, running.energy_wh, running.is_estimated) == (State.CLOSED, 900, True)
    charger.end(running.pk, wh=50_000, at=NOON + minutes(60))
    running.refresh_from_db()
    assert running.energy_wh == 900
    assert running.code in Orphan.objects.get().why


# --- A driver can always stop (law 9) -----------------------------------------------------------------


def test_a_stop_reaches_a_charger_that_we_took_for_silent(charger, running, clock):
    clock.shift(16 * 60)
    services.move_overdue()
    running.refresh_from_db()
    assert running.state == State.ENDED_PENDING_METER
    for _press in range(3):
        services.stop(reference="BK-1")
    assert charger.asked("remote_stop").count() == 1


def test_a_stop_while_the_site_is_offline_is_billed_to_the_press(charger, running, clock):
    """AT-A2: the charger goes on for a quarter of an hour before it hears of the stop."""
    charger.meter(running.pk, (NOON + minutes(1), 1900))
    charger.say(events.Disconnected)
    clock.shift(120)
    services.stop(reference="BK-1")
    clock.shift(15 * 60)
    charger.meter(running.pk, (NOON + minutes(2), 2800), (NOON + minutes(3), 3700), (NOON + minutes(9), 9000))
    charger.end(running.pk, wh=16_000, at=NOON + minutes(17))
    running.refresh_from_db()
    assert (running.state, running.energy_wh) == (State.CLOSED, 2700)
    assert [row.note for row in running.readings.order_by("-at")[:2]] == ["after the stop"] * 2


def test_a_slow_stop_within_a_minute_is_billed_as_measured(charger, running, clock):
    clock.shift(120)
    services.stop(reference="BK-1")
    clock.shift(40)
    charger.end(running.pk, wh=3500, at=NOON + minutes(2) + timedelta(seconds=40))
    running.refresh_from_db()
    assert running.energy_wh == 2500


def test_a_charger_whose_clock_is_fast_is_not_cut_short(charger, session, clock):
    """AT-E1: half an hour ahead, every reading looks as if it came after the stop."""
    ahead = 1800
    charger.say(
        events.TransactionStarted,
        connector_id=1,
        token="TOKEN-1",
        meter_start_wh=Decimal(1000),
        at=NOON + timedelta(seconds=ahead),
        clock_skew_seconds=ahead,
    )
    clock.shift(60)
    services.stop(reference="BK-1")
    clock.shift(90)
    charger.end(session.pk, wh=2000, at=NOON + timedelta(seconds=ahead + 65))
    session.refresh_from_db()
    assert session.energy_wh == 1000
    assert session.real(session.started_at) == NOON


def test_a_charge_that_runs_on_after_its_end_is_stopped_again_and_costs_nothing_more(charger, running, clock):
    charger.meter(running.pk, (NOON + minutes(1), 1900))
    clock.shift(60)
    services.stop(reference="BK-1")
    for _minute in range(5):
        clock.shift(60)
        services.move_overdue()
    running.refresh_from_db()
    assert running.state == State.CLOSED
    asked = charger.asked("remote_stop").count()
    for minute in range(7, 9):
        clock.shift(60)
        charger.meter(running.pk, (lib_clock.now(), 1900 + minute * 900))
    running.refresh_from_db()
    assert charger.asked("remote_stop").count() == asked + 2
    assert (running.state, running.energy_wh) == (State.CLOSED, 900)
    assert concerns(running) == {"stop-unanswered", "no-stop", "runs-on"}


def test_a_charger_that_ignores_every_stop_is_left_to_a_person(charger, running, clock):
    services.stop(reference="BK-1")
    for minute in range(1, 40):
        clock.shift(60)
        services.move_overdue()
        charger.meter(running.pk, (lib_clock.now(), 1000 + minute * 900))
    assert charger.asked("remote_stop").count() == runaway.MOST_REPEATS


def test_a_late_reading_of_a_session_that_ended_well_asks_for_nothing(charger, running, clock):
    charger.end(running.pk, wh=2000, at=NOON + minutes(2))
    clock.shift(180)
    charger.meter(running.pk, (NOON + minutes(2), 2000), (NOON + minutes(3), 2000))
    assert not charger.asked("remote_stop").exists()
    assert not concerns(running)


# --- Clocks (AT-E1) -----------------------------------------------------------------------------------


def test_a_clock_that_makes_no_sense_is_replaced_by_ours_and_flagged(charger, session, clock):
    """AT-E1: what apps/ocpp could not believe is dated by us; the row says so, and no skew is taken off it."""
    charger.say(
        events.TransactionStarted,
        connector_id=1,
        token="TOKEN-1",
        meter_start_wh=Decimal(1000),
        at=NOON,
        at_doubted=True,
        clock_skew_seconds=-1_700_000_000,
    )
    clock.shift(60)
    reading = events.Reading(at=NOON + minutes(1), register_wh=Decimal(1500), at_doubted=True)
    charger.say(events.MeterReadings, connector_id=1, transaction_id=session.pk, readings=(reading,))
    session.refresh_from_db()
    assert session.real(session.started_at) == NOON
    assert session.readings.get().at_doubted
    assert session.energy_wh == 500
