"""An idle fee of which our own word did not reach the driver in time goes back unasked (AT-F6).

The operator told us, so its bill is right. Our mail and push were down, so the fee is ours to bear.
"""

from datetime import timedelta
from decimal import Decimal

from django.utils.translation import gettext_noop

from apps.lib import clock, wiring
from apps.lib.money import round_money
from apps.orders.models import Order, OrderLine
from apps.orders.services.steps import DRIVER
from apps.orders.suggestion import TAX, refundable_payment
from apps.payments import refunds
from apps.payments.models import Refund
from apps.payments.selectors import refunds_for

PROMPT = timedelta(minutes=2)  # so long a word may take, where the free time is shorter
FEE = "idle-fee"  # and what its cap takes off: `idle-fee-discount`
WHY = gettext_noop("we could not tell you in time that standing there costs money")


def give_back_untold(order: Order, *, still_owed: Decimal) -> Refund | None:
    """Once. `still_owed`: what the operator has given up meanwhile is not given back again."""
    key = f"untold-{order.code}"
    fee = _fee_with_tax(order)
    payment = refundable_payment(order) if fee > 0 else None
    if payment is None or not _came_too_late(order):
        return None
    if any(row.idempotency_key == key for row in refunds_for(side=DRIVER, reference=str(order.code))):
        return None
    amount = min(fee - (order.billed_amount - still_owed), refunds.open_amount(payment))
    if amount <= 0:
        return None
    told = {"cause": Refund.Cause.SERVICE_ISSUE, "reason": WHY, "source": Refund.Source.RULE}
    return refunds.pay_back(payment, amount=amount, key=key, **told)


def _came_too_late(order: Order) -> bool:
    free_until = (order.idle or {}).get("free_until")
    return wiring.handler("EVENTS", "order.standing_untold")(
        order, until=clock.read_instant(free_until) if free_until else None, at_least=PROMPT
    )


def _fee_with_tax(order: Order) -> Decimal:
    lines = list(order.lines.filter(kind=OrderLine.Kind.BILL))
    net = sum((line.amount for line in lines if line.code != TAX), start=Decimal(0))
    fee = sum((line.amount for line in lines if line.title.lower().startswith(FEE)), start=Decimal(0))
    tax = sum((line.amount for line in lines if line.code == TAX), start=Decimal(0))
    return round_money(fee + tax * fee / net, order.currency) if net > 0 else Decimal(0)
