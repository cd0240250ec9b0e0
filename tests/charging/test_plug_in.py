"""Between Start and the first watt-hour: how long the charger waits, and whether the cable is in the right plug."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from apps.charging import services
from apps.charging.models import PlugInTime, Session
from apps.ocpp import events
from apps.ocpp.models import ChargePoint
from tests.charging.doubles import Charger, make_charger, plug_of
from tests.factory import NOON, Factory

State = Session.State


def test_we_wait_exactly_as_long_as_the_charger_does(charger, clock):
    """AT-B1."""
    PlugInTime.objects.create(charge_point_id=charger.id, seconds=45)
    waiting = services.start(reference="BK-1", connector=plug_of(charger), token="TOKEN-1", limit_kwh=None)
    clock.shift(3)
    charger.answer("remote_start")
    waiting.refresh_from_db()
    assert waiting.deadline_at == NOON + timedelta(seconds=48)
    clock.shift(44)
    assert services.move_overdue() == 0
    clock.shift(2)
    assert services.move_overdue() == 1


def test_of_a_charger_whose_time_is_not_known_the_setting_is_taken(charger, session, settings):
    assert session.deadline_at == NOON + timedelta(seconds=settings.CHARGING["START_SECONDS"])


@pytest.mark.parametrize("seconds", [0, 14, 901])
def test_a_time_that_no_charger_waits_is_refused(db, seconds):
    with pytest.raises(ValidationError):
        PlugInTime(charge_point_id="CP-1", seconds=seconds).full_clean()


def test_a_car_that_stands_there_already_is_plugged_in(charger):
    charger.status("Preparing")
    waiting = start_at(charger)
    charger.status("Preparing")
    assert [line.stage for line in waiting.ledger.all()] == ["start-asked", "plugged-in"]


def test_a_car_that_comes_is_plugged_in_once_even_by_a_clock_of_whole_seconds(charger, session, clock):
    clock.shift(2)
    charger.status("Preparing", at=NOON - timedelta(seconds=1))
    charger.status("Preparing")
    assert [line.at for line in session.ledger.filter(stage="plugged-in")] == [session.created_at]


def tell_configuration(charger: Charger, told: object, outcome: str = "accepted") -> None:
    """The charger answers the newest question for its settings."""
    asked = charger.asked("get_configuration").order_by("-pk")
    state = "ACCEPTED" if outcome == "accepted" else "REJECTED"
    asked.filter(pk=asked.first().pk).update(told=told, state=state)
    charger.say(events.CommandAnswered, command="get_configuration", reference="", outcome=outcome)


@pytest.mark.parametrize(
    ("protocol", "key"), [("ocpp1.6", "ConnectionTimeOut"), ("ocpp2.0.1", "TxCtrlr.EVConnectionTimeOut")]
)
def test_a_charger_that_boots_is_asked_how_long_it_waits(charger, protocol, key):
    ChargePoint.objects.update(protocol=protocol)
    charger.say(events.Connected, booted=True)
    assert charger.asked("get_configuration").get().payload == {"keys": [key]}
    tell_configuration(charger, {key: {"value": "60"}})
    assert services.plug_in_time(charger.id) == timedelta(seconds=60)
    charger.say(events.Connected, booted=True)
    tell_configuration(charger, {key: {"value": "120"}})  # set anew, so it is asked anew
    assert services.plug_in_time(charger.id) == timedelta(seconds=120)


def test_a_line_that_is_back_without_a_boot_asks_nothing(charger):
    ChargePoint.objects.update(protocol="ocpp1.6")
    charger.say(events.Connected)
    assert not charger.asked("get_configuration").exists()


@pytest.mark.parametrize("value", ["", "0", "-5", "forever", "99999999", "14", "901", "६०", None])
def test_a_time_that_makes_no_sense_is_not_taken(charger, settings, value):
    ChargePoint.objects.update(protocol="ocpp1.6")
    charger.say(events.Connected, booted=True)
    tell_configuration(charger, {"ConnectionTimeOut": {"value": value}})
    assert services.plug_in_time(charger.id).seconds == settings.CHARGING["START_SECONDS"]


def test_a_charger_that_does_not_tell_its_settings_waits_as_ours_say(charger, settings):
    ChargePoint.objects.update(protocol="ocpp1.6")
    charger.say(events.Connected, booted=True)
    tell_configuration(charger, None, "rejected")
    assert services.plug_in_time(charger.id).seconds == settings.CHARGING["START_SECONDS"]


# --- The right plug (AT-H4) ---------------------------------------------------------------------------


@pytest.fixture
def two_posts(db) -> tuple[Charger, Charger]:
    """Two charge points of one station."""
    factory = Factory()
    station = factory.make_station()
    return (
        make_charger(factory, "CP-1", station=station),
        make_charger(factory, "CP-2", station=station),
    )


def start_at(charger: Charger) -> Session:
    return services.start(reference="BK-1", connector=plug_of(charger), token="TOKEN-1", limit_kwh=None)


def other_plugs(session: Session) -> list[str]:
    return [line.detail for line in session.ledger.filter(stage="other-plug")]


def test_a_car_at_another_plug_of_the_station_is_told_to_the_driver(two_posts, clock):
    ours, other = two_posts
    waiting = start_at(ours)
    clock.shift(20)
    other.status("Preparing")
    other.status("Preparing")
    assert other_plugs(waiting) == [plug_of(other).letter]
    waiting.refresh_from_db()
    assert waiting.state == State.PENDING


def test_once_a_car_is_at_our_plug_others_are_not_ours(two_posts, clock):
    ours, other = two_posts
    waiting = start_at(ours)
    clock.shift(5)
    ours.status("Preparing")
    other.status("Preparing")
    assert other_plugs(waiting) == []


def test_a_car_at_another_station_is_nobodys_business(factory, charger, clock):
    waiting = start_at(charger)
    clock.shift(5)
    make_charger(factory, "CP-9").status("Preparing")
    assert other_plugs(waiting) == []


def test_a_car_that_came_before_the_start_or_long_after_is_not_meant(two_posts, clock):
    ours, other = two_posts
    PlugInTime.objects.create(charge_point_id=ours.id, seconds=900)
    waiting = start_at(ours)
    other.status("Preparing", at=NOON - timedelta(minutes=1))
    clock.shift(3 * 60 + 1)
    other.status("Preparing")
    assert other_plugs(waiting) == []


def test_a_charge_that_has_begun_asks_nobody(two_posts, clock):
    ours, other = two_posts
    running = start_at(ours)
    ours.begin("TOKEN-1")
    clock.shift(5)
    other.status("Preparing")
    assert other_plugs(running) == []


def test_a_plug_that_nobody_knows_is_ignored(two_posts, clock):
    ours, other = two_posts
    waiting = start_at(ours)
    other.status("Preparing", connector=7)
    assert other_plugs(waiting) == []
