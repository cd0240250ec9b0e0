"""Transactions of OCPP 2.0.1: what the domain hears of them, whatever comes when."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.lib.clock import now, utc_text
from apps.ocpp import commands, exchange, services, transactions
from apps.ocpp.connection import Connection
from apps.ocpp.models import ChargePoint, ChargePointMove, Command, CommandMove, Frame, Transaction
from apps.ocpp.wire import v201
from apps.ocpp.wire.messages import CallResult
from apps.ocpp.wire.v201_commands import check_payload
from tests.ocpp.conftest import PASSWORD, Domain, at_the_door, run

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PLUG = {"id": 1, "connectorId": 1}
GOOD = {"idToken": "GOOD-1", "type": "ISO14443"}
numbers = itertools.count()


@pytest.fixture
def connection(db, domain) -> Connection:
    services.register("CP-1", PASSWORD)
    services.open_connection(charge_point_id="CP-1", connection="n1", received_at=now())
    domain.heard.clear()
    return Connection("CP-1", "n1", v201)


def event(stage, seq_no, minute, wh=None, *, state="", **more):
    at = utc_text(NOON + timedelta(minutes=minute))
    info = {"transactionId": "T-1"} | ({"chargingState": state} if state else {}) | more.pop("info", {})
    payload = {
        "eventType": stage,
        "timestamp": at,
        "triggerReason": "Trigger",
        "seqNo": seq_no,
        "transactionInfo": info,
    }
    if wh is not None:
        payload["meterValue"] = [{"timestamp": at, "sampledValue": [{"value": wh}]}]
    return payload | more


STARTED = event("Started", 0, 0, 1000, state="Charging", evse=PLUG, idToken=GOOD)
FIRST = event("Updated", 1, 1, 1500)
SECOND = event("Updated", 2, 2, 2000, state="SuspendedEV")
THIRD = event("Updated", 3, 3, 2200, state="Charging")
ENDED = event("Ended", 4, 4, 2500, info={"stoppedReason": "Remote"})
CHARGE = [STARTED, FIRST, SECOND, THIRD, ENDED]


def say(connection, action, payload, at=None):
    frame = json.dumps([2, f"m{next(numbers)}", action, payload])
    reply = exchange.hear(connection, frame, at or now())
    return json.loads(reply.text)


def hear(connection, *events, at=None):
    """The answers' payloads; every one is what the schema asks for."""
    answers = []
    for payload in events:
        kind, _id, answer = say(connection, "TransactionEvent", payload, at)[:3]
        assert kind == 3, answer
        check_payload(CallResult("1", answer, action="TransactionEvent"))
        answers.append(answer)
    return answers


def told(domain):
    """What counts: each start, reading and stop once, and the last word on the plug."""
    facts = {
        ("start", e.connector_id, e.token, e.at, e.meter_start_wh) for e in domain.of("transaction_started")
    }
    facts |= {
        ("reading", e.transaction_id, r.at, r.register_wh)
        for e in domain.of("meter_readings")
        for r in e.readings
    }
    stops = domain.of("transaction_stopped")
    facts |= {("stop", e.transaction_id, e.at, e.meter_stop_wh, e.reason, e.token) for e in stops}
    plugs = domain.of("connector_status")
    return facts, plugs and max(plugs, key=lambda e: e.at).status


def told_after_the_stop(domain):
    """Readings first told when the stop was told already: too late for the bill."""
    kinds = [event.kind for event in domain.heard]
    end = kinds.index("transaction_stopped")
    before, after = (
        {reading.at for event in part if event.kind == "meter_readings" for reading in event.readings}
        for part in (domain.heard[:end], domain.heard[end:])
    )
    return after - before


def test_a_charge_is_a_start_readings_and_a_stop(connection, domain):
    answers = hear(connection, *CHARGE)
    assert answers[0] == {"idTokenInfo": {"status": "Accepted"}}
    assert answers[1:] == [{}] * 4
    facts, plug = told(domain)
    assert ("start", 1, "GOOD-1", NOON, Decimal(1000)) in facts
    assert ("stop", 1, NOON + timedelta(minutes=4), Decimal(2500), "Remote", "GOOD-1") in facts
    assert len(facts) == 6
    assert plug == "Finishing"
    assert [e.status for e in domain.of("connector_status")] == [
        "Charging",
        "SuspendedEV",
        "Charging",
        "Finishing",
    ]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(CHARGE), again=st.lists(st.sampled_from(CHARGE), max_size=4))
def test_order_and_repetition_change_nothing(connection, order, again):
    """AT-C1: in whatever order and however often."""
    heard = []
    for messages in (CHARGE, [*order, *again]):
        Transaction.objects.all().delete()
        domain = Domain()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(services, "tell", domain.take)
            hear(connection, *messages)
        heard.append(told(domain))
        assert not told_after_the_stop(domain)
    assert heard[0] == heard[1]


