"""What a simulated charge point says in OCPP 1.6, and what it does when spoken to; on the library's client class.

`v201` stands beside it with the same names.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from websockets.asyncio.client import ClientConnection

from apps.ocpp.simulator.connector import Connector, Transaction
from apps.ocpp.simulator.outbox import Saying
from apps.ocpp.simulator.words import at_text, word

if TYPE_CHECKING:  # the box makes its links; a link only needs the box's name for the type
    from apps.ocpp.simulator.charge_point import SimulatedChargePoint

SUBPROTOCOL = "ocpp1.6"
IS_201 = False


# --- Said ----------------------------------------------------------------------------------------------


def boot(box: "SimulatedChargePoint") -> Any:
    return call.BootNotification(
        charge_point_vendor=box.vendor, charge_point_model=box.model, firmware_version="1.0"
    )


def heartbeat() -> Any:
    return call.Heartbeat()


def status(box: "SimulatedChargePoint", connector: Connector) -> Any:
    return call.StatusNotification(
        connector_id=connector.id,
        error_code=connector.error_code,
        status=connector.status,
        timestamp=at_text(box.clock.now()),
    )


def shown(box: "SimulatedChargePoint", connector: Connector, was: str) -> Iterator[Saying]:
    """Off line it is not kept: coming back, the box says how things are then."""
    if box.online.is_set():
        said = status(box, connector)
        yield Saying(lambda: said, keep=False)


def started(
    box: "SimulatedChargePoint", connector: Connector, transaction: Transaction, at: datetime
) -> Saying:
    start = call.StartTransaction(
        connector_id=connector.id,
        id_tag=transaction.token,
        meter_start=transaction.meter_start_wh,
        timestamp=at_text(at),
    )

    def answered(answer: Any) -> None:
        if box.scenario.learns_its_number:
            transaction.id = answer.transaction_id
        if answer.id_tag_info["status"] != "Accepted" and connector.transaction is transaction:
            box.end_transaction(connector.id, reason="DeAuthorized")

    return Saying(lambda: start, answered, is_start=True)


def metered(box: "SimulatedChargePoint", connector: Connector, at: datetime, context: str) -> Saying:
    moment = {"timestamp": at_text(at), "sampledValue": connector.sampled_values(context)}
    transaction = connector.transaction

    def payload() -> Any:
        number = transaction.id if transaction else None
        return call.MeterValues(connector_id=connector.id, meter_value=[moment], transaction_id=number)

    return Saying(payload, keep=transaction is not None, optional=True)


def ended(
    box: "SimulatedChargePoint", connector: Connector, transaction: Transaction, at: datetime, reason: str
) -> Saying:
    last = {"timestamp": at_text(at), "sampledValue": connector.sampled_values("Transaction.End")}
    meter_stop = connector.whole_wh

    def payload() -> Any:
        return call.StopTransaction(
            meter_stop=meter_stop,
            timestamp=at_text(at),
            # Its start was refused for good, or its answer was lost: OCPP 1.6 then knows no number.
            transaction_id=-1 if transaction.id is None else transaction.id,
            reason=reason,
            id_tag=transaction.token,
            transaction_data=[last],
        )

    return Saying(payload)


# --- Spoken to -----------------------------------------------------------------------------------------


class Link(ChargePoint):
    def __init__(self, box: "SimulatedChargePoint", socket: ClientConnection):
        super().__init__(box.id, socket, response_timeout=60)
        self.box = box

    async def say(self, payload: Any) -> Any:
        """Raises OCPPError for a CALLERROR. The schema is checked at the door; checking it here too only costs time."""
        return await self.call(payload, suppress=False, skip_schema_validation=True)

    @on("RemoteStartTransaction")
    def on_remote_start(self, id_tag: str, connector_id: int | None = None, **_: Any):
        connectors = None if connector_id is None else [connector_id]
        accepted = self.box.remote_start(token=id_tag, connectors=connectors)
        return call_result.RemoteStartTransaction(status=word(accepted))

    @on("RemoteStopTransaction")
    def on_remote_stop(self, transaction_id: int, **_: Any):
        return call_result.RemoteStopTransaction(status=word(self.box.remote_stop(transaction_id)))

    @on("ChangeAvailability")
    def on_change_availability(self, connector_id: int, type: str, **_: Any):
        return call_result.ChangeAvailability(
            status=self.box.change_availability(connector_id, operative=type == "Operative")
        )

    @on("UnlockConnector")
    def on_unlock(self, connector_id: int, **_: Any):
        status = "Unlocked" if self.box.unlock(connector_id) else "NotSupported"
        return call_result.UnlockConnector(status=status)

    @on("TriggerMessage")
    def on_trigger(self, requested_message: str, connector_id: int | None = None, **_: Any):
        known = self.box.trigger(requested_message, connector_id)
        return call_result.TriggerMessage(status="Accepted" if known else "NotImplemented")

    @on("Reset")
    def on_reset(self, type: str, **_: Any):
        self.box.reset()
        return call_result.Reset(status="Accepted")

    @on("GetConfiguration")
    def on_get_configuration(self, key: list[str] | None = None, **_: Any):
        known, unknown = [], []
        for name in key or self.box.configuration.names():
            value = self.box.configuration.value(name)
            if value is None:
                unknown.append(name)
            else:
                is_fixed = not self.box.configuration.may_set(name)
                known.append({"key": name, "readonly": is_fixed, "value": value})
        return call_result.GetConfiguration(configuration_key=known, unknown_key=unknown)

    @on("ChangeConfiguration")
    def on_change_configuration(self, key: str, value: str, **_: Any):
        changed = self.box.configuration.change(key, value)
        return call_result.ChangeConfiguration(status="NotSupported" if changed == "Unknown" else changed)

    @on("ReserveNow")
    def on_reserve(self, connector_id: int, id_tag: str, reservation_id: int, expiry_date: str, **_: Any):
        status = self.box.reserve(reservation_id, [connector_id], token=id_tag, until=expiry_date)
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
        return call_result.SendLocalList(status="NotSupported")

    @on("GetLocalListVersion")
    def on_local_list_version(self, **_: Any):
        return call_result.GetLocalListVersion(list_version=-1)
