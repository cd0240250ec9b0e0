"""What a simulated charge point says in OCPP 2.0.1, and what it does when spoken to; on the library's client class.

Its transactions begin when power may flow (TxStartPoint PowerPathClosed) and end when it no longer may.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ocpp.routing import after, on
from ocpp.v201 import ChargePoint, call, call_result
from websockets.asyncio.client import ClientConnection

from apps.ocpp.simulator.connector import Connector, Transaction
from apps.ocpp.simulator.outbox import Saying
from apps.ocpp.simulator.words import at_text, word

if TYPE_CHECKING:  # the box makes its links; a link only needs the box's name for the type
    from apps.ocpp.simulator.charge_point import SimulatedChargePoint

SUBPROTOCOL = "ocpp2.0.1"
IS_201 = True
Payload = dict[str, Any]

FREE = {"Available", "Unavailable", "Faulted", "Reserved"}  # everything else is "Occupied"
CHARGING_STATES = {"Charging", "SuspendedEV", "SuspendedEVSE"}
# Why a charge ended, as the box says it in 1.6 → reason and trigger of 2.0.1.
REASONS = {
    "EVDisconnected": ("EVDisconnected", "EVCommunicationLost"),
    "Remote": ("Remote", "RemoteStop"),
    "Local": ("Local", "StopAuthorized"),
    "DeAuthorized": ("DeAuthorized", "Deauthorized"),
    "SoftReset": ("ImmediateReset", "ResetCommand"),
    "UnlockCommand": ("Other", "UnlockCommand"),
}
OTHER = ("Other", "AbnormalCondition")


# --- Said ----------------------------------------------------------------------------------------------


def boot(box: "SimulatedChargePoint") -> Any:
    station = {"vendor_name": box.vendor, "model": box.model, "firmware_version": "1.0"}
    return call.BootNotification(charging_station=station, reason="PowerUp")


def heartbeat() -> Any:
    return call.Heartbeat()


def status(box: "SimulatedChargePoint", connector: Connector) -> Any:
    return call.StatusNotification(
        timestamp=at_text(box.clock.now()),
        connector_status=_plug_word(connector.status),
        evse_id=connector.evse_id,
        connector_id=connector.place,
    )


def shown(box: "SimulatedChargePoint", connector: Connector, was: str) -> Iterator[Saying]:
    """A plug that is occupied says no more by itself; whether it charges is the transaction's to say."""
    if box.online.is_set() and _plug_word(connector.status) != _plug_word(was):
        said = status(box, connector)
        yield Saying(lambda: said, keep=False)
    transaction = connector.transaction
    if transaction and connector.status in CHARGING_STATES - {transaction.charging_state}:
        transaction.charging_state = connector.status
        yield _event(box, connector, transaction, box.clock.now(), "Updated", "ChargingStateChanged")


def started(
    box: "SimulatedChargePoint", connector: Connector, transaction: Transaction, at: datetime
) -> Saying:
    transaction.id = transaction.name
    transaction.charging_state = "Charging"

    def answered(answer: Any) -> None:
        info = answer.id_token_info or {"status": "Accepted"}
        if info["status"] != "Accepted" and connector.transaction is transaction:
            box.end_transaction(connector.id, reason="DeAuthorized")

    trigger = "Authorized" if transaction.remote_start_id is None else "RemoteStart"
    said = _event(
        box,
        connector,
        transaction,
        at,
        "Started",
        trigger,
        meter_value=_meter_value(connector, at, "Transaction.Begin"),
        id_token=_token(transaction),
    )
    said.answered = answered
    return said


def metered(box: "SimulatedChargePoint", connector: Connector, at: datetime, context: str) -> Saying:
    meter_value, transaction = _meter_value(connector, at, context), connector.transaction
    if transaction is None:
        said = call.MeterValues(evse_id=connector.evse_id, meter_value=meter_value)
        return Saying(lambda: said, keep=False, optional=True)
    trigger = "Trigger" if context == "Trigger" else "MeterValuePeriodic"
    said = _event(box, connector, transaction, at, "Updated", trigger, meter_value=meter_value)
    said.optional = True
    return said