def test_a_refused_token_is_told_to_the_charge_point(connection, domain):
    bad = STARTED | {"idToken": {"idToken": "BAD", "type": "ISO14443"}}
    assert hear(connection, bad, bad) == [{"idTokenInfo": {"status": "Invalid"}}] * 2


def test_another_card_at_the_end_is_judged_by_itself(connection, domain):
    end = ENDED | {"idToken": {"idToken": "BAD", "type": "ISO14443"}, "seqNo": 1}
    assert hear(connection, STARTED, end)[1] == {"idTokenInfo": {"status": "Invalid"}}
    assert domain.only("transaction_stopped").token == "GOOD-1"


# --- Said in parts ---------------------------------------------------------------------------------------


def test_a_car_that_stood_there_before_the_token_is_charged_from_the_token_on(connection, domain):
    plugged = event("Started", 0, 0, 1000, state="EVConnected", evse=PLUG)
    shown = event("Updated", 1, 60, 1004, state="Charging", idToken=GOOD)
    hear(connection, plugged)
    assert not domain.of("transaction_started")
    assert Transaction.objects.get().waiting
    hear(connection, shown)
    started = domain.only("transaction_started")
    assert (started.at, started.meter_start_wh) == (NOON + timedelta(hours=1), 1004)
    assert not Transaction.objects.get().waiting


def test_a_car_that_came_and_went_is_nothing(connection, domain):
    hear(connection, event("Started", 0, 0, 1000, evse=PLUG), event("Ended", 1, 5, 1000))
    assert told(domain) == (set(), [])
    assert transactions.tell_overdue() == 0


def test_energy_without_any_token_is_told_as_nobodys(connection, domain):
    hear(connection, event("Started", 0, 0, 1000, evse=PLUG), event("Ended", 1, 5, 4000))
    Transaction.objects.update(waiting_since=now() - transactions.PATIENCE)
    assert transactions.tell_overdue() == 1
    assert domain.only("transaction_stopped").transaction_id == -1


def test_a_car_may_stand_there_for_days(connection, domain):
    hear(connection, event("Started", 0, 0, 1000, evse=PLUG))
    Transaction.objects.update(waiting_since=now() - timedelta(days=3))
    assert transactions.tell_overdue() == 0
    assert Transaction.objects.get().waiting


def test_what_a_standing_car_says_does_not_pile_up(connection, domain, monkeypatch):
    monkeypatch.setattr(transactions, "MOST_WAITING", 10)
    hear(connection, event("Started", 0, 0, 1000, evse=PLUG))
    hear(connection, *(event("Updated", n, n, 1000) for n in range(1, 31)))
    assert len(Transaction.objects.get().waiting) <= 10
    hear(connection, event("Updated", 31, 31, 1003, idToken=GOOD))
    assert domain.only("transaction_started").meter_start_wh == 1003


def test_a_start_without_a_register_says_so(connection, domain):
    hear(connection, event("Started", 0, 0, evse=PLUG, idToken=GOOD), FIRST)
    assert domain.only("transaction_started").meter_start_wh is None


def test_a_stop_without_a_register_says_so(connection, domain):
    hear(connection, STARTED, FIRST, event("Ended", 2, 4))
    assert domain.only("transaction_stopped").meter_stop_wh is None


def test_a_stop_waits_for_the_message_that_is_missing_but_not_for_ever(connection, domain):
    hear(connection, STARTED, FIRST, ENDED)
    assert not domain.of("transaction_stopped")
    assert transactions.tell_overdue() == 0
    Transaction.objects.update(waiting_since=now() - transactions.PATIENCE)
    assert transactions.tell_overdue() == 1
    assert transactions.tell_overdue() == 0
    assert domain.only("transaction_stopped").meter_stop_wh == 2500


def test_a_start_that_was_lost_leaves_nothing_unsaid(connection, domain):
    hear(connection, FIRST, SECOND)
    Transaction.objects.update(waiting_since=now() - transactions.START_PATIENCE)
    assert transactions.tell_overdue() == 1
    assert [e.transaction_id for e in domain.of("meter_readings")] == [-1, -1]


def test_what_was_heard_of_long_ago_is_forgotten(connection, domain):
    hear(connection, *CHARGE)
    assert transactions.tell_overdue() == 0
    Transaction.objects.update(heard_at=now() - transactions.FORGET_AFTER - timedelta(days=1))
    assert transactions.tell_overdue() == 1
    assert not Transaction.objects.exists()


