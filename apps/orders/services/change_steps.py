"""What every service of changes does: move with a deadline, say it to the operator, bring it into force or end it."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_noop

from apps.lib import clock
from apps.lib.moves import move
from apps.orders import change_network
from apps.orders.models import Change, Order, OrderLine
from apps.orders.quotes import quoted
from apps.orders.services.steps import DRIVER, keep, note, poll, write_lines
from apps.orders.states import State
from apps.orders.told import Line, Priced
from apps.payments import raising
from apps.payments.models import Payment
from apps.payments.selectors import latest

S = Change.State
CHANGEABLE = (State.CONFIRMED, State.STARTING, State.CHARGING, State.INTERRUPTED)
BEFORE_ENERGY = (State.CONFIRMED, State.STARTING)
KEY = "change-"


def end(change: Change, to: str, *, why: str, **failure: str) -> None:
    """Over without effect. Whoever had changed at once is asked to put it back, and no more is held for it."""
    was, order = change.state, change.order
    go(change, to, why=why, **failure)
    payment = payment_of(order) if was == S.HOLDING else None
    if payment:
        raising.forget(payment, key=f"{KEY}{change.code}")
    if was == S.OFFERED and not change.is_firm and order.state in CHANGEABLE:
        poll(order, "update", change_network.put_back(order, change))


def go(change: Change, to: str, *, why: str, **changes: Any) -> None:
    order, now = change.order, clock.now()
    lasts = Change.LASTS.get(to)
    changes.setdefault("deadline_at", _deadline(now, lasts))
    move(change, to, why=why, **changes)
    change.order = order
    keep(order)


def _deadline(now: datetime, lasts: Any) -> datetime | None:
    return now + lasts if lasts else None


def say(change: Change, body: Any) -> None:
    """Beside the request whose answer the order waits for: a start, a stop."""
    change.message_id = poll(change.order, "update", body).message_id
    Change.objects.filter(pk=change.pk).update(message_id=change.message_id)


def held(order: Order) -> Decimal:
    """For the charge itself; what is held for standing after it stays for that."""
    payment = payment_of(order)
    is_held = payment and payment.state == Payment.State.AUTHORISED
    return payment.amount - order.standing_cap if is_held else Decimal(0)


def payment_of(order: Order) -> Payment | None:
    return latest(side=DRIVER, reference=str(order.code))


def can_hold(order: Order, amount: Decimal) -> bool:
    """Is so much held, or can the one hold be raised to it?"""
    payment = payment_of(order)
    return amount <= held(order) or bool(payment and raising.can_be_raised(payment))


def accept(change: Change) -> None:
    order = change.order
    if not change.payment_id:  # an operator that has made the change already and wants nothing more
        return take_effect(change, why=gettext_noop("the driver accepted"))
    go(change, S.ACCEPTED, why=gettext_noop("the driver accepted"))
    payment = payment_of(order)
    reference = payment.provider_ref if payment else ""
    say(change, change_network.accept(order, change, payment_reference=reference))
    return None


def take_effect(change: Change, *, why: str) -> None:
    order, seen = change.order, quoted(change.order)
    go(change, S.DONE, why=why)
    columns: dict[str, Any] = {name: getattr(change, name) for name in change_network.COLUMNS}
    columns |= {"from_percent": None, "estimate_amount": None, "quote_amount": change.quote_amount}
    if change.instructions:
        columns["instructions"] = change.instructions
    if change.is_of_plug:
        columns |= _place(change)
    keep(order, quoted_before=seen, **columns)
    write_lines(order, OrderLine.Kind.QUOTE, priced(change))
    note(order, f"changed to {change.wanted_words}, {change.quote_amount} {change.currency}")


def _place(change: Change) -> dict[str, Any]:
    facts = {name: getattr(change, name) for name in ("item_id", "fulfillment_id", "plug_letter")}
    offer = change.offer
    if offer:
        facts |= {"offer": offer, "plug_standard": offer.standard, "power_type": offer.power_type}
        facts |= {"max_kw": offer.max_kw}
    return {**facts, "other_plug": {}}


def priced(change: Change) -> Priced:
    lines = tuple(
        Line(
            title=kept["title"],
            code=kept["code"],
            amount=Decimal(kept["amount"]),
            energy_kwh=Decimal(kept["energy_kwh"]) if kept["energy_kwh"] else None,
            note=kept["note"],
        )
        for kept in change.lines
    )
    return Priced(total=change.quote_amount, currency=change.currency, lines=lines)