def ended(
    box: "SimulatedChargePoint", connector: Connector, transaction: Transaction, at: datetime, reason: str
) -> Saying:
    stopped, trigger = REASONS.get(reason, OTHER)
    return _event(
        box,
        connector,
        transaction,
        at,
        "Ended",
        trigger,
        meter_value=_meter_value(connector, at, "Transaction.End"),
        stopped_reason=stopped,
    )


def _event(
    box: "SimulatedChargePoint",
    connector: Connector,
    transaction: Transaction,
    at: datetime,
    stage: str,
    trigger: str,
    *,
    stopped_reason: str | None = None,
    **more: Any,
) -> Saying:
    """Numbered when it happens, not when it is said."""
    info = {
        "transaction_id": transaction.name,
        "charging_state": "EVConnected" if stage == "Ended" else transaction.charging_state,
        "stopped_reason": stopped_reason,
        "remote_start_id": transaction.remote_start_id,
    }
    said = call.TransactionEvent(
        event_type=stage,
        timestamp=at_text(at),
        trigger_reason=trigger,
        seq_no=transaction.next_seq_no(),
        transaction_info={name: value for name, value in info.items() if value is not None},
        offline=not box.online.is_set(),
        evse={"id": connector.evse_id, "connector_id": connector.place},
        **more,
    )
    return Saying(lambda: said)


def _meter_value(connector: Connector, at: datetime, context: str) -> list[Payload]:
    samples = []
    for sample in connector.sampled_values(context):
        unit, value = sample.pop("unit"), Decimal(sample.pop("value"))
        samples.append({**sample, "value": value, "unitOfMeasure": {"unit": unit}})
    return [{"timestamp": at_text(at), "sampledValue": samples}]


def _token(transaction: Transaction) -> Payload:
    kind = "ISO14443" if transaction.remote_start_id is None else "Central"
    return {"id_token": transaction.token, "type": kind}


def _plug_word(status: str) -> str:
    return status if status in FREE else "Occupied"


# --- Spoken to -----------------------------------------------------------------------------------------


