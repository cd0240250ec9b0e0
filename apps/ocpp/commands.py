"""Commands to charge points: queued in the caller's transaction, sent by whichever process holds the socket.

The row is the queue. After the commit a group message wakes the socket; should it be lost, the socket's process looks
by itself every few seconds. A charge point gets one command at a time, and each at most once.
"""

from collections.abc import Iterable
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
from apps.ocpp import admission, services, transactions
from apps.ocpp.connection import Connection
from apps.ocpp.events import CommandAnswered
from apps.ocpp.groups import group_of
from apps.ocpp.hiding import HIDDEN, hidden_settings, without_passwords
from apps.ocpp.models import ChargePoint, Command, Frame
from apps.ocpp.wire.messages import Answer, Known
from apps.ocpp.wire.plugs import Plugs

LONGEST_TOKEN = 20  # OCPP 1.6; later versions allow more


class UnknownChargePoint(Refused):
    def __init__(self, charge_point_id: str):
        super().__init__(_("No approved charge point is called %s.") % charge_point_id)


class TokenTooLong(Refused):
    def __init__(self) -> None:
        super().__init__(_("A charge point takes tokens of 1 to %d characters.") % LONGEST_TOKEN)


# --- Asked for -----------------------------------------------------------------------------------------


def remote_start(*, charge_point_id: str, connector_id: int, token: str, reference: str) -> Command:
    _check_token(token)
    payload = {"connector_id": connector_id, "token": token}
    return _queue(charge_point_id, Command.Action.REMOTE_START, payload, reference)


def remote_stop(*, charge_point_id: str, transaction_id: int, reference: str) -> Command:
    payload = {"transaction_id": transaction_id}
    return _queue(charge_point_id, Command.Action.REMOTE_STOP, payload, reference)


def reset(*, charge_point_id: str, hard: bool = False, reference: str = "", asked_by: str = "") -> Command:
    return _queue(charge_point_id, Command.Action.RESET, {"hard": hard}, reference, asked_by)


def unlock(*, charge_point_id: str, connector_id: int, reference: str = "", asked_by: str = "") -> Command:
    payload = {"connector_id": connector_id}
    return _queue(charge_point_id, Command.Action.UNLOCK, payload, reference, asked_by)


def trigger(
    *,
    charge_point_id: str,
    message: str,
    connector_id: int | None = None,
    reference: str = "",
    asked_by: str = "",
) -> Command:
    """Ask for a message of the charge point now: StatusNotification, MeterValues, BootNotification, Heartbeat."""
    payload = {"message": message} | ({} if connector_id is None else {"connector_id": connector_id})
    return _queue(charge_point_id, Command.Action.TRIGGER, payload, reference, asked_by)


def change_availability(
    *, charge_point_id: str, connector_id: int, operative: bool, reference: str = "", asked_by: str = ""
) -> Command:
    """Connector 0 is the whole charge point."""
    payload = {"connector_id": connector_id, "operative": operative}
    return _queue(charge_point_id, Command.Action.CHANGE_AVAILABILITY, payload, reference, asked_by)


def get_configuration(*, charge_point_id: str, keys: Iterable[str] = (), asked_by: str = "") -> Command:
    """No keys: all of them. In OCPP 2.0.1 a key is `Component.Variable`, and all of them come as NotifyReport."""
    payload = {"keys": list(keys)}
    return _queue(charge_point_id, Command.Action.GET_CONFIGURATION, payload, "", asked_by)


def change_configuration(*, charge_point_id: str, key: str, value: str, asked_by: str = "") -> Command:
    payload = {"key": key, "value": value}
    return _queue(charge_point_id, Command.Action.CHANGE_CONFIGURATION, payload, "", asked_by)


def clear_cache(*, charge_point_id: str, asked_by: str = "") -> Command:
    return _queue(charge_point_id, Command.Action.CLEAR_CACHE, {}, "", asked_by)


def data_transfer(
    *, charge_point_id: str, vendor: str, message: str = "", data: str = "", asked_by: str = ""
) -> Command:
    payload = {"vendor": vendor, "message": message, "data": data}
    return _queue(charge_point_id, Command.Action.DATA_TRANSFER, payload, "", asked_by)


def reserve(
    *,
    charge_point_id: str,
    connector_id: int,
    token: str,
    until: datetime,
    reference: str = "",
    asked_by: str = "",
) -> Command:
    """The command's primary key is the reservation's id on the charge point."""
    _check_token(token)
    payload = {"connector_id": connector_id, "token": token, "until": utc_text(until)}
    return _queue(charge_point_id, Command.Action.RESERVE, payload, reference, asked_by)


def cancel_reservation(*, reservation: Command, reference: str = "", asked_by: str = "") -> Command:
    payload = {"reservation": reservation.pk}
    action = Command.Action.CANCEL_RESERVATION
    return _queue(reservation.charge_point_id, action, payload, reference, asked_by)


