"""The other side of the network: our desk asks an operator, and our operators tell the app of a driver."""

from apps.accounts.models import User
from apps.beckn import outbox
from apps.lib import clock
from apps.support import network
from apps.support.models import Ticket, TicketEvent
from apps.support.services.steps import keep, locked, note

Verb = TicketEvent.Verb


def ask_operator(ticket: Ticket) -> bool:
    """Queue a `support` about the order or the station; False when there is no operator to ask."""
    if ticket.side != Ticket.Side.DRIVER or not (ticket.network_ref and ticket.bpp_uri):
        return False
    outbox.request(
        "support",
        network.support(ticket),
        transaction_id=ticket.transaction_id,
        bpp_id=ticket.bpp_id,
        bpp_uri=ticket.bpp_uri,
    )
    return True


def tell_app(ticket: Ticket) -> None:
    """Unsolicited progress: the app that asked one of our operators learns that there is news behind the link."""
    if ticket.side == Ticket.Side.OPERATOR and ticket.bap_uri:
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
    keep(ticket, waits_for_operator=True)
    note(ticket, Verb.ASKED_OPERATOR, why=why, by=by)
    return True
