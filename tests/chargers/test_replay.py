"""AT-C1 for OCPP 2.0.1: whatever is sent again and in whatever order, the same session comes of it."""

import itertools
import json
import threading
from datetime import timedelta

import pytest
from django.db import connection as database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.charging.models import LedgerLine, MeterReading, Orphan, Session
from apps.lib import clock
from apps.ocpp import exchange, services
from apps.ocpp.connection import Connection
from apps.ocpp.models import Transaction
from apps.ocpp.wire import v201
from tests.factory import Factory

BEGAN_AT = clock.now() - timedelta(hours=1)
numbers = itertools.count()


def event(stage: str, seq_no: int, wh: int, **more) -> dict:
    at = clock.utc_text(BEGAN_AT + timedelta(minutes=seq_no))
    info = {"transactionId": "T-1", **more.pop("info", {})}
    meter = [{"timestamp": at, "sampledValue": [{"value": wh}]}]
    head = {"eventType": stage, "timestamp": at, "triggerReason": "Trigger", "seqNo": seq_no}
    return {**head, "transactionInfo": info, "meterValue": meter, **more}


CHARGE = [
    event(
        "Started",
        0,
        1000,
        evse={"id": 1, "connectorId": 1},
        idToken={"idToken": "RFID-1", "type": "ISO14443"},
    ),
    event("Updated", 1, 1900, info={"chargingState": "Charging"}),
    event("Updated", 2, 2800, info={"chargingState": "SuspendedEV"}),
    event("Updated", 3, 3700, info={"chargingState": "Charging"}),
    event("Ended", 4, 4600, info={"stoppedReason": "EVDisconnected"}),
]


@pytest.fixture
def socket(transactional_db) -> Connection:
    services.register("CP-1")
    services.open_connection(charge_point_id="CP-1", connection="n1", received_at=clock.now())
    Factory().make_priced_connector(Factory().make_evse(charge_point_id="CP-1"))
    return Connection("CP-1", "n1", v201)


def hear(socket: Connection, message: dict) -> list:
    frame = json.dumps([2, f"m{next(numbers)}", "TransactionEvent", message])
    return json.loads(exchange.hear(socket, frame, clock.now()).text)


def what_came_of_it() -> tuple:
    session = Session.objects.get()
    rows = session.readings.order_by("at").values_list("at", "register_wh", "accepted", "note")
    figures = (session.energy_wh, session.meter_start_wh, session.meter_stop_wh, session.started_at)
    return (*figures, session.ended_at, session.state, session.end_reason, *rows, Orphan.objects.count())


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(CHARGE), again=st.lists(st.sampled_from(CHARGE), max_size=5))
def test_the_same_session_comes_of_it(socket, order, again):
    """AT-C1."""
    outcomes = []
    for messages in (CHARGE, [*order, *again]):
        for model in (MeterReading, LedgerLine, Session, Orphan, Transaction):
            model.objects.all().delete()
        assert {hear(socket, message)[0] for message in messages} == {3}
        outcomes.append(what_came_of_it())
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][0] == 3600


def test_the_same_start_on_many_threads_is_one_session(socket):
    """A box that came back speaks on two sockets for a moment, in two processes."""
    together = threading.Barrier(4)

    def say() -> None:
        together.wait(10)
        try:
            for message in CHARGE:
                hear(socket, message)
        finally:
            database.close()

    threads = [threading.Thread(target=say) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert Transaction.objects.count() == 1
    assert Session.objects.get().energy_wh == 3600
    assert not Orphan.objects.exists()