class Link(ChargePoint):
    def __init__(self, box: "SimulatedChargePoint", socket: ClientConnection):
        super().__init__(box.id, socket, response_timeout=60)
        self.box = box

    async def say(self, payload: Any) -> Any:
        """Raises OCPPError for a CALLERROR. The schema is checked at the door; checking it here too only costs time."""
        return await self.call(payload, suppress=False, skip_schema_validation=True)

    @on("RequestStartTransaction")
    def on_start(self, id_token: Payload, remote_start_id: int, evse_id: int | None = None, **_: Any):
        accepted = self.box.remote_start(
            token=id_token["id_token"],
            connectors=self._plugs(evse_id),
            remote_start_id=remote_start_id,
        )
        return call_result.RequestStartTransaction(status=word(accepted))

    @on("RequestStopTransaction")
    def on_stop(self, transaction_id: str, **_: Any):
        return call_result.RequestStopTransaction(status=word(self.box.remote_stop(transaction_id)))

    @on("ChangeAvailability")
    def on_change_availability(self, operational_status: str, evse: Payload | None = None, **_: Any):
        number = self._plug(evse) if evse else 0
        is_known = number is not None
        operative = operational_status == "Operative"
        said = self.box.change_availability(number, operative=operative) if is_known else "Rejected"
        return call_result.ChangeAvailability(status=said)

    @on("UnlockConnector")
    def on_unlock(self, evse_id: int, connector_id: int, **_: Any):
        number = self._plug({"id": evse_id, "connector_id": connector_id})
        unlocked = number is not None and self.box.unlock(number)
        return call_result.UnlockConnector(status="Unlocked" if unlocked else "UnknownConnector")

    @on("TriggerMessage")
    def on_trigger(self, requested_message: str, evse: Payload | None = None, **_: Any):
        if requested_message == "StatusNotification" and not (evse and evse.get("connector_id")):
            return call_result.TriggerMessage(status="Rejected")  # it is said of one plug
        known = self.box.trigger(requested_message, self._plug(evse) if evse else None)
        return call_result.TriggerMessage(status="Accepted" if known else "NotImplemented")

    @on("Reset")
    def on_reset(self, type: str, **_: Any):
        self.box.reset()
        return call_result.Reset(status="Accepted")

    @on("GetVariables")
    def on_get_variables(self, get_variable_data: list[Payload], **_: Any):
        return call_result.GetVariables([self._variable(asked) for asked in get_variable_data])

    @on("SetVariables")
    def on_set_variables(self, set_variable_data: list[Payload], **_: Any):
        results = []
        for asked in set_variable_data:
            changed = self.box.configuration.change(_name(asked), asked["attribute_value"])
            said = "UnknownVariable" if changed == "Unknown" else changed
            results.append({**_both(asked), "attribute_status": said})
        return call_result.SetVariables(results)

    @on("GetBaseReport")
    def on_base_report(self, **_: Any):
        return call_result.GetBaseReport(status="Accepted")

    @after("GetBaseReport")
    def after_base_report(self, request_id: int, **_: Any):
        report = []
        for name in self.box.configuration.names():
            component, _dot, variable = name.partition(".")
            attribute = {"value": self.box.configuration.value(name)}
            names = {"component": {"name": component}, "variable": {"name": variable}}
            report.append({**names, "variableAttribute": [attribute]})
        said = call.NotifyReport(request_id, at_text(self.box.clock.now()), 0, report_data=report)
        self.box.outbox.put(Saying(lambda: said, keep=False))

    @on("ReserveNow")
    def on_reserve(
        self, id: int, expiry_date_time: str, id_token: Payload, evse_id: int | None = None, **_: Any
    ):
        status = self.box.reserve(
            id, self._plugs(evse_id), token=id_token["id_token"], until=expiry_date_time
        )
        return call_result.ReserveNow(status=status)

    @on("CancelReservation")
    def on_cancel_reservation(self, reservation_id: int, **_: Any):
        return call_result.CancelReservation(status=word(self.box.cancel_reservation(reservation_id)))

    @on("ClearCache")
    def on_clear_cache(self, **_: Any):
        return call_result.ClearCache(status="Accepted")

    @on("DataTransfer")
    def on_data_transfer(self, vendor_id: str, **_: Any):
        return call_result.DataTransfer(status="UnknownVendorId")

    @on("SendLocalList")
    def on_local_list(self, **_: Any):
        return call_result.SendLocalList(status="Failed")

    @on("GetLocalListVersion")
    def on_local_list_version(self, **_: Any):
        return call_result.GetLocalListVersion(version_number=0)

    def _variable(self, asked: Payload) -> Payload:
        value = self.box.configuration.value(_name(asked))
        if value is None:
            return {**_both(asked), "attribute_status": "UnknownVariable"}
        return {**_both(asked), "attribute_status": "Accepted", "attribute_value": value}

    def _plugs(self, evse_id: int | None) -> list[int] | None:
        if evse_id is None:
            return None
        return [plug.id for plug in self.box.connectors.values() if plug.evse_id == evse_id]

    def _plug(self, evse: Payload) -> int | None:
        places = {(plug.evse_id, plug.place): plug.id for plug in self.box.connectors.values()}
        return places.get((evse["id"], evse.get("connector_id") or 1))


def _name(asked: Payload) -> str:
    return f"{asked['component']['name']}.{asked['variable']['name']}"


def _both(asked: Payload) -> Payload:
    return {"component": asked["component"], "variable": asked["variable"]}
