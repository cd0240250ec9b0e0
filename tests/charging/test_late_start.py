"""A start that begins after it was given up (AT-B2)."""

from datetime import timedelta

import pytest

from apps.charging import services
from apps.charging.models import Session
from apps.lib import wiring
from apps.lib.errors import Refused
from tests.charging.doubles import plug_of
from tests.factory import NOON

State = Session.State


@pytest.fixture
def wanted(monkeypatch) -> list[Session]:
    """The deal behind the session still waits for its charge."""
    asked: list[Session] = []
    announce = wiring.announce

    def hear(name: str, *facts):
        return asked.append(facts[0]) if name == "late_start.beginning" else announce(name, *facts)

    monkeypatch.setattr(wiring, "announce", hear)
    return asked


def given_up(clock) -> None:
    clock.shift(91)
    services.move_overdue()
    assert Session.objects.get().state == State.FAILED


def test_a_start_that_is_still_wanted_is_adopted(charger, session, clock, wanted):
    given_up(clock)
    clock.shift(5 * 60)
    answer = charger.begin("TOKEN-1")
    late = Session.objects.get(pk=answer.transaction_id)
    assert answer.accepted
    assert (late.state, late.reference, late.pk != session.pk) == (State.ACTIVE, "BK-1", True)
    assert late.concerns.get().kind == "late-start"
    assert not charger.asked("remote_stop").exists()
    assert charger.begin("TOKEN-1", at=NOON + timedelta(seconds=391)) == answer  # told again


def test_stopped_within_a_minute_it_is_free(charger, session, clock, wanted):
    given_up(clock)
    late = Session.objects.get(pk=charger.begin("TOKEN-1").transaction_id)
    clock.shift(59)
    services.stop(reference="BK-1")
    late.refresh_from_db()
    assert late.is_free


def test_after_a_minute_it_is_a_charge_like_any_other(charger, session, clock, wanted):
    given_up(clock)
    late = Session.objects.get(pk=charger.begin("TOKEN-1").transaction_id)
    clock.shift(61)
    services.stop(reference="BK-1")
    late.refresh_from_db()
    assert not late.is_free


def test_a_charge_that_began_in_time_is_never_free(charger, running, clock):
    clock.shift(5)
    services.stop(reference="BK-1")
    running.refresh_from_db()
    assert not running.is_free


def test_ten_minutes_later_it_is_stopped(charger, session, clock, wanted):
    given_up(clock)
    clock.shift(10 * 60 + 1)
    assert not charger.begin("TOKEN-1").accepted
    assert charger.asked("remote_stop").count() == 1


def test_what_the_driver_withdrew_is_not_adopted(charger, session, clock, wanted):
    services.stop(reference="BK-1")
    assert not charger.begin("TOKEN-1").accepted
    assert not wanted


def test_what_nobody_wants_any_more_is_stopped(charger, session, clock, monkeypatch):
    given_up(clock)
    announce = wiring.announce

    def refuse(name: str, *facts):
        if name == "late_start.beginning":
            raise Refused("over")
        return announce(name, *facts)

    monkeypatch.setattr(wiring, "announce", refuse)
    answer = charger.begin("TOKEN-1")
    assert not answer.accepted
    assert Session.objects.get(pk=answer.transaction_id).state == State.FAILED


def test_a_second_try_that_charges_already_is_not_doubled(charger, session, clock, wanted):
    given_up(clock)
    services.start(reference="BK-1", connector=plug_of(charger), token="TOKEN-1", limit_kwh=None)
    first = charger.begin("TOKEN-1")
    clock.shift(5)
    assert not charger.begin("TOKEN-1", wh=2000).accepted
    assert Session.objects.get(state=State.ACTIVE).pk == first.transaction_id
