"""OCPP 2.0.1 in the words of `ocpp.events`, and back. Pure: no database, no socket.

Two messages say too little by themselves to be told to the domain: TransactionEvent and StatusNotification leave as
reports (`messages.py`), which `apps/ocpp/transactions.py` puts together. Our commands are in `v201_commands`.
"""

from collections.abc import Callable
from typing import Any

from ocpp.charge_point import camel_to_snake_case
from ocpp.exceptions import PropertyConstraintViolationError
from ocpp.messages import Call
from ocpp.v201 import call, call_result
from ocpp.v201.enums import (
    Action,
    AuthorizationStatusEnumType,
    DataTransferStatusEnumType,
    RegistrationStatusEnumType,
)

from apps.lib.clock import utc_text
from apps.ocpp.events import Connected, MeterReadings, Reading, TokenPresented
from apps.ocpp.wire.messages import (
    PENDING_BOOT_SECONDS,
    Payload,
    PlugReport,
    Question,
    TransactionReport,
    note_taken,
    nothing,
    payload_of,
    refuse_action,
    who,
    within,
)
from apps.ocpp.wire.plugs import NOWHERE
from apps.ocpp.wire.readings import DEFAULT_MEASURAND, MEASURES, read_readings
from apps.ocpp.wire.times import Speaker
from apps.ocpp.wire.v201_commands import check_payload, read_answer, write_command

__all__ = ["SUBPROTOCOL", "read_answer", "read_call", "read_report", "spelled", "write_command"]

SUBPROTOCOL = "ocpp2.0.1"
ACTIONS = {action.value for action in Action}
# What 1.6 has under another name: a frame that cannot be read, and its famous misspelling.
_SPELLED = {
    "FormationViolation": "RpcFrameworkError",
    "OccurenceConstraintViolation": "OccurrenceConstraintViolation",
}


def spelled(code: str) -> str:
    """An error code as this version writes it."""
    return _SPELLED.get(code, code)


# --- Calls of the charge point -------------------------------------------------------------------------


def read_call(message: Call, speaker: Speaker) -> Question:
    """Raises OCPPError with the code of the CALLERROR that is due."""
    reader = _READERS.get(message.action)
    if reader is None:
        refuse_action(message.action, ACTIONS)
    check_payload(message)
    if message.action == "TransactionEvent":
        return _transaction_event(message.payload, speaker)
    return reader(getattr(call, message.action)(**camel_to_snake_case(message.payload)), speaker)


def _boot(said: call.BootNotification, speaker: Speaker) -> Question:
    def answer(approved: bool) -> Payload:
        return payload_of(
            call_result.BootNotification(
                current_time=utc_text(speaker.received_at),
                interval=speaker.heartbeat_seconds if approved else PENDING_BOOT_SECONDS,
                status=RegistrationStatusEnumType.accepted
                if approved
                else RegistrationStatusEnumType.pending,
            )
        )

    station = said.charging_station
    event = Connected(
        **who(speaker),
        vendor=station["vendor_name"],
        model=station["model"],
        firmware=station.get("firmware_version") or "",
        booted=True,
    )
    return Question(event=event, answer=answer)


def _heartbeat(said: call.Heartbeat, speaker: Speaker) -> Question:
    return Question(
        answer=lambda _: payload_of(call_result.Heartbeat(current_time=utc_text(speaker.received_at)))
    )


def _status(said: call.StatusNotification, speaker: Speaker) -> Question:
    at, doubted = speaker.instant(said.timestamp)
    number = speaker.plugs.number(said.evse_id, said.connector_id)
    if number == NOWHERE and (said.evse_id, said.connector_id) != (0, 0):
        return Question(answer=nothing, clock=said.timestamp, note=_no_such_plug(said))
    report = PlugReport(
        **who(speaker), connector_id=number, status=said.connector_status, at=at, at_doubted=doubted
    )
    return Question(event=report, answer=nothing, clock=said.timestamp)


def _no_such_plug(said: call.StatusNotification) -> str:
    return f"taken, but no plug is known as connector {said.connector_id} of EVSE {said.evse_id}"


def _authorize(said: call.Authorize, speaker: Speaker) -> Question:
    return Question(
        event=TokenPresented(**who(speaker), token=said.id_token["id_token"]),
        answer=lambda allowed: payload_of(call_result.Authorize(id_token_info=_token_info(allowed))),
    )


