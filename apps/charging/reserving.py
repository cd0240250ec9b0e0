"""Telling a charge point that a plug is kept. It only helps on the spot: who may charge is decided in bookings."""

from contextlib import suppress
from datetime import datetime

from apps.catalog.models import Connector
from apps.ocpp import commands
from apps.ocpp.models import Command


def reserve(*, connector: Connector, token: str, reference: str, until: datetime) -> None:
    """Ask it to keep the plug for the token until then; without a connection nobody is asked."""
    with suppress(commands.UnknownChargePoint):
        commands.reserve(
            charge_point_id=connector.evse.charge_point_id,
            connector_id=connector.ocpp_connector_id,
            token=token,
            until=until,
            reference=reference,
        )


def let_go(*, connector: Connector, reference: str) -> None:
    """Take back what `reserve` asked for under this reference, if it asked."""
    asked = Command.objects.filter(
        charge_point_id=connector.evse.charge_point_id,
        action=Command.Action.RESERVE,
        reference=reference,
        payload__connector_id=connector.ocpp_connector_id,
    )
    if reservation := asked.order_by("-pk").first():
        with suppress(commands.UnknownChargePoint):
            commands.cancel_reservation(reservation=reservation, reference=reference)
