"""Transactions of OCPP 2.0.1, told to the domain as a start, readings and a stop.

A charge point of 2.0.1 names its transaction itself and numbers its messages. It may say "started" before anybody
showed a token or chose a plug, and messages that waited out a broken line may come in any order. The row of a
transaction gathers them: the start is told once all of it is known, the stop once no message before it is missing. A
duty tells what waited too long, as far as it is known. So the same messages, in whatever order and however often, tell
the same.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from ocpp.exceptions import NotSupportedError

from apps.lib.clock import now, read_instant
from apps.lib.rows import Lookup, only_one
from apps.ocpp import services
from apps.ocpp.events import (
    UNKNOWN_TRANSACTION,
    ConnectorStatus,
    MeterReadings,
    TokenPresented,
    TransactionStarted,
    TransactionStopped,
)
from apps.ocpp.models import Command, Transaction
from apps.ocpp.wire import v201
from apps.ocpp.wire.messages import Payload, PlugReport, TransactionReport
from apps.ocpp.wire.plugs import NOWHERE, Plugs
from apps.ocpp.wire.sequence import covers, seen_with
from apps.ocpp.wire.times import Speaker

PATIENCE = timedelta(seconds=60)  # how long a stop waits for messages that are missing before it
START_PATIENCE = timedelta(minutes=30)  # how long the rest waits for a start that was lost
AROUND_THE_SAME_TIME = timedelta(minutes=1)  # "the plug is free" and "it ended" come in either order
FORGET_AFTER = timedelta(days=90)
OLDEST = 50  # rows looked at in one round
MOST_WAITING = 500  # messages of one transaction
LARGEST_ID = 2**63 - 1
_LOCKED = Lookup(Transaction.objects.all, "charge_point", "name", locked=True)

GATHERED = [
    field.name
    for field in Transaction._meta.concrete_fields
    if field.name not in {"id", "charge_point", "name"}
]

# What 2.0.1 says of the charge → the plug in words of 1.6. "Idle" is said of a plug whose car has gone.
CHARGING_WORDS = {
    "Charging": "Charging",
    "SuspendedEV": "SuspendedEV",
    "SuspendedEVSE": "SuspendedEVSE",
    "EVConnected": "Preparing",
}


@dataclass(frozen=True)
class Opening:
    """All that the domain needs of a start."""

    at: datetime
    at_doubted: bool
    meter_start_wh: Decimal | None


def take(report: TransactionReport, plugs: Plugs) -> bool | None:
    """Call inside the transaction of the frame. The answer is for the token that came with it; None without one."""
    row = _row_of(report)
    is_known = covers(row.seen, report.seq_no, report.seq_no)
    if not (is_known and (report.at_doubted or _waits_already(row, report))):
        _gather(row, report, plugs)
        _tell(row, [*_waiting(row), report], overdue=False)
        row.heard_at = max(row.heard_at, report.received_at)
        row.save(update_fields=GATHERED)
    return _answer(row, report)


def _row_of(report: TransactionReport) -> Transaction:
    """Locked, so that two sockets of one box do not gather past each other; SQLite locks the whole file anyway."""
    names = {"charge_point_id": report.charge_point_id, "name": report.name}
    if row := _LOCKED.find(*names.values()):
        return row
    Transaction.objects.get_or_create(**names, defaults={"heard_at": report.received_at})
    return Transaction.objects.select_for_update().get(**names)


def _answer(row: Transaction, report: TransactionReport) -> bool | None:
    if report.token is None:
        return None
    if row.number is not None and report.token == row.token:
        return row.is_allowed
    said = TokenPresented(**_who(report), token=report.token)
    return bool(services.tell(said))


# --- Gathered ------------------------------------------------------------------------------------------


def _gather(row: Transaction, report: TransactionReport, plugs: Plugs) -> None:
    row.seen = seen_with(row.seen, report.seq_no)
    if report.stage == "Started" and row.first_seq_no is None:
        row.first_seq_no = report.seq_no
    if row.connector_id is None and report.evse_id is not None:
        row.connector_id = _connector(report, plugs)


def _connector(report: TransactionReport, plugs: Plugs) -> int:
    if report.connector_id is None and (asked := _asked_for(report)):
        return asked
    return plugs.number(report.evse_id or 0, report.connector_id or 1)


def _asked_for(report: TransactionReport) -> int | None:
    """The plug that our remote start meant, where the charge point names only the EVSE."""
    if not 0 < (report.remote_start_id or 0) <= LARGEST_ID:
        return None
    starts = Command.objects.filter(
        charge_point_id=report.charge_point_id, action=Command.Action.REMOTE_START
    )
    command = only_one(starts.filter(pk=report.remote_start_id))
    return command and command.payload["connector_id"]


def _is_unbroken(row: Transaction, last_seq_no: int) -> bool:
    """Was every message from the start to this one heard?"""
    first = row.first_seq_no if row.first_seq_no is not None else last_seq_no
    return covers(row.seen, first, last_seq_no)


# --- Waiting -------------------------------------------------------------------------------------------


def _plain(payload: Payload) -> Payload:
    return json.loads(json.dumps(payload, cls=DjangoJSONEncoder))


def _waits_already(row: Transaction, report: TransactionReport) -> bool:
    plain = _plain(report.payload)
    return any(entry["payload"] == plain for entry in row.waiting)


def _waiting(row: Transaction) -> list[TransactionReport]:
    return [
        v201.read_report(
            entry["payload"],
            Speaker(
                charge_point_id=row.charge_point_id,
                received_at=read_instant(entry["received_at"]),
                clock_skew_seconds=entry["clock_skew_seconds"],
            ),
        )
        for entry in row.waiting
    ]


def _keep_waiting(row: Transaction, reports: Iterable[TransactionReport]) -> None:
    row.waiting = [
        {
            "payload": _plain(report.payload),
            "received_at": report.received_at.isoformat(),
            "clock_skew_seconds": report.clock_skew_seconds,
        }
        for report in reports
    ]
    row.waiting_since = (row.waiting_since or now()) if row.waiting else None


# --- Told ----------------------------------------------------------------------------------------------


def _tell(row: Transaction, reports: list[TransactionReport], *, overdue: bool) -> None:
    """Tell what can be told, in the order in which it happened; the rest goes on waiting."""
    reports = sorted(reports, key=lambda report: (report.seq_no, report.at))
    if row.number is None:
        _begin(row, reports, overdue=overdue)
    if row.number is None:
        if _came_to_nothing(row, reports, overdue=overdue):
            row.ended_at, reports = reports[-1].at, []
        elif len(reports) > MOST_WAITING and row.first_seq_no is not None:
            # A car that stands there and charges nothing: of its readings the newest are enough.
            reports = [r for r in reports if r.stage == "Started"] + reports[-MOST_WAITING // 2 :]
        if not overdue and len(reports) <= MOST_WAITING:
            return _keep_waiting(row, reports)
    waiting = []
    for report in reports:
        if report.stage == "Ended" and not overdue and not _is_unbroken(row, report.seq_no):
            waiting.append(report)
        else:
            _tell_one(row, report)
    _keep_waiting(row, waiting)


def _came_to_nothing(row: Transaction, reports: list[TransactionReport], *, overdue: bool) -> bool:
    """A car came and went, nobody showed a token, and the meter stood still."""
    is_over = reports and reports[-1].stage == "Ended" and (overdue or _is_unbroken(row, reports[-1].seq_no))
    if not is_over or row.first_seq_no is None or any(report.token is not None for report in reports):
        return False
    registers = {reading.register_wh for report in reports for reading in report.readings} - {None}
    return len(registers) <= 1


def _begin(row: Transaction, reports: list[TransactionReport], *, overdue: bool) -> None:
    """Told of once: the charge point began, somebody showed a token, and the plug is known."""
    started = next((report for report in reports if report.stage == "Started"), None)
    shown = next((report for report in reports if report.token is not None and report.stage != "Ended"), None)
    if started is None or shown is None or (row.connector_id is None and not overdue):
        return
    if not overdue and not _is_unbroken(row, shown.seq_no):
        return
    opening = _opening(reports, max(started, shown, key=lambda report: report.at))
    said = services.tell(
        TransactionStarted(
            **_who(shown),
            connector_id=row.connector_id or NOWHERE,
            token=shown.token or "",
            **asdict(opening),
        )
    )
    if said is None:
        raise NotSupportedError(details={"cause": "nobody here sells charging"})
    row.token, row.number, row.is_allowed = shown.token or "", said.transaction_id, said.accepted


def _opening(reports: list[TransactionReport], opener: TransactionReport) -> Opening:
    """A car may have stood there long before somebody showed a token: what counts is from then on."""
    until = [
        reading
        for report in reports
        for reading in report.readings
        if reading.register_wh is not None and reading.at <= opener.at and report.stage != "Ended"
    ]
    last = max(until, key=lambda reading: reading.at, default=None)
    return Opening(opener.at, opener.at_doubted, last and last.register_wh)


def _tell_one(row: Transaction, report: TransactionReport) -> None:
    number = UNKNOWN_TRANSACTION if row.number is None else row.number
    if report.stage == "Ended":
        return _tell_end(row, report, number)
    if report.readings:
        services.tell(
            MeterReadings(
                **_who(report),
                connector_id=row.connector_id or NOWHERE,
                transaction_id=number,
                readings=report.readings,
            )
        )
    _tell_charging_state(row, report)


def _tell_end(row: Transaction, report: TransactionReport, number: int) -> None:
    registers = [reading for reading in report.readings if reading.register_wh is not None]
    last = max(registers, key=lambda reading: reading.at, default=None)
    services.tell(
        TransactionStopped(
            **_who(report),
            transaction_id=number,
            meter_stop_wh=last and last.register_wh,
            at=report.at,
            at_doubted=report.at_doubted,
            reason=report.reason,
            token=row.token or report.token or "",
            readings=report.readings,
        )
    )
    if row.ended_at is None and report.reason != "EVDisconnected":
        _show(row, report, "Finishing")
    row.ended_at = report.at
    row.is_plug_free = row.is_plug_free or report.reason == "EVDisconnected"


def _tell_charging_state(row: Transaction, report: TransactionReport) -> None:
    is_older = row.charging_state_at is not None and report.at < row.charging_state_at
    if report.charging_state is None or is_older or row.ended_at is not None:
        return
    is_new = report.charging_state != row.charging_state
    row.charging_state, row.charging_state_at = report.charging_state, report.at
    if is_new and report.charging_state in CHARGING_WORDS:
        _show(row, report, CHARGING_WORDS[report.charging_state])


def _show(row: Transaction, report: TransactionReport, status: str) -> None:
    if row.connector_id:
        services.tell(
            ConnectorStatus(
                **_who(report),
                connector_id=row.connector_id,
                status=status,
                at=report.at,
                at_doubted=report.at_doubted,
            )
        )


def _who(report: TransactionReport | PlugReport) -> dict:
    return {
        "charge_point_id": report.charge_point_id,
        "received_at": report.received_at,
        "clock_skew_seconds": report.clock_skew_seconds,
    }


# --- Plugs ---------------------------------------------------------------------------------------------


def take_plug(report: PlugReport) -> None:
    """2.0.1 knows "Occupied" only; the transaction at the plug says what that means."""
    here = Transaction.objects.filter(
        charge_point_id=report.charge_point_id, connector_id=report.connector_id
    )
    if report.status == "Available":
        gone = here.filter(is_plug_free=False, ended_at__lte=report.at + AROUND_THE_SAME_TIME)
        gone.update(is_plug_free=True)
    status = _occupied_word(here.first()) if report.status == "Occupied" else report.status
    services.tell(
        ConnectorStatus(
            **_who(report),
            connector_id=report.connector_id,
            status=status,
            error_code="OtherError" if status == "Faulted" else "NoError",
            at=report.at,
            at_doubted=report.at_doubted,
        )
    )


def _occupied_word(latest: Transaction | None) -> str:
    if latest is None or (latest.ended_at and latest.is_plug_free):
        return "Preparing"
    if latest.ended_at:
        return "Finishing"
    return CHARGING_WORDS.get(latest.charging_state, "Preparing")


# --- For commands and for the worker -------------------------------------------------------------------


def name_of(*, charge_point_id: str, number: int) -> str:
    """What the charge point calls the domain's transaction; empty when it never named it."""
    row = Transaction.objects.filter(charge_point_id=charge_point_id, number=number).first()
    return row.name if row else ""