def test_the_plug_is_the_one_we_asked_for_when_only_the_evse_is_named(connection, domain):
    ChargePoint.objects.update(plugs_per_evse=[2])
    asked = commands.remote_start(charge_point_id="CP-1", connector_id=2, token="GOOD-1", reference="SE-1")
    hear(connection, STARTED | {"evse": {"id": 1}}, *[])
    assert domain.only("transaction_started").connector_id == 1
    Transaction.objects.all().delete()
    domain.heard.clear()
    info = {"transactionId": "T-2", "remoteStartId": asked.pk}
    hear(connection, STARTED | {"evse": {"id": 1}, "transactionInfo": info})
    assert domain.only("transaction_started").connector_id == 2


def test_a_start_at_a_plug_nobody_knows_is_told_as_nowhere(connection, domain):
    hear(connection, STARTED | {"evse": {"id": 1, "connectorId": 9}})
    assert domain.only("transaction_started").connector_id == 0


@pytest.mark.parametrize("text", ["1970-01-01T00:01:00Z", "2099-01-01T00:00:00Z", "?"])
def test_without_a_usable_clock_a_repeated_message_is_still_the_same(connection, domain, text):
    hear(connection, STARTED | {"timestamp": text}, FIRST | {"timestamp": text})
    before = told(domain)
    later = now() + timedelta(minutes=10)
    hear(connection, STARTED | {"timestamp": text}, FIRST | {"timestamp": text}, at=later)
    assert told(domain) == before


def test_a_charger_that_does_not_count_is_heard_all_the_same(connection, domain):
    messages = [message | {"seqNo": 0} for message in CHARGE]
    hear(connection, *messages)
    assert len(told(domain)[0]) == 6


def test_two_charge_points_may_use_the_same_name(connection, domain):
    services.register("CP-2", PASSWORD)
    services.open_connection(charge_point_id="CP-2", connection="n2", received_at=now())
    hear(connection, STARTED)
    hear(Connection("CP-2", "n2", v201), STARTED)
    assert Transaction.objects.count() == 2
    assert len(domain.of("transaction_started")) == 2


def test_a_stop_is_sent_under_the_charge_points_own_name(connection, domain):
    hear(connection, STARTED)
    number = next(iter(domain.starts.values()))
    commands.remote_stop(charge_point_id="CP-1", transaction_id=number, reference="SE-1")
    frame = json.loads(commands.claim_next(connection))
    assert frame[2:] == ["RequestStopTransaction", {"transactionId": "T-1"}]


# --- Plugs -----------------------------------------------------------------------------------------------


def plug(connection, status, minute):
    at = utc_text(NOON + timedelta(minutes=minute))
    payload = {"timestamp": at, "connectorStatus": status, "evseId": 1, "connectorId": 1}
    assert say(connection, "StatusNotification", payload)[0] == 3


def test_occupied_means_what_the_transaction_says(connection, domain):
    plug(connection, "Occupied", -1)
    hear(connection, STARTED)
    plug(connection, "Occupied", 1)
    hear(connection, FIRST, SECOND)
    plug(connection, "Occupied", 3)
    hear(connection, THIRD, ENDED)
    plug(connection, "Occupied", 5)
    plug(connection, "Available", 6)
    plug(connection, "Occupied", 7)
    assert [e.status for e in domain.of("connector_status")] == [
        *("Preparing", "Charging", "Charging", "SuspendedEV", "SuspendedEV", "Charging"),
        *("Finishing", "Finishing", "Available", "Preparing"),
    ]


def test_a_pulled_plug_is_not_finishing(connection, domain):
    hear(connection, STARTED, event("Ended", 1, 4, 2500, info={"stoppedReason": "EVDisconnected"}))
    plug(connection, "Occupied", 5)
    assert [e.status for e in domain.of("connector_status")] == ["Charging", "Preparing"]


# --- Every message, and any at all -----------------------------------------------------------------------

AT = "2026-11-22T12:00:00Z"
STATION = {"vendorName": "Acme", "model": "Box", "firmwareVersion": "1.2"}
COMPONENT = {"component": {"name": "EVSE"}, "variable": {"name": "Available"}}
EVENT = {
    "eventId": 1,
    "timestamp": AT,
    "trigger": "Alerting",
    "actualValue": "x",
    "eventNotificationType": "HardWiredNotification",
    **COMPONENT,
}
GOOD_CALLS = [
    ("BootNotification", {"reason": "PowerUp", "chargingStation": STATION}),
    ("Heartbeat", {}),
    (
        "StatusNotification",
        {"timestamp": AT, "connectorStatus": "Occupied", "evseId": 1, "connectorId": 1},
    ),
    ("Authorize", {"idToken": GOOD}),
    ("TransactionEvent", STARTED),
    ("TransactionEvent", FIRST),
    ("TransactionEvent", ENDED),
    ("MeterValues", {"evseId": 1, "meterValue": [{"timestamp": AT, "sampledValue": [{"value": 1}]}]}),
    ("DataTransfer", {"vendorId": "Acme"}),
    ("NotifyEvent", {"generatedAt": AT, "seqNo": 0, "eventData": [EVENT]}),
    ("NotifyReport", {"requestId": 1, "generatedAt": AT, "seqNo": 0}),
    ("FirmwareStatusNotification", {"status": "Idle"}),
    ("LogStatusNotification", {"status": "Idle"}),
    ("SecurityEventNotification", {"type": "Tampered", "timestamp": AT}),
    ("ReservationStatusUpdate", {"reservationId": 1, "reservationUpdateStatus": "Expired"}),
]


