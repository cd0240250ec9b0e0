"""Several workers at once, on whichever database is configured: one wins, nobody sees half a thing."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connection, transaction

from apps.beckn.models import Message
from apps.bookings import services
from apps.bookings.models import Booking
from apps.bookings.reading import Choice, Customer, PaymentFacts, Peer
from apps.charging import services as charging
from apps.charging.models import Session
from apps.lib.errors import Refused
from tests.bookings.doubles import App
from tests.charging.doubles import Charger, make_charger
from tests.factory import NOON

RUNNERS = 8
CROWD = 50
MEERA = Customer("Meera Kulkarni", "meera@voltpath.example", "+919810000001")


@pytest.fixture
def charger(transactional_db, factory) -> Charger:
    return make_charger(factory)


def race(*plays):
    """All at the same moment, each with its own connection; what each returned or was refused with."""
    start = Barrier(len(plays))

    def run(play):
        try:
            start.wait()
            with transaction.atomic():
                return play()
        except Refused as refused:
            return refused.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(plays)) as pool:
        return list(pool.map(run, plays))


def buyer(app: App, number: int) -> tuple[Peer, Choice]:
    peer = Peer(f"app-{number}.example", f"https://app-{number}.example/beckn/bap", uuid4())
    choice = Choice(app.plug.evse.station.operator.code, app.plug.code, app.plug.evse.code, 20)
    services.quote(peer=peer, choice=choice)
    return peer, choice


def test_of_many_drivers_one_holds_the_charging_point(app):
    """Law 7."""
    buyers = [buyer(app, number) for number in range(CROWD)]
    plays = [
        lambda peer=peer, choice=choice: services.offer_terms(peer=peer, choice=choice, customer=MEERA).code
        for peer, choice in buyers
    ]
    outcomes = race(*plays)
    assert outcomes.count("30008") == CROWD - 1
    assert Booking.objects.filter(state__in=Booking.HOLDING).count() == 1


def test_a_confirm_worked_many_times_at_once_is_one_order(app):
    peer, choice = buyer(app, 1)
    held = services.offer_terms(peer=peer, choice=choice, customer=MEERA)
    paid = PaymentFacts("pay-1", "BAP", "PAID", held.quote_total, "INR", "sb-77")
    outcomes = race(*[lambda: services.confirm(peer=peer, choice=choice, payment=paid).code] * RUNNERS)
    assert set(outcomes) == {held.code}
    assert Booking.objects.get().events.filter(now="CONFIRMED").count() == 1


def test_many_starts_at_once_are_one_session(app, charger):
    def play() -> str:
        return charging.start(reference="BK-1", connector=app.plug, token="T", limit_kwh=None).code

    assert len(set(race(*[play] * RUNNERS))) == 1
    assert charger.asked("remote_start").count() == 1


def test_many_stops_at_once_are_one_command(app, charger):
    """AT-A3."""
    charging.start(reference="BK-1", connector=app.plug, token="T", limit_kwh=None)
    charger.begin("T")
    race(*[lambda: charging.stop(reference="BK-1")] * RUNNERS)
    assert charger.asked("remote_stop").count() == 1


def test_the_same_start_from_many_sockets_is_one_session(app, charger):
    """AT-C2."""
    answers = race(*[lambda: charger.begin("RFID-1")] * RUNNERS)
    assert len(set(answers)) == 1
    assert Session.objects.exclude(started_at=None).count() == 1


def test_the_end_told_by_many_at_once_is_one_final_bill(app, charger):
    booking = app.place("20", "436.60")
    app.update("start-charging")
    number = charger.begin(booking.start_token).transaction_id
    app.news()
    race(*[lambda: charger.end(number, wh=3000, at=NOON)] * RUNNERS)
    assert Message.objects.filter(action="on_update", answers=None).count() == 1
    assert app.booking().events.filter(now="COMPLETED").count() == 1


def test_cancel_and_begin_at_once_leave_one_truth(app, charger):
    booking = app.place("20", "436.60")
    app.update("start-charging")
    cancelled, begun = race(
        lambda: services.cancel(booking=app.booking(), reason_id="2").state,
        lambda: charger.begin(booking.start_token).accepted,
    )
    state = app.booking().state
    assert (cancelled, begun, state) in [("CANCELLED", False, "CANCELLED"), ("50001", True, "IN_SESSION")]
