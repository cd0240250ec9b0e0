"""What the versions share: the shape of a question and an answer, and the check against the library's schemas."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, NoReturn

import jsonschema_rs
from jsonschema.exceptions import ValidationError
from ocpp.charge_point import remove_nones, serialize_as_dict, snake_to_camel_case
from ocpp.exceptions import (
    NotImplementedError,
    NotSupportedError,
    OCPPError,
    PropertyConstraintViolationError,
)
from ocpp.messages import Call, CallResult, MessageType, get_validator

from apps.ocpp.events import ChargePointEvent, Reading
from apps.ocpp.hiding import PASSWORD_NAMES
from apps.ocpp.wire.plugs import Plugs
from apps.ocpp.wire.times import Speaker

PENDING_BOOT_SECONDS = 30  # how soon a charge point that waits for approval asks again

Payload = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class PlugReport:
    """A plug in the words of OCPP 2.0.1, which do not tell a waiting car from a charging one (`transactions`)."""

    charge_point_id: str
    received_at: datetime
    clock_skew_seconds: int
    connector_id: int
    status: str
    at: datetime
    at_doubted: bool


@dataclass(frozen=True, kw_only=True)
class TransactionReport:
    """One TransactionEvent of OCPP 2.0.1. `transactions` makes of it what the domain is told."""

    charge_point_id: str
    received_at: datetime
    clock_skew_seconds: int
    name: str
    stage: str  # Started, Updated or Ended
    seq_no: int
    at: datetime
    at_doubted: bool
    evse_id: int | None
    connector_id: int | None
    token: str | None  # None: nobody showed one with this message
    remote_start_id: int | None
    charging_state: str | None
    reason: str
    readings: tuple[Reading, ...]
    payload: Payload


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a charge point's call means: an event to tell (or none), and how to answer with what was said to it."""

    event: ChargePointEvent | PlugReport | TransactionReport | None = None
    answer: Callable[[Any], Payload]
    clock: str | None = None  # the charger's own time, in messages that are never sent late
    label: str = ""  # for the log, where the action alone says too little
    note: str = ""  # for the log: taken, but


@dataclass(frozen=True)
class Known:
    """What a version may need to know beside a command's payload."""

    number: int = 0  # of the command; also the id of the reservation or remote start it asks for
    plugs: Plugs = field(default_factory=Plugs)
    transaction_name: str = ""


class Answer(NamedTuple):
    """Whether the charge point will do it, its own word for that, and what else it told."""

    accepted: bool
    word: str
    told: Payload | None = None


def nothing(_: Any) -> Payload:
    return {}


def note_taken(said: Any, speaker: Speaker) -> Question:
    """The log of frames keeps it; nobody is told."""
    return Question(answer=nothing)


def payload_of(said: Any) -> Payload:
    """A message class of the library as the object that goes on the wire."""
    return snake_to_camel_case(remove_nones(serialize_as_dict(said)))


def who(speaker: Speaker) -> dict[str, Any]:
    return {
        "charge_point_id": speaker.charge_point_id,
        "received_at": speaker.received_at,
        "clock_skew_seconds": speaker.clock_skew_seconds,
    }


def within(number: int, least: int, most: int, name: str) -> int:
    if not least <= number <= most:
        raise PropertyConstraintViolationError(details={"cause": f"{name} is outside {least} to {most}"})
    return number


def refuse_action(action: str, known: Collection[str]) -> NoReturn:
    """An action of the standard that is not for us (a local list, say), or one that nobody ever heard of."""
    if action in known:
        raise NotSupportedError(details={"cause": f"{action[:50]} is not for us"})
    raise NotImplementedError(details={"cause": f"{action[:50]} is unknown here"})


@cache
def _at_a_glance(kind: int, action: str, version: str) -> jsonschema_rs.Draft4Validator:
    """The same schema, a hundred times faster. It says yes; what is wrong, and whether it is, the slow one says."""
    return jsonschema_rs.Draft4Validator(get_validator(kind, action, version).schema)


def check_schema(
    message: Call | CallResult,
    version: str,
    problems: Mapping[str, type[OCPPError]],
    otherwise: type[OCPPError],
) -> None:
    """The library's schema of this message. `problems`: rule of JSON schema → the error the version has for it."""
    kind = MessageType.Call if isinstance(message, Call) else MessageType.CallResult
    if _at_a_glance(kind, message.action, version).is_valid(message.payload):
        return
    try:
        get_validator(kind, message.action, version).validate(message.payload)
    except ValidationError as error:
        problem = problems.get(str(error.validator), otherwise)
        raise problem(details={"cause": f"{message.action}: {_said(error)}"}) from error


def _said(error: ValidationError) -> str:
    """What is wrong. The library quotes the part that is, and a card or a password must not get into the log so."""
    place = ".".join(str(part) for part in error.absolute_path)
    quoted = f"{place} {error.instance!r}".lower()
    is_private = any(name in quoted for name in ("idtag", "idtoken", *PASSWORD_NAMES))
    return f"{place} breaks the rule {error.validator}" if is_private else error.message
