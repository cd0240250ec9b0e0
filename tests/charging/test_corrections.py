"""AT-D3: a meter that is wrong by a factor is put right by a row with a range, a reason and a name."""

from datetime import timedelta
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.catalog.models import Staff
from apps.charging import corrections, selectors
from apps.charging.models import MeterCorrection, Session
from apps.lib.errors import Refused
from apps.ocpp import events
from tests.charging.doubles import make_charger, minutes, plug_of
from tests.factory import NOON

WHY = "measured with a second meter"


def correct(
    factor="1000", *, begins_at=NOON, ends_at=None, plug=None, power="1", box="CP-1"
) -> MeterCorrection:
    return corrections.add(
        charge_point_id=box,
        ocpp_connector_id=plug,
        energy_factor=Decimal(factor),
        power_factor=Decimal(power),
        begins_at=begins_at,
        ends_at=ends_at,
        reason=WHY,
        by="mira",
    )


# --- What is counted ----------------------------------------------------------------------------------------


def test_what_is_counted_and_shown_is_corrected_and_what_was_told_is_kept(charger, session):
    """A meter that says kWh and calls them Wh."""
    correct(power="0.5")
    charger.begin("TOKEN-1", wh=1)
    charger.meter(session.pk, (NOON + minutes(2), 2), power_w=Decimal(80_000))
    session.refresh_from_db()
    reading = session.readings.get()
    assert (session.energy_wh, session.register_wh, session.power_w) == (1000, 2000, 40_000)
    assert (session.meter_start_wh, session.shown_start_wh) == (1, 1000)
    assert (reading.register_wh, reading.power_w, reading.energy_wh) == (2, 80_000, 1000)
    assert reading.correction == MeterCorrection.objects.get()


def test_the_time_of_the_reading_decides_and_not_when_it_came(charger, running):
    """The fault begins in the middle of the charge; readings from before and after arrive in any order."""
    correct("0.1", begins_at=NOON + minutes(2), ends_at=NOON + minutes(4))
    late = [(NOON + minutes(3), 28_000), (NOON + minutes(1), 1_900), (NOON + minutes(4), 3_700)]
    for moment in (late[2], late[0], late[1]):
        charger.meter(running.pk, moment)
    running.refresh_from_db()
    assert running.energy_wh == 2_700
    assert [reading.correction is not None for reading in running.readings.order_by("at")] == [
        False,
        True,
        False,
    ]


def test_the_charge_that_runs_is_counted_again_at_once(charger, running):
    charger.meter(running.pk, (NOON + minutes(2), 1_010))
    correct("10")
    running.refresh_from_db()
    assert (running.energy_wh, running.recounts) == (100, 1)


def test_a_correction_that_is_withdrawn_never_was(charger, running):
    charger.meter(running.pk, (NOON + minutes(2), 1_010))
    correction = correct("10")
    corrections.end(correction, at=correction.begins_at, by="mira")
    running.refresh_from_db()
    assert (running.energy_wh, running.readings.get().correction) == (10, None)
    correct("10")  # and stands in nobody's way


def test_a_correction_of_one_plug_leaves_the_other_alone(factory):
    charger = make_charger(factory, plugs=2)
    first, second = (
        charger.begin(f"CARD-{number}", wh=100, connector=number).transaction_id for number in (1, 2)
    )
    correct("10", plug=1)
    for number in (first, second):
        charger.meter(number, (NOON + minutes(2), 110))
    energies = Session.objects.order_by("pk").values_list("energy_wh", flat=True)
    assert list(energies) == [100, 10]


def test_another_box_of_the_station_is_not_meant(factory, charger, running):
    make_charger(factory, "CP-2")
    correct("10", box="CP-2")
    charger.meter(running.pk, (NOON + minutes(2), 1_010))
    running.refresh_from_db()
    assert running.energy_wh == 10


def test_the_moment_is_by_our_clock_where_the_charger_has_a_wrong_one(charger, session):
    """Two hours behind: what it dates before the fault was measured in it."""
    correct("10")
    two_hours = timedelta(hours=2)
    charger.say(
        events.TransactionStarted,
        connector_id=1,
        token="TOKEN-1",
        meter_start_wh=Decimal(100),
        at=NOON - two_hours,
        clock_skew_seconds=-7200,
    )
    charger.meter(session.pk, (NOON - two_hours + minutes(2), 110))
    session.refresh_from_db()
    assert session.energy_wh == 100


