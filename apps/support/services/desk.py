"""What the desk does beside talking. Every verb asks for the right, locks the row, and leaves who, when, what, why."""

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.lib import clock
from apps.support.models import Ticket, TicketEvent, TicketMessage
from apps.support.rights import May, desk_people, may, refuse_unless, tickets_for
from apps.support.services import notices, peers
from apps.support.services.steps import NotNow, go, keep, locked, note
from apps.support.states import PROMISES, Level, Priority, State

Verb = TicketEvent.Verb


def assign(ticket: Ticket, *, by: User, to: User, why: str = "") -> None:
    """Take it, or give it to somebody who may act on it."""
    with locked(ticket) as row:
        refuse_unless(by, row, May.ACT)
        if may(to, row) < May.ACT:
            raise NotNow(_("%(person)s may not act on a ticket of this level.") % {"person": to})
        if row.assignee_id == to.pk:
            return
        _refuse_if_over(row)
        before, after = str(row.assignee or ""), str(to)
        if row.state == State.OPEN:
            go(
                row,
                State.ACKNOWLEDGED,
                verb=Verb.TAKEN,
                why=why,
                by=by,
                before=before,
                after=after,
                assignee=to,
            )
        else:
            keep(row, assignee=to)
            note(row, Verb.TAKEN, why=why, by=by, before=before, after=after)
        notices.tell_reporter(row, Verb.TAKEN)


def ask_operator(ticket: Ticket, *, by: User, why: str) -> None:
    """Ask the operator again by `support`; until it says something the ticket stands among those that wait for it."""
    with locked(ticket) as row:
        refuse_unless(by, row, May.ACT)
        _refuse_if_over(row)
        if row.waits_for_operator:
            return
        if not peers.hand_to_operator(row, by=by, why=why):
            raise NotNow(_("No operator on the network is known for this ticket."))
        notices.tell_reporter(row, Verb.ASKED_OPERATOR)


def change_priority(ticket: Ticket, *, by: User, priority: int, why: str) -> None:
    """The promises move with it, counted from the moment it was opened."""
    with locked(ticket) as row:
        refuse_unless(by, row, May.ACT)
        _refuse_if_over(row)
        if row.priority == priority:
            return
        was, promise = PROMISES[row.priority], PROMISES[priority]
        before, after = str(Priority(row.priority).label), str(Priority(priority).label)
        changes = {
            "priority": priority,
            "reply_due_at": row.reply_due_at + promise.reply - was.reply,
            "settle_due_at": row.settle_due_at + promise.settle - was.settle,
        }
        keep(row, **changes)
        note(row, Verb.PRIORITY, why=why, by=by, before=before, after=after)
        notices.tell_reporter(row, Verb.PRIORITY)


def escalate(ticket: Ticket, *, by: User | None, why: str, is_breach: bool = False) -> None:
    """One level up, to nobody yet, with a promise that begins anew. `by` is None where a promise was missed."""
    with locked(ticket) as row:
        if by is not None:
            refuse_unless(by, row, May.ACT)
        _refuse_if_over(row)
        if row.level == Level.OFFICER and not is_breach:
            raise NotNow(_("There is no level above the grievance officer."))
        now, promise = clock.now(), PROMISES[row.priority]
        level = min(row.level + 1, Level.OFFICER)
        changes = {"level": level, "settle_due_at": now + promise.settle_escalated}
        if level != row.level:
            changes["assignee"] = None
        if row.replied_at is None:
            changes["reply_due_at"] = now + promise.reply
        if is_breach:
            changes["breached_at"] = now
        before, after = str(Level(row.level).label), str(Level(level).label)
        go(row, State.ESCALATED, verb=Verb.ESCALATED, why=why, by=by, before=before, after=after, **changes)
        notices.tell_reporter(row, Verb.ESCALATED)
        notices.tell_desk(row, Verb.ESCALATED, desk_people(level))
        peers.tell_app(row, Verb.ESCALATED)


def merge(ticket: Ticket, *, by: User, into_code: str, why: str) -> None:
    """Close `ticket` in favour of another of the same reporter: else one driver would read what another wrote."""
    refuse_unless(by, ticket, May.ACT)
    found = tickets_for(by).filter(code=into_code.strip().upper()).exclude(pk=ticket.pk).first()
    if found is None:
        raise NotNow(_("There is no other ticket with this number."))
    with transaction.atomic():
        # In one order, whichever goes into which: two people cannot block each other.
        both = Ticket.objects.select_for_update().filter(pk__in=[ticket.pk, found.pk]).order_by("pk")
        by_pk = {one.pk: one for one in both}
        row, target = by_pk[ticket.pk], by_pk[found.pk]
        refuse_unless(by, row, May.ACT)
        refuse_unless(by, target, May.ACT)
        if _reporter(target) != _reporter(row):
            raise NotNow(_("Only tickets of the same driver can be merged."))
        if row.merged_into_id == target.pk:
            return
        _refuse_if_over(row)
        _refuse_if_over(target)
        go(row, State.CLOSED, verb=Verb.MERGED, why=why, by=by, after=target.code, merged_into=target)
        note(target, Verb.MERGED, why=why, by=by, before=row.code)
        target.messages.create(
            by=TicketMessage.By.DESK,
            author=by,
            kind=TicketMessage.Kind.INTERNAL,
            text=_("%(code)s was merged into this ticket.") % {"code": row.code},
            press_key=f"merged-{row.code}",
            at=clock.now(),
        )
        notices.tell_reporter(row, Verb.MERGED)


def _reporter(ticket: Ticket) -> tuple[object, ...]:
    """Whose ticket it is; a guest without an address is like nobody else."""
    if ticket.side == Ticket.Side.OPERATOR:
        return (ticket.operator_code, ticket.bap_id, ticket.transaction_id)
    if ticket.driver_id:
        return (ticket.driver_id,)
    return (ticket.guest_email.lower(),) if ticket.guest_email else (ticket.code, ticket.side)


def _refuse_if_over(ticket: Ticket) -> None:
    if ticket.is_over:
        raise NotNow(_("This ticket is settled; it can only be opened again by its driver."))
