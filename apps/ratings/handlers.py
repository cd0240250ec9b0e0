from uuid import UUID

from apps.beckn import outbox
from apps.beckn.inbox import Inbound
from apps.beckn.wire import v1_1 as wire
from apps.orders.selectors import order_of_message
from apps.ratings import network, services


def rating(inbound: Inbound) -> None:
    """An app rates one of our orders."""
    services.receive(
        bap_id=inbound.sender_id,
        transaction_id=UUID(inbound.context.transaction_id),
        ratings=network.read_ratings(inbound.body),
        received_at=inbound.message.created_at,
    )
    outbox.reply(inbound, "on_rating", wire.OnRatingMessage())


def on_rating(inbound: Inbound) -> None:
    """The operator has taken, or refused, what our driver said."""
    order = order_of_message(transaction_id=UUID(inbound.context.transaction_id), sender_id=inbound.sender_id)
    refusal = (inbound.error.message or inbound.error.code or "refused") if inbound.error else ""
    services.record_answer(order, message_id=inbound.message.message_id, refusal=refusal)
