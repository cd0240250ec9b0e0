from datetime import timedelta

import time_machine

from apps.charging import services
from apps.charging.models import Orphan, Session
from apps.lib import clock as lib_clock
from apps.ocpp import events
from tests.charging.doubles import Charger, minutes, plug_of
from tests.factory import NOON

State = Session.State


def test_a_stop_asks_once_however_often_it_is_pressed(charger, running):
    """AT-A3."""
    for _press in range(3):
        services.stop(reference="BK-1")
    running.refresh_from_db()
    assert running.state == State.STOPPING
    assert charger.asked("remote_stop").get().payload == {"transaction_id": running.pk}


def test_a_stop_of_nothing_is_nothing(db):
    assert services.stop(reference="BK-9") is None


def test_stopping_before_it_began_withdraws_the_start(charger, session):
    services.stop(reference="BK-1")
    session.refresh_from_db()
    assert (session.state, session.failure) == (State.FAILED, Session.Failure.WITHDRAWN)
    assert not charger.begin("TOKEN-1").accepted


def test_the_charger_ends_a_session_with_its_last_register(charger, running):
    charger.end(running.pk, wh=5000, at=NOON + minutes(10))
    running.refresh_from_db()
    assert (running.state, running.energy_wh, running.meter_stop_wh) == (State.CLOSED, 4000, 5000)
    assert (running.ended_at, running.end_reason, running.deadline_at) == (NOON + minutes(10), "Remote", None)


def last_charge_of(running) -> object:
    return type(running.connector).objects.get(pk=running.connector_id).last_charge_at


def test_a_charge_that_brought_energy_is_told_to_the_catalog(charger, running):
    """ "Last charge worked": what a driver trusts more than a status."""
    charger.meter(running.pk, (NOON + minutes(5), 3000))
    assert last_charge_of(running) is None  # not while it may still go wrong
    clock_of_charger = NOON + minutes(10)
    with time_machine.travel(NOON + minutes(11), tick=False):
        charger.end(running.pk, wh=5000, at=clock_of_charger)
    assert last_charge_of(running) == clock_of_charger


def test_a_charge_without_energy_is_not(charger, running):
    charger.end(running.pk, wh=1000, at=NOON)
    running.refresh_from_db()
    assert running.state == State.CLOSED
    assert last_charge_of(running) is None


def test_the_same_end_again_changes_nothing(charger, running):
    for _time in range(3):
        charger.end(running.pk, wh=5000, at=NOON + minutes(10))
    running.refresh_from_db()
    assert running.energy_wh == 4000
    assert running.readings.count() == 1
    assert running.events.filter(now=State.CLOSED).count() == 1


def test_an_unanswered_stop_is_tried_again_once_and_then_closed_on_the_last_reading(charger, running, clock):
    charger.meter(running.pk, (NOON + minutes(1), 1900))
    clock.shift(60)
    services.stop(reference="BK-1")
    clock.shift(16)
    services.move_overdue()
    assert charger.asked("remote_stop").count() == 2
    clock.shift(16)
    services.move_overdue()
    running.refresh_from_db()
    assert running.state == State.ENDED_PENDING_METER
    assert charger.asked("remote_stop").count() == 2
    clock.shift(121)
    services.move_overdue()
    running.refresh_from_db()
    assert (running.state, running.energy_wh, running.ended_at) == (State.CLOSED, 900, NOON + minutes(1))


def test_a_refused_stop_is_tried_again_at_once(charger, running):
    services.stop(reference="BK-1")
    charger.answer("remote_stop", "rejected")
    services.move_overdue()
    assert charger.asked("remote_stop").count() == 2


def test_an_accepted_stop_gets_time_to_take_effect(charger, running, clock):
    services.stop(reference="BK-1")
    charger.answer("remote_stop")
    clock.shift(30)
    assert services.move_overdue() == 0


def test_the_ordered_energy_is_the_end(charger):
    limited = services.start(reference="BK-2", connector=plug_of(charger), token="TOKEN-2", limit_kwh=2)
    number = charger.begin("TOKEN-2").transaction_id
    charger.meter(number, (NOON + minutes(1), 1900))
    assert not charger.asked("remote_stop").exists()
    charger.meter(number, (NOON + minutes(3), 3000))
    limited.refresh_from_db()
    assert limited.state == State.STOPPING
    assert charger.asked("remote_stop").count() == 1


