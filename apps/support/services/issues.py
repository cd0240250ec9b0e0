"""Grievances with their words, where BECKN_IGM switches the quartet on: `issue`, `on_issue`, `issue_status`,
`on_issue_status`. What comes and goes is the same ticket that `support` opens; the issue's number is the app's."""

from typing import Any

from django.utils.translation import gettext as _

from apps.beckn import outbox
from apps.beckn.inbox import Inbound
from apps.beckn.wire import v1_1 as wire
from apps.lib import clock, wiring
from apps.lib.errors import Refused
from apps.support import igm
from apps.support.igm import Told
from apps.support.models import Ticket, TicketEvent, TicketMessage
from apps.support.services import notices
from apps.support.services.opening import open_call
from apps.support.services.peers import is_spoken, tell_operator
from apps.support.services.steps import keep, locked, note
from apps.support.services.talking import accept, say
from apps.support.states import State

Verb = TicketEvent.Verb


def refuse_unless_spoken() -> None:
    if not is_spoken():
        raise Refused(_("Issues are not spoken here; ask by support."), code="40001")


# --- Operator side ----------------------------------------------------------------------------------------


def take_issue(*, inbound: Inbound, told: Told) -> Ticket:
    """An app opens an issue about an order, adds words to it, or closes it."""
    ticket = issue_of(inbound.sender_id, told.id) or _open(inbound, told)
    if told.is_closed:
        accept(ticket, author=None)
    elif told.words:
        say(ticket, text=told.words, press_key=told.key, author=None)
    ticket.refresh_from_db()
    return ticket


def issue_of(bap_id: str, issue_id: str) -> Ticket | None:
    calls = Ticket.objects.filter(side=Ticket.Side.OPERATOR, bap_id=bap_id, issue_id=issue_id)
    return calls.order_by("-pk").first() if issue_id else None


def _open(inbound: Inbound, told: Told) -> Ticket:
    """The ticket that a `support` of this order opened, if it did; else a new one."""
    owner: dict[str, Any] | None = wiring.handler("EVENTS", "order.owner")(
        bap_id=inbound.sender_id, order_id=told.order_id
    )
    if owner is None or not told.id or told.is_closed:
        raise Refused(_("There is no such order or issue."), code="30010")
    ticket = open_call(inbound=inbound, reference=told.order_id, what=told.what, **owner)
    with locked(ticket) as row:
        keep(row, issue_id=told.id, what=told.what)
    return row


# --- Driver side ------------------------------------------------------------------------------------------


def record_issue_answer(*, sender_id: str, told: Told) -> None:
    """What the operator did about our issue: its words stand on the driver's page under its name."""
    ticket = Ticket.objects.filter(side=Ticket.Side.DRIVER, code=told.id, bpp_id=sender_id).first()
    if ticket is None:
        raise Refused("no such issue", code="30010")
    with locked(ticket) as row:
        if row.is_over:
            return
        asks = told.action == igm.ASKS
        is_new = told.action and not row.messages.filter(press_key=told.key).exists()
        keep(row, operator_answered_at=clock.now(), waits_for_operator=False)
        if not is_new or not told.words:
            return
        message = row.messages.create(
            by=TicketMessage.By.OPERATOR, text=told.words, press_key=told.key, at=clock.now()
        )
        keep(row, operator_asks=asks)
        note(row, Verb.OPERATOR_ANSWERED, why=told.action)
        notices.tell_reporter(row, Verb.OPERATOR_ANSWERED, message)


def close_issues() -> int:
    """Duty: what our driver's ticket is done with is closed at the operator as well, once."""
    if not is_spoken():
        return 0
    due = Ticket.objects.filter(side=Ticket.Side.DRIVER, state=State.CLOSED, issue_is_open=True)
    closed = 0
    for ticket in due.order_by("pk")[:50]:
        with locked(ticket) as row:
            if row.issue_is_open and row.state == State.CLOSED:
                tell_operator(row, igm.closed(row))
                Ticket.objects.filter(pk=row.pk).update(issue_is_open=False)
                closed += 1
    return closed


def status_answer(ticket: Ticket) -> wire.OnIssueStatusMessage:
    last = ticket.messages.filter(by=TicketMessage.By.DESK, kind=TicketMessage.Kind.PUBLIC).last()
    return wire.OnIssueStatusMessage(issue=igm.answer(ticket, words=last.text if last else ""))


def answer(inbound: Inbound, ticket: Ticket) -> None:
    outbox.reply(inbound, "on_issue", wire.OnIssueMessage(issue=igm.answer(ticket)))