# --- What is closed stays -----------------------------------------------------------------------------------


def test_a_closed_session_is_never_changed_and_is_listed_for_re_rating(charger, running):
    charger.meter(running.pk, (NOON + minutes(2), 1_010))
    charger.end(running.pk, wh=1_020, at=NOON + minutes(4))
    before = Session.objects.filter(pk=running.pk).values().get()
    readings = list(running.readings.values())
    correction = correct("10")
    assert Session.objects.filter(pk=running.pk).values().get() == before
    assert list(running.readings.values()) == readings
    assert list(selectors.closed_without(correction)) == [running]
    running.refresh_from_db()
    assert [point.energy_wh for point in selectors.course_as_corrected(running)] == [100, 200]
    assert [point.energy_wh for point in selectors.course(running)] == [10, 20]


def test_a_session_that_was_counted_with_it_needs_no_re_rating(charger, running):
    charger.meter(running.pk, (NOON + minutes(2), 1_010))
    correction = correct("10")
    charger.end(running.pk, wh=1_020, at=NOON + minutes(4))
    assert not selectors.closed_without(correction).exists()
    course = [point.energy_wh for point in selectors.course(running)]
    assert [point.energy_wh for point in selectors.course_as_corrected(running)] == course == [100, 200]


# --- What is refused ----------------------------------------------------------------------------------------

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("begins", "ends", "plug", "clashes"),
    [
        (0, 2, None, True),
        (1, 2, None, True),
        (1, 2, 1, True),
        (0, None, 2, True),
        (2, 3, None, False),
        (-1, 0, None, False),
        (-1, 1, None, True),
        (5, None, None, False),
    ],
)
def test_overlapping_ranges_are_refused(charger, begins, ends, plug, clashes):
    """The one that is there holds for two days at every plug."""
    correct(ends_at=NOON + 2 * DAY)
    told = {"begins_at": NOON + begins * DAY, "ends_at": None if ends is None else NOON + ends * DAY}
    if clashes:
        with pytest.raises(corrections.CorrectionOverlaps):
            correct(plug=plug, **told)
    else:
        correct(plug=plug, **told)
    assert MeterCorrection.objects.count() == (1 if clashes else 2)


def test_two_plugs_may_be_corrected_at_the_same_time(charger):
    correct(plug=1)
    correct(plug=2)
    with pytest.raises(corrections.CorrectionOverlaps):
        correct()


@pytest.mark.parametrize(
    "wrong",
    [
        {"factor": "0"},
        {"factor": "-1"},
        {"factor": "1000.1"},
        {"factor": "1"},
        {"power": "0.0001"},
        {"ends_at": NOON},
        {"ends_at": NOON - DAY},
    ],
)
def test_what_makes_no_sense_is_refused(charger, wrong):
    with pytest.raises(Refused):
        correct(**wrong)


def test_a_correction_needs_a_reason(charger, monkeypatch):
    monkeypatch.setattr("tests.charging.test_corrections.WHY", "because")
    with pytest.raises(Refused):
        correct()


def test_an_end_is_never_put_off(charger):
    correction = correct(ends_at=NOON + DAY)
    with pytest.raises(Refused):
        corrections.end(correction, at=NOON + 2 * DAY, by="mira")
    corrections.end(correction, at=NOON + DAY / 2, by="mira")
    assert (correction.ends_at, correction.ended_by) == (NOON + DAY / 2, "mira")


