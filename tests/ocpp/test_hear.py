"""One frame in, one transaction, one answer out."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import OperationalError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.lib.clock import now
from apps.lib.errors import Refused
from apps.lib.moves import StaleMove
from apps.ocpp import exchange, services
from apps.ocpp.connection import Connection
from apps.ocpp.models import ChargePoint, ChargePointMove, Command, CommandMove, Frame
from apps.ocpp.wire import v16
from tests.ocpp.conftest import PASSWORD, Domain, at_the_door, run

pytestmark = pytest.mark.django_db
START = {"connectorId": 1, "idTag": "GOOD-1", "meterStart": 1000, "timestamp": "2026-11-22T08:00:00Z"}
STOP = {
    "transactionId": 1,
    "meterStop": 2000,
    "timestamp": "2026-11-22T09:00:00Z",
    "reason": "EVDisconnected",
}
VALUES = {
    "connectorId": 1,
    "transactionId": 1,
    "meterValue": [{"timestamp": "2026-11-22T08:30:00Z", "sampledValue": [{"value": "1500.7"}]}],
}
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Charging", "timestamp": "2026-11-22T08:00:00Z"}
GOOD_CALLS = [
    ("BootNotification", {"chargePointVendor": "Acme", "chargePointModel": "Box"}),
    ("Heartbeat", {}),
    ("StatusNotification", STATUS),
    ("Authorize", {"idTag": "GOOD-1"}),
    ("StartTransaction", START),
    ("MeterValues", VALUES),
    ("StopTransaction", STOP),
    ("DataTransfer", {"vendorId": "Acme"}),
    ("FirmwareStatusNotification", {"status": "Idle"}),
    ("DiagnosticsStatusNotification", {"status": "Idle"}),
]


@pytest.fixture
def connection(db, domain) -> Connection:
    services.register("CP-1", PASSWORD)
    services.open_connection(charge_point_id="CP-1", connection="n1", received_at=now())
    domain.heard.clear()
    return Connection("CP-1", "n1", v16)


def frame(action, payload, unique_id="1") -> str:
    return json.dumps([2, unique_id, action, payload])


def hear(connection, text, at: datetime | None = None):
    reply = exchange.hear(connection, text, at or now())
    return reply.text and json.loads(reply.text)


@pytest.mark.parametrize(("action", "payload"), GOOD_CALLS)
def test_every_call_has_an_answer_the_schema_allows(connection, action, payload):
    kind, unique_id, answer = hear(connection, frame(action, payload))
    assert (kind, unique_id) == (3, "1")
    result = v16.CallResult("1", answer, action=action)
    v16._check_schema(result)
    came, went = Frame.objects.order_by("pk")
    assert (came.direction, came.action, came.outcome, went.direction) == ("IN", action, "", "OUT")


def test_data_transfer_knows_no_vendor(connection):
    assert hear(connection, frame("DataTransfer", {"vendorId": "Acme"}))[2]["status"] == "UnknownVendorId"


@pytest.mark.parametrize(("token", "status"), [("GOOD", "Accepted"), ("BAD", "Invalid")])
def test_the_domain_decides_about_tokens(connection, token, status):
    assert hear(connection, frame("Authorize", {"idTag": token}))[2]["idTagInfo"]["status"] == status
    assert (
        hear(connection, frame("StartTransaction", START | {"idTag": token}, "2"))[2]["idTagInfo"]["status"]
        == status
    )


def test_the_domain_hears_exact_values(connection, domain):
    hear(connection, frame("StartTransaction", START))
    hear(connection, frame("MeterValues", VALUES, "2"))
    hear(connection, frame("StopTransaction", STOP, "3"))
    started, stopped = domain.only("transaction_started"), domain.only("transaction_stopped")
    assert started.at == datetime(2026, 11, 22, 8, tzinfo=UTC)
    assert (started.meter_start_wh, stopped.meter_stop_wh) == (Decimal(1000), Decimal(2000))
    assert domain.only("meter_readings").readings[0].register_wh == Decimal("1500.7")


# --- Twice -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["04A2B6C8D91E80" * 3, ["04A2B6C8D91E80"]])
def test_a_card_that_is_no_card_is_refused_without_writing_it_down_twice(connection, token):
    """The schema's own words would quote it."""
    answer = hear(connection, frame("Authorize", {"idTag": token}))
    assert answer[:1] == [4]
    assert "04A2B6" not in str(answer)
    assert "04A2B6" not in Frame.objects.get(direction="IN").outcome


