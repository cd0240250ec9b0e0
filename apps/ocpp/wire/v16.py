"""OCPP 1.6J in the words of `ocpp.events`, and back. Pure: no database, no socket.

A second version stands beside this module with the same four names: SUBPROTOCOL, read_call, write_command, read_answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from jsonschema.exceptions import ValidationError
from ocpp.charge_point import camel_to_snake_case, remove_nones, serialize_as_dict, snake_to_camel_case
from ocpp.exceptions import (
    FormationViolationError,
    NotImplementedError,
    NotSupportedError,
    OccurenceConstraintViolationError,
    OCPPError,
    PropertyConstraintViolationError,
    ProtocolError,
    TypeConstraintViolationError,
)
from ocpp.messages import Call, CallResult, MessageType, get_validator
from ocpp.v16 import call, call_result
from ocpp.v16.enums import Action, AuthorizationStatus, DataTransferStatus, RegistrationStatus

from apps.lib.clock import utc_text
from apps.ocpp.events import (
    ChargePointEvent,
    Connected,
    ConnectorStatus,
    MeterReadings,
    TokenPresented,
    TransactionStarted,
    TransactionStopped,
)
from apps.ocpp.wire.readings import DEFAULT_MEASURAND, LARGEST, MEASURES, read_readings
from apps.ocpp.wire.times import Speaker

SUBPROTOCOL = "ocpp1.6"
LONGEST_TOKEN = 20
PENDING_BOOT_SECONDS = 30  # how soon a charge point that waits for approval asks again

Payload = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a charge point's call means: an event to tell (or none), and how to answer with what was said to it."""

    event: ChargePointEvent | None = None
    answer: Callable[[Any], Payload]
    clock: str | None = None  # the charger's own time, in messages that are never sent late


# --- Calls of the charge point -------------------------------------------------------------------------


def read_call(message: Call, speaker: Speaker) -> Question:
    """Raises OCPPError with the code of the CALLERROR that is due."""
    reader = _READERS.get(message.action)
    if reader is None:
        known = message.action in {action.value for action in Action}
        raise (NotSupportedError if known else NotImplementedError)(
            details={"cause": f"{message.action[:50]} is {'not for us' if known else 'unknown here'}"}
        )
    _check_schema(message)
    return reader(getattr(call, message.action)(**camel_to_snake_case(message.payload)), speaker)


def _boot(said: call.BootNotification, speaker: Speaker) -> Question:
    def answer(approved: bool) -> Payload:
        return _payload(
            call_result.BootNotification(
                current_time=utc_text(speaker.received_at),
                interval=speaker.heartbeat_seconds if approved else PENDING_BOOT_SECONDS,
                status=RegistrationStatus.accepted if approved else RegistrationStatus.pending,
            )
        )

    event = Connected(
        **_who(speaker),
        vendor=said.charge_point_vendor,
        model=said.charge_point_model,
        firmware=said.firmware_version or "",
        booted=True,
    )
    return Question(event=event, answer=answer)


def _heartbeat(said: call.Heartbeat, speaker: Speaker) -> Question:
    return Question(
        answer=lambda _: _payload(call_result.Heartbeat(current_time=utc_text(speaker.received_at)))
    )


def _status(said: call.StatusNotification, speaker: Speaker) -> Question:
    at, doubted = speaker.instant(said.timestamp)
    event = ConnectorStatus(
        **_who(speaker),
        connector_id=_within(said.connector_id, 0, 1000, "connectorId"),
        status=said.status,
        error_code=said.error_code,
        info=said.info or said.vendor_error_code or "",
        at=at,
        # The timestamp is optional here; that it is missing says nothing against the clock.
        at_doubted=doubted and said.timestamp is not None,
    )
    return Question(event=event, answer=_nothing, clock=said.timestamp)


def _authorize(said: call.Authorize, speaker: Speaker) -> Question:
    return Question(
        event=TokenPresented(**_who(speaker), token=said.id_tag),
        answer=lambda allowed: _payload(call_result.Authorize(id_tag_info=_token_info(allowed))),
    )


def _start(said: call.StartTransaction, speaker: Speaker) -> Question:
    at, doubted = speaker.instant(said.timestamp)
    event = TransactionStarted(
        **_who(speaker),
        connector_id=_within(said.connector_id, 1, 1000, "connectorId"),
        token=said.id_tag,
        meter_start_wh=Decimal(_within(said.meter_start, 0, int(LARGEST), "meterStart")),
        at=at,
        at_doubted=doubted,
    )
    return Question(
        event=event,
        answer=lambda start: _payload(
            call_result.StartTransaction(
                transaction_id=start.transaction_id, id_tag_info=_token_info(start.accepted)
            )
        ),
    )


def _meter_values(said: call.MeterValues, speaker: Speaker) -> Question:
    readings = read_readings(said.meter_value, speaker)
    if not readings and not _holds_only_what_we_do_not_use(said.meter_value):
        raise PropertyConstraintViolationError(details={"cause": "no value of meterValue can be read"})
    event = MeterReadings(
        **_who(speaker),
        connector_id=_within(said.connector_id, 0, 1000, "connectorId"),
        transaction_id=None if said.transaction_id is None else _transaction_id(said.transaction_id),
        readings=readings,
    )
    return Question(event=event if readings else None, answer=_nothing)


