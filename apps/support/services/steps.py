"""What every service of the desk does: lock the ticket, move it with its clock, leave a line, tell the page."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.lib import clock
from apps.lib.errors import Refused
from apps.lib.moves import may_move, move
from apps.live import push
from apps.support.models import Ticket, TicketEvent
from apps.support.states import DRIVER_ANSWERS_WITHIN, OVER, REOPEN_WITHIN, RUNNING, State


class NotNow(Refused):
    """Right button, wrong moment."""

    code = "40001"


@contextmanager
def locked(ticket: Ticket) -> Iterator[Ticket]:
    """The row as it stands now, for one writer at a time: two presses come one after the other."""
    with transaction.atomic():
        yield Ticket.objects.select_for_update().get(pk=ticket.pk)


def go(
    ticket: Ticket,
    to: str,
    *,
    verb: str,
    why: str,
    by: User | None = None,
    before: str = "",
    after: str = "",
    **changes: Any,
) -> None:
    """Move with the clock and the deadline that the new state calls for. Inside `locked`."""
    if not may_move(ticket, to):
        raise NotNow(_("This is not possible now: the ticket is “%(state)s”.") % {"state": _label(ticket)})
    now = clock.now()
    changes = _clock(ticket, to, now) | changes
    changes["deadline_at"] = _deadline(ticket, to, now, changes)
    move(ticket, to, why=why, changed_at=now, **changes)
    newest = ticket.events.latest("pk")
    TicketEvent.objects.filter(pk=newest.pk).update(verb=verb, by=by, before=before[:120], after=after[:120])
    show(ticket)


def _label(ticket: Ticket) -> str:
    return str(State(ticket.state).label)


def _clock(ticket: Ticket, to: str, now: datetime) -> dict[str, Any]:
    """It stands only while the driver is asked: leaving that state gives the time back."""
    changes: dict[str, Any] = {}
    if ticket.paused_at is not None:
        stood = now - ticket.paused_at
        changes |= {
            "reply_due_at": ticket.reply_due_at + stood,
            "settle_due_at": ticket.settle_due_at + stood,
        }
    changes["paused_at"] = now if to == State.WAITING_FOR_DRIVER else None
    if to == State.RESOLVED:
        changes["resolved_at"] = now
    if to in OVER:
        changes["waits_for_operator"] = False
    return changes


def _deadline(ticket: Ticket, to: str, now: datetime, changes: dict[str, Any]) -> datetime | None:
    if to == State.WAITING_FOR_DRIVER:
        return now + DRIVER_ANSWERS_WITHIN
    if to == State.RESOLVED:
        return now + REOPEN_WITHIN
    if to not in RUNNING:
        return None
    reply, settle, replied = (
        changes.get(name, getattr(ticket, name)) for name in ("reply_due_at", "settle_due_at", "replied_at")
    )
    return settle if replied else min(reply, settle)


def keep(ticket: Ticket, **changes: Any) -> None:
    """Write `changes` beside the state. Inside `locked`; a promise that changes moves the deadline with it."""
    now = clock.now()
    if ticket.clock_runs:
        changes["deadline_at"] = _deadline(ticket, ticket.state, now, changes)
    Ticket.objects.filter(pk=ticket.pk).update(changed_at=now, **changes)
    for name, value in changes.items():
        setattr(ticket, name, value)
    ticket.changed_at = now
    show(ticket)


def note(
    ticket: Ticket, verb: str, *, why: str, by: User | None = None, before: str = "", after: str = ""
) -> None:
    """A line of the audit that moves nothing."""
    ticket.events.create(
        was=ticket.state,
        now=ticket.state,
        verb=verb,
        why=why[:300],
        by=by,
        before=before[:120],
        after=after[:120],
    )


def show(ticket: Ticket) -> None:
    push.changed_on_commit("ticket", ticket.name_for_reporter)