def tell_overdue() -> int:
    """A duty: what waited too long is told as far as it is known, and very old rows are forgotten."""
    at = now()
    late = Transaction.objects.filter(waiting_since__lte=at - PATIENCE)
    told = 0
    for pk in list(late.values_list("pk", flat=True)[:200]):
        with transaction.atomic():
            row = Transaction.objects.select_for_update().get(pk=pk)
            if _is_overdue(row, at):
                _tell(row, _waiting(row), overdue=True)
                row.save(update_fields=GATHERED)
                told += 1
    return told + _forget_old(at)


def _forget_old(at: datetime) -> int:
    """The oldest rows have the lowest keys: no need to look at all of them."""
    oldest = Transaction.objects.order_by("pk").values_list("pk", "heard_at")[:OLDEST]
    old = [pk for pk, heard_at in oldest if heard_at < at - FORGET_AFTER]
    return Transaction.objects.filter(pk__in=old).delete()[0] if old else 0


def _is_overdue(row: Transaction, at: datetime) -> bool:
    """An end waits a minute, a lost start half an hour. A car that only stands there may do so for days."""
    if any(entry["payload"]["eventType"] == "Ended" for entry in row.waiting):
        patience = PATIENCE
    elif row.first_seq_no is None:
        patience = START_PATIENCE
    else:
        return False
    return row.waiting_since is not None and row.waiting_since <= at - patience