@pytest.mark.django_db(transaction=True)
def test_of_two_people_at_the_same_moment_one_is_refused(charger):
    together, outcomes = Barrier(2), []

    def add() -> None:
        together.wait()
        try:
            outcomes.append(correct().pk)
        except Refused:
            outcomes.append(None)
        finally:
            connection.close()

    threads = [Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert MeterCorrection.objects.count() == 1
    assert outcomes.count(None) == 1


# --- In the admin -------------------------------------------------------------------------------------------

ADD = "admin:charging_metercorrection_add"
LIST = "admin:charging_metercorrection_changelist"


def told(box: str = "CP-1", **changed) -> dict[str, str]:
    return {
        "charge_point": box,
        "energy_factor": "1000",
        "power_factor": "1",
        "begins_at_0": "2026-01-01",
        "begins_at_1": "00:00:00",
        "reason": WHY,
        **changed,
    }


def sign_in(client, factory, charger, role, operator=None) -> None:
    client.force_login(factory.make_staff(operator or plug_of(charger).evse.station.operator, role))


def test_a_manager_corrects_a_meter_and_it_is_on_record(client, factory, charger):
    sign_in(client, factory, charger, Staff.Role.MANAGER)
    assert client.post(reverse(ADD), told()).status_code == 302
    correction = MeterCorrection.objects.get()
    assert (correction.charge_point_id, correction.energy_factor, correction.reason) == ("CP-1", 1000, WHY)
    assert correction.made_by
    assert LogEntry.objects.get().object_id == str(correction.pk)
    page = client.get(reverse("admin:charging_metercorrection_change", args=[correction.pk]))
    assert page.status_code == 200
    assert WHY in page.content.decode()
    assert ">1000</td>" in client.get(reverse(LIST)).content.decode()
    client.post(reverse(LIST), {"action": "end_now", "_selected_action": [correction.pk]})
    correction.refresh_from_db()
    assert correction.ends_at == NOON
    assert LogEntry.objects.count() == 2


def test_the_number_of_questions_does_not_grow_with_the_corrections(client, factory, charger):
    sign_in(client, factory, charger, Staff.Role.VIEWER)
    counts = []
    for day in range(3):
        correct(begins_at=NOON + day * DAY, ends_at=NOON + (day + 1) * DAY)
        with CaptureQueriesContext(connection) as asked:
            client.get(reverse(LIST))
        counts.append(len(asked))
    assert counts[1] == counts[2]


def test_what_overlaps_is_told_in_the_form(client, factory, charger):
    correct()
    sign_in(client, factory, charger, Staff.Role.MANAGER)
    page = client.post(reverse(ADD), told())
    assert page.status_code == 200
    assert "overlaps" in page.content.decode()
    assert MeterCorrection.objects.count() == 1


def test_whoever_corrects_is_told_of_closed_charges(client, factory, charger, running):
    charger.meter(running.pk, (NOON + minutes(2), 1_010))
    charger.end(running.pk, wh=1_020, at=NOON + minutes(4))
    sign_in(client, factory, charger, Staff.Role.MANAGER)
    page = client.post(reverse(ADD), told(), follow=True)
    assert "1 closed charge lies in this time. It is not changed" in page.content.decode()


@pytest.mark.parametrize("role", [Staff.Role.VIEWER, Staff.Role.FINANCE])
def test_who_only_reads_corrects_nothing(client, factory, charger, role):
    correction = correct()
    sign_in(client, factory, charger, role)
    assert client.get(reverse(LIST)).context["cl"].result_count == 1
    assert client.post(reverse(ADD), told()).status_code == 403
    client.post(reverse(LIST), {"action": "withdraw", "_selected_action": [correction.pk]})
    correction.refresh_from_db()
    assert correction.ends_at is None


def test_a_manager_of_another_operator_neither_sees_nor_makes_one(client, factory, charger):
    """Law 11."""
    correction = correct(ends_at=NOON + DAY)
    sign_in(client, factory, charger, Staff.Role.MANAGER, factory.make_operator())
    assert client.get(reverse(LIST)).context["cl"].result_count == 0
    assert client.post(reverse(ADD), told()).status_code == 200  # the box is no choice of theirs
    client.post(reverse(LIST), {"action": "withdraw", "_selected_action": [correction.pk]})
    correction.refresh_from_db()
    assert (MeterCorrection.objects.count(), correction.ends_at) == (1, NOON + DAY)


def test_our_own_staff_corrects_any_box(client, factory, charger):
    client.force_login(factory.make_user(is_staff=True, is_superuser=True))
    assert client.post(reverse(ADD), told()).status_code == 302
    assert MeterCorrection.objects.get().charge_point_id == "CP-1"