def _stop(said: call.StopTransaction, speaker: Speaker) -> Question:
    at, doubted = speaker.instant(said.timestamp)
    event = TransactionStopped(
        **_who(speaker),
        transaction_id=_transaction_id(said.transaction_id),
        meter_stop_wh=Decimal(_within(said.meter_stop, -int(LARGEST), int(LARGEST), "meterStop")),
        at=at,
        at_doubted=doubted,
        reason=said.reason or "Local",
        token=said.id_tag or "",
        readings=read_readings(said.transaction_data or [], speaker),
    )

    def answer(_: Any) -> Payload:
        accepted = _token_info(True) if said.id_tag else None
        return _payload(call_result.StopTransaction(id_tag_info=accepted))

    return Question(event=event, answer=answer)


def _data_transfer(said: call.DataTransfer, speaker: Speaker) -> Question:
    return Question(
        answer=lambda _: _payload(call_result.DataTransfer(status=DataTransferStatus.unknown_vendor_id))
    )


def _taken_note_of(said: Any, speaker: Speaker) -> Question:
    return Question(answer=_nothing)


_READERS: dict[str, Callable[[Any, Speaker], Question]] = {
    "BootNotification": _boot,
    "Heartbeat": _heartbeat,
    "StatusNotification": _status,
    "Authorize": _authorize,
    "StartTransaction": _start,
    "MeterValues": _meter_values,
    "StopTransaction": _stop,
    "DataTransfer": _data_transfer,
    "FirmwareStatusNotification": _taken_note_of,
    "DiagnosticsStatusNotification": _taken_note_of,
    "LogStatusNotification": _taken_note_of,
    "SecurityEventNotification": _taken_note_of,
    "SignedFirmwareStatusNotification": _taken_note_of,
}


# --- Our commands --------------------------------------------------------------------------------------

_COMMANDS: dict[str, Callable[..., Any]] = {
    "remote_start": lambda connector_id, token: call.RemoteStartTransaction(
        id_tag=token, connector_id=connector_id
    ),
    "remote_stop": lambda transaction_id: call.RemoteStopTransaction(transaction_id=transaction_id),
    "reset": lambda hard: call.Reset(type="Hard" if hard else "Soft"),
    "unlock": lambda connector_id: call.UnlockConnector(connector_id=connector_id),
    "trigger": lambda message, connector_id=None: call.TriggerMessage(
        requested_message=message, connector_id=connector_id
    ),
    "change_availability": lambda connector_id, operative: call.ChangeAvailability(
        connector_id=connector_id, type="Operative" if operative else "Inoperative"
    ),
    "reserve": lambda connector_id, token, until, number=0: call.ReserveNow(
        connector_id=connector_id, expiry_date=until, id_tag=token, reservation_id=number
    ),
    "cancel_reservation": lambda reservation: call.CancelReservation(reservation_id=reservation),
}
_YES = {"Accepted", "Unlocked", "Scheduled"}


def write_command(action: str, payload: Payload, unique_id: str) -> Call:
    said = _COMMANDS[action](**payload)
    return Call(unique_id, type(said).__name__, _payload(said))


def read_answer(action: str, payload: Payload, answer: CallResult) -> tuple[bool, str]:
    """Whether the charge point will do it, and its own word for that. Raises OCPPError."""
    answer.action = write_command(action, payload, answer.unique_id).action
    _check_schema(answer)
    status = answer.payload["status"]
    return status in _YES, status


# --- Small things --------------------------------------------------------------------------------------

_PROBLEMS: dict[str, type[OCPPError]] = {
    "type": TypeConstraintViolationError,
    "maxLength": TypeConstraintViolationError,
    "required": ProtocolError,
    "minItems": OccurenceConstraintViolationError,
    "enum": PropertyConstraintViolationError,
}


def _check_schema(message: Call | CallResult) -> None:
    """The library's schema of this message. The codes are those of the 1.6J document, table 7, spelled as there."""
    kind = MessageType.Call if isinstance(message, Call) else MessageType.CallResult
    try:
        get_validator(kind, message.action, "1.6").validate(message.payload)
    except ValidationError as error:
        problem = _PROBLEMS.get(str(error.validator), FormationViolationError)
        raise problem(details={"cause": f"{message.action}: {error.message}"}) from error


def _who(speaker: Speaker) -> dict[str, Any]:
    return {
        "charge_point_id": speaker.charge_point_id,
        "received_at": speaker.received_at,
        "clock_skew_seconds": speaker.clock_skew_seconds,
    }


def _within(number: int, least: int, most: int, name: str) -> int:
    if not least <= number <= most:
        raise PropertyConstraintViolationError(details={"cause": f"{name} is outside {least} to {most}"})
    return number


def _transaction_id(number: int) -> int:
    return _within(number, -(2**31), 2**31 - 1, "transactionId")


def _holds_only_what_we_do_not_use(meter_values: list[Payload]) -> bool:
    return not any(
        sample.get("measurand", DEFAULT_MEASURAND) in MEASURES
        for moment in meter_values
        for sample in moment["sampled_value"]
    )


def _token_info(allowed: bool) -> Payload:
    return {"status": AuthorizationStatus.accepted if allowed else AuthorizationStatus.invalid}


def _nothing(_: Any) -> Payload:
    return {}


def _payload(said: Any) -> Payload:
    """A message class of the library as the object that goes on the wire."""
    return snake_to_camel_case(remove_nones(serialize_as_dict(said)))
