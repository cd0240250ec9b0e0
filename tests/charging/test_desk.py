"""AT-A4: stopping the power and closing the record are two things, and neither stands in the way of the other."""

import threading

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.urls import reverse

from apps.catalog.models import Staff
from apps.charging import desk, services
from apps.charging.models import Orphan, Session
from apps.lib.errors import Refused
from tests.charging.doubles import make_charger, minutes, plug_of
from tests.factory import NOON, Factory

State = Session.State
CHANGELIST = "admin:charging_session_changelist"


def test_stopping_the_power_asks_the_charger_once_whoever_presses(charger, running):
    """AT-A3."""
    desk.stop_power(running, by="desk@sparkdock.example")
    services.stop(reference="BK-1")
    running.refresh_from_db()
    desk.stop_power(running, by="desk@sparkdock.example")
    assert charger.asked("remote_stop").count() == 1
    assert running.state == State.STOPPING
    assert running.ledger.get(stage="stop-asked").by == "operator"


@pytest.mark.django_db(transaction=True)
def test_driver_and_operator_at_the_very_same_time_are_one_stop():
    """AT-A3, law 3."""
    charger = make_charger(Factory())
    session = services.start(reference="BK-1", connector=plug_of(charger), token="TOKEN-1", limit_kwh=None)
    charger.begin("TOKEN-1")
    session.refresh_from_db()
    together = threading.Barrier(4)

    def press(by_driver: bool) -> None:
        mine = Session.objects.get(pk=session.pk)
        together.wait(20)
        if by_driver:
            services.stop(reference="BK-1")
        else:
            desk.stop_power(mine, by="desk")
        connection.close()

    threads = [threading.Thread(target=press, args=(n % 2 == 0,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert charger.asked("remote_stop").count() == 1
    assert session.ledger.filter(stage="stop-asked").count() == 1


def test_stopping_before_it_began_withdraws_the_start(charger, session):
    desk.stop_power(session, by="desk")
    session.refresh_from_db()
    assert (session.state, session.failure) == (State.FAILED, Session.Failure.WITHDRAWN)


def test_closing_the_record_says_with_what_and_why_and_asks_the_charger_nothing(charger, running):
    charger.meter(running.pk, (NOON + minutes(1), 1900))
    running.refresh_from_db()
    assert "1900 Wh" in desk.end_reading(running)
    desk.close_record(running, by="desk@sparkdock.example", reason="stuck since noon")
    running.refresh_from_db()
    assert (running.state, running.energy_wh, running.is_estimated) == (State.CLOSED, 900, True)
    why = running.events.last().why
    assert "desk@sparkdock.example" in why and "stuck since noon" in why and "1900 Wh" in why
    assert not charger.asked("remote_stop").exists()


def test_a_real_stop_after_it_is_kept_and_costs_the_driver_nothing(charger, running):
    charger.meter(running.pk, (NOON + minutes(1), 1900))
    running.refresh_from_db()
    desk.close_record(running, by="desk", reason="stuck since noon")
    charger.end(running.pk, wh=5000, at=NOON + minutes(5))
    running.refresh_from_db()
    assert (running.energy_wh, running.meter_stop_wh) == (900, 5000)
    assert running.code in Orphan.objects.get().why


@pytest.mark.parametrize("reason", ["", "   ", "x"])
def test_a_record_is_not_closed_without_a_reason(charger, running, reason):
    with pytest.raises(Refused):
        desk.close_record(running, by="desk", reason=reason)
    running.refresh_from_db()
    assert running.state == State.ACTIVE


def test_what_is_over_is_neither_stopped_nor_closed(charger, running):
    charger.end(running.pk, wh=2000, at=NOON + minutes(2))
    running.refresh_from_db()
    with pytest.raises(Refused):
        desk.stop_power(running, by="desk")
    with pytest.raises(Refused):
        desk.close_record(running, by="desk", reason="once more")


# --- In the admin -------------------------------------------------------------------------------------


def person(factory, charger, role: str, operator=None):
    user = factory.make_staff(operator or plug_of(charger).evse.station.operator, role)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return user


def act(client, session: Session, action: str, reason: str = ""):
    chosen = {"action": action, "_selected_action": [session.pk], "reason": reason}
    return client.post(reverse(CHANGELIST), chosen)


def test_a_manager_stops_and_closes(client, factory, charger, running):
    client.force_login(person(factory, charger, Staff.Role.MANAGER))
    act(client, running, "stop_power")
    running.refresh_from_db()
    assert running.state == State.STOPPING
    act(client, running, "close_record", "it hangs")
    running.refresh_from_db()
    assert running.state == State.CLOSED


def test_a_viewer_only_looks(client, factory, charger, running):
    client.force_login(person(factory, charger, Staff.Role.VIEWER))
    assert client.get(reverse(CHANGELIST)).status_code == 200
    act(client, running, "stop_power")
    running.refresh_from_db()
    assert running.state == State.ACTIVE


def test_people_of_another_operator_touch_nothing(client, factory, charger, running):
    """Law 11."""
    client.force_login(person(factory, charger, Staff.Role.MANAGER, factory.make_operator()))
    act(client, running, "stop_power")
    act(client, running, "close_record", "it hangs")
    running.refresh_from_db()
    assert running.state == State.ACTIVE


def test_the_page_of_a_session_shows_its_ledger_and_what_it_would_be_closed_with(
    client, factory, charger, running
):
    charger.meter(running.pk, (NOON + minutes(1), 1900))
    client.force_login(person(factory, charger, Staff.Role.MANAGER))
    page = client.get(reverse("admin:charging_session_change", args=[running.pk])).content.decode()
    assert "start-asked" in page or "Start asked" in page
    assert "1900 Wh" in page


def test_concerns_are_listed_for_their_operator_alone(client, factory, charger, running):
    """AT-D2, law 11."""
    charger.meter(running.pk, (NOON + minutes(1), 37_900))
    assert running.concerns.get().kind == "refused-readings"
    counts = []
    for operator in (None, factory.make_operator()):
        client.force_login(person(factory, charger, Staff.Role.VIEWER, operator))
        listed = client.get(reverse("admin:charging_concern_changelist"))
        counts.append(listed.context["cl"].result_count)
    assert counts == [1, 0]
