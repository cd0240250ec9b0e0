"""OCPP 1.6 in the words of the contract: units, phases, clocks, numbers."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from ocpp.exceptions import OCPPError
from ocpp.messages import Call

from apps.ocpp.wire import frames, v16
from apps.ocpp.wire.readings import read_decimal, read_readings
from apps.ocpp.wire.times import Speaker

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SPEAKER = Speaker(charge_point_id="CP-1", received_at=NOON, clock_skew_seconds=7)
START = {"connectorId": 1, "idTag": "GOOD", "meterStart": 100, "timestamp": "2026-11-22T11:59:00Z"}


def read(action, payload):
    return v16.read_call(Call("1", action, payload), SPEAKER)


def reading(*samples, at="2026-11-22T11:59:00Z"):
    (only,) = read_readings([{"timestamp": at, "sampled_value": list(samples)}], SPEAKER)
    return only


def test_without_a_measurand_and_unit_it_is_the_register_in_wh():
    assert reading({"value": "1234.5"}).register_wh == Decimal("1234.5")


@pytest.mark.parametrize(
    ("sample", "name", "value"),
    [
        ({"value": "1.2345678", "unit": "kWh"}, "register_wh", "1234.568"),
        ({"value": "7.4", "measurand": "Power.Active.Import", "unit": "kW"}, "power_w", "7400"),
        ({"value": "50000", "measurand": "Power.Active.Import"}, "power_w", "50000"),
        ({"value": "61", "measurand": "SoC", "location": "EV"}, "soc_percent", "61"),
        ({"value": "16", "measurand": "Current.Import"}, "current_a", "16"),
        ({"value": "1E2", "measurand": "Voltage"}, "voltage_v", "100"),
    ],
)
def test_units_become_ours(sample, name, value):
    assert getattr(reading(sample), name) == Decimal(value)


def test_phases_of_power_add_up_and_of_current_the_largest_counts():
    power = [{"value": str(n), "measurand": "Power.Active.Import", "phase": f"L{n}"} for n in (1, 2, 3)]
    ampere = [{"value": str(n), "measurand": "Current.Import", "phase": f"L{n}"} for n in (1, 2, 3)]
    assert (reading(*power, *ampere).power_w, reading(*power, *ampere).current_a) == (6, 3)


def test_a_total_beats_its_phases():
    samples = [{"value": "3", "phase": "L1"}, {"value": "10"}]
    assert reading(*samples).register_wh == 10


@pytest.mark.parametrize("text", ["", "abc", "NaN", "Infinity", "1e12", "-1e12", "1e999999999", "0x10"])
def test_what_no_meter_shows_is_no_number(text):
    assert read_decimal(text) is None


def test_floats_never_touch_a_value():
    assert read_decimal("0.1") + read_decimal("0.2") == Decimal("0.3")
    assert frames.read('[2,"1","X",{"a":0.1}]').payload["a"] == Decimal("0.1")


def test_one_unreadable_value_does_not_spoil_the_others():
    values = [{"value": "x", "measurand": "SoC"}, {"value": "120", "measurand": "SoC"}, {"value": "10"}]
    assert (reading(*values).soc_percent, reading(*values).register_wh) == (None, 10)


def test_only_unreadable_values_are_refused():
    meter_value = [{"timestamp": "2026-11-22T11:59:00Z", "sampledValue": [{"value": "x"}]}]
    with pytest.raises(OCPPError) as refused:
        read("MeterValues", {"connectorId": 1, "meterValue": meter_value})
    assert refused.value.code == "PropertyConstraintViolation"


def test_values_we_have_no_use_for_are_taken_without_an_event():
    values = [{"value": "21", "measurand": "Temperature"}]
    meter_value = [{"timestamp": "2026-11-22T11:59:00Z", "sampledValue": values}]
    assert read("MeterValues", {"connectorId": 1, "meterValue": meter_value}).event is None


def test_a_stop_is_never_refused_for_its_readings():
    data = [{"timestamp": "never", "sampledValue": [{"value": "x"}]}]
    stop = {"meterStop": 5, "timestamp": "2026-11-22T11:59:00Z", "transactionId": -1, "transactionData": data}
    event = read("StopTransaction", stop).event
    assert (event.transaction_id, event.readings, event.reason) == (-1, (), "Local")


# --- Clocks ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "at", "doubted"),
    [
        ("2026-11-22T11:59:00Z", NOON - timedelta(minutes=1), False),
        ("2026-11-22T17:29:00+05:30", NOON - timedelta(minutes=1), False),
        ("2026-11-22T11:59:00", NOON - timedelta(minutes=1), False),
        ("2026-11-21T12:00:00.123Z", NOON - timedelta(days=1) + timedelta(microseconds=123_000), False),
        ("2026-11-22T12:00:59Z", NOON + timedelta(seconds=59), False),
        ("2026-11-22T12:02:00Z", NOON, True),
        ("1970-01-01T00:00:12Z", NOON, True),
        ("0001-01-01T00:00:00+23:00", NOON, True),
        ("9999-12-31T23:59:59-23:00", NOON, True),
        ("yesterday", NOON, True),
        ("", NOON, True),
    ],
)
def test_a_time_that_cannot_be_is_replaced_by_ours(text, at, doubted):
    event = read("StartTransaction", START | {"timestamp": text}).event
    assert (event.at, event.at_doubted) == (at, doubted)


def test_a_status_without_a_time_is_not_doubted():
    status = {"connectorId": 0, "errorCode": "NoError", "status": "Available"}
    event = read("StatusNotification", status).event
    assert (event.at, event.at_doubted, event.clock_skew_seconds) == (NOON, False, 7)


def test_skew_is_measured_only_where_a_clock_is_told():
    assert SPEAKER.skew_seconds("2026-11-22T12:05:00Z") == 300
    assert SPEAKER.skew_seconds("1970-01-01T00:00:00Z") is None
    assert SPEAKER.skew_seconds(None) is None
    assert SPEAKER.skew_seconds("9999-01-01T00:00:00Z") == 10**9


# --- Refusals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("MakeCoffee", {}, "NotImplemented"),
        ("../../etc/passwd", {}, "NotImplemented"),
        ("RemoteStartTransaction", {}, "NotSupported"),
        ("StartTransaction", {}, "ProtocolError"),
        ("StartTransaction", START | {"meterStart": "100"}, "TypeConstraintViolation"),
        ("StartTransaction", START | {"meterStart": Decimal("1.5")}, "TypeConstraintViolation"),
        ("StartTransaction", START | {"meterStart": -1}, "PropertyConstraintViolation"),
        ("StartTransaction", START | {"meterStart": 10**40}, "PropertyConstraintViolation"),
        ("StartTransaction", START | {"connectorId": 0}, "PropertyConstraintViolation"),
        ("StartTransaction", START | {"idTag": "x" * 21}, "TypeConstraintViolation"),
        ("StartTransaction", START | {"surprise": 1}, "FormationViolation"),
        (
            "StopTransaction",
            {"meterStop": 1, "timestamp": "", "transactionId": 2**40},
            "PropertyConstraintViolation",
        ),
        (
            "StatusNotification",
            {"connectorId": 1, "errorCode": "NoError", "status": "Sleepy"},
            "PropertyConstraintViolation",
        ),
        ("MeterValues", {"connectorId": 1, "meterValue": []}, "OccurenceConstraintViolation"),
    ],
)
def test_each_fault_has_its_code(action, payload, code):
    with pytest.raises(OCPPError) as refused:
        read(action, payload)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "unique_id", "code"),
    [
        ("", "-1", "FormationViolation"),
        ("hello", "-1", "FormationViolation"),
        ('[2,"7","Heartbeat",{}', "7", "FormationViolation"),
        ('[2,"7","Heartbeat",{"a":NaN}]', "7", "FormationViolation"),
        ('[2,"7","X",{"a":' + "9" * 5000 + "}]", "7", "FormationViolation"),
        ('[2,"7","X",{"a":"\\u0000"}]', "7", "FormationViolation"),
        ('[2,"7","X",{"a":"\\ud800"}]', "7", "FormationViolation"),
        ("[" * 100_000, "-1", "FormationViolation"),
        ('[2,"7","X","' + "x" * frames.MAX_CHARACTERS + '"]', "7", "FormationViolation"),
        ("{}", "-1", "ProtocolError"),
        ("[]", "-1", "ProtocolError"),
        ("null", "-1", "ProtocolError"),
        ('[5,"7","X",{}]', "-1", "ProtocolError"),
        ('[true,"7","X",{}]', "-1", "ProtocolError"),
        ('[2,"7"]', "7", "ProtocolError"),
        ('[2,"7","X",{},{}]', "7", "ProtocolError"),
        ('[2,7,"X",{}]', "-1", "FormationViolation"),
        ('[2,"","X",{}]', "-1", "FormationViolation"),
        ('[2,"' + "x" * 37 + '","X",{}]', "-1", "FormationViolation"),
        ('[2,"7",["X"],{}]', "7", "FormationViolation"),
        ('[2,"7","X",[]]', "7", "FormationViolation"),
        ('[2,"7","X",null]', "7", "FormationViolation"),
    ],
)
def test_what_is_no_frame_gets_a_callerror(text, unique_id, code):
    with pytest.raises(frames.Malformed) as malformed:
        frames.read(text)
    assert (malformed.value.answer.unique_id, malformed.value.answer.error_code) == (unique_id, code)


@pytest.mark.parametrize("text", ['[3,"7"]', '[4,"7"]', '[3,"7",[]]', '[3,"7",{"a":"\\u0000"}]'])
def test_a_broken_answer_is_not_answered(text):
    with pytest.raises(frames.Malformed) as malformed:
        frames.read(text)
    assert malformed.value.answer is None


# --- Commands --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "payload", "said"),
    [
        (
            "remote_start",
            {"connector_id": 1, "token": "T"},
            ["RemoteStartTransaction", {"connectorId": 1, "idTag": "T"}],
        ),
        ("remote_stop", {"transaction_id": 4}, ["RemoteStopTransaction", {"transactionId": 4}]),
        ("reset", {"hard": True}, ["Reset", {"type": "Hard"}]),
        ("unlock", {"connector_id": 2}, ["UnlockConnector", {"connectorId": 2}]),
        ("trigger", {"message": "MeterValues"}, ["TriggerMessage", {"requestedMessage": "MeterValues"}]),
        (
            "change_availability",
            {"connector_id": 0, "operative": False},
            ["ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}],
        ),
    ],
)
def test_commands_are_said_in_the_words_of_the_version(action, payload, said):
    call = v16.write_command(action, payload, "u")
    assert [call.action, call.payload] == said
    v16._check_schema(call)


@pytest.mark.parametrize(("status", "accepted"), [("Accepted", True), ("Rejected", False)])
def test_answers_of_the_charge_point_are_read(status, accepted):
    answer = frames.read(f'[3,"u",{{"status":"{status}"}}]')
    assert v16.read_answer("remote_stop", {"transaction_id": 4}, answer)[:2] == (accepted, status)
