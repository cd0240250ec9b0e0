"""Commands to charge points: queued in the caller's transaction, sent by whichever process holds the socket.

The row is the queue. After the commit a group message wakes the socket; should it be lost, the socket's process looks
by itself every few seconds. A charge point gets one command at a time, and each at most once.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from ocpp.exceptions import OCPPError
from ocpp.messages import CallError, CallResult

from apps.lib.channel import group_send_soon
from apps.lib.clock import now, utc_text
from apps.lib.errors import Refused
from apps.lib.moves import StaleMove, move
from apps.ocpp import services
from apps.ocpp.connection import Connection
from apps.ocpp.events import CommandAnswered
from apps.ocpp.groups import group_of
from apps.ocpp.models import ChargePoint, Command, Frame

LONGEST_TOKEN = 20  # OCPP 1.6; later versions allow more


class UnknownChargePoint(Refused):
    def __init__(self, charge_point_id: str):
        super().__init__(_("No approved charge point is called %s.") % charge_point_id)


class TokenTooLong(Refused):
    def __init__(self) -> None:
        super().__init__(_("A charge point takes tokens of 1 to %d characters.") % LONGEST_TOKEN)


# --- Asked for -----------------------------------------------------------------------------------------


def remote_start(*, charge_point_id: str, connector_id: int, token: str, reference: str) -> Command:
    if not 1 <= len(token) <= LONGEST_TOKEN:
        raise TokenTooLong
    payload = {"connector_id": connector_id, "token": token}
    return _queue(charge_point_id, Command.Action.REMOTE_START, payload, reference)


def remote_stop(*, charge_point_id: str, transaction_id: int, reference: str) -> Command:
    payload = {"transaction_id": transaction_id}
    return _queue(charge_point_id, Command.Action.REMOTE_STOP, payload, reference)


def reset(*, charge_point_id: str, hard: bool = False, reference: str = "") -> Command:
    return _queue(charge_point_id, Command.Action.RESET, {"hard": hard}, reference)


def unlock(*, charge_point_id: str, connector_id: int, reference: str = "") -> Command:
    return _queue(charge_point_id, Command.Action.UNLOCK, {"connector_id": connector_id}, reference)


def trigger(
    *, charge_point_id: str, message: str, connector_id: int | None = None, reference: str = ""
) -> Command:
    """Ask for a message of the charge point now: StatusNotification, MeterValues, BootNotification, Heartbeat."""
    payload = {"message": message} | ({} if connector_id is None else {"connector_id": connector_id})
    return _queue(charge_point_id, Command.Action.TRIGGER, payload, reference)


def change_availability(
    *, charge_point_id: str, connector_id: int, operative: bool, reference: str = ""
) -> Command:
    payload = {"connector_id": connector_id, "operative": operative}
    return _queue(charge_point_id, Command.Action.CHANGE_AVAILABILITY, payload, reference)


def reserve(
    *, charge_point_id: str, connector_id: int, token: str, until: datetime, reference: str = ""
) -> Command:
    """The command's primary key is the reservation's id on the charge point."""
    if not 1 <= len(token) <= LONGEST_TOKEN:
        raise TokenTooLong
    payload = {"connector_id": connector_id, "token": token, "until": utc_text(until)}
    return _queue(charge_point_id, Command.Action.RESERVE, payload, reference)


def cancel_reservation(*, reservation: Command, reference: str = "") -> Command:
    payload = {"reservation": reservation.pk}
    return _queue(reservation.charge_point_id, Command.Action.CANCEL_RESERVATION, payload, reference)


def _queue(charge_point_id: str, action: str, payload: dict[str, Any], reference: str) -> Command:
    """A new row; or the one that is still open under the same reference, because asking twice is asking once."""
    if not ChargePoint.objects.filter(pk=charge_point_id, state=ChargePoint.State.APPROVED).exists():
        raise UnknownChargePoint(charge_point_id)
    same = {"charge_point_id": charge_point_id, "action": action, "reference": reference}
    deadline_at = now() + timedelta(seconds=settings.OCPP["COMMAND_SECONDS"])
    try:
        with transaction.atomic():
            command = Command.objects.create(
                **same, unique_id=str(uuid4()), payload=payload, deadline_at=deadline_at
            )
            message = {"type": "cp.wake"}
            transaction.on_commit(partial(group_send_soon, group_of(charge_point_id), message))
    except IntegrityError:
        return Command.objects.get(**same, state__in=Command.OPEN)
    return command


# --- Sent ----------------------------------------------------------------------------------------------


def charge_points_with_commands() -> list[str]:
    """Charge points for which something waits, wherever they are connected."""
    waiting = Command.objects.filter(state=Command.State.QUEUED, deadline_at__gt=now())
    return list(waiting.order_by().values_list("charge_point_id", flat=True).distinct())


def claim_next(connection: Connection) -> str | None:
    """Take the oldest waiting command for this socket and return its frame; None when there is none, or when the
    answer to the last one is still due."""
    at = now()
    mine = Command.objects.filter(charge_point_id=connection.charge_point_id, deadline_at__gt=at)
    if not mine.filter(
        state=Command.State.QUEUED
    ).exists():  # as nearly always, and no reason to lock anything
        return None
    with transaction.atomic():
        if not connection.is_current():
            return None
        if mine.filter(state=Command.State.SENT, connection=connection.nonce).exists():
            return None
        command = mine.filter(state=Command.State.QUEUED).order_by("pk").first()
        if command is None:
            return None
        try:
            move(command, Command.State.SENT, why="to the socket", connection=connection.nonce)
        except StaleMove:  # timed out this instant
            return None
        payload = command.payload
        if command.action == Command.Action.RESERVE:
            payload = {**payload, "number": command.pk}
        call = connection.wire.write_command(command.action, payload, str(command.unique_id))
        text = call.to_json()
        Frame.objects.create(
            charge_point_id=connection.charge_point_id,
            direction=Frame.Direction.OUT,
            unique_id=call.unique_id,
            action=call.action,
            raw=text,
            at=at,
        )
    return text


# --- Answered ------------------------------------------------------------------------------------------


def record_answer(connection: Connection, frame: CallResult | CallError, received_at: datetime) -> str:
    """Call inside the transaction of the frame. Returns why nothing came of it, or an empty text."""
    command = Command.objects.filter(
        charge_point_id=connection.charge_point_id, unique_id=frame.unique_id
    ).first()
    if command is None:
        return "answers no command of ours"
    accepted, answer = _read_answer(connection, command, frame)
    if command.state != Command.State.SENT:
        return f"too late ({answer})"
    try:
        _finish(command, accepted=accepted, answer=answer, received_at=received_at)
    except StaleMove:
        return f"too late ({answer})"
    return ""


def _read_answer(connection: Connection, command: Command, frame: CallResult | CallError) -> tuple[bool, str]:
    if isinstance(frame, CallError):
        return False, f"{frame.error_code}: {frame.error_description}".rstrip(": ")
    try:
        return connection.wire.read_answer(command.action, command.payload, frame)
    except OCPPError as error:
        return False, f"unreadable answer: {error.details.get('cause', error.code)}"


def _finish(command: Command, *, accepted: bool, answer: str, received_at: datetime) -> None:
    answer = answer[:200]
    state = Command.State.ACCEPTED if accepted else Command.State.REJECTED
    move(command, state, why=answer, answer=answer)
    _tell(command, "accepted" if accepted else "rejected", answer, received_at)


def expire_commands() -> int:
    """A duty: commands whose deadline passed. The charge point may still obey; its own messages will tell."""
    expired = 0
    for command in Command.objects.filter(state__in=Command.OPEN, deadline_at__lt=now())[:200]:
        detail = "no answer" if command.state == Command.State.SENT else "not connected"
        try:
            with transaction.atomic():
                move(command, Command.State.TIMED_OUT, why=detail, answer=detail)
                _tell(command, "timed-out", detail, now())
        except StaleMove:  # answered this instant
            continue
        expired += 1
    return expired


def _tell(command: Command, outcome: str, detail: str, received_at: datetime) -> None:
    services.tell(
        CommandAnswered(
            charge_point_id=command.charge_point_id,
            received_at=received_at,
            command=command.action,
            reference=command.reference,
            outcome=outcome,
            detail=detail,
        )
    )
