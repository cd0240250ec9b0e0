"""The evidence leaves the house: who took it is written down before it does."""

from apps.accounts.models import User
from apps.lib.paper import Paper
from apps.support import pack
from apps.support.models import Ticket, TicketEvent
from apps.support.rights import May, refuse_unless
from apps.support.services.steps import locked, note


def export_evidence(ticket: Ticket, *, by: User) -> Paper:
    """Whoever may see the page may take it along."""
    with locked(ticket) as row:
        refuse_unless(by, row, May.SEE)
        note(row, TicketEvent.Verb.EXPORTED, why="", by=by)
    return pack.paper_of(ticket, by)
