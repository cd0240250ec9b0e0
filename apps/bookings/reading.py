"""What an app of the network asked for, read from its messages. Tolerant of spelling, refusing what cannot be sold."""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.utils.translation import gettext as _

from apps.beckn.inbox import Inbound
from apps.beckn.wire import numbers
from apps.beckn.wire import v1_1 as wire
from apps.beckn.wire.v1_1 import taxonomy
from apps.bookings import amounts
from apps.lib.errors import Refused

SOFT_CANCEL = "SOFT-CANCEL"
END_REASON, NOT_MY_CAR = "end-reason", "not-my-car"  # ours: docs/use-cases.md


@dataclass(frozen=True)
class Peer:
    """The app that asks, proven by its signature, and its transaction."""

    bap_id: str
    bap_uri: str
    transaction_id: UUID


@dataclass(frozen=True)
class Choice:
    provider_id: str
    item_id: str
    fulfillment_id: str
    energy_kwh: Decimal | None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    minutes: int | None = None
    money: Decimal | None = None
    currency: str = ""

    @property
    def ordered_by(self) -> str:
        if self.minutes is not None:
            return "TIME"
        return "ENERGY" if self.money is None else "MONEY"


@dataclass(frozen=True)
class Customer:
    name: str
    email: str
    phone: str


@dataclass(frozen=True)
class PaymentFacts:
    payment_id: str
    collected_by: str | None
    status: str | None
    amount: Decimal | None
    currency: str | None
    reference: str


@dataclass(frozen=True)
class Update:
    """`wanted`: the canonical state code asked for. `choice`: the order repeated beside it, if it was.

    `times`: begin and end that were asked for, where that is what the update is about. `amended`: another amount or
    another plug.
    """

    order_id: str
    wanted: str | None
    choice: Choice | None
    times: tuple[datetime | None, datetime | None] | None = None
    amended: "Amended | None" = None
    is_not_my_car: bool = False  # the reason of an end that was asked for


@dataclass(frozen=True)
class Amended:
    """What an order is to be instead; empty is as it was."""

    item_id: str
    fulfillment_id: str
    amount: amounts.Amount | None


def peer(inbound: Inbound) -> Peer:
    message = inbound.message
    return Peer(bap_id=inbound.sender_id, bap_uri=message.bap_uri, transaction_id=message.transaction_id)


def choice(order: wire.Order) -> Choice:
    if not order.provider or not order.provider.id:
        raise Refused(_("The order names no operator."), code="30001")
    if len(order.items) != 1 or not order.items[0].id:
        raise Refused(_("An order is for exactly one connector."), code="30004")
    if len(order.fulfillments) > 1:
        raise Refused(_("An order is for exactly one charging point."), code="30000")
    fulfillment = order.fulfillments[0] if order.fulfillments else None
    return Choice(
        provider_id=order.provider.id,
        item_id=order.items[0].id,
        fulfillment_id=(fulfillment.id or "") if fulfillment else "",
        starts_at=_starts_at(fulfillment) if fulfillment else None,
        ends_at=_ends_at(fulfillment) if fulfillment else None,
        **vars(amounts.read(order.items[0])),
    )


def _starts_at(fulfillment: wire.Fulfillment) -> datetime | None:
    for stop in fulfillment.stops:
        if taxonomy.stop_type(stop.type) == "start" and stop.time:
            begins = stop.time.range and stop.time.range.starts_at
            return stop.time.at or begins or None
    return None


def _ends_at(fulfillment: wire.Fulfillment) -> datetime | None:
    """Of the finish stop, or of a range at the start (fact sheet 5.2: accept both)."""
    for stop in fulfillment.stops:
        if taxonomy.stop_type(stop.type) == "finish" and stop.time and stop.time.at:
            return stop.time.at
    ranges = (stop.time.range for stop in fulfillment.stops if stop.time and stop.time.range)
    return next((span.ends_at for span in ranges), None)


def customer(order: wire.Order) -> Customer:
    """Who the bill is for; the fulfillment's customer fills what the billing leaves open."""
    billing = order.billing or wire.Billing()
    told = order.fulfillments[0].customer if order.fulfillments else None
    person = told.person if told and told.person else wire.Person()
    contact = told.contact if told and told.contact else wire.Contact()
    found = Customer(
        name=(billing.name or person.name or "").strip()[:120],
        email=(billing.email or contact.email or "").strip()[:254],
        phone=(billing.phone or contact.phone or "").strip()[:40],
    )
    if not order.billing or not found.name or not found.phone:
        raise Refused(_("Billing needs a name and a telephone number."), code="30000")
    return found