def reservation_at(charge_point: ChargePoint, number: int) -> Command | None:
    return charge_point.commands.filter(action=Command.Action.RESERVE, pk=number).first()


@transaction.atomic
def send_new_password(*, charge_point_id: str, asked_by: str = "") -> Command:
    """Tell the charge point another password over its own line; it comes back with it, and the old one is worthless.

    Whoever knows the old one may sit on that line: after a leak, `services.rotate_password` is right.
    """
    password = admission.new_password()
    payload = {"password": password}
    command = _queue(charge_point_id, Command.Action.SET_PASSWORD, payload, "password", asked_by)
    if command.payload == payload:  # else one is under way
        services.expect_password(command.charge_point, password)
    return command


def _check_token(token: str) -> None:
    if not 1 <= len(token) <= LONGEST_TOKEN:
        raise TokenTooLong


def _queue(
    charge_point_id: str, action: str, payload: dict[str, Any], reference: str, asked_by: str = ""
) -> Command:
    """A new row; or the one that is still open under the same reference, because asking twice is asking once."""
    if not ChargePoint.objects.filter(pk=charge_point_id, state=ChargePoint.State.APPROVED).exists():
        raise UnknownChargePoint(charge_point_id)
    same = {"charge_point_id": charge_point_id, "action": action, "reference": reference}
    deadline_at = now() + timedelta(seconds=settings.OCPP["COMMAND_SECONDS"])
    try:
        with transaction.atomic():
            command = Command.objects.create(
                **same,
                unique_id=str(uuid4()),
                payload=payload,
                deadline_at=deadline_at,
                asked_by=asked_by[:150],
            )
            if asked_by:
                command.events.create(was="", now=Command.State.QUEUED, why=f"asked for by {asked_by}"[:300])
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
        waiting = mine.filter(state=Command.State.QUEUED).select_related("charge_point")
        command = waiting.order_by("pk").first()
        if command is None:
            return None
        call = connection.wire.write_command(
            command.action, command.payload, str(command.unique_id), _known_to(command)
        )
        facts = {"connection": connection.nonce, "payload": _without_secret(command)}
        try:
            move(command, Command.State.SENT, why="to the socket", **facts)
        except StaleMove:  # timed out this instant
            return None
        text = call.to_json()
        Frame.objects.create(
            charge_point_id=connection.charge_point_id,
            direction=Frame.Direction.OUT,
            unique_id=call.unique_id,
            action=call.action,
            raw=without_passwords(text),
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
    answer = _read_answer(connection, command, frame)
    if command.state != Command.State.SENT:
        return f"too late ({answer.word})"
    try:
        _finish(command, answer, received_at)
    except StaleMove:
        return f"too late ({answer.word})"
    return ""


def _read_answer(connection: Connection, command: Command, frame: CallResult | CallError) -> Answer:
    if isinstance(frame, CallError):
        return Answer(False, f"{frame.error_code}: {frame.error_description}".rstrip(": "))
    try:
        return connection.wire.read_answer(command.action, command.payload, frame, _known_to(command))
    except OCPPError as error:
        return Answer(False, f"unreadable answer: {error.details.get('cause', error.code)}")


def _known_to(command: Command) -> Known:
    name = ""
    if command.action == Command.Action.REMOTE_STOP:
        number = command.payload["transaction_id"]
        name = transactions.name_of(charge_point_id=command.charge_point_id, number=number)
    plugs = Plugs(tuple(command.charge_point.plugs_per_evse))
    return Known(number=command.pk, plugs=plugs, transaction_name=name)


def _without_secret(command: Command) -> dict[str, Any]:
    """Its payload as it is kept once it is no longer needed."""
    is_secret = command.action == Command.Action.SET_PASSWORD
    return {"password": HIDDEN} if is_secret else command.payload


def _finish(command: Command, answer: Answer, received_at: datetime) -> None:
    word = answer.word[:200]
    state = Command.State.ACCEPTED if answer.accepted else Command.State.REJECTED
    move(command, state, why=word, answer=word, told=hidden_settings(answer.told))
    if command.action == Command.Action.SET_PASSWORD and not answer.accepted:
        services.expect_no_other_password(command.charge_point_id)
    _tell(command, "accepted" if answer.accepted else "rejected", word, received_at)


def expire_commands() -> int:
    """A duty: commands whose deadline passed. The charge point may still obey; its own messages will tell."""
    expired = 0
    for command in Command.objects.filter(state__in=Command.OPEN, deadline_at__lt=now())[:200]:
        detail = "no answer" if command.state == Command.State.SENT else "not connected"
        try:
            with transaction.atomic():
                was_sent = command.state == Command.State.SENT
                facts = {"answer": detail, "payload": _without_secret(command)}
                move(command, Command.State.TIMED_OUT, why=detail, **facts)
                if command.action == Command.Action.SET_PASSWORD and not was_sent:
                    services.expect_no_other_password(command.charge_point_id)
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
