"""What charge points say, taken from apps/ocpp by evportal/wiring.py."""

from apps.charging import availability, plug_words, standing, told
from apps.ocpp import events, patience


def connected(event: events.Connected) -> None:
    availability.back(event)
    told.alive(event.charge_point_id)
    if event.booted:  # its settings may be others now
        patience.ask(event.charge_point_id)


def heard(event: events.Heard) -> None:
    availability.saw(event)
    told.alive(event.charge_point_id)


def disconnected(event: events.Disconnected) -> None:
    told.lost(event.charge_point_id)


def connector_status(event: events.ConnectorStatus) -> None:
    availability.status(event)
    plug_words.heard(event)
    standing.heard(event)


def token_presented(event: events.TokenPresented) -> bool:
    return told.may_charge(event)


def transaction_started(event: events.TransactionStarted) -> events.StartAnswer:
    return told.started(event)


def meter_readings(event: events.MeterReadings) -> None:
    told.metered(event)


def transaction_stopped(event: events.TransactionStopped) -> None:
    told.stopped(event)


def command_answered(event: events.CommandAnswered) -> None:
    told.answered(event)
    standing.answered(event)
