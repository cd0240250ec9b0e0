"""OCPP 1.6J in the words of `ocpp.events`, and back. Pure: no database, no socket.

Each version is a module with the same names: SUBPROTOCOL, spelled, read_call, write_command, read_answer.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from ocpp.charge_point import camel_to_snake_case
from ocpp.exceptions import (
    FormationViolationError,
    OccurenceConstraintViolationError,
    OCPPError,
    PropertyConstraintViolationError,
    ProtocolError,
    TypeConstraintViolationError,
)
from ocpp.messages import Call, CallResult
from ocpp.v16 import call, call_result
from ocpp.v16.enums import Action, AuthorizationStatus, DataTransferStatus, RegistrationStatus

from apps.lib.clock import utc_text
from apps.ocpp.events import (
    Connected,
    ConnectorStatus,
    MeterReadings,
    TokenPresented,
    TransactionStarted,
    TransactionStopped,
)
from apps.ocpp.wire.messages import (
    PENDING_BOOT_SECONDS,
    Answer,
    Known,
    Payload,
    Question,
    check_schema,
    note_taken,
    nothing,
    payload_of,
    refuse_action,
    who,
    within,
)
from apps.ocpp.wire.readings import DEFAULT_MEASURAND, LARGEST, MEASURES, read_readings
from apps.ocpp.wire.times import Speaker

SUBPROTOCOL = "ocpp1.6"
ACTIONS = {action.value for action in Action}


def spelled(code: str) -> str:
    """An error code as this version writes it: as the rest of the room does."""
    return code


# --- Calls of the charge point -------------------------------------------------------------------------


def read_call(message: Call, speaker: Speaker) -> Question:
    """Raises OCPPError with the code of the CALLERROR that is due."""
    reader = _READERS.get(message.action)
    if reader is None:
        refuse_action(message.action, ACTIONS)
    _check_schema(message)
    return reader(getattr(call, message.action)(**camel_to_snake_case(message.payload)), speaker)


def _boot(said: call.BootNotification, speaker: Speaker) -> Question:
    def answer(approved: bool) -> Payload:
        return payload_of(
            call_result.BootNotification(
                current_time=utc_text(speaker.received_at),
                interval=speaker.heartbeat_seconds if approved else PENDING_BOOT_SECONDS,
                status=RegistrationStatus.accepted if approved else RegistrationStatus.pending,
            )
        )

    event = Connected(
        **who(speaker),
        vendor=said.charge_point_vendor,
        model=said.charge_point_model,
        firmware=said.firmware_version or "",
        booted=True,
    )
    return Question(event=event, answer=answer)


def _heartbeat(said: call.Heartbeat, speaker: Speaker) -> Question:
    return Question(
        answer=lambda _: payload_of(call_result.Heartbeat(current_time=utc_text(speaker.received_at)))
    )


def _status(said: call.StatusNotification, speaker: Speaker) -> Question:
    at, doubted = speaker.instant(said.timestamp)
    event = ConnectorStatus(
        **who(speaker),
        connector_id=within(said.connector_id, 0, 1000, "connectorId"),
        status=said.status,
        error_code=said.error_code,
        info=said.info or said.vendor_error_code or "",
        at=at,
        # The timestamp is optional here; that it is missing says nothing against the clock.
        at_doubted=doubted and said.timestamp is not None,
    )
    return Question(event=event, answer=nothing, clock=said.timestamp)


def _authorize(said: call.Authorize, speaker: Speaker) -> Question:
    return Question(
        event=TokenPresented(**who(speaker), token=said.id_tag),
        answer=lambda allowed: payload_of(call_result.Authorize(id_tag_info=_token_info(allowed))),
    )


def _start(said: call.StartTransaction, speaker: Speaker) -> Question:
    at, doubted = speaker.instant(said.timestamp)
    event = TransactionStarted(
        **who(speaker),
        connector_id=within(said.connector_id, 1, 1000, "connectorId"),
        token=said.id_tag,
        meter_start_wh=Decimal(within(said.meter_start, 0, int(LARGEST), "meterStart")),
        at=at,
        at_doubted=doubted,
    )
    return Question(
        event=event,
        answer=lambda start: payload_of(
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
        **who(speaker),
        connector_id=within(said.connector_id, 0, 1000, "connectorId"),
        transaction_id=None if said.transaction_id is None else _transaction_id(said.transaction_id),
        readings=readings,
    )
    return Question(event=event if readings else None, answer=nothing)


def _stop(said: call.StopTransaction, speaker: Speaker) -> Question:
    at, doubted = speaker.instant(said.timestamp)
    event = TransactionStopped(
        **who(speaker),
        transaction_id=_transaction_id(said.transaction_id),
        meter_stop_wh=Decimal(within(said.meter_stop, -int(LARGEST), int(LARGEST), "meterStop")),
        at=at,
        at_doubted=doubted,
        reason=said.reason or "Local",
        token=said.id_tag or "",
        readings=read_readings(said.transaction_data or [], speaker),
    )

    def answer(_: Any) -> Payload:
        accepted = _token_info(True) if said.id_tag else None
        return payload_of(call_result.StopTransaction(id_tag_info=accepted))

    return Question(event=event, answer=answer)


def _data_transfer(said: call.DataTransfer, speaker: Speaker) -> Question:
    return Question(
        answer=lambda _: payload_of(call_result.DataTransfer(status=DataTransferStatus.unknown_vendor_id))
    )


_READERS: dict[str, Callable[[Any, Speaker], Question]] = {
    "BootNotification": _boot,
    "Heartbeat": _heartbeat,
    "StatusNotification": _status,
    "Authorize": _authorize,
    "StartTransaction": _start,
    "MeterValues": _meter_values,
    "StopTransaction": _stop,
    "DataTransfer": _data_transfer,
    "FirmwareStatusNotification": note_taken,
    "DiagnosticsStatusNotification": note_taken,
    "LogStatusNotification": note_taken,
    "SecurityEventNotification": note_taken,
    "SignedFirmwareStatusNotification": note_taken,
}


# --- Our commands --------------------------------------------------------------------------------------

_COMMANDS: dict[str, Callable[..., Any]] = {
    "remote_start": lambda known, connector_id, token: call.RemoteStartTransaction(
        id_tag=token, connector_id=connector_id
    ),
    "remote_stop": lambda known, transaction_id: call.RemoteStopTransaction(transaction_id=transaction_id),
    "reset": lambda known, hard: call.Reset(type="Hard" if hard else "Soft"),
    "unlock": lambda known, connector_id: call.UnlockConnector(connector_id=connector_id),
    "trigger": lambda known, message, connector_id=None: call.TriggerMessage(
        requested_message=message, connector_id=connector_id
    ),
    "change_availability": lambda known, connector_id, operative: call.ChangeAvailability(
        connector_id=connector_id, type="Operative" if operative else "Inoperative"
    ),
    "get_configuration": lambda known, keys: call.GetConfiguration(key=keys or None),
    "change_configuration": lambda known, key, value: call.ChangeConfiguration(key=key, value=value),
    "clear_cache": lambda known: call.ClearCache(),
    "data_transfer": lambda known, vendor, message, data: call.DataTransfer(
        vendor_id=vendor, message_id=message or None, data=data or None
    ),
    "reserve": lambda known, connector_id, token, until: call.ReserveNow(
        connector_id=connector_id, expiry_date=until, id_tag=token, reservation_id=known.number
    ),
    "cancel_reservation": lambda known, reservation: call.CancelReservation(reservation_id=reservation),
    "set_password": lambda known, password: call.ChangeConfiguration(key="AuthorizationKey", value=password),
}
_YES = {"Accepted", "Unlocked", "Scheduled", "RebootRequired"}


def write_command(action: str, payload: Payload, unique_id: str, known: Known | None = None) -> Call:
    said = _COMMANDS[action](known or Known(), **payload)
    return Call(unique_id, type(said).__name__, payload_of(said))


def read_answer(action: str, payload: Payload, answer: CallResult, known: Known | None = None) -> Answer:
    """Raises OCPPError."""
    answer.action = write_command(action, payload, answer.unique_id, known).action
    _check_schema(answer)
    if action == "get_configuration":
        return _configuration(answer.payload)
    status = answer.payload["status"]
    told = {"data": answer.payload["data"]} if answer.payload.get("data") else None
    return Answer(status in _YES, status, told)


def _configuration(answer: Payload) -> Answer:
    told = {
        entry["key"]: {"value": entry.get("value", ""), "readonly": entry["readonly"]}
        for entry in answer.get("configurationKey", [])
    }
    unknown = answer.get("unknownKey", [])
    word = f"{len(told)} keys" + (f", unknown: {', '.join(unknown)}" if unknown else "")
    return Answer(bool(told) or not unknown, word, told)


# --- Small things --------------------------------------------------------------------------------------

# The codes are those of the 1.6J document, table 7, spelled as there.
_PROBLEMS: dict[str, type[OCPPError]] = {
    "type": TypeConstraintViolationError,
    "maxLength": TypeConstraintViolationError,
    "required": ProtocolError,
    "minItems": OccurenceConstraintViolationError,
    "enum": PropertyConstraintViolationError,
}


def _check_schema(message: Call | CallResult) -> None:
    check_schema(message, "1.6", _PROBLEMS, FormationViolationError)


def _transaction_id(number: int) -> int:
    return within(number, -(2**31), 2**31 - 1, "transactionId")


def _holds_only_what_we_do_not_use(meter_values: list[Payload]) -> bool:
    return not any(
        sample.get("measurand", DEFAULT_MEASURAND) in MEASURES
        for moment in meter_values
        for sample in moment["sampled_value"]
    )


def _token_info(allowed: bool) -> Payload:
    return {"status": AuthorizationStatus.accepted if allowed else AuthorizationStatus.invalid}
