"""What operators tell us. Each handler reads the message and calls one service."""

from collections.abc import Callable
from functools import wraps
from uuid import UUID

from apps.beckn.inbox import Inbound
from apps.beckn.wire import v1_1 as wire
from apps.orders import change_network, network, services
from apps.orders.documents import read_documents
from apps.orders.models import Order
from apps.orders.selectors import order_of_message
from apps.orders.terms import read_terms
from apps.orders.told import UnreadableQuote

UNREADABLE = "unreadable"


def about_an_order(take: Callable[[Order, Inbound], None]) -> Callable[[Inbound], None]:
    """Find the order of the message; take an error as an error; give `take` the order as it stands now.

    A button of the driver may be pressed in the same moment: the inbox hands the message in again then.
    """

    @wraps(take)
    def handler(inbound: Inbound) -> None:
        (_take_error if inbound.error else take)(_order(inbound), inbound)

    return handler


def _order(inbound: Inbound) -> Order:
    order = getattr(inbound.body, "order", None)
    return order_of_message(
        transaction_id=UUID(inbound.context.transaction_id),
        sender_id=inbound.sender_id,
        network_order_id=(order and order.id) or "",
    )


def _take_error(order: Order, inbound: Inbound) -> None:
    _record_error(order, inbound, inbound.error.code or "", inbound.error.message or "")


def _record_error(order: Order, inbound: Inbound, code: str, message: str) -> None:
    services.record_error(
        order,
        action=inbound.message.action,
        message_id=inbound.message.message_id,
        code=code,
        message=message,
    )


@about_an_order
def on_select(order: Order, inbound: Inbound) -> None:
    try:
        quote = network.read_quote(inbound.body.order)
    except UnreadableQuote:
        _record_error(order, inbound, UNREADABLE, "")
    else:
        ordered_kwh = network.read_ordered_kwh(inbound.body.order)
        times = network.read_times(inbound.body.order)
        services.record_quote(order, quote=quote, ordered_kwh=ordered_kwh, times=times)


@about_an_order
def on_init(order: Order, inbound: Inbound) -> None:
    try:
        quote = network.read_quote(inbound.body.order)
    except UnreadableQuote:
        _record_error(order, inbound, UNREADABLE, "")
    else:
        ordered_kwh = network.read_ordered_kwh(inbound.body.order)
        terms = read_terms(inbound.body.order)
        times = network.read_times(inbound.body.order)
        services.record_terms(order, terms=terms, quote=quote, ordered_kwh=ordered_kwh, times=times)


@about_an_order
def on_confirm(order: Order, inbound: Inbound) -> None:
    told = network.read_told(inbound.body.order)
    if told.status == "CANCELLED":
        _record_error(order, inbound, "40000", told.cancel_text)
    else:
        services.record_confirmation(
            order,
            network_order_id=told.network_order_id,
            instructions=told.instructions,
            start_key=told.start_key,
        )


@about_an_order
def on_status(order: Order, inbound: Inbound) -> None:
    _take_news(order, inbound)


@about_an_order
def on_update(order: Order, inbound: Inbound) -> None:
    """The same news, asked for or not; or what a change of the order would cost, which is no news of the charge."""
    change = services.change_asked_by(order, inbound.message.message_id)
    if change is None or change.state != change.State.ASKED:
        # An offer that nobody waits for, or one told twice, says nothing of the charge: its price is no running bill.
        if not change_network.is_offer(inbound.body.order):
            _take_news(order, inbound)
        return
    try:
        services.record_offer(change, change_network.read_offer(inbound.body.order))
    except UnreadableQuote:
        _record_error(order, inbound, UNREADABLE, "")


def _take_news(order: Order, inbound: Inbound) -> None:
    """A change that is in force comes first: the rest of the message speaks of the changed order."""
    services.record_accepted(
        order,
        network_id=change_network.read_accepted(inbound.body.order),
        message_id=inbound.message.message_id,
    )
    told = network.read_told(inbound.body.order)
    services.record_told(order, told=told, received_at=inbound.message.created_at)
    _take_what_followed(order, inbound)


@about_an_order
def on_cancel(order: Order, inbound: Inbound) -> None:
    told = network.read_told(inbound.body.order)
    if told.status != "ACTIVE":  # a preview of the fee cancels nothing
        services.record_cancellation(order, told=told)
        _take_what_followed(order, inbound)


@about_an_order
def on_refund(order: Order, inbound: Inbound) -> None:
    _take_what_followed(order, inbound)


def _take_what_followed(order: Order, inbound: Inbound) -> None:
    """What follows the bill: refunds among the payments, documents among the tags."""
    if documents := read_documents(inbound.body.order):
        services.record_documents(order, documents=documents)
    entries = wire.read_refunds(inbound.body.order.payments, order.currency)
    if entries:
        services.record_refunds(order, entries=entries, message_id=inbound.message.message_id)


@about_an_order
def on_track(order: Order, inbound: Inbound) -> None:
    url = inbound.body.tracking.url or ""
    services.record_tracking(order, url=url if _is_web(url) else "")


def on_support(inbound: Inbound) -> None:
    contact = {} if inbound.error else _contact(inbound.body.support)
    services.record_support(_order(inbound), contact=contact)


def _contact(support: wire.Support) -> dict[str, str]:
    said = {"phone": support.phone, "email": support.email, "url": support.url}
    return {key: value[:300] for key, value in said.items() if value and (key != "url" or _is_web(value))}


def _is_web(url: str) -> bool:
    return url.startswith(("https://", "http://"))
