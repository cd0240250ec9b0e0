from datetime import timedelta

import pytest

from apps.charging import services
from apps.charging.models import Orphan, Session
from apps.lib import clock as lib_clock
from apps.ocpp import events
from apps.ocpp.models import ChargePoint
from tests.charging.doubles import Charger, make_charger, minutes, plug_of
from tests.factory import NOON, Factory

State, Failure = Session.State, Session.Failure


def test_a_start_asks_the_charger_once(charger, session):
    again = services.start(reference="BK-1", connector=plug_of(charger), token="TOKEN-1", limit_kwh=None)
    assert again == session
    assert session.deadline_at == NOON + timedelta(seconds=90)
    (command,) = charger.asked("remote_start")
    assert command.payload == {"connector_id": 1, "token": "TOKEN-1"}


def test_a_plug_without_a_charge_point_cannot_start(db):
    plug = Factory().make_priced_connector()
    with pytest.raises(services.ChargerNotConnected) as refused:
        services.start(reference="BK-1", connector=plug, token="TOKEN-1", limit_kwh=None)
    assert refused.value.code == "40006"
    assert not Session.objects.exists()


def test_a_blocked_charge_point_cannot_start(charger):
    ChargePoint.objects.update(state="BLOCKED")
    with pytest.raises(services.ChargerNotConnected):
        services.start(reference="BK-1", connector=plug_of(charger), token="TOKEN-1", limit_kwh=None)
    assert not Session.objects.exists()


def test_the_charger_begins_the_session_that_was_asked_for(charger, session):
    answer = charger.begin("TOKEN-1", wh=182_004)
    session.refresh_from_db()
    assert (answer.transaction_id, answer.accepted) == (session.pk, True)
    assert (session.state, session.started_at, session.meter_start_wh) == (State.ACTIVE, NOON, 182_004)


def test_the_same_start_again_is_the_same_session(charger, session):
    """AT-C2."""
    first = charger.begin("TOKEN-1")
    assert charger.begin("TOKEN-1") == first
    assert Session.objects.count() == 1
    assert session.events.count() == 2


def test_another_register_at_the_same_moment_is_another_start(charger):
    first = charger.begin("CARD")
    assert charger.begin("CARD", wh=1001).transaction_id != first.transaction_id


@pytest.mark.parametrize(
    ("outcome", "failure"), [("rejected", Failure.REJECTED), ("timed-out", Failure.CHARGER_OFFLINE)]
)
def test_a_start_the_charger_does_not_take_fails_with_its_reason(charger, session, outcome, failure):
    charger.answer("remote_start", outcome)
    session.refresh_from_db()
    assert (session.state, session.failure, session.deadline_at) == (State.FAILED, failure, None)


@pytest.mark.parametrize(
    ("accepted", "status", "failure"),
    [
        (False, "Available", Failure.TIMEOUT),
        (True, "Available", Failure.NO_CABLE),
        (True, "Preparing", Failure.VEHICLE_FAULT),
    ],
)
def test_a_start_that_never_begins_fails_with_its_reason(charger, session, clock, accepted, status, failure):
    """AT-B3, AT-B4."""
    if accepted:
        charger.answer("remote_start")
    charger.status(status)
    assert services.move_overdue() == 0
    clock.shift(91)
    assert services.move_overdue() == 1
    session.refresh_from_db()
    assert (session.state, session.failure) == (State.FAILED, failure)


def test_a_fault_ends_a_start_at_once(charger, session):
    charger.status("Faulted")
    session.refresh_from_db()
    assert (session.state, session.failure) == (State.FAILED, Failure.VEHICLE_FAULT)


def test_a_charge_that_begins_after_it_was_given_up_is_stopped(charger, session, clock):
    """AT-B2."""
    clock.shift(91)
    services.move_overdue()
    answer = charger.begin("TOKEN-1")
    assert not answer.accepted
    assert charger.asked("remote_stop").get().payload == {"transaction_id": answer.transaction_id}
    assert charger.begin("TOKEN-1", at=NOON + timedelta(seconds=91)) == answer
    charger.meter(answer.transaction_id, (lib_clock.now() + minutes(1), 1500))
    charger.end(answer.transaction_id, wh=1600, at=lib_clock.now() + minutes(2))
    late = Session.objects.get(pk=answer.transaction_id)
    assert (late.state, late.energy_wh, late.meter_stop_wh) == (State.FAILED, 0, 1600)


def test_a_retry_after_a_failed_start_is_a_new_session(charger, session):
    charger.answer("remote_start", "rejected")
    again = services.start(reference="BK-1", connector=plug_of(charger), token="TOKEN-1", limit_kwh=None)
    assert again.pk != session.pk
    assert charger.begin("TOKEN-1").transaction_id == again.pk


def test_a_card_begins_a_session_without_a_booking(charger):
    answer = charger.begin("RFID-1")
    walk_in = Session.objects.get(pk=answer.transaction_id)
    assert answer.accepted
    assert (walk_in.reference, walk_in.state) == ("", State.ACTIVE)


def test_a_start_at_an_unknown_connector_is_refused_and_kept(charger):
    answer = charger.begin("RFID-1", connector=7)
    assert charger.begin("RFID-1", connector=7) == answer
    assert (answer.transaction_id, answer.accepted) == (-Orphan.objects.get().pk, False)


def test_a_token_of_ours_opens_only_its_own_charger(charger, session):
    assert charger.say(events.TokenPresented, token="TOKEN-1")
    assert not Charger("CP-2").say(events.TokenPresented, token="TOKEN-1")
    charger.answer("remote_start", "rejected")
    assert not charger.say(events.TokenPresented, token="TOKEN-1")


@pytest.mark.parametrize(("token", "may"), [("RFID-1", True), ("", False), ("  ", False)])
def test_any_card_may_charge_but_nobody_without_one(charger, token, may):
    assert charger.say(events.TokenPresented, token=token) is may


def test_two_plugs_of_one_charge_point_are_two_sessions(db):
    """AT-H1: the number belongs to the charge point, not to the site."""
    charger = make_charger(Factory(), plugs=2)
    one, two = charger.begin("A", connector=1), charger.begin("B", connector=2)
    assert Session.objects.get(pk=one.transaction_id).ocpp_connector_id == 1
    assert Session.objects.get(pk=two.transaction_id).ocpp_connector_id == 2