def test_a_free_plug_without_a_stop_ends_the_session_after_two_minutes(charger, running, clock):
    """AT-A1."""
    clock.shift(600)
    charger.meter(running.pk, (NOON + minutes(9), 4000))
    charger.status("Available")
    clock.shift(119)
    assert services.move_overdue() == 0
    clock.shift(2)
    services.move_overdue()
    running.refresh_from_db()
    assert running.state == State.ENDED_PENDING_METER
    charger.end(running.pk, wh=4200, at=NOON + minutes(10), reason="EVDisconnected")
    running.refresh_from_db()
    assert (running.state, running.energy_wh) == (State.CLOSED, 3200)


def test_without_the_late_stop_the_last_good_reading_closes_it(charger, running, clock):
    """AT-A1."""
    charger.meter(running.pk, (NOON + minutes(9), 4000))
    charger.status("Available")
    clock.shift(121)
    services.move_overdue()
    clock.shift(30 * 60 + 1)
    services.move_overdue()
    running.refresh_from_db()
    assert (running.state, running.energy_wh, running.ended_at) == (State.CLOSED, 3000, NOON + minutes(9))


def test_a_real_end_after_the_close_is_kept_for_the_operator(charger, running, clock):
    charger.status("Available")
    clock.shift(121)
    services.move_overdue()
    clock.shift(30 * 60 + 1)
    services.move_overdue()
    charger.end(running.pk, wh=4000, at=NOON + minutes(5))
    running.refresh_from_db()
    assert (running.energy_wh, running.meter_stop_wh) == (0, 4000)
    assert running.code in Orphan.objects.get().why


def test_an_old_report_of_a_free_plug_ends_nothing(charger, running, clock):
    charger.status("Available", at=NOON - minutes(1))
    clock.shift(10 * 60)
    assert services.move_overdue() == 0


def test_silence_ends_a_session(charger, running, clock):
    clock.shift(14 * 60)
    charger.say(events.Heard)
    clock.shift(14 * 60)
    assert services.move_overdue() == 0
    clock.shift(2 * 60)
    services.move_overdue()
    running.refresh_from_db()
    assert running.state == State.ENDED_PENDING_METER


def test_a_lost_connection_pauses_the_session_until_the_charger_is_back(charger, running):
    charger.say(events.Disconnected)
    running.refresh_from_db()
    assert running.state == State.OFFLINE
    charger.say(events.Connected)
    running.refresh_from_db()
    assert running.state == State.ACTIVE


def test_the_car_pauses_and_goes_on(charger, running):
    charger.status("SuspendedEV")
    running.refresh_from_db()
    assert running.state == State.SUSPENDED
    charger.status("Charging")
    running.refresh_from_db()
    assert running.state == State.ACTIVE


def test_an_end_without_our_id_is_matched_by_its_token(charger, running):
    """AT-C3."""
    charger.end(-1, wh=2000, at=NOON + minutes(2), token="TOKEN-1")
    running.refresh_from_db()
    assert (running.state, running.energy_wh) == (State.CLOSED, 1000)


def test_an_end_nobody_can_place_is_kept_once(charger, running):
    """AT-C3."""
    for _time in range(3):
        charger.end(4711, wh=2000, at=NOON + minutes(2))
    orphan = Orphan.objects.get()
    assert (orphan.transaction_id, orphan.register_wh) == (4711, 2000)
    running.refresh_from_db()
    assert running.state == State.ACTIVE


def test_one_charge_point_cannot_end_the_session_of_another(charger, running):
    Charger("CP-2").end(running.pk, wh=2000, at=NOON + minutes(2))
    running.refresh_from_db()
    assert running.state == State.ACTIVE
    assert Orphan.objects.get().charge_point_id == "CP-2"


def test_the_next_car_at_the_plug_ends_what_was_left_open(charger, running, clock):
    """AT-D5: no reading counts twice."""
    charger.meter(running.pk, (NOON + minutes(5), 3000), (NOON + minutes(20), 3500))
    clock.shift(600)
    following = charger.begin("RFID-1", wh=3000, at=NOON + minutes(10))
    running.refresh_from_db()
    assert (running.state, running.energy_wh) == (State.ENDED_PENDING_METER, 2000)
    charger.meter(running.pk, (NOON + minutes(12), 3400))
    charger.meter(following.transaction_id, (NOON + minutes(12), 3400), (NOON + minutes(9), 3100))
    running.refresh_from_db()
    after = Session.objects.get(pk=following.transaction_id)
    assert (running.energy_wh, after.energy_wh) == (2000, 400)
    assert after.readings.get(at=NOON + minutes(9)).note == "before the start"


def test_every_end_says_why(charger, running):
    charger.end(running.pk, wh=1000, at=NOON + timedelta(seconds=1), reason="EVDisconnected")
    assert running.events.last().why == "the charger stopped: EVDisconnected"
    assert lib_clock.now() == NOON
