"""How a change of an order is said on the wire, and how its answers are read (fact sheet 4.7, `order.items`). Pure."""

import copy
from dataclasses import dataclass
from decimal import Decimal

from apps.beckn.wire import numbers
from apps.beckn.wire import v1_1 as wire
from apps.orders import network
from apps.orders.change_models import Change
from apps.orders.models import Order
from apps.orders.told import Priced

GROUP = "order-change"  # ours: docs/use-cases.md
COLUMNS = ("ordered_by", "energy_kwh", "ordered_minutes", "ordered_amount", "says_units")


def as_changed(order: Order, change: Change) -> Order:
    """The order as it would be: a row that nobody saves."""
    changed = copy.copy(order)
    for name in COLUMNS:
        setattr(changed, name, getattr(change, name))
    if change.is_of_plug:
        changed.item_id, changed.fulfillment_id = change.item_id, change.fulfillment_id
    return changed


def ask(order: Order, change: Change) -> wire.UpdateMessage:
    return _update_items(order, as_changed(order, change), is_of_plug=change.is_of_plug)


def put_back(order: Order, change: Change) -> wire.UpdateMessage:
    """To an operator that changes at once: as it was before."""
    return _update_items(order, order, is_of_plug=change.is_of_plug)


def _update_items(order: Order, wanted: Order, *, is_of_plug: bool) -> wire.UpdateMessage:
    fulfillment = wire.Fulfillment(id=wanted.fulfillment_id or wanted.item_id, type="CHARGING")
    return wire.UpdateMessage(
        update_target="order.items,order.fulfillments" if is_of_plug else "order.items",
        order=wire.Order(
            id=order.network_order_id,
            provider=wire.Provider(id=order.provider_id),
            items=(network.item_of(wanted),),
            fulfillments=(fulfillment,),
        ),
    )


def accept(order: Order, change: Change, *, payment_reference: str) -> wire.UpdateMessage:
    """The row of payments that the operator named, as paid: that makes its offer the order."""
    reference = {"transaction_id": payment_reference} if payment_reference else {}
    payment = wire.Payment(
        id=change.payment_id,
        collected_by="BAP",
        type=order.terms.get("payment_type") or "PRE-FULFILLMENT",
        status="PAID",
        params=wire.PaymentParams(
            amount=numbers.money_text(change.payment_amount, change.currency),
            currency=change.currency,
            **reference,
        ),
    )
    return wire.UpdateMessage(
        update_target="order.payments", order=wire.Order(id=order.network_order_id, payments=(payment,))
    )


@dataclass(frozen=True)
class Offered:
    """The operator's answer. `is_firm`: it says itself that this waits for our word."""

    quote: Priced
    ordered_kwh: Decimal | None
    payment_id: str
    payment_amount: Decimal | None
    is_firm: bool
    instructions: str


def read_offer(order: wire.Order) -> Offered:
    """Raises UnreadableQuote when there is no total."""
    quote = network.read_quote(order)
    said = read_said(order)
    open_row = next((row for row in order.payments if _waits(row, said.get("id", ""))), None)
    params = (open_row and open_row.params) or wire.PaymentParams()
    return Offered(
        quote=quote,
        ordered_kwh=network.read_ordered_kwh(order),
        payment_id=((open_row and open_row.id) or "")[:100],
        payment_amount=_number(params.amount),
        is_firm=is_offer(order) and open_row is not None,
        instructions=network.read_told(order).instructions,
    )


def read_said(order: wire.Order) -> dict[str, str]:
    """The tags of our group: `id` and `status`, where the operator knows it."""
    return {
        wire.tag_code(tag.descriptor.code or ""): (tag.value or "").strip()
        for group in order.tags
        if group.descriptor and wire.tag_code(group.descriptor.code or "") == GROUP
        for tag in group.list
        if tag.descriptor
    }


def is_offer(order: wire.Order) -> bool:
    """Does the operator say itself that this waits for our word?"""
    return read_said(order).get("status", "").upper() == "OFFERED"


def read_accepted(order: wire.Order) -> str:
    """The id of the change that is in force, "" when the operator names none."""
    said = read_said(order)
    return said.get("id", "") if said.get("status") == "ACCEPTED" else ""


def _waits(row: wire.Payment, wanted: str) -> bool:
    return row.id == wanted if wanted else (row.status or "").upper() == "NOT-PAID"


def _number(text: str | None) -> Decimal | None:
    try:
        return numbers.read_number(text)
    except numbers.NumberError:
        return None
