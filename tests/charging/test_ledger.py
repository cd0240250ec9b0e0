"""The ledger: who did what to a session and when, written once."""

import pytest
from django.db import DatabaseError, transaction

from apps.charging import ledger, services
from apps.charging.models import LedgerLine, Session
from apps.ocpp import events
from tests.charging.doubles import minutes
from tests.factory import NOON

State = Session.State


def story(session: Session) -> list[tuple[str, str]]:
    return [(line.stage, line.by) for line in session.ledger.all()]


def test_a_charge_from_start_to_end_is_told_with_who_did_it(charger, session, clock):
    charger.answer("remote_start")
    clock.shift(2)
    charger.status("Preparing")
    clock.shift(2)
    charger.begin("TOKEN-1")
    clock.shift(60)
    services.stop(reference="BK-1", why="the driver asked")
    clock.shift(1)
    charger.answer("remote_stop")
    clock.shift(1)
    charger.end(session.pk, wh=1500, at=NOON + minutes(1))
    assert story(session) == [
        ("start-asked", "driver"),
        ("start-accepted", "station"),
        ("plugged-in", "driver"),
        ("charging", "station"),
        ("stopped", "driver"),  # by the charger's clock, which is a little behind
        ("stop-asked", "driver"),
        ("stop-accepted", "station"),
        ("meter-final", "station"),
    ]


@pytest.mark.parametrize(
    ("word", "stage", "by", "face"),
    [
        ("SuspendedEV", "paused-by-car", "car", "SUSPENDED_EV"),
        ("SuspendedEVSE", "paused-by-station", "station", "SUSPENDED_EVSE"),
        ("Faulted", "fault", "station", "FAULTED"),
    ],
)
def test_whoever_pauses_the_charge_is_named(charger, running, clock, word, stage, by, face):
    clock.shift(60)
    charger.status(word)
    running.refresh_from_db()
    assert story(running)[-1] == (stage, by)
    assert (running.state, running.face) == (State.SUSPENDED, face)


def test_a_pause_that_passes_from_the_car_to_the_station_is_two_lines(charger, running, clock):
    for word in ("SuspendedEV", "SuspendedEV", "SuspendedEVSE"):
        clock.shift(60)
        charger.status(word)
    assert story(running)[-2:] == [("paused-by-car", "car"), ("paused-by-station", "station")]


def test_a_word_told_late_is_a_line_at_its_own_time_and_moves_nothing(charger, running, clock):
    """AT-C3."""
    clock.shift(600)
    charger.status("Charging", at=NOON + minutes(9))
    charger.status("SuspendedEV", at=NOON + minutes(5))
    running.refresh_from_db()
    assert running.state == State.ACTIVE
    assert [(line.stage, line.at) for line in running.ledger.filter(stage="paused-by-car")] == [
        ("paused-by-car", NOON + minutes(5))
    ]


def test_a_lost_line_and_its_return_are_told_and_a_pause_is_still_a_pause(charger, running, clock):
    charger.status("SuspendedEVSE")
    clock.shift(60)
    charger.say(events.Disconnected)
    clock.shift(60)
    charger.say(events.Connected)
    running.refresh_from_db()
    assert running.face == "SUSPENDED_EVSE"
    assert [stage for stage, _by in story(running)][-2:] == ["site-offline", "paused-by-station"]


@pytest.mark.parametrize(
    ("reason", "by"),
    [
        ("EVDisconnected", "driver"),
        ("Local", "driver"),
        ("PowerLoss", "grid"),
        ("EmergencyStop", "station"),
        ("Remote", "operator"),  # nobody of ours asked: somebody at the operator's console did
    ],
)
def test_an_end_is_attributed_by_its_reason(charger, running, reason, by):
    charger.end(running.pk, wh=1500, at=NOON + minutes(1), reason=reason)
    assert ("stopped", by) in story(running)


def test_an_end_without_the_last_register_is_marked_as_an_estimate(charger, running, clock):
    """AT-D4."""
    charger.meter(running.pk, (NOON + minutes(1), 1900))
    clock.shift(60 * 60)
    services.move_overdue()
    clock.shift(31 * 60)
    services.move_overdue()
    running.refresh_from_db()
    assert (running.state, running.is_estimated, running.energy_wh) == (State.CLOSED, True, 900)
    assert story(running)[-2:] == [("meter-awaited", "station"), ("meter-estimated", "operator")]
    assert running.concerns.get().kind == "no-stop"


def test_a_failed_start_is_told_with_its_reason_and_who_it_was(charger, session):
    charger.answer("remote_start", "rejected")
    line = session.ledger.last()
    assert (line.stage, line.by, line.detail) == ("start-failed", "station", "rejected")


def test_everything_told_five_times_is_one_story(charger, running, clock):
    """AT-C1."""
    for _time in range(5):
        charger.status("SuspendedEV", at=NOON + minutes(1))
        charger.end(running.pk, wh=1500, at=NOON + minutes(2))
    stages = [stage for stage, _by in story(running)]
    assert len(stages) == len(set(stages))


def test_a_line_is_never_changed_by_anybody(charger, running):
    line = running.ledger.first()
    line.by = "car"
    with pytest.raises(TypeError):
        line.save()
    with pytest.raises(TypeError):
        line.delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        LedgerLine.objects.update(by="car")


def test_of_a_very_long_story_the_end_is_told(charger, running):
    for number in range(ledger.LONGEST + 5):
        at = NOON + minutes(number + 1)
        ledger.write(running, LedgerLine.Stage.PAUSED_BY_CAR, LedgerLine.By.CAR, at=at)
    told = ledger.newest(running)
    assert len(told) == ledger.LONGEST
    assert told[-1].at == NOON + minutes(ledger.LONGEST + 5)
