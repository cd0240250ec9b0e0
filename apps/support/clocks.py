"""The clock of a ticket in one word, one icon and one colour: how much is left of the promise that comes next."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from apps.support.models import Ticket
from apps.support.states import PROMISES, State

SOON = timedelta(hours=1)


@dataclass(frozen=True)
class Clock:
    tone: str
    icon: str
    words: str
    due_at: datetime | None = None
    left: timedelta | None = None


def clock_of(ticket: Ticket, now: datetime) -> Clock:
    if ticket.state == State.WAITING_FOR_DRIVER:
        return Clock("unknown", "pause", _("Stands: waiting for the driver"))
    due_at = ticket.due_at
    if due_at is None:
        return Clock("ok", "check", _("Settled"))
    left = due_at - now
    if left <= timedelta(0):
        return Clock("bad", "octagon-x", _("Promise missed"), due_at, timedelta(0))
    tone, glyph = ("warn", "hourglass") if _is_short(ticket, left) else ("ok", "clock")
    if ticket.breached_at is not None:
        tone, glyph = "bad", "octagon-x"
    words = _("To settle") if ticket.replied_at else _("To answer")
    return Clock(tone, glyph, words, due_at, left)


def _is_short(ticket: Ticket, left: timedelta) -> bool:
    """Less than a quarter of what was promised."""
    promise = PROMISES[ticket.priority]
    return left < (promise.settle if ticket.replied_at else promise.reply) / 4
