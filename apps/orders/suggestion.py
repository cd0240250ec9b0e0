"""How much a driver might fairly have back, and why: never an empty box."""

from dataclasses import dataclass
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.beckn.wire.v1_1 import taxonomy
from apps.lib.money import round_money
from apps.orders.models import Order, OrderLine
from apps.orders.states import State
from apps.payments.models import Payment, Refund
from apps.payments.refunds import open_amount
from apps.payments.selectors import captured

TAX, ENERGY = "gst", "energy-cost"
CLEARLY_LESS = Decimal("0.95")  # of what was ordered: a charger stops a breath early or late


@dataclass(frozen=True)
class Suggestion:
    amount: Decimal
    reason_id: str  # taxonomy.REFUND_REASONS
    words: Promise
    is_supported: bool  # our own figures speak for it


def refundable_payment(order: Order) -> Payment | None:
    """The payment with the most that may still be asked for."""
    payments = captured(side=Payment.Side.DRIVER, reference=str(order.code))
    best = max(payments, key=open_amount, default=None)
    return best if best and open_amount(best) > 0 else None


def suggest(order: Order) -> Suggestion | None:
    """None when there is nothing that could go back."""
    payment = refundable_payment(order)
    if payment is None:
        return None
    most = open_amount(payment)
    for amount, reason_id, words in _grounds(order):
        if amount > 0:
            return Suggestion(min(amount, most), reason_id, words, is_supported=True)
    words = _("Nothing stands out in the figures of this charge. This is the most that can go back.")
    return Suggestion(most, "R03", words, is_supported=False)


def _grounds(order: Order):
    """What stands out, the strongest first."""
    lines = list(order.lines.filter(kind=OrderLine.Kind.BILL))
    if lines and order.billed_amount is not None:
        beyond = order.billed_amount - sum((line.amount for line in lines), start=Decimal(0))
        yield beyond, "R01", _("The lines of the bill add up to less than its total. This is the difference.")
    fees = _fees_with_tax(order, lines)
    if order.events.filter(now=State.INTERRUPTED).exists():
        yield (
            fees,
            "R03",
            _("The link to the charger was lost during your charge. These are its fixed fees, with tax."),
        )
    if _ended_early(order):
        words = _(
            "The charge ended by itself before the energy you ordered. These are its fixed fees, with tax."
        )
        yield fees, "R03", words


def _ended_early(order: Order) -> bool:
    stopped_itself = order.stop_asked_at is None and order.billed_kwh is not None
    return stopped_itself and order.billed_kwh < order.energy_kwh * CLEARLY_LESS


def _fees_with_tax(order: Order, lines: list[OrderLine]) -> Decimal:
    """All but the energy, with its share of the tax."""
    net = sum((line.amount for line in lines if line.code != TAX), start=Decimal(0))
    fees = sum(
        (line.amount for line in lines if line.code not in (TAX, ENERGY) and line.amount > 0),
        start=Decimal(0),
    )
    tax = sum((line.amount for line in lines if line.code == TAX), start=Decimal(0))
    return round_money(fees + tax * fees / net, order.currency) if net > 0 else Decimal(0)


def for_payment(payment: Payment) -> tuple[Decimal, str, Promise]:
    """For the desk: an amount, a cause of refunds, and why. The most that can go back when it is no order of ours."""
    order = (
        Order.objects.filter(code=payment.reference).first() if payment.side == Payment.Side.DRIVER else None
    )
    hint = suggest(order) if order else None
    if hint is None:
        words = _("Nothing stands out in the figures of this charge. This is the most that can go back.")
        return open_amount(payment), Refund.Cause.SERVICE_ISSUE, words
    cause = taxonomy.REFUND_REASONS[hint.reason_id].removesuffix("_REFUND")
    return min(hint.amount, open_amount(payment)), cause, hint.words