def payment(order: wire.Order) -> PaymentFacts:
    if len(order.payments) != 1:
        raise Refused(_("An order is paid in exactly one payment."), code="40004")
    told = order.payments[0]
    params = told.params or wire.PaymentParams()
    return PaymentFacts(
        payment_id=(told.id or "")[:100],
        collected_by=taxonomy.collected_by(told.collected_by),
        status=taxonomy.payment_status(told.status),
        amount=_amount(params.amount),
        currency=params.currency.strip().upper() if params.currency else None,
        reference=(params.transaction_id or "")[:200],
    )


def _amount(text: str | None) -> Decimal | None:
    try:
        return numbers.read_number(text)
    except numbers.NumberError:
        return None


def is_about_payments(body: wire.UpdateMessage) -> bool:
    """How apps that do not know `refund` ask for one (fact sheet 5.4)."""
    return [_target(part) for part in body.update_target.split(",")] == ["payments"]


def refund_request(body: wire.RefundMessage, currency: str, message_id: str) -> wire.RefundEntry:
    """`refund`, as the row of payments that it stands for. The message is the app's name for it."""
    asked = body.refund or wire.RefundRequest()
    price = asked.amount or wire.Price()
    if price.amount is None or price.amount <= 0:
        raise Refused(_("The refund names no amount."), code="30000")
    if (price.currency_code or currency) != currency:
        raise Refused(_("This order was billed in another currency."), code="30000")
    reason_id = (body.refund_reason_id or "").strip()[:10]
    said = body.descriptor.code if body.descriptor else None
    return wire.RefundEntry(
        id=message_id,
        amount=price.amount,
        currency=currency,
        status="REQUESTED",
        type=taxonomy.refund_type(said) or taxonomy.REFUND_REASONS.get(reason_id, "SERVICE_ISSUE_REFUND"),
        reason_id=reason_id,
        words=((body.descriptor and body.descriptor.short_desc) or "")[:300],
    )


def refund_row(body: wire.UpdateMessage, currency: str) -> wire.RefundEntry:
    rows = wire.read_refunds(body.order.payments, currency)
    if len(rows) != 1 or not rows[0].id:
        raise Refused(_("Exactly one refund can be asked for, with an id."), code="30000")
    return rows[0]


def update(body: wire.UpdateMessage) -> Update:
    """The state of the charge, its times, or what was ordered; anything else is refused by name."""
    targets = [_target(part) for part in body.update_target.split(",")]
    order = body.order
    if "items" in targets and set(targets) <= {"items", "items.quantity", "fulfillments"}:
        return Update(order.id or "", None, None, amended=_amended(order))
    repeated = choice(order) if order.provider and order.items and order.items[0].quantity else None
    if targets == ["fulfillments.stops"]:
        point = order.fulfillments[0] if order.fulfillments else wire.Fulfillment()
        return Update(order.id or "", None, repeated, (_starts_at(point), _ends_at(point)))
    if targets not in (["fulfillments.state"], ["fulfillments"]):
        words = _("Only the state and the times of the charge and what was ordered can be updated.")
        raise Refused(words, code="30012")
    state = order.fulfillments[0].state if order.fulfillments else None
    wanted = taxonomy.state_code(state.code) if state else None
    tags = wire.all_tags(order.fulfillments[0].tags if order.fulfillments else ())
    not_mine = END_REASON in tags and tags[END_REASON][0].strip().lower() == NOT_MY_CAR
    return Update(order_id=order.id or "", wanted=wanted, choice=repeated, is_not_my_car=not_mine)


def _amended(order: wire.Order) -> Amended:
    if len(order.items) != 1 or len(order.fulfillments) > 1:
        raise Refused(_("An order is for exactly one connector."), code="30004")
    item = order.items[0]
    has_amount = bool(item.quantity and item.quantity.selected) or bool(wire.all_tags(item.tags))
    return Amended(
        item_id=item.id or "",
        fulfillment_id=(order.fulfillments[0].id or "") if order.fulfillments else "",
        amount=amounts.read(item) if has_amount else None,
    )


def _target(text: str) -> str:
    """'order.fulfillments[0].state' and 'fulfillments.state' are the same target."""
    return re.sub(r"\[\d*\]", "", text.strip().lower()).removeprefix("message.").removeprefix("order.")


def is_preview(body: wire.CancelMessage) -> bool:
    code = body.descriptor.code if body.descriptor else None
    return (code or "").strip().upper().replace("_", "-") == SOFT_CANCEL
