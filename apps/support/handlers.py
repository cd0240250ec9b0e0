"""Calls for help and grievances on the network: what operators answer, and issues of both sides."""

from uuid import UUID

from apps.beckn import outbox
from apps.beckn.inbox import Inbound
from apps.orders import handlers as orders
from apps.orders.selectors import UnknownOrder
from apps.support import igm, network, selectors, services


def on_support(inbound: Inbound) -> None:
    tickets = selectors.tickets_of_deal(
        transaction_id=UUID(inbound.context.transaction_id), bpp_id=inbound.sender_id
    )
    try:
        orders.on_support(inbound)
    except UnknownOrder:
        if not tickets:
            raise
    refusal = (inbound.error.message or inbound.error.code or "refused") if inbound.error else ""
    contact = {} if inbound.error else network.read_contact(inbound.body.support)
    for ticket in tickets:
        services.record_operator_answer(ticket, contact=contact, refusal=refusal)


def issue(inbound: Inbound) -> None:
    """An app opens a grievance about an order of ours, adds to it or closes it."""
    services.refuse_unless_spoken()
    services.answer(inbound, services.take_issue(inbound=inbound, told=igm.read(inbound.body.issue)))


def issue_status(inbound: Inbound) -> None:
    services.refuse_unless_spoken()
    ticket = services.issue_of(inbound.sender_id, inbound.body.issue_id)
    if ticket is None:
        raise UnknownOrder("no such issue")
    outbox.reply(inbound, "on_issue_status", services.status_answer(ticket))


def on_issue(inbound: Inbound) -> None:
    """An error leaves the ticket with our desk, where it is anyway."""
    if inbound.error is None:
        services.record_issue_answer(sender_id=inbound.sender_id, told=igm.read(inbound.body.issue))


on_issue_status = on_issue  # the same news, asked for or not
