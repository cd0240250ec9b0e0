"""One connection of a simulated charge point, on the client classes of the `ocpp` library."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result
from websockets.asyncio.client import ClientConnection

from apps.ocpp.simulator.connector import Reservation

if TYPE_CHECKING:  # the box makes its links; a link only needs the box's name for the type
    from apps.ocpp.simulator.charge_point import SimulatedChargePoint


def _word(accepted: bool) -> str:
    return "Accepted" if accepted else "Rejected"


class Link(ChargePoint):
    def __init__(self, box: "SimulatedChargePoint", socket: ClientConnection):
        super().__init__(box.id, socket, response_timeout=60)
        self.box = box

    async def say(self, payload: Any) -> Any:
        """Raises OCPPError for a CALLERROR. The schema is checked at the door; checking it here too only costs time."""
        return await self.call(payload, suppress=False, skip_schema_validation=True)

    @on("RemoteStartTransaction")
    def on_remote_start(self, id_tag: str, connector_id: int | None = None, **_: Any):
        accepted = self.box.remote_start(token=id_tag, connector_id=connector_id)
        return call_result.RemoteStartTransaction(status=_word(accepted))

    @on("RemoteStopTransaction")
    def on_remote_stop(self, transaction_id: int, **_: Any):
        return call_result.RemoteStopTransaction(status=_word(self.box.remote_stop(transaction_id)))

    @on("ChangeAvailability")
    def on_change_availability(self, connector_id: int, type: str, **_: Any):
        return call_result.ChangeAvailability(
            status=self.box.change_availability(connector_id, operative=type == "Operative")
        )

    @on("ReserveNow")
    def on_reserve(self, connector_id: int, expiry_date: str, id_tag: str, reservation_id: int, **_: Any):
        until = datetime.fromisoformat(expiry_date.replace("Z", "+00:00"))
        seconds = (until - self.box.clock.now()).total_seconds()
        reservation = Reservation(reservation_id, id_tag)
        return call_result.ReserveNow(status=self.box.reserve(reservation, connector_id, seconds))

    @on("CancelReservation")
    def on_cancel_reservation(self, reservation_id: int, **_: Any):
        return call_result.CancelReservation(status=_word(self.box.cancel_reservation(reservation_id)))

    @on("UnlockConnector")
    def on_unlock(self, connector_id: int, **_: Any):
        return call_result.UnlockConnector(status=self.box.unlock(connector_id))

    @on("TriggerMessage")
    def on_trigger(self, requested_message: str, connector_id: int | None = None, **_: Any):
        known = self.box.trigger(requested_message, connector_id)
        return call_result.TriggerMessage(status="Accepted" if known else "NotImplemented")

    @on("Reset")
    def on_reset(self, type: str, **_: Any):
        self.box.reset()
        return call_result.Reset(status="Accepted")
