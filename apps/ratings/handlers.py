from uuid import UUID

from apps.beckn import outbox
from apps.beckn.inbox import Inbound
from apps.orders.selectors import order_of_message
from apps.ratings import categories, feedback, network, own_form, services


def rating(inbound: Inbound) -> None:
    """An app rates one of our orders, and is offered a form for more."""
    deal = {"bap_id": inbound.sender_id, "transaction_id": UUID(inbound.context.transaction_id)}
    services.receive(
        **deal, ratings=network.read_ratings(inbound.body), received_at=inbound.message.created_at
    )
    outbox.reply(inbound, "on_rating", own_form.offered(**deal))


def on_rating(inbound: Inbound) -> None:
    """The operator has taken, or refused, what our driver said; perhaps it asks for more."""
    order = order_of_message(transaction_id=UUID(inbound.context.transaction_id), sender_id=inbound.sender_id)
    refusal = (inbound.error.message or inbound.error.code or "refused") if inbound.error else ""
    rating = services.record_answer(order, message_id=inbound.message.message_id, refusal=refusal)
    url, is_required = network.read_form(inbound.body)
    if rating and url:
        feedback.find(rating, url=url, is_required=is_required)


def rating_categories(inbound: Inbound) -> None:
    """What an operator lets be rated; an error is no answer."""
    if inbound.body is not None:
        categories.record(
            bpp_id=inbound.sender_id,
            message_id=inbound.message.message_id,
            names=inbound.body.rating_categories,
        )
