"""AT-C1, law 3, on the operator's side: what charge points and apps say, 1 to 5 times in any order, make one deal."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.bookings.models import Booking, Invoice, OpenRequest
from apps.charging.models import Orphan, Session
from apps.ocpp import events
from apps.ocpp.models import Command
from tests.bookings.doubles import App
from tests.charging.doubles import make_charger
from tests.factory import NOON, Factory

FOUR_KWH = [(1, 1_900), (2, 2_800), (3, 3_700), (4, 4_600)]  # minute, register


class Deal:
    """A confirmed order, asked to start and begun; then everything that is said about it."""

    def __init__(self) -> None:
        factory = Factory()
        operator = factory.make_operator(name="SparkDock")
        tariff = factory.make_tariff(operator, session_fee=Decimal(10))
        self.charger = make_charger(factory, station=factory.make_station(operator), tariff=tariff)
        self.app = App(self.charger)
        self.booking = self.app.place()
        self.app.update("start-charging")
        self.number = self.charger.begin(self.booking.start_token).transaction_id

    def sayings(self) -> list[Callable[[], Any]]:
        """Start, readings, stop, the plug's words, and the app's own messages as they stand in its outbox."""
        said = {"charge_point_id": self.charger.id, "received_at": NOON}
        start = {"connector_id": 1, "token": self.booking.start_token, "meter_start_wh": Decimal(1000)}
        heard = [events.TransactionStarted(**said, **start, at=NOON)]
        for minute, wh in FOUR_KWH:
            reading = events.Reading(at=NOON + timedelta(minutes=minute), register_wh=Decimal(wh))
            facts = {"connector_id": 1, "transaction_id": self.number, "readings": (reading,)}
            heard.append(events.MeterReadings(**said, **facts))
        for minute, word in ((1, "Charging"), (4, "Finishing"), (5, "Available")):
            at = NOON + timedelta(minutes=minute)
            heard.append(events.ConnectorStatus(**said, connector_id=1, status=word, at=at))
        stop = {"transaction_id": self.number, "meter_stop_wh": Decimal(4_600), "reason": "Local"}
        heard.append(events.TransactionStopped(**said, **stop, at=NOON + timedelta(minutes=4)))
        return [lambda event=event: self.charger.repeat(event) for event in heard]

    def outcome(self) -> dict[str, Any]:
        """Everything that counts: sessions, meter rows, money, and what was told of the end."""
        booking, session = Booking.objects.get(), Session.objects.get()
        bills = [told for told in self.app.news() if _is_bill(told)]
        return {
            "session": (
                session.state,
                session.energy_wh,
                session.end_reason,
                session.started_at,
                session.ended_at,
            ),
            "rows": list(session.readings.order_by("at").values_list("at", "register_wh", "accepted")),
            "money": (booking.state, booking.final_total, booking.delivered_kwh, str(booking.final_lines)),
            "invoices": list(Invoice.objects.values_list("kind", "total")),
            "bills told": [told["message"]["order"]["quote"]["price"]["value"] for told in bills],
            "owed answers": OpenRequest.objects.filter(answered_at=None).count(),
            "starts": Command.objects.filter(action="remote_start").count(),
            "orphans": Orphan.objects.exclude(why__contains="after its close").count(),
        }


def _is_bill(told: dict[str, Any]) -> bool:
    order = told.get("message", {}).get("order", {})
    return told["context"]["action"] == "on_update" and order.get("status") == "COMPLETE"


def in_a_world_of_its_own(order: list[int]) -> dict[str, Any]:
    with transaction.atomic():
        deal = Deal()
        sayings = deal.sayings()
        for index in order:
            sayings[index]()
        found = deal.outcome()
        transaction.set_rollback(True)
    return found


STOP = 8
ONCE_IN_ORDER = [0, 1, 5, 2, 3, 4, 6, 8, 7]


@st.composite
def scrambles(draw) -> list[int]:
    """Everything once to five times, in any order; the stop last at least once more, as a charger repeats it until it
    is answered. A stop that overtook the readings closes the session: what comes after it is kept, not counted."""
    many = [index for index in range(STOP) for _time in range(draw(st.integers(1, 5)))]
    return [*draw(st.permutations(many)), *[STOP] * draw(st.integers(1, 5))]


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(order=scrambles())
def test_however_often_and_in_whatever_order_it_is_one_deal(db, clock, order):
    """AT-C1."""
    assert in_a_world_of_its_own(order) == in_a_world_of_its_own(ONCE_IN_ORDER)
