"""What operators answer to a call for help: the order takes the contact, our tickets about it the news."""

from uuid import UUID

from apps.beckn.inbox import Inbound
from apps.orders import handlers as orders
from apps.orders.selectors import UnknownOrder
from apps.support import network, selectors, services


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