def test_a_repeated_frame_gets_the_same_answer_and_is_told_once(connection, domain):
    first = hear(connection, frame("StartTransaction", START))
    assert hear(connection, frame("StartTransaction", START)) == first
    assert domain.only("transaction_started")


def test_a_start_sent_again_under_another_id_gets_the_same_transaction(connection, domain):
    first = hear(connection, frame("StartTransaction", START))
    again = hear(connection, frame("StartTransaction", START, "2"))
    assert first[2] == again[2]


@pytest.mark.parametrize("text", ["1970-01-01T00:01:00Z", "2099-01-01T00:00:00Z", "?"])
def test_a_start_without_a_usable_clock_keeps_the_time_of_its_first_arrival(connection, domain, text):
    first = hear(connection, frame("StartTransaction", START | {"timestamp": text}))
    later = now() + timedelta(minutes=10)
    again = hear(connection, frame("StartTransaction", START | {"timestamp": text}, "2"), later)
    assert first[2] == again[2]
    one, other = domain.of("transaction_started")
    assert one.at == other.at
    assert other.received_at == later


def test_one_unique_id_for_two_messages_is_refused(connection, domain):
    hear(connection, frame("Heartbeat", {}))
    answer = hear(connection, frame("StartTransaction", START))
    assert answer[:3] == [4, "1", "OccurenceConstraintViolation"]
    assert not domain.of("transaction_started")


# --- Refusals --------------------------------------------------------------------------------------------


def test_a_fault_of_ours_is_an_internal_error_and_may_be_sent_again(connection, domain):
    domain.refuse = ZeroDivisionError()
    assert hear(connection, frame("StartTransaction", START))[2] == "InternalError"
    domain.refuse = None
    assert hear(connection, frame("StartTransaction", START))[0] == 3


def test_a_rule_that_says_no_is_told_in_its_words(connection, domain):
    domain.refuse = Refused("Not here.")
    assert hear(connection, frame("StartTransaction", START))[2:4] == ["GenericError", "Not here."]


@pytest.mark.parametrize("race", [StaleMove(ChargePoint(pk="CP-1"), "x"), OperationalError("locked")])
def test_whoever_was_outrun_tries_again(connection, domain, race):
    take, domain.take_calls = domain.take, 0

    def outrun_once(event):
        domain.take_calls += 1
        if domain.take_calls == 1:
            raise race
        return take(event)

    domain.take = outrun_once
    assert hear(connection, frame("StartTransaction", START))[0] == 3


def test_nothing_stays_of_a_call_that_was_refused(connection, domain):
    domain.refuse = ZeroDivisionError()
    hear(connection, frame("StatusNotification", STATUS), now() + timedelta(minutes=3))
    charge_point = ChargePoint.objects.get()
    assert charge_point.clock_skew_seconds is None
    assert charge_point.last_seen_at < now()
    assert Frame.objects.get(direction="IN").outcome.startswith("InternalError")


def test_starts_are_refused_where_nobody_sells(connection, monkeypatch):
    monkeypatch.setattr(services, "tell", lambda event: None)
    assert hear(connection, frame("StartTransaction", START))[2] == "NotSupported"


def test_an_older_socket_changes_nothing(connection, domain):
    services.open_connection(charge_point_id="CP-1", connection="n2", received_at=now())
    reply = exchange.hear(connection, frame("StartTransaction", START), now())
    assert json.loads(reply.text)[2] == "SecurityError"
    assert reply.hang_up
    assert not domain.of("transaction_started")


def test_a_blocked_charge_point_changes_nothing(connection, domain):
    services.block(ChargePoint.objects.get(), why="stolen")
    assert exchange.hear(connection, frame("StartTransaction", START), now()).hang_up
    assert not domain.of("transaction_started")


# --- Proof of life ---------------------------------------------------------------------------------------


def test_proof_of_life_is_told_at_most_every_half_minute(connection, domain):
    start = now()
    for seconds in range(0, 80, 3):
        hear(connection, frame("Heartbeat", {}, f"h{seconds}"), start + timedelta(seconds=seconds))
    assert len(domain.of("heard")) == 2


