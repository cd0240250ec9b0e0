"""Messages of others, worked after they were stored (arrivals.py) and acknowledged.

A message is worked in one transaction: what the room did and "done" are committed together, or neither is.
Messages of one transaction are worked in the order in which they came.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import translation
from structlog.contextvars import bound_contextvars

from apps.beckn import line, metrics, outbox
from apps.beckn.models import Attempt, Message, Side
from apps.beckn.states import claim_message, move_message
from apps.beckn.wire import v1_1 as wire
from apps.lib import clock, wiring
from apps.lib.errors import Refused
from apps.lib.moves import StaleMove, decide

log = structlog.get_logger(__name__)

LEASE = timedelta(
    seconds=10
)  # handlers only touch the database; after a crash the next worker may take over soon
PAUSES_SECONDS = (0.2, 1, 3, 8)
TRIES = len(PAUSES_SECONDS) + 1
# A late answer to one of these is told to nobody: what it answers is off the screen and no money hangs on it.
USELESS_WHEN_LATE = frozenset({"on_search"})
# A search that waited too long is simply over; whoever asked anything else learns that nothing happened.
NOT_ANSWERED_WHEN_LATE = frozenset({"search"})
INVALID, NOT_APPLICABLE, OUR_FAULT = "30000", "40001", "50000"
TABLES = {Side.BAP: "BECKN_BAP", Side.BPP: "BECKN_BPP"}
REQUEST_OF = {callback: request for request, callback in wire.CALLBACK_OF.items()}


@dataclass(frozen=True)
class Inbound:
    """What a handler gets."""

    message: Message
    context: wire.Context
    body: wire.Model | None
    error: wire.Error | None
    sender_id: str
    late: bool


@dataclass(frozen=True)
class _Outcome:
    """How a message ends when its handler did not take it."""

    state: str
    code: str
    text: str
    paths: str = ""
    answered: bool = True


def work(limit: int = 50) -> int:
    """Claim what is due and work it here and now; how many were worked."""
    claimed = claim(limit)
    for message in claimed:
        work_claimed(message)
    return len(claimed)


def claim(limit: int) -> list[Message]:
    """Take up to `limit` messages that are first in line of their transaction and due."""
    now = clock.now()
    due = list(islice(line.due(Message.Direction.IN, now), limit))
    if not due:
        return []
    with transaction.atomic():
        return [message for message in due if _claim_one(message, now)]


def _claim_one(message: Message, now: datetime) -> bool:
    return claim_message(
        message, Message.State.WORKING, lease_until=now + LEASE, started_at=message.started_at or now
    )


def work_claimed(message: Message) -> None:
    """One try. Whatever happens, the row ends in a state that says so; what peers are told is said in English."""
    names = {"transaction_id": str(message.transaction_id), "message_id": str(message.message_id)}
    with bound_contextvars(**names, action=message.action), translation.override(outbox.LANGUAGE):
        try:
            outcome = _try(message)
        except Exception as fault:
            # Bugs of any room end here: visible, retried, and never in another message's way.
            if isinstance(fault, StaleMove) and fault.obj is message:
                log.warning("message was taken over by another worker", message=message.pk)
                return
            log.exception("message could not be worked", message=message.pk, tries=message.tries)
            outcome = _failed(message, fault)
        metrics.worked(message, outcome)


def _try(message: Message) -> str:
    try:
        envelope = wire.read_envelope(bytes(message.body))
    except wire.WireError as fault:  # only a row that did not come through our door
        _finish(message, Message.State.REFUSED, error_code=INVALID, error_message=str(fault)[:500])
        return Message.State.REFUSED
    asked = _asked(message)
    late = _is_late(message, asked)
    inbound = Inbound(message, envelope.context, None, envelope.error, message.peer_id, late)
    if message.tries > TRIES:
        return _end(
            inbound, _Outcome(Message.State.FAILED, OUR_FAULT, "the worker died over it again and again")
        )
    if late and (message.action in USELESS_WHEN_LATE or message.action in wire.REQUESTS):
        text = "too late: the time to live was over before it was worked"
        answered = message.action not in NOT_ANSWERED_WHEN_LATE
        return _end(inbound, _Outcome(Message.State.EXPIRED, INVALID, text, "context.ttl", answered))
    try:
        body = wire.read_message(message.action, envelope)
        inbound = Inbound(message, envelope.context, body, envelope.error, message.peer_id, late)
        decide(partial(_take, inbound, asked), unless_lost=message)
    except wire.WireError as fault:
        return _end(inbound, _Outcome(Message.State.REFUSED, INVALID, fault.reason, fault.path))
    except Refused as refusal:
        return _end(inbound, _Outcome(Message.State.REFUSED, refusal.code, str(refusal.message)))
    return Message.State.DONE


def _take(inbound: Inbound, asked: Message | None) -> None:
    handler = wiring.handler(TABLES[inbound.message.side], inbound.message.action)
    if handler is None:
        raise Refused(f"{inbound.message.action} is not offered here", code=NOT_APPLICABLE)
    handler(inbound)
    _finish(inbound.message, Message.State.DONE, answers=asked)


def _asked(message: Message) -> Message | None:
    """Our request that this callback answers; None for requests and for callbacks that come unasked."""
    request = REQUEST_OF.get(message.action)
    if request is None:
        return None
    ours = Message.objects.filter(
        message_id=message.message_id,
        transaction_id=message.transaction_id,
        direction=Message.Direction.OUT,
        side=message.side,
        action=request,
    )
    ours = ours.filter(Q(peer_id=message.peer_id) | Q(action="search", bpp_id=""))
    return ours.only("expires_at").first()


def _is_late(message: Message, asked: Message | None) -> bool:
    """A request is late when we come to it too late; a callback when it came too late for what it answers."""
    if message.action in wire.REQUESTS:
        return message.expires_at is not None and clock.now() > message.expires_at
    ends = [row.expires_at for row in (message, asked) if row is not None and row.expires_at is not None]
    return bool(ends) and message.created_at > min(ends)


def _finish(message: Message, state: str, **changes) -> None:
    move_message(message, state, finished_at=clock.now(), lease_until=None, next_try_at=None, **changes)


def _end(inbound: Inbound, outcome: _Outcome) -> str:
    """Close the row, and tell whoever asked: they wait for a callback."""
    message = inbound.message
    with transaction.atomic():
        _finish(message, outcome.state, error_code=outcome.code[:40], error_message=outcome.text[:500])
        if message.action in wire.REQUESTS and outcome.answered:
            error = wire.Error(code=outcome.code, message=outcome.text, paths=outcome.paths)
            outbox.reply(inbound, wire.CALLBACK_OF[message.action], error=error)
    log.info("message not taken", outcome=outcome.state, code=outcome.code, why=outcome.text)
    return outcome.state


def _failed(message: Message, fault: Exception) -> str:
    """Try again after a pause; after the last try give up, visibly, and answer."""
    tries = message.tries
    message.refresh_from_db()
    if message.state != Message.State.WORKING or message.tries != tries:
        return (
            message.state
        )  # it was committed (the fault came from after the commit), or another worker has it
    text = f"{type(fault).__name__}: {fault}"
    Attempt.objects.create(message=message, number=tries, at=clock.now(), error=text[:1000])
    if tries < TRIES:
        pause = PAUSES_SECONDS[tries - 1] * random.uniform(0.75, 1.25)
        again_at = clock.now() + timedelta(seconds=pause)
        move_message(message, Message.State.RECEIVED, next_try_at=again_at, lease_until=None)
        return "RETRIED"
    envelope = wire.read_envelope(bytes(message.body))
    inbound = Inbound(message, envelope.context, None, None, message.peer_id, late=False)
    text = f"could not be worked here after {tries} tries; nothing was changed"
    return _end(inbound, _Outcome(Message.State.FAILED, OUR_FAULT, text))
