"""OCPP 2.0.1 in the words of the contract: places, units, commands, answers."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp.exceptions import OCPPError
from ocpp.messages import Call, CallResult

from apps.ocpp.wire import frames, v201
from apps.ocpp.wire.messages import Known
from apps.ocpp.wire.plugs import NOWHERE, Plugs
from apps.ocpp.wire.sequence import covers, seen_with
from apps.ocpp.wire.times import Speaker
from apps.ocpp.wire.v201_commands import check_payload

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TWO_AND_ONE = Plugs((2, 1))
SPEAKER = Speaker(charge_point_id="CP-1", received_at=NOON, clock_skew_seconds=7, plugs=TWO_AND_ONE)
AT = "2026-11-22T11:59:00Z"


def event(*samples, **changes):
    payload = {
        "eventType": "Updated",
        "timestamp": AT,
        "triggerReason": "MeterValuePeriodic",
        "seqNo": 3,
        "transactionInfo": {"transactionId": "T-1"},
    }
    if samples:
        payload["meterValue"] = [{"timestamp": AT, "sampledValue": list(samples)}]
    return payload | changes


def read(action, payload):
    return v201.read_call(Call("1", action, payload), SPEAKER)


# --- Places ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("per_evse", "evse_id", "connector_id", "number"),
    [
        ((), 1, 1, 1),
        ((), 7, 1, 7),
        ((), 1, 2, NOWHERE),
        ((), 0, 0, NOWHERE),
        ((2, 1), 1, 2, 2),
        ((2, 1), 2, 1, 3),
        ((2, 1), 3, 1, 4),
        ((2, 1), 2, 2, NOWHERE),
        ((2, 1), -1, 1, NOWHERE),
        ((), 10**9, 1, NOWHERE),
    ],
)
def test_plugs_are_counted_through_the_box(per_evse, evse_id, connector_id, number):
    assert Plugs(per_evse).number(evse_id, connector_id) == number


@given(st.lists(st.integers(1, 4), max_size=5), st.integers(1, 60))
def test_every_number_has_one_place(per_evse, number):
    plugs = Plugs(tuple(per_evse))
    assert plugs.number(*plugs.place(number)) == number


@given(st.permutations(range(6)), st.integers(0, 5))
def test_what_was_heard_is_one_row_when_nothing_is_missing(order, missing):
    seen = []
    for number in order:
        if number != missing:
            seen = seen_with(seen_with(seen, number), number)
    assert not covers(seen, 0, 5)
    assert seen_with(seen, missing) == [[0, 5]]


# --- Values ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sample", "name", "value"),
    [
        ({"value": 1500}, "register_wh", "1500"),
        ({"value": Decimal("1.5"), "unitOfMeasure": {"unit": "kWh"}}, "register_wh", "1500"),
        ({"value": 15, "unitOfMeasure": {"multiplier": 2}}, "register_wh", "1500"),
        ({"value": 15, "unitOfMeasure": {"unit": "Wh", "multiplier": -1}}, "register_wh", "1.5"),
        (
            {
                "value": 7,
                "measurand": "Power.Active.Import",
                "unitOfMeasure": {"unit": "W", "multiplier": 3},
            },
            "power_w",
            "7000",
        ),
        ({"value": 61, "measurand": "SoC", "location": "EV"}, "soc_percent", "61"),
    ],
)
def test_units_and_multipliers_become_ours(sample, name, value):
    (reading,) = read("TransactionEvent", event(sample)).event.readings
    assert getattr(reading, name) == Decimal(value)


@pytest.mark.parametrize("multiplier", [13, -13, 10**9])
def test_a_multiplier_no_meter_needs_is_no_number(multiplier):
    sample = {"value": 15, "unitOfMeasure": {"multiplier": multiplier}}
    assert read("TransactionEvent", event(sample)).event.readings == ()


def test_a_report_that_waited_in_the_database_reads_the_same():
    payload = event({"value": Decimal("1500.7")}, idToken={"idToken": "GOOD", "type": "ISO14443"})
    kept = event({"value": "1500.7"}, idToken={"idToken": "GOOD", "type": "ISO14443"})
    one, other = v201.read_report(payload, SPEAKER), v201.read_report(kept, SPEAKER)
    assert (one.readings, one.token, one.seq_no) == (other.readings, other.token, other.seq_no)


def test_readings_outside_a_transaction_are_told_without_one():
    said = {"evseId": 2, "meterValue": [{"timestamp": AT, "sampledValue": [{"value": 5}]}]}
    told = read("MeterValues", said).event
    assert (told.connector_id, told.transaction_id, told.readings[0].register_wh) == (3, None, 5)


def test_a_plug_nobody_knows_is_noted_and_told_to_nobody():
    status = {"timestamp": AT, "connectorStatus": "Occupied", "evseId": 1, "connectorId": 3}
    question = read("StatusNotification", status)
    assert question.event is None
    assert "connector 3 of EVSE 1" in question.note


def test_evse_zero_is_the_box_itself():
    status = {"timestamp": AT, "connectorStatus": "Faulted", "evseId": 0, "connectorId": 0}
    assert read("StatusNotification", status).event.connector_id == 0


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("TransactionEvent", event(seqNo=-1), "PropertyConstraintViolation"),
        ("TransactionEvent", event(seqNo=2**40), "PropertyConstraintViolation"),
        ("TransactionEvent", event(seqNo="3"), "TypeConstraintViolation"),
        ("TransactionEvent", event(eventType="Perhaps"), "PropertyConstraintViolation"),
        ("TransactionEvent", event(transactionInfo={}), "ProtocolError"),
        ("TransactionEvent", event(transactionInfo={"transactionId": "x" * 37}), "TypeConstraintViolation"),
        ("TransactionEvent", event(meterValue=[]), "OccurrenceConstraintViolation"),
        ("TransactionEvent", event(surprise=1), "FormatViolation"),
        ("StartTransaction", {}, "NotImplemented"),
        ("SendLocalList", {}, "NotSupported"),
        ("GetLocalListVersion", {}, "NotSupported"),
        ("SignCertificate", {}, "NotSupported"),
        ("Nonsense", {}, "NotImplemented"),
    ],
)
def test_what_is_wrong_is_refused_in_the_words_of_the_version(action, payload, code):
    with pytest.raises(OCPPError) as refused:
        read(action, payload)
    assert refused.value.code == code


# --- Commands --------------------------------------------------------------------------------------------

TOKEN = {"idToken": "T", "type": "Central"}
UNTIL = "2026-11-22T13:00:00Z"
KNOWN = Known(number=9, plugs=TWO_AND_ONE, transaction_name="T-1")


@pytest.mark.parametrize(
    ("action", "payload", "said"),
    [
        (
            "remote_start",
            {"connector_id": 3, "token": "T"},
            ["RequestStartTransaction", {"idToken": TOKEN, "remoteStartId": 9, "evseId": 2}],
        ),
        ("remote_stop", {"transaction_id": 4}, ["RequestStopTransaction", {"transactionId": "T-1"}]),
        ("reset", {"hard": True}, ["Reset", {"type": "Immediate"}]),
        ("reset", {"hard": False}, ["Reset", {"type": "OnIdle"}]),
        ("unlock", {"connector_id": 2}, ["UnlockConnector", {"evseId": 1, "connectorId": 2}]),
        (
            "trigger",
            {"message": "StatusNotification", "connector_id": 2},
            [
                "TriggerMessage",
                {"requestedMessage": "StatusNotification", "evse": {"id": 1, "connectorId": 2}},
            ],
        ),
        (
            "trigger",
            {"message": "DiagnosticsStatusNotification"},
            ["TriggerMessage", {"requestedMessage": "LogStatusNotification"}],
        ),
        (
            "change_availability",
            {"connector_id": 0, "operative": False},
            ["ChangeAvailability", {"operationalStatus": "Inoperative"}],
        ),
        (
            "change_availability",
            {"connector_id": 3, "operative": True},
            ["ChangeAvailability", {"operationalStatus": "Operative", "evse": {"id": 2, "connectorId": 1}}],
        ),
        (
            "get_configuration",
            {"keys": ["HeartbeatInterval", "TxCtrlr.EVConnectionTimeOut"]},
            [
                "GetVariables",
                {
                    "getVariableData": [
                        {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}},
                        {"component": {"name": "TxCtrlr"}, "variable": {"name": "EVConnectionTimeOut"}},
                    ]
                },
            ],
        ),
        (
            "get_configuration",
            {"keys": []},
            ["GetBaseReport", {"requestId": 9, "reportBase": "ConfigurationInventory"}],
        ),
        (
            "change_configuration",
            {"key": "TxCtrlr.EVConnectionTimeOut", "value": "60"},
            [
                "SetVariables",
                {
                    "setVariableData": [
                        {
                            "component": {"name": "TxCtrlr"},
                            "variable": {"name": "EVConnectionTimeOut"},
                            "attributeValue": "60",
                        }
                    ]
                },
            ],
        ),
        ("clear_cache", {}, ["ClearCache", {}]),
        (
            "data_transfer",
            {"vendor": "Acme", "message": "", "data": "x"},
            ["DataTransfer", {"vendorId": "Acme", "data": "x"}],
        ),
        (
            "reserve",
            {"connector_id": 3, "token": "T", "until": UNTIL},
            ["ReserveNow", {"id": 9, "expiryDateTime": UNTIL, "idToken": TOKEN, "evseId": 2}],
        ),
        ("cancel_reservation", {"reservation": 9}, ["CancelReservation", {"reservationId": 9}]),
    ],
)
def test_commands_are_said_in_the_words_of_the_version(action, payload, said):
    call = v201.write_command(action, payload, "u", KNOWN)
    assert [call.action, call.payload] == said
    check_payload(call)


def test_a_transaction_that_began_before_the_upgrade_is_named_by_its_number():
    call = v201.write_command("remote_stop", {"transaction_id": 4}, "u")
    assert call.payload == {"transactionId": "4"}


def answer(action, payload, said):
    return v201.read_answer(action, payload, CallResult("u", said), KNOWN)


@pytest.mark.parametrize(
    ("action", "payload", "said", "accepted", "word"),
    [
        ("remote_stop", {"transaction_id": 4}, {"status": "Accepted"}, True, "Accepted"),
        ("remote_stop", {"transaction_id": 4}, {"status": "Rejected"}, False, "Rejected"),
        ("unlock", {"connector_id": 1}, {"status": "UnlockFailed"}, False, "UnlockFailed"),
        ("reset", {"hard": False}, {"status": "Scheduled"}, True, "Scheduled"),
        (
            "reserve",
            {"connector_id": 1, "token": "T", "until": UNTIL},
            {"status": "Occupied"},
            False,
            "Occupied",
        ),
    ],
)
def test_answers_of_the_charge_point_are_read(action, payload, said, accepted, word):
    assert answer(action, payload, said)[:2] == (accepted, word)


def variable(name, status, **more):
    return {
        "attributeStatus": status,
        "component": {"name": "TxCtrlr"},
        "variable": {"name": name},
        **more,
    }


def test_variables_are_told_and_the_refused_ones_named():
    results = [variable("A", "Accepted", attributeValue="60"), variable("B", "UnknownVariable")]
    said = answer("get_configuration", {"keys": ["TxCtrlr.A"]}, {"getVariableResult": results})
    assert said.accepted
    assert said.told == {"TxCtrlr.A": {"value": "60"}}
    assert "TxCtrlr.B (UnknownVariable)" in said.word


def test_a_variable_that_may_not_be_set_is_a_no():
    results = {"setVariableResult": [variable("A", "Rejected")]}
    assert answer("change_configuration", {"key": "TxCtrlr.A", "value": "1"}, results)[:2] == (
        False,
        "Rejected",
    )


def test_an_answer_that_breaks_the_schema_is_refused():
    with pytest.raises(OCPPError):
        answer("remote_stop", {"transaction_id": 4}, {"status": "Perhaps"})


def test_a_frame_that_cannot_be_read_has_its_own_code():
    with pytest.raises(frames.Malformed) as malformed:
        frames.read("{")
    assert v201.spelled(malformed.value.answer.error_code) == "RpcFrameworkError"
