"""A peer that asks our operator side, with its words read as the carrier reads them."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from apps.beckn.inbox import Inbound
from apps.beckn.models import Message, Side
from apps.beckn.wire import v1_1 as wire
from apps.lib import wiring
from tests.beckn.wire import samples
from tests.conformance import assert_conforms
from tests.factory import NOON

Ask = Callable[..., list[dict[str, Any]]]


def inbound(action: str, raw: dict[str, Any]) -> Inbound:
    context = samples.context(action).but(message_id=str(uuid.uuid4()))
    envelope = wire.read_envelope(json.dumps({"context": context.to_wire(), "message": raw}).encode())
    message = Message.objects.create(
        side=Side.BPP,
        direction=Message.Direction.IN,
        action=action,
        transaction_id=context.transaction_id,
        message_id=context.message_id,
        bap_id=context.bap_id,
        bap_uri=context.bap_uri,
        peer_id=context.bap_id,
        body=b"{}",
        digest="",
        state=Message.State.WORKING,
        next_try_at=NOON,
        created_at=NOON,
    )
    body = wire.read_message(action, envelope)
    return Inbound(message, context, body, None, context.bap_id, late=False)


@pytest.fixture
def ask(db, time_machine) -> Ask:
    """ask("search", {...}) → the envelopes our handler sent back, each held to layer 2 and to our profile."""
    time_machine.move_to(NOON, tick=False)

    def asked(action: str, raw: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        question = inbound(action, raw or {})
        wiring.handler("BECKN_BPP", action)(question)
        sent = list(Message.objects.filter(direction=Message.Direction.OUT).order_by("pk"))
        assert {message.message_id for message in sent} == {uuid.UUID(question.context.message_id)}
        return [_checked(message) for message in sent]

    return asked


def _checked(message: Message) -> dict[str, Any]:
    envelope = wire.read_envelope(bytes(message.body))
    wire.check_outgoing(message.action, envelope.context, wire.read_message(message.action, envelope))
    answer = json.loads(bytes(message.body))
    assert_conforms(message.action, answer)
    return answer


@pytest.fixture
def search(ask) -> Callable[..., list[dict[str, Any]]]:
    """search(intent) → the providers of all on_search together."""

    def searched(intent: dict[str, Any]) -> list[dict[str, Any]]:
        answers = ask("search", {"intent": intent})
        return [
            provider for answer in answers for provider in answer["message"]["catalog"].get("providers", [])
        ]

    return searched


def near(gps: str = "12.971900,77.641200", radius: str | None = "5", unit: str = "km", **tags: Any) -> dict:
    """The intent of somebody at `gps`; `near(connector_type=["CCS2"])` adds tags."""
    circle: dict[str, Any] = {"gps": gps}
    if radius is not None:
        circle["radius"] = {"type": "CONSTANT", "value": radius, "unit": unit}
    pairs = [
        {"descriptor": {"code": name.replace("_", "-")}, "value": value}
        for name, values in tags.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    group = {"descriptor": {"code": "connector-specifications"}, "list": pairs}
    stop = {"type": "start", "location": {"circle": circle}}
    return {"fulfillment": {"type": "CHARGING", "stops": [stop], "tags": [group] if pairs else []}}


def items_of(providers: list[dict]) -> set[str]:
    return {item["id"] for provider in providers for item in provider.get("items", [])}
