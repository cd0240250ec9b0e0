"""What happens when nothing happens: a missed promise escalates, silence of the driver resolves, a solution stands."""

from apps.lib import clock
from apps.lib.errors import Refused
from apps.support.models import Ticket, TicketEvent
from apps.support.services import notices
from apps.support.services.desk import escalate
from apps.support.services.peers import tell_app
from apps.support.services.steps import go, locked
from apps.support.states import State

BATCH = 100
Verb = TicketEvent.Verb


def move_overdue() -> int:
    """Duty: how many moved."""
    due = Ticket.objects.filter(deadline_at__lte=clock.now()).order_by("deadline_at")[:BATCH]
    return sum(_move_on(ticket) for ticket in list(due))


def _move_on(ticket: Ticket) -> bool:
    with locked(ticket) as row:
        if row.deadline_at is None or row.deadline_at > clock.now():
            return False  # somebody answered in this very moment
        if row.clock_runs:
            return _breach(row)
        if row.state == State.WAITING_FOR_DRIVER:
            go(row, State.RESOLVED, verb=Verb.RESOLVED, why="the driver did not answer in time")
            notices.tell_reporter(row, Verb.RESOLVED)
        else:
            go(row, State.CLOSED, verb=Verb.CLOSED, why="nobody objected to the solution in time")
            notices.tell_reporter(row, Verb.CLOSED)
        tell_app(row)
    return True


def _breach(ticket: Ticket) -> bool:
    is_late = ticket.replied_at is None and ticket.reply_due_at <= clock.now()
    try:
        why = "nobody answered in the promised time" if is_late else "it was not settled in the promised time"
        escalate(ticket, by=None, why=why, is_breach=True)
    except Refused:
        return False
    return True
