"""What the driver owes, what was charged, and what therefore goes back unasked (AT-J4)."""

from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_noop

from apps.lib import clock
from apps.orders.models import Order
from apps.orders.services.steps import DRIVER, keep, note
from apps.orders.services.untold import give_back_untold
from apps.orders.states import State
from apps.payments import refunds
from apps.payments.models import Payment, Refund
from apps.payments.selectors import captured, refunds_for

BATCH = 100
Cause = Refund.Cause
# Refunds that set right what was charged; the others are a favour, and lower what is owed.
CORRECTING = (Cause.OVERCHARGE, Cause.FAILED_SESSION, Cause.DUPLICATE_PAYMENT, Cause.CANCELLATION)
BILLED = (State.ENDED, State.SETTLED, State.CANCELLED, State.NO_SHOW)
REASONS = {
    Cause.DUPLICATE_PAYMENT: gettext_noop("this order was charged more than once"),
    Cause.FAILED_SESSION: gettext_noop("nothing was delivered, so nothing is owed"),
    Cause.CANCELLATION: gettext_noop("the order was cancelled and less is owed"),
    Cause.OVERCHARGE: gettext_noop("more was charged than is owed"),
}


def owed(order: Order) -> Decimal:
    """What this order costs the driver in the end, favours aside."""
    if order.state not in BILLED or order.billed_amount is None:
        return Decimal(0)
    if order.billed_kwh is not None and order.billed_kwh <= 0:
        return Decimal(0)
    if order.corrected_amount is not None:
        return min(order.billed_amount, order.corrected_amount)
    return order.billed_amount


def excess(order: Order, payments: list[Payment]) -> Decimal:
    """Charged beyond what is owed, and not on its way back yet."""
    taken = sum((payment.captured_amount for payment in payments), start=Decimal(0))
    corrected = sum(
        (
            refund.amount
            for refund in refunds_for(side=DRIVER, reference=str(order.code))
            if refund.cause in CORRECTING and refund.state in Refund.HOLDING
        ),
        start=Decimal(0),
    )
    return taken - corrected - owed(order)


def pay_back_excess(order: Order) -> list[Refund]:
    """Newest payment first. Done again it gives back the same refunds: their key names the figures they rest on."""
    payments = captured(side=DRIVER, reference=str(order.code))
    left = excess(order, payments)
    made = []
    for payment in reversed(payments):
        part = min(left, refunds.open_amount(payment))
        if part <= 0:
            continue
        cause = _cause(order, payments)
        made.append(
            refunds.pay_back(
                payment,
                amount=part,
                cause=cause,
                reason=REASONS[cause],
                source=Refund.Source.RULE,
                key=f"rule-{payment.code}-{payment.captured_amount:f}-{owed(order):f}",
            )
        )
        left -= part
    return made


def _cause(order: Order, payments: list[Payment]) -> str:
    if len(payments) > 1:
        return Cause.DUPLICATE_PAYMENT
    if order.state in (State.CANCELLED, State.NO_SHOW):
        return Cause.CANCELLATION
    return Cause.OVERCHARGE if owed(order) else Cause.FAILED_SESSION


def check_money() -> int:
    """Duty, soon after an order is over or money was taken: what is not owed goes back."""
    due = Order.objects.filter(money_check_at__lte=clock.now()).order_by("money_check_at")
    return sum(_check(order) for order in list(due[:BATCH]))


@transaction.atomic
def _check(order: Order) -> bool:
    mine = Order.objects.filter(pk=order.pk, money_check_at=order.money_check_at)
    if not mine.update(money_check_at=None):
        return False
    made = pay_back_excess(order)
    untold = give_back_untold(order, still_owed=owed(order)) if order.state == State.SETTLED else None
    for refund in [*made, untold] if untold else made:
        note(order, f"{refund.amount} {order.currency} go back: {refund.reason}")
    return True


def owe_at_most(order: Order, amount: Decimal) -> None:
    """The operator's newer word on what is owed; a higher one changes nothing."""
    amount = max(amount, Decimal(0))
    if order.billed_amount is None or amount >= owed(order):
        return
    keep(order, corrected_amount=amount, money_check_at=clock.now())
