from apps.catalog.models import Connector
from apps.charging import availability
from apps.ocpp import events
from apps.ocpp.models import ChargePoint
from tests.charging.doubles import make_charger, minutes, plug_of
from tests.factory import NOON, Factory

Status = Connector.Status


def test_a_status_reaches_the_catalog(charger):
    charger.status("Charging")
    plug = plug_of(charger)
    assert (plug.status, plug.status_source, plug.status_changed_at) == (Status.CHARGING, "ocpp", NOON)


def test_a_word_nobody_knows_is_only_a_sign_of_life(charger, clock):
    clock.shift(60)
    charger.status("Dancing")
    plug = plug_of(charger)
    assert (plug.status, plug.last_seen_at) == (Status.AVAILABLE, NOON + minutes(1))


def test_a_heartbeat_is_a_sign_of_life(charger, clock):
    clock.shift(60)
    charger.say(events.Heard)
    assert plug_of(charger).last_seen_at == NOON + minutes(1)


def test_connector_zero_overrides_when_it_is_worse(db):
    """AT-H1."""
    charger = make_charger(Factory(), plugs=2)
    charger.status("Available", connector=0)
    charger.status("Charging", connector=2)
    charger.status("Available", connector=0)
    assert [plug_of(charger, number).status for number in (1, 2)] == [Status.AVAILABLE, Status.CHARGING]
    charger.status("Faulted", connector=0)
    assert [plug_of(charger, number).status for number in (1, 2)] == [Status.FAULTED, Status.FAULTED]


def test_an_older_report_of_connector_zero_changes_nothing(charger, clock):
    charger.status("Available")
    charger.status("Faulted", connector=0, at=NOON - minutes(1))
    assert plug_of(charger).status == Status.AVAILABLE


def test_when_the_box_is_well_again_its_plugs_are_not_confirmed_until_they_say_so(charger):
    charger.status("Unavailable", connector=0)
    charger.status("Available", connector=0)
    assert plug_of(charger).status == Status.UNKNOWN
    charger.status("Available")
    assert plug_of(charger).status == Status.AVAILABLE


def test_two_minutes_after_a_charger_was_lost_its_plugs_are_not_confirmed(charger, clock):
    """AT-G1."""
    charger.status("Available")
    ChargePoint.objects.update(connected=False)
    clock.shift(119)
    assert availability.doubt_lost() == 0
    clock.shift(2)
    assert availability.doubt_lost() == 1
    assert availability.doubt_lost() == 0
    plug = plug_of(charger)
    assert (plug.status, plug.last_seen_at) == (Status.UNKNOWN, NOON)


def test_a_charger_that_is_back_is_asked_for_the_state_of_its_plugs(charger, clock):
    charger.status("Available")
    ChargePoint.objects.update(connected=False)
    clock.shift(121)
    availability.doubt_lost()
    charger.say(events.Connected)
    assert charger.asked("trigger").get().payload == {"message": "StatusNotification", "connector_id": 1}
    charger.status("Available")
    assert plug_of(charger).status == Status.AVAILABLE
