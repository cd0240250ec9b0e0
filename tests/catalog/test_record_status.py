from datetime import timedelta

import pytest

from apps.catalog.models import Connector
from apps.catalog.selectors import FRESH_FOR, connector_at, is_fresh, shown_status
from apps.catalog.services import record_connector_status, record_contact
from tests.factory import NOON

Status = Connector.Status
MINUTE = timedelta(minutes=1)


@pytest.fixture
def plug(factory) -> Connector:
    return factory.make_connector(factory.make_evse(charge_point_id="box-1"))


def tell(plug, status, minute, *, seen=None) -> bool:
    at = NOON + minute * MINUTE
    seen_at = at if seen is None else NOON + seen * MINUTE
    return record_connector_status(connector=plug, status=status, at=at, source="ocpp", seen_at=seen_at)


def test_changed_at_moves_on_a_real_change_only(plug):
    assert tell(plug, Status.AVAILABLE, 0)
    assert not tell(plug, Status.AVAILABLE, 5)
    assert (plug.status_changed_at, plug.last_seen_at) == (NOON, NOON + 5 * MINUTE)
    assert tell(plug, Status.CHARGING, 6)
    assert plug.status_changed_at == NOON + 6 * MINUTE


def test_a_late_report_is_a_proof_of_life_and_nothing_more(plug):
    tell(plug, Status.AVAILABLE, 0)
    tell(plug, Status.AVAILABLE, 10)
    assert not tell(plug, Status.CHARGING, 5, seen=11)
    assert (plug.status, plug.last_seen_at) == (Status.AVAILABLE, NOON + 11 * MINUTE)


def test_last_seen_never_moves_backwards(plug):
    tell(plug, Status.AVAILABLE, 10)
    tell(plug, Status.CHARGING, 10, seen=10)
    record_contact(charge_point_id="box-1", seen_at=NOON)
    plug.refresh_from_db()
    assert plug.last_seen_at == NOON + 10 * MINUTE


@pytest.mark.parametrize("wrong", [timedelta(days=400), -timedelta(days=400), -timedelta(hours=1)])
def test_a_clock_that_is_wrong_does_not_stop_later_reports(plug, wrong):
    """Factory dates and dates in the future count as the moment we heard it."""
    record_connector_status(
        connector=plug, status=Status.CHARGING, at=NOON - wrong, source="ocpp", seen_at=NOON
    )
    assert plug.status_changed_at == NOON
    assert tell(plug, Status.AVAILABLE, 1)


def test_the_same_report_five_times_changes_nothing_more(plug):
    assert [tell(plug, Status.CHARGING, 0) for _time in range(5)] == [True, False, False, False, False]


def test_a_word_that_is_no_status_is_an_error(plug):
    with pytest.raises(ValueError, match="Occupied"):
        tell(plug, "Occupied", 0)


def test_contact_reaches_all_plugs_of_the_box_and_no_other(factory, plug):
    sibling, stranger = factory.make_connector(plug.evse), factory.make_connector()
    assert record_contact(charge_point_id="box-1", seen_at=NOON) == 2
    assert record_contact(charge_point_id="box-1", seen_at=NOON) == 0
    stranger.refresh_from_db(), sibling.refresh_from_db()
    assert (stranger.last_seen_at, sibling.last_seen_at) == (None, NOON)


def test_the_empty_charge_point_is_nobody(factory):
    stranger = factory.make_connector()
    assert record_contact(charge_point_id="", seen_at=NOON) == 0
    stranger.refresh_from_db()
    assert stranger.last_seen_at is None


def test_fresh_is_fifteen_minutes(plug):
    assert not is_fresh(plug, NOON)
    tell(plug, Status.AVAILABLE, 0)
    assert is_fresh(plug, NOON + FRESH_FOR)
    assert not is_fresh(plug, NOON + FRESH_FOR + MINUTE)
    assert shown_status(plug, NOON + FRESH_FOR) == Status.AVAILABLE
    assert shown_status(plug, NOON + FRESH_FOR + MINUTE) == Status.UNKNOWN


def test_two_evses_with_connector_1_stay_two_connectors(factory, plug):
    other = factory.make_connector(factory.make_evse(plug.evse.station, charge_point_id="box-2"))
    assert connector_at(charge_point_id="box-1", connector_id=1) == plug
    assert connector_at(charge_point_id="box-2", connector_id=1) == other
    assert connector_at(charge_point_id="box-1", connector_id=0) is None
