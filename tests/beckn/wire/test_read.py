import contextlib
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.beckn.wire import v1_1 as wire
from tests.beckn.wire import samples


def read(body: dict | str) -> wire.Envelope:
    return wire.read_envelope((body if isinstance(body, str) else json.dumps(body)).encode())


def test_unknown_keys_are_kept_and_written_again():
    raw = {"order": {"id": "A", "colour": {"of": "bay"}, "items": [{"id": "1", "x": [1]}]}}
    body = wire.OnStatusMessage.read(raw)
    assert body.order.unknown == {"colour": {"of": "bay"}}
    assert body.to_wire(unknown=True) == raw


def test_unknown_keys_never_go_out():
    body = wire.OnStatusMessage.read({"order": {"id": "A", "colour": "red"}})
    assert body.to_wire() == {"order": {"id": "A"}}


def test_numbers_and_strings_are_both_taken():
    order = wire.Order.read({"id": 7, "quote": {"price": {"value": 448.4, "currency": "INR"}}}, "order")
    assert order.id == "7"
    body = read('{"context": {}, "message": {"order": {"quote": {"price": {"value": 448.40}}}}}')
    assert wire.OnSelectMessage.read(body.message).order.quote.price.amount == Decimal("448.40")


def test_an_unusable_optional_part_is_left_out():
    order = wire.Order.read(
        {
            "id": "A",
            "status": None,
            "items": [{"id": "1", "price": "cheap"}, 7, {"id": "2"}],
            "billing": [],
            "tags": {"list": 1},
            "quote": {"breakup": [{"title": {}, "price": {"value": []}}]},
        },
        "order",
    )
    assert [(item.id, item.price) for item in order.items] == [("1", None), ("2", None)]
    assert order.billing is None and order.tags == () and order.quote.breakup[0].title is None


@pytest.mark.parametrize(
    ("model", "raw", "path"),
    [
        (wire.OnStatusMessage, {}, "message.order"),
        (wire.OnStatusMessage, {"order": "A"}, "message.order"),
        (wire.StatusMessage, {"order_id": {}}, "message.order_id"),
        (wire.UpdateMessage, {"order": {}}, "message.update_target"),
        (wire.OnSearchMessage, [], "message"),
    ],
)
def test_a_missing_wrapper_names_its_path(model, raw, path):
    with pytest.raises(wire.WireError) as caught:
        model.read(raw)
    assert caught.value.path == path


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"context": null}',
        b'{"context": {}, "context": {}}',
        b'{"context": {}, "message": {"a": NaN}}',
        b'{"context": {}, "message": {"a": 1e999999}}',
        b'{"context": {}, "message": {"a": ' + b"9" * 5000 + b"}}",
        b'{"context": {}, "message": []}',
        b'{"context": {"action": "\\u0000"}}',
        b'{"context": {"action": "\\ud800"}}',
        b'{"context": {}, "message": ' + b'{"a":' * 200 + b"1" + b"}" * 200 + b"}",
        b"[" * 100_000,
    ],
)
def test_garbage_is_refused(raw):
    with pytest.raises(wire.WireError):
        wire.read_envelope(raw)


def test_a_backslash_before_u0000_is_only_text():
    assert read('{"context": {"key": "\\\\u0000"}}').context.key == "\\u0000"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"error": {}}, None),
        ({"error": None}, None),
        ({"error": {"code": 30001, "message": "none"}}, "30001"),
        ({"error": {"code": "30001"}}, "30001"),
        ({"error": [{"code": "30001"}]}, "30001"),
        ({"message": {"error": {"code": "SCH_REQUIRED"}}}, "SCH_REQUIRED"),
        ({"error": {"errorCode": "40000", "errorMessage": "x"}}, "40000"),
    ],
)
def test_errors_are_found_wherever_peers_put_them(body, code):
    error = read({"context": {}, **body}).error
    assert (error and error.code) == code


def test_an_error_names_the_path_in_any_of_its_spellings():
    assert wire.Error.read({"code": 1, "path": "a"}).paths == "a"
    assert wire.Error.read({"code": 1, "details": {"path": "b"}}).paths == "b"


def test_an_error_stands_in_for_the_message():
    envelope = read({"context": {}, "error": {"code": "30008"}})
    assert wire.read_message("on_select", envelope) is None
    envelope = read({"context": {}, "message": {"ack": 1}, "error": {"code": "30008"}})
    assert wire.read_message("on_select", envelope) is None
    with pytest.raises(wire.WireError):
        wire.read_message("on_select", read({"context": {}, "message": {}}))
    with pytest.raises(wire.WireError):
        wire.read_message("dance", read({"context": {}, "message": {}}))


