"""The other side of the network: our desk asks an operator, and our operators tell the app of a driver."""

from django.conf import settings

from apps.accounts.models import User
from apps.beckn import outbox
from apps.beckn.wire import v1_1 as wire
from apps.lib import clock
from apps.support import igm, network
from apps.support.models import Ticket, TicketEvent
from apps.support.services.steps import keep, locked, note

Verb = TicketEvent.Verb


def ask_operator(ticket: Ticket) -> bool:
    """Queue a `support` about the order or the station; False when there is no operator to ask."""
    if ticket.side != Ticket.Side.DRIVER or not (ticket.network_ref and ticket.bpp_uri):
        return False
    _ask(ticket, "support", network.support(ticket))
    return True


def is_spoken() -> bool:
    return bool(settings.BECKN["IGM"])


def open_issue(ticket: Ticket, words: str) -> None:
    """Beside `support`, which has no room for them, the words about an order go to its operator."""
    if is_spoken() and ticket.order_id and ticket.network_ref:
        tell_operator(ticket, igm.opened(ticket, words))
        keep(ticket, issue_is_open=True)


def add_to_issue(ticket: Ticket, words: str) -> None:
    """What the driver answers to a question of the operator, and nothing else of their talk with our desk."""
    if ticket.operator_asks and ticket.issue_is_open and is_spoken():
        tell_operator(ticket, igm.opened(ticket, words))
        keep(ticket, operator_asks=False)


def tell_operator(ticket: Ticket, issue: wire.Issue) -> None:
    _ask(ticket, "issue", wire.IssueMessage(issue=issue))


def _ask(ticket: Ticket, action: str, body: wire.Model) -> None:
    outbox.request(
        action,
        body,
        transaction_id=ticket.transaction_id,
        bpp_id=ticket.bpp_id,
        bpp_uri=ticket.bpp_uri,
    )


def tell_app(ticket: Ticket, verb: str = "", words: str = "") -> None:
    """Unsolicited progress: the app that asked one of our operators learns that there is news behind the link, and in
    an issue of its own also what."""
    if ticket.side != Ticket.Side.OPERATOR or not ticket.bap_uri:
        return
    if ticket.issue_id and is_spoken():
        outbox.callback(
            "on_issue",
            wire.OnIssueMessage(issue=igm.answer(ticket, verb, words)),
            transaction_id=ticket.transaction_id,
            bap_id=ticket.bap_id,
            bap_uri=ticket.bap_uri,
        )
    else:
        outbox.callback(
            "on_support",
            network.on_support(ticket),
            transaction_id=ticket.transaction_id,
            bap_id=ticket.bap_id,
            bap_uri=ticket.bap_uri,
            only_newest=True,
        )


def record_operator_answer(ticket: Ticket, *, contact: dict[str, str], refusal: str = "") -> None:
    """`on_support`, asked for or not. Only what is new leaves a line, so nobody can fill the page."""
    with locked(ticket) as row:
        if row.is_over:
            return
        told = {**row.operator_contact, **contact}
        is_news = bool(refusal) or row.waits_for_operator or told != row.operator_contact
        is_news = is_news or row.operator_answered_at is None
        keep(row, operator_contact=told, operator_answered_at=clock.now(), waits_for_operator=False)
        if is_news:
            note(row, Verb.OPERATOR_ANSWERED, why=refusal and f"the operator refused: {refusal}")


def hand_to_operator(ticket: Ticket, *, by: User | None, why: str) -> bool:
    """Ask again, and put the ticket among those that wait for the operator. The clock goes on."""
    if not ask_operator(ticket):
        return False
    if ticket.issue_is_open and is_spoken():
        _ask(ticket, "issue_status", wire.IssueStatusMessage(issue_id=ticket.code))
    keep(ticket, waits_for_operator=True)
    note(ticket, Verb.ASKED_OPERATOR, why=why, by=by)
    return True