def test_skew_is_measured_by_status_messages(connection, domain):
    at = datetime(2026, 11, 22, 7, 58, tzinfo=UTC)
    hear(connection, frame("StatusNotification", STATUS), at)
    assert ChargePoint.objects.get().clock_skew_seconds == 120
    hear(connection, frame("StartTransaction", START, "2"), at)
    assert domain.only("transaction_started").clock_skew_seconds == 120


def test_a_silent_charge_point_is_lost_once(connection, domain):
    ChargePoint.objects.update(last_seen_at=now() - timedelta(seconds=121))
    assert services.mark_lost_connections() == 1
    assert services.mark_lost_connections() == 0
    assert domain.only("disconnected")


def test_a_charge_point_given_up_too_early_is_back_with_its_next_word(connection, domain):
    ChargePoint.objects.update(last_seen_at=now() - timedelta(seconds=121))
    services.mark_lost_connections()
    assert hear(connection, frame("Heartbeat", {}))[0] == 3
    assert ChargePoint.objects.get().connected
    assert domain.only("connected")


# --- The log ---------------------------------------------------------------------------------------------


def test_the_log_keeps_the_newest_and_counts_routine_apart(connection, monkeypatch):
    monkeypatch.setattr(exchange, "ROUTINE_KEPT", 4)
    monkeypatch.setattr(exchange, "OTHERS_KEPT", 6)
    hear(connection, frame("StartTransaction", START, "s"))
    for n in range(10):
        hear(connection, frame("Heartbeat", {}, f"h{n}"))
    assert exchange.forget_old_frames("CP-1") == 16
    assert list(Frame.objects.filter(direction="IN").values_list("unique_id", flat=True)) == ["h9", "h8", "s"]


def test_a_long_frame_is_logged_in_part(connection):
    hear(connection, "x" * 100_000)
    assert len(Frame.objects.get(direction="IN").raw) == exchange.LONGEST_RAW


# --- Anything at all -------------------------------------------------------------------------------------

junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["\x00", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def mutated_frames(draw) -> str:
    """A good call with one part replaced, added, removed or cut."""
    action, payload = draw(st.sampled_from(GOOD_CALLS))
    array = json.loads(json.dumps([2, draw(st.sampled_from(["1", "2"])), action, payload]))
    places = list(_places(array))
    holder, key = draw(st.sampled_from(places))
    how = draw(st.sampled_from(["replace", "remove", "add", "cut", "nothing"]))
    if how == "replace":
        holder[key] = draw(junk)
    elif how == "remove":
        del holder[key]
    elif how == "add" and isinstance(holder, dict):
        holder[draw(st.text(max_size=10))] = draw(junk)
    text = json.dumps(array)
    return text[: draw(st.integers(0, len(text)))] if how == "cut" else text


def _places(part):
    keys = range(len(part)) if isinstance(part, list) else part.keys()
    for key in keys:
        yield part, key
        if isinstance(part[key], list | dict):
            yield from _places(part[key])


ROWS = (ChargePoint, ChargePointMove, Command, CommandMove)


def rows():
    return [list(model.objects.order_by("pk").values()) for model in ROWS]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=mutated_frames() | st.text(max_size=200) | junk.map(lambda value: json.dumps(value)))
def test_no_frame_breaks_the_door_and_a_refused_one_changes_nothing(connection, text):
    domain = Domain()
    connection.answered.clear()
    before = rows()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services, "tell", domain.take)
        answer = hear(connection, text, now() + timedelta(minutes=1))
    assert answer is None or answer[0] in (3, 4)
    if answer is None or answer[0] == 4:
        assert rows() == before
        assert not [e for e in domain.heard if e.kind != "heard"]
        assert answer is None or answer[2] != "InternalError"


@pytest.mark.django_db(transaction=True)
def test_a_megabyte_and_bytes_are_answered_and_the_socket_lives(charge_point, domain):
    async def story():
        async with at_the_door() as talker:
            big = await talker.say(
                '[2,"big","DataTransfer",{"vendorId":"x","data":"' + "x" * 1_000_000 + '"}]'
            )
            await talker.socket.send_to(bytes_data=b"\xff\x00")
            raw = await talker.listen()
            return big, raw, await talker.call("Heartbeat", {})

    big, raw, alive = run(story)
    assert big[:3] == [4, "big", "FormationViolation"]
    assert raw[:3] == [4, "-1", "FormationViolation"]
    assert alive[0] == 3
