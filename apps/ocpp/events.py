"""The port between charge points and the charging room, the same for every OCPP version.

In: `evportal/wiring.py` OCPP maps each class below (by its `kind`) to one function `(event) -> answer`; it runs in one
transaction and may be called again with the same event (chargers re-send). Out: `ocpp.commands`.

Times: `at` is the charger's own clock (UTC), `received_at` is ours. What cannot be (missing, unreadable, before 2015,
in the future) is replaced by our own time and marked `at_doubted`; a re-sent start keeps the `at` of its first arrival.
`clock_skew_seconds` is the charger's clock minus ours as last measured; it is not applied to `at`.
Connectors are numbered 1, 2, 3 … through the box and statuses are in the words of OCPP 1.6, whatever the box speaks.
A transaction is known by the number that the answer to its start gave it; UNKNOWN_TRANSACTION when its start was lost.
Energy registers are Wh, power is W, both Decimal.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

UNKNOWN_TRANSACTION = -1


@dataclass(frozen=True, kw_only=True)
class ChargePointEvent:
    kind: ClassVar[str]
    charge_point_id: str
    received_at: datetime
    clock_skew_seconds: int = 0


@dataclass(frozen=True, kw_only=True)
class Connected(ChargePointEvent):
    """Boot accepted or socket opened. No answer."""

    kind: ClassVar[str] = "connected"
    vendor: str = ""
    model: str = ""
    firmware: str = ""
    booted: bool = False


@dataclass(frozen=True, kw_only=True)
class Heard(ChargePointEvent):
    """Any proof of life (heartbeat or other message), at most every few seconds. No answer."""

    kind: ClassVar[str] = "heard"


@dataclass(frozen=True, kw_only=True)
class Disconnected(ChargePointEvent):
    kind: ClassVar[str] = "disconnected"


@dataclass(frozen=True, kw_only=True)
class ConnectorStatus(ChargePointEvent):
    """`status` in OCPP 1.6 words (Available, Preparing, …). Connector 0 is the charge point itself. No answer."""

    kind: ClassVar[str] = "connector_status"
    connector_id: int
    status: str
    error_code: str = "NoError"
    info: str = ""
    at: datetime
    at_doubted: bool = False


@dataclass(frozen=True, kw_only=True)
class TokenPresented(ChargePointEvent):
    """Answer: bool, may this token charge here?"""

    kind: ClassVar[str] = "token_presented"
    token: str


@dataclass(frozen=True, kw_only=True)
class TransactionStarted(ChargePointEvent):
    """Answer: StartAnswer. The same start (charge point, connector, token, at, meter_start_wh) gets the same id."""

    kind: ClassVar[str] = "transaction_started"
    connector_id: int
    token: str
    meter_start_wh: Decimal | None  # None: not told; the first register in a reading is the start
    at: datetime
    at_doubted: bool = False


@dataclass(frozen=True)
class StartAnswer:
    transaction_id: int
    accepted: bool


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One moment of the meter; what the charger did not say is None."""

    at: datetime
    register_wh: Decimal | None = None
    power_w: Decimal | None = None
    soc_percent: Decimal | None = None
    current_a: Decimal | None = None
    voltage_v: Decimal | None = None
    at_doubted: bool = False


@dataclass(frozen=True, kw_only=True)
class MeterReadings(ChargePointEvent):
    """No answer. `transaction_id` is None for readings outside a transaction."""

    kind: ClassVar[str] = "meter_readings"
    connector_id: int
    transaction_id: int | None
    readings: tuple[Reading, ...]


@dataclass(frozen=True, kw_only=True)
class TransactionStopped(ChargePointEvent):
    """No answer (OCPP takes stops always). `reason` in OCPP 1.6 words (Remote, EVDisconnected, Local, PowerLoss, …)."""

    kind: ClassVar[str] = "transaction_stopped"
    transaction_id: int
    meter_stop_wh: Decimal | None  # None: not told; the last good reading is the end
    at: datetime
    at_doubted: bool = False
    reason: str = "Local"
    token: str = ""
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CommandAnswered(ChargePointEvent):
    """The fate of a command of `ocpp.commands`. `outcome`: accepted, rejected or timed-out (charger silent or away)."""

    kind: ClassVar[str] = "command_answered"
    command: str  # remote_start, remote_stop, …
    reference: str  # what the sender passed to the command
    outcome: str
    detail: str = ""


EVENTS: dict[str, type[ChargePointEvent]] = {
    event.kind: event
    for event in (
        Connected,
        Heard,
        Disconnected,
        ConnectorStatus,
        TokenPresented,
        TransactionStarted,
        MeterReadings,
        TransactionStopped,
        CommandAnswered,
    )
}