def test_an_empty_error_beside_an_order_is_no_error():
    envelope = read({"context": {}, "message": {"order": {"id": "A"}}, "error": {}})
    assert wire.read_message("on_select", envelope).order.id == "A"


def test_calls_without_a_message_are_read():
    assert wire.read_message("get_cancellation_reasons", read({"context": {}})) is not None
    assert wire.read_message("search", read({"context": {}})).intent == wire.Intent()


@pytest.mark.parametrize(
    ("raw", "check"),
    [
        (
            {"city": "std:080", "country": "IND"},
            lambda c: (c.city_code, c.country_code) == ("std:080", "IND"),
        ),
        ({"city": {"code": "std:080"}}, lambda c: c.city_code == "std:080"),
        ({"core_version": "0.9.1"}, lambda c: c.version == "0.9.1" and c.major_version == 1),
        ({"version": "1.0.0"}, lambda c: c.major_version == 1),
        ({"version": "2.0.0"}, lambda c: c.major_version == 2),
        ({"version": "two"}, lambda c: c.major_version is None),
        ({}, lambda c: c.major_version == 1 and c.lifetime is None and c.expires_at is None),
        ({"ttl": "15S"}, lambda c: c.lifetime == timedelta(seconds=15)),
        ({"ttl": "P" + "9" * 30 + "D"}, lambda c: c.lifetime is None),
        ({"timestamp": "2025:09:24:10:00:00"}, lambda c: c.sent_at == datetime(2025, 9, 24, 10, tzinfo=UTC)),
        ({"timestamp": "2025-09-24T10:00:00+05:30"}, lambda c: c.sent_at.hour == 4),
        ({"timestamp": "0001-01-01T00:00:00+10:00"}, lambda c: c.sent_at is None),
        ({"transaction_id": "not-a-uuid"}, lambda c: c.transaction_id == "not-a-uuid"),
    ],
)
def test_contexts_of_others_are_understood(raw, check):
    assert check(read({"context": raw}).context)


def test_the_geographic_state_of_refund_terms_is_read_as_meant():
    term = wire.RefundTerm.read({"fulfillment_state": {"descriptor": {"code": "payment-completed"}}})
    assert term.state_code == "payment-completed"
    assert wire.RefundTerm.read({"fulfillment_state": {"code": "x"}}).state_code == "x"


def test_stray_units_are_read():
    assert wire.Fee.read({"percentage": "30%"}).percent == Decimal(30)
    assert wire.Price.read({"value": "22INR", "currency": "INR/kWH"}).amount == Decimal(22)
    price = wire.Price.read({"value": "x", "currency": "inr/KWH"})
    assert (price.amount, price.currency_code, price.per) == (None, "INR", "kWh")
    assert wire.Scalar.read({"value": "2300", "unit": "Wh"}).measure == (Decimal("2.300"), "kWh")


def test_a_total_line_is_not_added_to_the_sum():
    lines = [{"title": "energy", "price": {"value": "10"}}, {"title": "Total", "price": {"value": "10"}}]
    assert wire.Quotation.read({"breakup": lines}).lines_total == 10
    assert wire.Quotation.read({"breakup": [{"title": "gst"}]}).lines_total is None


SCRAPS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(Decimal("1.5")),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=6), parts, max_size=3),
    max_leaves=6,
)


def _places(value, here=()):
    yield here
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from _places(part, (*here, key))


def _with(value, place, scrap):
    if not place:
        return scrap
    if isinstance(value, dict):
        return {**value, place[0]: _with(value[place[0]], place[1:], scrap)}
    return [_with(part, place[1:], scrap) if n == place[0] else part for n, part in enumerate(value)]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_mutated_message_is_read_or_refused_and_nothing_else(data):
    action = data.draw(st.sampled_from(sorted(wire.MESSAGES)))
    body = samples.envelope(action)
    for _mutation in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.sampled_from(list(_places(body))))
        body = _with(body, place, data.draw(SCRAPS))
    try:
        envelope = wire.read_envelope(json.dumps(body, default=float).encode())
        message = wire.read_message(action, envelope)
    except wire.WireError:
        return
    if message is not None:
        json.dumps(message.to_wire())


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(raw):
    with contextlib.suppress(wire.WireError):
        wire.read_envelope(raw)
    assert wire.read_ack(200, raw).verdict in wire.Verdict
