"""What charge points say of their plugs, handed to the catalog: honest, and never better than what is known (law 8)."""

from datetime import timedelta

from apps.catalog.models import Connector
from apps.catalog.selectors import connector_at, connectors_at
from apps.catalog.services import record_connector_status, record_contact
from apps.lib import clock
from apps.ocpp import commands, events
from apps.ocpp.models import ChargePoint

Status = Connector.Status
SOURCE = "ocpp"
SOURCE_BOX = "ocpp-box"  # said of the whole charge point, not of the plug
WORSE = (Status.UNAVAILABLE, Status.FAULTED)
DOUBT_AFTER = timedelta(minutes=2)


def saw(event: events.ChargePointEvent) -> None:
    record_contact(charge_point_id=event.charge_point_id, seen_at=event.received_at)


def back(event: events.Connected) -> None:
    """After an absence nobody knows what happened to the plugs: ask."""
    saw(event)
    for plug in connectors_at(charge_point_id=event.charge_point_id).filter(status=Status.UNKNOWN):
        commands.trigger(
            charge_point_id=event.charge_point_id,
            message="StatusNotification",
            connector_id=plug.ocpp_connector_id,  # OCPP 2.0.1 answers for one plug at a time
            reference=f"status/{plug.ocpp_connector_id}",
        )


def status(event: events.ConnectorStatus) -> None:
    if event.status not in Status.values:
        return saw(event)
    if event.connector_id == 0:
        return _status_of_box(event)
    if plug := connector_at(charge_point_id=event.charge_point_id, connector_id=event.connector_id):
        _record(plug, event, event.status, SOURCE)


def _status_of_box(event: events.ConnectorStatus) -> None:
    """Connector 0 is the charge point: it overrides its plugs only when it is newer and worse (AT-H1)."""
    saw(event)
    for plug in connectors_at(charge_point_id=event.charge_point_id):
        if event.status in WORSE:
            _record(plug, event, event.status, SOURCE_BOX)
        elif plug.status_source == SOURCE_BOX:
            _record(plug, event, Status.UNKNOWN, SOURCE)  # good again, but this plug has not said so itself


def _record(plug: Connector, event: events.ConnectorStatus, status: str, source: str) -> None:
    record_connector_status(
        connector=plug, status=status, at=event.at, source=source, seen_at=event.received_at
    )


def doubt_lost() -> int:
    """A duty: plugs of a box that is away for two minutes are not confirmed (AT-G1)."""
    away = ChargePoint.objects.filter(connected=False, last_seen_at__lte=clock.now() - DOUBT_AFTER)
    plugs = Connector.objects.filter(evse__charge_point_id__in=away.values("pk")).exclude(
        status=Status.UNKNOWN
    )
    doubted = list(plugs.select_related("evse")[:500])
    for plug in doubted:
        # Dated as of the last report and seen no later: whatever the box says when it is back is newer.
        at = plug.status_told_at or plug.last_seen_at or clock.now()
        seen_at = plug.last_seen_at or at
        record_connector_status(connector=plug, status=Status.UNKNOWN, at=at, source=SOURCE, seen_at=seen_at)
    return len(doubted)
