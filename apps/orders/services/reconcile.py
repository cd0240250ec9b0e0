"""Orders against charges and refunds, for the nightly report (apps/payments/reconciliation.py)."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from apps.orders.models import Order
from apps.orders.services.refunds import excess, owed, pay_back_excess
from apps.orders.services.steps import DRIVER
from apps.orders.states import OVER, State
from apps.payments.models import Finding, Payment
from apps.payments.reconciliation import Found
from apps.payments.selectors import captured, latest


def look(since: datetime) -> Iterator[list[Found]]:
    """One list per order that is over; what was charged beyond what is owed is on its way back when it is told."""
    for order in Order.objects.filter(state__in=OVER, state_since__gte=since).iterator(chunk_size=500):
        yield _look_at(order)


def _look_at(order: Order) -> list[Found]:
    payments = captured(side=DRIVER, reference=str(order.code))
    beyond = excess(order, payments) if payments else Decimal(0)
    if beyond > 0:
        return _beyond(order, payments, beyond)
    return _owing(order) if not payments and order.state == State.SETTLED and owed(order) > 0 else []


def _beyond(order: Order, payments: list[Payment], beyond: Decimal) -> list[Found]:
    with transaction.atomic():
        made = pay_back_excess(order)
    kind = Finding.Kind.CHARGED_TWICE if len(payments) > 1 else Finding.Kind.CHARGED_TOO_MUCH
    words = f"charged {sum(row.captured_amount for row in payments)}, owed {owed(order)}"
    told = ", ".join(f"{row.amount} {row.state}" for row in made) or "nothing is left to pay back"
    return [
        Found(
            kind, str(order.code), f"{words}: {told}"[:300], beyond, order.currency, made[0] if made else None
        )
    ]


def _owing(order: Order) -> list[Found]:
    payment = latest(side=DRIVER, reference=str(order.code))
    words = f"owed {owed(order)}, " + (f"the payment is {payment.state}" if payment else "no payment")
    return [Found(Finding.Kind.NOT_CHARGED, str(order.code), words, owed(order), order.currency)]
