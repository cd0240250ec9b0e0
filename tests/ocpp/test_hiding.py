"""What the log of a charge point does not show."""

import json

import pytest

from apps.ocpp.hiding import end_of, hidden_settings, without_passwords, without_tokens

CARD = "04A2B6C8D91E80"


@pytest.mark.parametrize(
    "frame",
    [
        [2, "1", "Authorize", {"idTag": CARD}],
        [2, "1", "StartTransaction", {"connectorId": 1, "idTag": CARD, "meterStart": 0}],
        [3, "1", {"idTagInfo": {"status": "Accepted", "parentIdTag": CARD}}],
        [2, "1", "Authorize", {"idToken": {"idToken": CARD, "type": "ISO14443"}}],
        [
            3,
            "1",
            {"idTokenInfo": {"status": "Accepted", "groupIdToken": {"idToken": CARD, "type": "Central"}}},
        ],
        [2, "1", "RequestStartTransaction", {"idToken": {"idToken": CARD, "type": "Central"}, "evseId": 1}],
        [2, "1", "DataTransfer", {"vendorId": "x", "data": json.dumps({"idTag": CARD})}],
        [2, "1", "Authorize", {"idTag": 4102030405060708}],
    ],
)
@pytest.mark.parametrize("written", [json.dumps, lambda frame: json.dumps(frame, separators=(",", ":"))])
def test_of_a_token_only_its_last_characters_are_shown(frame, written):
    shown = without_tokens(written(frame))
    assert CARD not in shown and CARD[:-4] not in shown and "410203" not in shown
    assert CARD[-4:] in shown or "0708" in shown
    assert json.loads(shown)[:2] == frame[:2]


def test_everything_else_is_shown_as_it_was():
    text = json.dumps([2, "1", "MeterValues", {"connectorId": 1, "transactionId": 7, "meterValue": []}])
    assert without_tokens(text) == text == without_passwords(text)


@pytest.mark.parametrize("cut", range(36, 50))
def test_a_token_at_the_end_of_a_frame_that_was_cut_is_hidden_too(cut):
    whole = f'[2,"1","StartTransaction",{{"idTag":"{CARD}","connectorId":1}}]'
    assert CARD[:10] not in without_tokens(whole[:cut])


@pytest.mark.parametrize(
    ("token", "shown"),
    [("", ""), ("7", "•••"), ("482913", "•••913"), ("12345678", "•••5678"), (CARD, "•••1E80")],
)
def test_a_short_token_shows_no_more_than_half(token, shown):
    assert end_of(token) == shown


SECRET = "0123456789abcdef0123456789abcdef"
NAMED = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}


@pytest.mark.parametrize(
    "frame",
    [
        [2, "1", "ChangeConfiguration", {"key": "AuthorizationKey", "value": SECRET}],
        [2, "1", "ChangeConfiguration", {"key": "authorizationkey", "value": SECRET}],
        [3, "1", {"configurationKey": [{"key": "AuthorizationKey", "readonly": False, "value": SECRET}]}],
        [2, "1", "SetVariables", {"setVariableData": [{**NAMED, "attributeValue": SECRET}]}],
        [3, "1", {"getVariableResult": [{**NAMED, "attributeStatus": "Accepted", "attributeValue": SECRET}]}],
        [2, "1", "NotifyReport", {"reportData": [{**NAMED, "variableAttribute": [{"value": SECRET}]}]}],
    ],
)
def test_a_password_is_hidden_also_where_the_frame_is_broken(frame):
    text = json.dumps(frame)
    assert SECRET not in without_passwords(text)
    assert SECRET not in without_passwords(text[:-2])


def test_settings_beside_a_password_stay_readable():
    entries = [{"key": "AuthorizationKey", "value": SECRET}, {"key": "HeartbeatInterval", "value": "60"}]
    shown = without_passwords(json.dumps([3, "1", {"configurationKey": entries}]))
    assert SECRET not in shown
    assert json.loads(shown)[2]["configurationKey"][1] == entries[1]


def test_settings_that_were_told_are_kept_without_the_password():
    told = {"AuthorizationKey": {"value": SECRET, "readonly": False}, "HeartbeatInterval": {"value": "60"}}
    assert hidden_settings(told) == {**told, "AuthorizationKey": {"value": "•••", "readonly": False}}
    assert hidden_settings(None) is None
    assert hidden_settings({"data": "a text of the maker"}) == {"data": "a text of the maker"}
