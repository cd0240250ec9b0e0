"""A charge point that says exactly what a test wants, at the port of apps/ocpp/events.py."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from apps.catalog.models import Connector, Station
from apps.lib import clock, wiring
from apps.ocpp import events
from apps.ocpp.models import ChargePoint, Command
from tests.factory import Factory


class Charger:
    def __init__(self, charge_point_id: str = "CP-1") -> None:
        self.id = charge_point_id

    def say(self, kind: type[events.ChargePointEvent], **facts: Any) -> Any:
        """As apps/ocpp does: the handler of the wiring, in one transaction."""
        event = kind(charge_point_id=self.id, received_at=clock.now(), **facts)
        return self.repeat(event)

    def repeat(self, event: events.ChargePointEvent) -> Any:
        with transaction.atomic():
            return wiring.handler("OCPP", event.kind)(event)

    def status(self, status: str, connector: int = 1, at: datetime | None = None) -> None:
        self.say(events.ConnectorStatus, connector_id=connector, status=status, at=at or clock.now())

    def begin(self, token: str, *, wh: int = 1000, at: datetime | None = None, connector: int = 1):
        return self.say(
            events.TransactionStarted,
            connector_id=connector,
            token=token,
            meter_start_wh=Decimal(wh),
            at=at or clock.now(),
        )

    def meter(self, number: int, *told: tuple[datetime, int], **figures: Any) -> None:
        readings = tuple(events.Reading(at=at, register_wh=Decimal(wh), **figures) for at, wh in told)
        self.say(events.MeterReadings, connector_id=1, transaction_id=number, readings=readings)

    def end(self, number: int, *, wh: int, at: datetime, reason: str = "Remote", token: str = "") -> None:
        self.say(
            events.TransactionStopped,
            transaction_id=number,
            meter_stop_wh=Decimal(wh),
            at=at,
            reason=reason,
            token=token,
        )

    def answer(self, command: str, outcome: str = "accepted") -> None:
        """Answer the newest open command of that kind."""
        asked = self.asked(command).filter(state__in=Command.OPEN).order_by("-pk").first()
        self.say(events.CommandAnswered, command=command, reference=asked.reference, outcome=outcome)

    def asked(self, command: str):
        return Command.objects.filter(charge_point_id=self.id, action=command)


def make_charger(
    factory: Factory,
    charge_point_id: str = "CP-1",
    *,
    plugs: int = 1,
    station: Station | None = None,
    **connector: Any,
) -> Charger:
    """An approved charge point with one EVSE of `plugs` plugs that are free and have a price."""
    box = ChargePoint.objects.create(
        id=charge_point_id, state="APPROVED", connected=True, last_seen_at=clock.now()
    )
    evse = factory.make_evse(station, charge_point_id=box.pk)
    for _plug in range(plugs):
        factory.make_priced_connector(evse, seen_at=clock.now(), **connector)
    return Charger(box.pk)


def plug_of(charger: Charger, number: int = 1) -> Connector:
    return Connector.objects.select_related("evse__station__operator", "tariff").get(
        evse__charge_point_id=charger.id, ocpp_connector_id=number
    )


def minutes(count: int) -> timedelta:
    return timedelta(minutes=count)
