"""Our commands in OCPP 2.0.1, and what charge points answer to them. Pure."""

from collections.abc import Callable
from typing import Any

from ocpp.exceptions import (
    FormatViolationError,
    OccurrenceConstraintViolationError,
    OCPPError,
    PropertyConstraintViolationError,
    ProtocolError,
    TypeConstraintViolationError,
)
from ocpp.messages import Call, CallResult
from ocpp.v201 import call

from apps.ocpp.wire.messages import Answer, Known, Payload, check_schema, payload_of

DEFAULT_COMPONENT = "OCPPCommCtrlr"  # of a variable that is named without one
_PROBLEMS: dict[str, type[OCPPError]] = {
    "type": TypeConstraintViolationError,
    "maxLength": TypeConstraintViolationError,
    "required": ProtocolError,
    "minItems": OccurrenceConstraintViolationError,
    "maxItems": OccurrenceConstraintViolationError,
    "enum": PropertyConstraintViolationError,
}
# What the port calls by its name in 1.6.
_TRIGGERS = {"DiagnosticsStatusNotification": "LogStatusNotification"}
_YES = {"Accepted", "Unlocked", "Scheduled", "RebootRequired"}


def check_payload(message: Call | CallResult) -> None:
    check_schema(message, "2.0.1", _PROBLEMS, FormatViolationError)


def write_command(action: str, payload: Payload, unique_id: str, known: Known | None = None) -> Call:
    said = _COMMANDS[action](known or Known(), **payload)
    return Call(unique_id, type(said).__name__, payload_of(said))


def read_answer(action: str, payload: Payload, answer: CallResult, known: Known | None = None) -> Answer:
    """Raises OCPPError."""
    answer.action = write_command(action, payload, answer.unique_id, known).action
    check_payload(answer)
    if answer.action == "GetVariables":
        return _variables(answer.payload["getVariableResult"])
    if answer.action == "SetVariables":
        status = answer.payload["setVariableResult"][0]["attributeStatus"]
        return Answer(status in _YES, status)
    status = answer.payload["status"]
    told = {"data": answer.payload["data"]} if answer.payload.get("data") else None
    return Answer(status in _YES, status, told)


# --- Said ----------------------------------------------------------------------------------------------


def _remote_start(known: Known, connector_id: int, token: str) -> Any:
    """2.0.1 can name an EVSE, not one of its plugs."""
    evse_id, _connector = known.plugs.place(connector_id)
    return call.RequestStartTransaction(id_token=_token(token), remote_start_id=known.number, evse_id=evse_id)


def _remote_stop(known: Known, transaction_id: int) -> Any:
    # One that began in 1.6, before the box was upgraded, has no name but its number.
    return call.RequestStopTransaction(transaction_id=known.transaction_name or str(transaction_id))


def _unlock(known: Known, connector_id: int) -> Any:
    evse_id, connector = known.plugs.place(connector_id)
    return call.UnlockConnector(evse_id=evse_id, connector_id=connector)


def _trigger(known: Known, message: str, connector_id: int | None = None) -> Any:
    evse = _evse(known, connector_id) if connector_id else None
    return call.TriggerMessage(requested_message=_TRIGGERS.get(message, message), evse=evse)


def _change_availability(known: Known, connector_id: int, operative: bool) -> Any:
    evse = _evse(known, connector_id) if connector_id else None
    return call.ChangeAvailability(operational_status="Operative" if operative else "Inoperative", evse=evse)


def _get_configuration(known: Known, keys: list[str]) -> Any:
    """All of it comes later, in NotifyReport messages."""
    if not keys:
        return call.GetBaseReport(request_id=known.number, report_base="ConfigurationInventory")
    return call.GetVariables(get_variable_data=[_variable(key) for key in keys])


def _change_configuration(known: Known, key: str, value: str) -> Any:
    return call.SetVariables(set_variable_data=[{**_variable(key), "attribute_value": value}])


def _data_transfer(known: Known, vendor: str, message: str, data: str) -> Any:
    return call.DataTransfer(vendor_id=vendor, message_id=message or None, data=data or None)


def _reserve(known: Known, connector_id: int, token: str, until: str) -> Any:
    evse_id, _connector = known.plugs.place(connector_id)
    return call.ReserveNow(
        id=known.number, expiry_date_time=until, id_token=_token(token), evse_id=evse_id or None
    )


_COMMANDS: dict[str, Callable[..., Any]] = {
    "remote_start": _remote_start,
    "remote_stop": _remote_stop,
    "reset": lambda known, hard: call.Reset(type="Immediate" if hard else "OnIdle"),
    "unlock": _unlock,
    "trigger": _trigger,
    "change_availability": _change_availability,
    "get_configuration": _get_configuration,
    "change_configuration": _change_configuration,
    "clear_cache": lambda known: call.ClearCache(),
    "data_transfer": _data_transfer,
    "reserve": _reserve,
    "cancel_reservation": lambda known, reservation: call.CancelReservation(reservation_id=reservation),
    "set_password": lambda known, password: _change_configuration(
        known, "SecurityCtrlr.BasicAuthPassword", password
    ),
}


# --- Small things --------------------------------------------------------------------------------------


def _token(token: str) -> Payload:
    return {"id_token": token, "type": "Central"}


def _evse(known: Known, connector_id: int) -> Payload:
    evse_id, connector = known.plugs.place(connector_id)
    return {"id": evse_id, "connector_id": connector}


def _variable(key: str) -> Payload:
    """`Component.Variable`, or a variable of the component that most settings of 1.6 went to."""
    component, dot, variable = key.partition(".")
    if not dot:
        component, variable = DEFAULT_COMPONENT, key
    return {"component": {"name": component}, "variable": {"name": variable}}


def _variables(results: list[Payload]) -> Answer:
    told, refused = {}, []
    for result in results:
        name = f"{result['component']['name']}.{result['variable']['name']}"
        if result["attributeStatus"] == "Accepted":
            told[name] = {"value": result.get("attributeValue", "")}
        else:
            refused.append(f"{name} ({result['attributeStatus']})")
    word = f"{len(told)} keys" + (f", refused: {', '.join(refused)}" if refused else "")
    return Answer(bool(told), word, told)
