"""One frame of a charge point → what it means → told to the domain → the answer; all in one transaction.

The answer leaves only after the commit. Whatever goes wrong, the charge point gets a CALLERROR, nothing has changed,
and the log of frames says why; so it may simply send again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import structlog
from django.conf import settings
from django.db import DatabaseError, OperationalError, transaction
from ocpp.exceptions import (
    GenericError,
    InternalError,
    NotSupportedError,
    OccurenceConstraintViolationError,
    OCPPError,
    SecurityError,
)
from ocpp.messages import Call, CallError, CallResult

from apps.lib.errors import Refused
from apps.lib.moves import StaleMove
from apps.lib.rows import Lookup
from apps.ocpp import commands, services, transactions
from apps.ocpp.connection import Connection
from apps.ocpp.events import Connected, TransactionStarted
from apps.ocpp.hiding import without_passwords
from apps.ocpp.models import ChargePoint, Frame
from apps.ocpp.wire import frames
from apps.ocpp.wire.messages import PlugReport, TransactionReport
from apps.ocpp.wire.plugs import Plugs
from apps.ocpp.wire.times import Speaker

log = structlog.get_logger(__name__)
T = TypeVar("T")

TRIES = 3
LONGEST_RAW = 20_000  # of one logged frame
# Routine traffic would push everything worth reading out of the log, so it is counted by itself.
ROUTINE = ("MeterValues", "Heartbeat", "TransactionEvent Updated")
ROUTINE_KEPT, OTHERS_KEPT = 200, 1000
SENT_AGAIN_WITHIN = timedelta(days=1)
TIDY_EVERY = 100  # calls of one socket
_SPEAKER = Lookup(ChargePoint.objects.all, "id", "connection")


@dataclass(frozen=True)
class Reply:
    text: str | None = None
    hang_up: bool = False
    command_answered: bool = False  # the next one may go out


def hear(connection: Connection, text: str, received_at: datetime) -> Reply:
    """Take one frame. Raises only when the database is away: the socket falls, and the charge point sends again."""
    connection.heard += 1
    if connection.heard % TIDY_EVERY == 0:
        forget_old_frames(connection.charge_point_id)
    try:
        frame = frames.read(text)
    except frames.Malformed as malformed:
        answer = malformed.answer
        if answer is not None:
            answer.error_code = connection.wire.spelled(answer.error_code)
        _log(connection, received_at, text, answer, outcome=malformed.reason)
        return Reply(answer and answer.to_json())
    if isinstance(frame, Call):
        return _answer_repeated(connection, frame, text) or _hear_call(connection, frame, text, received_at)
    _hear_answer(connection, frame, text, received_at)
    return Reply(command_answered=True)


def _answer_repeated(connection: Connection, call: Call, text: str) -> Reply | None:
    asked, answer = connection.answered.get(call.unique_id, (None, ""))
    if asked is None:
        return None
    if asked == hash(text):
        return Reply(answer)
    cause = {"cause": "this unique id was used for another message"}
    return Reply(_error(connection, call, OccurenceConstraintViolationError(details=cause)).to_json())


def _hear_call(connection: Connection, call: Call, text: str, received_at: datetime) -> Reply:
    try:
        answer = _try_again_if_outrun(partial(_answer, connection, call, text, received_at))
    except Superseded:
        return Reply(_refuse(connection, call, text, received_at, SecurityError()), hang_up=True)
    except OCPPError as error:
        refusal = _refuse(connection, call, text, received_at, error)
        connection.remember(call.unique_id, text, refusal)
        return Reply(refusal)
    except Refused as refused:
        error = GenericError(details={"cause": str(refused.message)})
        return Reply(_refuse(connection, call, text, received_at, error))
    except Exception:  # a fault of ours: the charge point is told, keeps its message and sends it again
        log.exception(
            "charge point not answered", charge_point=connection.charge_point_id, action=call.action
        )
        return Reply(_refuse(connection, call, text, received_at, InternalError()))
    connection.remember(call.unique_id, text, answer)
    return Reply(answer)


class Superseded(Exception):
    """Another socket speaks for this charge point now, or it was blocked."""


def _hear_answer(
    connection: Connection, frame: CallResult | CallError, text: str, received_at: datetime
) -> None:
    """An answer is never answered. One that we fail to take leaves its command to its deadline."""

    def take() -> None:
        outcome = commands.record_answer(connection, frame, received_at)
        _log(connection, received_at, text, None, frame=frame, outcome=outcome)

    try:
        _try_again_if_outrun(take)
    except Exception:  # a fault of ours; the socket and its other messages shall not suffer
        log.exception("answer not taken", charge_point=connection.charge_point_id, unique_id=frame.unique_id)
        _log(connection, received_at, text, None, frame=frame, outcome="InternalError")


def _try_again_if_outrun(take: Callable[[], T]) -> T:
    """Run `take` in a transaction; once more when another writer was faster or the database stepped back."""
    for remaining in reversed(range(TRIES)):
        try:
            with transaction.atomic():
                return take()
        except (StaleMove, OperationalError):
            if not remaining:
                raise
            time.sleep(0.02)
    raise AssertionError("the last try returns or raises")


def _answer(connection: Connection, call: Call, text: str, received_at: datetime) -> str:
    charge_point = _SPEAKER.find(connection.charge_point_id, connection.nonce)
    if charge_point is None or charge_point.state == ChargePoint.State.BLOCKED:
        raise Superseded
    speaker = Speaker(
        charge_point_id=charge_point.pk,
        received_at=received_at,
        clock_skew_seconds=charge_point.clock_skew_seconds or 0,
        heartbeat_seconds=settings.OCPP["HEARTBEAT_SECONDS"],
        plugs=Plugs(tuple(charge_point.plugs_per_evse)),
    )
    question = connection.wire.read_call(call, speaker)
    services.note_proof_of_life(charge_point, received_at)
    services.note_clock(charge_point, speaker.skew_seconds(question.clock))
    said = _said_to(question.event, charge_point, call, speaker)
    answer = frames.result(call, question.answer(said))
    _log(connection, received_at, text, answer, frame=call, outcome=question.note, label=question.label)
    return answer.to_json()


def _said_to(event: Any, charge_point: ChargePoint, call: Call, speaker: Speaker) -> Any:
    """What the domain says to `event`. Only approved charge points reach it; the others may boot and wait."""
    approved = charge_point.state == ChargePoint.State.APPROVED
    if isinstance(event, Connected):
        services.note_boot(charge_point, event)
        services.tell_if_approved(charge_point, event)
        return approved
    if event is None:
        return None
    if not approved:
        raise SecurityError(details={"cause": "this charge point is not approved yet"})
    if isinstance(event, TransactionStarted):
        said = services.tell(_as_first_heard(event, call))
        if said is None:
            raise NotSupportedError(details={"cause": "nobody here sells charging"})
        return said
    if isinstance(event, TransactionReport):
        return transactions.take(event, speaker.plugs)
    if isinstance(event, PlugReport):
        return transactions.take_plug(event)
    return services.tell(event)


def _as_first_heard(event: TransactionStarted, call: Call) -> TransactionStarted:
    """A start is told apart by its time. One whose clock is no use gets the time of its first arrival, so that
    sending it again is the same start and not another."""
    if not event.at_doubted:
        return event
    earlier = Frame.objects.filter(
        charge_point_id=event.charge_point_id,
        direction=Frame.Direction.IN,
        action=call.action,
        outcome="",
        at__gt=event.received_at - SENT_AGAIN_WITHIN,
    ).order_by("pk")
    for frame in earlier:
        if frames.read(frame.raw).payload == call.payload:
            return replace(event, at=frame.at)
    return event


# --- The log -------------------------------------------------------------------------------------------


def _error(connection: Connection, call: Call, problem: OCPPError) -> CallError:
    answer = frames.error(call.unique_id, problem)
    answer.error_code = connection.wire.spelled(answer.error_code)
    return answer


def _refuse(connection: Connection, call: Call, text: str, received_at: datetime, problem: OCPPError) -> str:
    refusal = _error(connection, call, problem)
    try:
        reason = f"{refusal.error_code}: {refusal.error_description}"
        _log(connection, received_at, text, refusal, frame=call, outcome=reason)
    except DatabaseError:  # the answer matters more than its log
        log.exception("refusal not logged", charge_point=connection.charge_point_id)
    return refusal.to_json()


def _log(
    connection: Connection,
    at: datetime,
    text: str,
    answer: Any,
    *,
    frame: frames.Frame | None = None,
    outcome: str = "",
    label: str = "",
) -> None:
    """The frame that came and the one that goes, as two rows in one statement."""
    action = (label or getattr(frame, "action", None) or "")[:36]
    common = {"charge_point_id": connection.charge_point_id, "action": action, "at": at}
    unique_id = frame.unique_id if frame else ""
    reason = frames.storable_text(outcome)[:200]
    raw = frames.storable_text(without_passwords(text)[:LONGEST_RAW])
    rows = [Frame(direction=Frame.Direction.IN, unique_id=unique_id, raw=raw, outcome=reason, **common)]
    if answer is not None:
        said = answer.error_code if isinstance(answer, CallError) else ""
        rows.append(
            Frame(
                direction=Frame.Direction.OUT,
                unique_id=answer.unique_id,
                raw=answer.to_json(),
                outcome=said,
                **common,
            )
        )
    Frame.objects.bulk_create(rows)


def forget_old_frames(charge_point_id: str) -> int:
    """Keep the newest frames of a charge point, routine ones and others counted apart."""
    mine = Frame.objects.filter(charge_point_id=charge_point_id)
    routine, others = mine.filter(action__in=ROUTINE), mine.exclude(action__in=ROUTINE)
    forgotten = 0
    for kind, kept in ((routine, ROUTINE_KEPT), (others, OTHERS_KEPT)):
        newest_too_old = kind.order_by("-pk").values_list("pk", flat=True)[kept : kept + 1].first()
        if newest_too_old is not None:
            forgotten += kind.filter(pk__lte=newest_too_old).delete()[0]
    return forgotten
