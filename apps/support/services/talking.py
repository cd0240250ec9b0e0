"""What is said: by the reporter, by the desk, and among the desk. A press that comes twice says it once."""

from collections.abc import Iterable
from uuid import UUID

from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.lib import clock
from apps.support.files import Checked
from apps.support.models import Ticket, TicketEvent, TicketMessage
from apps.support.rights import May, refuse_unless
from apps.support.services import notices
from apps.support.services.attaching import attach
from apps.support.services.peers import add_to_issue, tell_app
from apps.support.services.steps import NotNow, go, keep, locked, note
from apps.support.states import REOPEN_WITHIN, State

Verb = TicketEvent.Verb
By = TicketMessage.By
AFTER_REPLY = (State.IN_PROGRESS, State.WAITING_FOR_DRIVER, State.RESOLVED)


# --- The reporter -----------------------------------------------------------------------------------------


def say(
    ticket: Ticket, *, text: str, press_key: UUID | str, author: User | None, attached: Iterable[Checked] = ()
) -> None:
    """The driver answers; where we waited for that, the clock runs again. Words after the solution reopen."""
    with locked(ticket) as row:
        if _is_known(row, press_key):
            return
        if row.is_over:
            return reopen(row, text=text, press_key=press_key, author=author, attached=attached)
        attach(_write(row, By.REPORTER, text, press_key, author), attached)
        if row.state == State.WAITING_FOR_DRIVER:
            go(row, State.IN_PROGRESS, verb=Verb.ANSWERED, why="the driver answered", by=author)
        else:
            keep(row)
            note(row, Verb.ANSWERED, why="", by=author)
        add_to_issue(row, text)
        notices.tell_assignee(row, Verb.ANSWERED)


def accept(ticket: Ticket, *, author: User | None) -> None:
    """The driver says it is solved; pressing twice does no harm."""
    with locked(ticket) as row:
        if row.state == State.CLOSED:
            return
        if row.state != State.RESOLVED:
            go(row, State.RESOLVED, verb=Verb.RESOLVED, why="the driver says it is solved", by=author)
        go(row, State.CLOSED, verb=Verb.CLOSED, why="accepted by the driver", by=author)
        tell_app(row)


def may_reopen(ticket: Ticket) -> bool:
    recent = ticket.resolved_at is not None and clock.now() < ticket.resolved_at + REOPEN_WITHIN
    return ticket.is_over and recent and ticket.merged_into_id is None


def reopen(
    ticket: Ticket, *, text: str, press_key: UUID | str, author: User | None, attached: Iterable[Checked] = ()
) -> None:
    """Within seven days of the solution, with the reason; the promise to settle begins anew, one level higher."""
    with locked(ticket) as row:
        if _is_known(row, press_key):
            return
        if not may_reopen(row):
            raise NotNow(_("It can be opened again for seven days only. Please report it anew."))
        if _is_followed(row):
            raise NotNow(_("There is a newer report about the same order. Please write there."))
        attach(_write(row, By.REPORTER, text, press_key, author), attached)
        promise = notices.promise_of(row)
        due_at = clock.now() + promise.settle_escalated
        go(row, State.IN_PROGRESS, verb=Verb.REOPENED, why=text, by=author, settle_due_at=due_at)
        notices.tell_assignee(row, Verb.REOPENED)
        tell_app(row)


def _is_followed(ticket: Ticket) -> bool:
    """The app called again after this one was closed."""
    if ticket.side != Ticket.Side.OPERATOR:
        return False
    same = Ticket.objects.filter(
        side=ticket.side,
        bap_id=ticket.bap_id,
        transaction_id=ticket.transaction_id,
        network_ref=ticket.network_ref,
    )
    return same.exclude(state=State.CLOSED).exclude(pk=ticket.pk).exists()


# --- The desk ---------------------------------------------------------------------------------------------


def reply(
    ticket: Ticket,
    *,
    by: User,
    text: str,
    press_key: UUID | str,
    then: str = State.IN_PROGRESS,
    attached: Iterable[Checked] = (),
) -> None:
    """Words for the driver, and what the ticket does afterwards: go on, wait for an answer, or be resolved."""
    with locked(ticket) as row:
        refuse_unless(by, row, May.ACT)
        if _is_known(row, press_key):
            return
        if row.is_over:
            raise NotNow(_("This ticket is settled; it can only be opened again by its driver."))
        message = _write(row, By.DESK, text, press_key, by)
        attach(message, attached)
        changes = {"replied_at": row.replied_at or clock.now(), "assignee": row.assignee or by}
        verb = {State.WAITING_FOR_DRIVER: Verb.ASKED_DRIVER, State.RESOLVED: Verb.RESOLVED}.get(
            State(then), Verb.REPLIED
        )
        if then == State.RESOLVED:
            changes["resolution"] = text
        if row.state == then:
            keep(row, **changes)
            note(row, verb, why="", by=by)
        else:
            go(row, then, verb=verb, why="", by=by, **changes)
        notices.tell_reporter(row, verb, message)
        tell_app(row, verb, text)


def add_note(ticket: Ticket, *, by: User, text: str, press_key: UUID | str) -> None:
    """For the desk only: no page, mail or message of the driver ever shows it."""
    with locked(ticket) as row:
        refuse_unless(by, row, May.NOTE)
        if not _is_known(row, press_key):
            _write(row, By.DESK, text, press_key, by, kind=TicketMessage.Kind.INTERNAL)
            note(row, Verb.NOTED, why="", by=by)


def _is_known(ticket: Ticket, press_key: UUID | str) -> bool:
    return ticket.messages.filter(press_key=str(press_key)).exists()


def _write(
    ticket: Ticket,
    side: str,
    text: str,
    press_key: UUID | str,
    author: User | None,
    kind: str = TicketMessage.Kind.PUBLIC,
) -> TicketMessage:
    return ticket.messages.create(
        by=side, author=author, text=text, press_key=str(press_key), kind=kind, at=clock.now()
    )