@pytest.mark.parametrize(("action", "payload"), GOOD_CALLS)
def test_every_call_has_an_answer_the_schema_allows(connection, action, payload):
    kind, _id, answer = say(connection, action, payload)
    assert kind == 3
    check_payload(CallResult("1", answer, action=action))
    came, went = Frame.objects.order_by("pk")
    assert (came.action.split()[0], came.outcome, went.direction) == (action, "", "OUT")


def test_a_boot_tells_who_it_is(connection, domain):
    say(connection, *GOOD_CALLS[0])
    charge_point = ChargePoint.objects.get()
    assert (charge_point.vendor, charge_point.model, charge_point.firmware) == ("Acme", "Box", "1.2")


def test_the_makers_own_messages_are_refused_politely(connection):
    assert say(connection, "DataTransfer", {"vendorId": "Acme"})[2] == {"status": "UnknownVendorId"}


def test_updates_are_routine_for_the_log_and_starts_are_not(connection, monkeypatch):
    monkeypatch.setattr(exchange, "ROUTINE_KEPT", 2)
    hear(connection, STARTED, *(event("Updated", n, n, 1000 + n) for n in range(1, 9)))
    exchange.forget_old_frames("CP-1")
    kept = Frame.objects.filter(direction="IN").order_by("pk").values_list("action", flat=True)
    assert list(kept) == ["TransactionEvent Started", "TransactionEvent Updated"]


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.just("\x00"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(part):
    keys = range(len(part)) if isinstance(part, list) else part.keys()
    for key in keys:
        yield part, key
        if isinstance(part[key], list | dict):
            yield from places(part[key])


@st.composite
def mutated_calls(draw):
    """A good call with one part replaced, removed or added."""
    action, payload = draw(st.sampled_from(GOOD_CALLS))
    array = json.loads(json.dumps([2, "x", action, payload]))
    holder, key = draw(st.sampled_from(list(places(array))))
    how = draw(st.sampled_from(["replace", "remove", "add"]))
    if how == "replace":
        holder[key] = draw(junk)
    elif how == "remove":
        del holder[key]
    elif isinstance(holder, dict):
        holder[draw(st.text(max_size=10))] = draw(junk)
    return json.dumps(array)


ROWS = (ChargePoint, ChargePointMove, Command, CommandMove, Transaction)


def rows():
    return [list(model.objects.order_by("pk").values()) for model in ROWS]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=mutated_calls())
def test_no_frame_breaks_the_door_and_a_refused_one_changes_nothing(connection, text):
    domain = Domain()
    connection.answered.clear()
    before = rows()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services, "tell", domain.take)
        reply = exchange.hear(connection, text, now() + timedelta(minutes=1))
    answer = reply.text and json.loads(reply.text)
    if answer is None or answer[0] == 4:
        assert rows() == before
        assert answer is None or answer[2] != "InternalError"


@pytest.mark.django_db(transaction=True)
def test_rubbish_a_megabyte_and_the_unknown_are_answered_and_the_socket_lives(charge_point, domain):
    async def story():
        async with at_the_door(offers=("ocpp2.0.1",)) as talker:
            big = await talker.say(
                '[2,"big","DataTransfer",{"vendorId":"x","data":"' + "x" * 1_000_000 + '"}]'
            )
            rubbish = await talker.say("]{")
            unknown = await talker.call("StartTransaction", {})
            wrong = await talker.call("TransactionEvent", STARTED | {"seqNo": "one"})
            return [a[:3] for a in (big, rubbish, unknown, wrong)], await talker.call("Heartbeat", {})

    answers, alive = run(story)
    assert answers == [
        [4, "big", "RpcFrameworkError"],
        [4, "-1", "RpcFrameworkError"],
        [4, "m1", "NotImplemented"],
        [4, "m2", "TypeConstraintViolation"],
    ]
    assert alive[0] == 3
