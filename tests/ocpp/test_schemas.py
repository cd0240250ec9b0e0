"""The quick look at a message never says yes where the library's schema says no."""

from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp.messages import MessageType, get_validator

from apps.ocpp.wire.messages import _at_a_glance

AT = "2026-11-25T10:16:30Z"
EVENT = {
    "eventType": "Updated",
    "timestamp": AT,
    "triggerReason": "MeterValuePeriodic",
    "seqNo": 1,
    "transactionInfo": {"transactionId": "8f1e"},
    "evse": {"id": 1, "connectorId": 1},
    "meterValue": [{"timestamp": AT, "sampledValue": [{"value": Decimal("1.5")}]}],
}
VALUES = {
    "connectorId": 1,
    "transactionId": 7,
    "meterValue": [{"timestamp": AT, "sampledValue": [{"value": "1", "unit": "Wh"}]}],
}
START = {"connectorId": 1, "idTag": "TOKEN-1", "meterStart": 7, "timestamp": AT}
MESSAGES = [
    ("TransactionEvent", "2.0.1", EVENT),
    ("MeterValues", "1.6", VALUES),
    ("StartTransaction", "1.6", START),
]
ODD = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1.0,
        2**70,
        Decimal("1.0"),
        Decimal("1E+400"),
        Decimal("0.1"),
        "",
        "x" * 600,
        AT,
        [],
        {},
        [[]],
    ]
)


def places(value: Any, path: tuple = ()) -> list[tuple]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, part in inside for place in places(part, (*path, key)))]


@pytest.mark.parametrize(("action", "version", "message"), MESSAGES)
def test_both_say_yes_to_what_is_right(action, version, message):
    assert _at_a_glance(MessageType.Call, action, version).is_valid(message)
    assert get_validator(MessageType.Call, action, version).is_valid(message)


@given(st.data())
def test_a_yes_is_a_yes_of_both(data):
    action, version, message = data.draw(st.sampled_from(MESSAGES))
    message = deepcopy(message)
    *path, last = data.draw(st.sampled_from(places(message)[1:]))
    parent = message
    for key in path:
        parent = parent[key]
    parent[last] = data.draw(ODD)
    if data.draw(st.booleans()):
        message[data.draw(st.text(max_size=3))] = data.draw(ODD)
    if _at_a_glance(MessageType.Call, action, version).is_valid(message):
        assert get_validator(MessageType.Call, action, version).is_valid(message), message
