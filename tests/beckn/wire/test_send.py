import json

import pytest
from pydantic import ValidationError

from apps.beckn.wire import v1_1 as wire
from tests.beckn.wire import samples
from tests.conformance import assert_conforms


def test_there_is_a_class_for_every_verb_and_its_answer():
    assert set(wire.MESSAGES) == set(samples.messages())
    assert set(wire.CALLBACK_OF) == set(wire.REQUESTS)
    assert set(wire.CALLBACK_OF.values()) == set(wire.CALLBACKS)


@pytest.mark.parametrize("action", wire.MESSAGES)
def test_what_we_send_conforms_to_layer_2(action):
    assert_conforms(action, samples.envelope(action))


@pytest.mark.parametrize("action", wire.MESSAGES)
def test_what_we_send_keeps_our_own_profile(action):
    wire.check_outgoing(action, samples.context(action), samples.messages()[action])


@pytest.mark.parametrize("action", wire.MESSAGES)
def test_what_we_send_reads_back_the_same(action):
    envelope = wire.read_envelope(json.dumps(samples.envelope(action)).encode())
    body = wire.read_message(action, envelope)
    assert body == samples.messages()[action]
    assert body.to_wire() == body.to_wire(unknown=True) == envelope.message
    assert envelope.context == samples.context(action)


def test_an_error_answer_conforms_to_layer_2():
    error = wire.Error(code="30008", message="The charger is offline", paths="order.items")
    assert_conforms(
        "on_select", {"context": samples.context("on_select").to_wire(), "error": error.to_wire()}
    )


def test_the_gate_notices_a_wrong_message():
    envelope = samples.envelope("on_confirm")
    envelope["message"]["order"]["status"] = "DONE"
    with pytest.raises(AssertionError, match="DONE"):
        assert_conforms("on_confirm", envelope)


@pytest.mark.parametrize(
    "build",
    [
        lambda: wire.Order(identity="x"),
        lambda: wire.Order(status="DONE"),
        lambda: wire.Price(value="22INR", currency="INR"),
        lambda: wire.Price(value=1.5, currency="INR"),
        lambda: wire.Location(gps="95,200"),
        lambda: wire.Quotation(ttl="soon"),
        lambda: wire.Context(transaction_id="mine"),
        lambda: wire.Time(timestamp="tomorrow"),
        lambda: wire.Payment(status="NOT_PAID"),
        lambda: wire.SelectMessage(),
    ],
)
def test_a_model_cannot_be_built_wrong(build):
    with pytest.raises(ValidationError):
        build()


def test_models_are_frozen():
    with pytest.raises(ValidationError):
        wire.Order(id="a").id = "b"