def _meter_values(said: call.MeterValues, speaker: Speaker) -> Question:
    """Outside a transaction: inside one, 2.0.1 sends them with the TransactionEvent."""
    readings = _readings(said.meter_value, speaker)
    if not readings and not _holds_only_what_we_do_not_use(said.meter_value):
        raise PropertyConstraintViolationError(details={"cause": "no value of meterValue can be read"})
    event = MeterReadings(
        **who(speaker),
        connector_id=speaker.plugs.number(within(said.evse_id, 0, 1000, "evseId"), 1),
        transaction_id=None,
        readings=readings,
    )
    return Question(event=event if readings else None, answer=nothing)


def _transaction_event(payload: Payload, speaker: Speaker) -> Question:
    report = read_report(payload, speaker)

    def answer(allowed: bool | None) -> Payload:
        info = None if allowed is None else _token_info(allowed)
        return payload_of(call_result.TransactionEvent(id_token_info=info))

    clock = None if payload.get("offline") else payload["timestamp"]
    return Question(event=report, answer=answer, clock=clock, label=f"TransactionEvent {report.stage}")


def read_report(payload: Payload, speaker: Speaker) -> TransactionReport:
    """A payload that has been checked; also one that waited in the database, where exact numbers become text."""
    said = camel_to_snake_case(payload)
    at, doubted = speaker.instant(said["timestamp"])
    info, evse, token = said["transaction_info"], said.get("evse") or {}, said.get("id_token")
    return TransactionReport(
        **who(speaker),
        name=info["transaction_id"],
        stage=said["event_type"],
        seq_no=within(said["seq_no"], 0, 2**31 - 1, "seqNo"),
        at=at,
        at_doubted=doubted,
        evse_id=evse.get("id"),
        connector_id=evse.get("connector_id"),
        token=token and token["id_token"],
        remote_start_id=info.get("remote_start_id"),
        charging_state=info.get("charging_state"),
        reason=info.get("stopped_reason") or "Local",
        readings=_readings(said.get("meter_value") or [], speaker),
        payload=payload,
    )


def _data_transfer(said: call.DataTransfer, speaker: Speaker) -> Question:
    status = DataTransferStatusEnumType.unknown_vendor_id
    return Question(answer=lambda _: payload_of(call_result.DataTransfer(status=status)))


_READERS: dict[str, Callable[[Any, Speaker], Question]] = {
    "BootNotification": _boot,
    "Heartbeat": _heartbeat,
    "StatusNotification": _status,
    "Authorize": _authorize,
    "TransactionEvent": _transaction_event,
    "MeterValues": _meter_values,
    "DataTransfer": _data_transfer,
    "ClearedChargingLimit": note_taken,
    "FirmwareStatusNotification": note_taken,
    "LogStatusNotification": note_taken,
    "NotifyChargingLimit": note_taken,
    "NotifyCustomerInformation": note_taken,
    "NotifyDisplayMessages": note_taken,
    "NotifyEvent": note_taken,
    "NotifyMonitoringReport": note_taken,
    "NotifyReport": note_taken,
    "PublishFirmwareStatusNotification": note_taken,
    "ReportChargingProfiles": note_taken,
    "ReservationStatusUpdate": note_taken,
    "SecurityEventNotification": note_taken,
}


# --- Small things --------------------------------------------------------------------------------------


def _readings(meter_values: list[Payload], speaker: Speaker) -> tuple[Reading, ...]:
    moments = [
        {"timestamp": moment["timestamp"], "sampled_value": [_flat(s) for s in moment["sampled_value"]]}
        for moment in meter_values
    ]
    return read_readings(moments, speaker)


def _flat(sample: Payload) -> Payload:
    """With unit and multiplier beside the value, as `readings` knows it from 1.6."""
    return {**sample, **sample.get("unit_of_measure", {})}


def _holds_only_what_we_do_not_use(meter_values: list[Payload]) -> bool:
    return not any(
        sample.get("measurand", DEFAULT_MEASURAND) in MEASURES
        for moment in meter_values
        for sample in moment["sampled_value"]
    )


def _token_info(allowed: bool) -> Payload:
    accepted, invalid = AuthorizationStatusEnumType.accepted, AuthorizationStatusEnumType.invalid
    return {"status": accepted if allowed else invalid}
