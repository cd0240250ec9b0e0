"""A refund as a row of `order.payments[]` (fact sheet 5.4): one form for `refund`, `update` and everything unasked."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from apps.beckn.wire import numbers
from apps.beckn.wire.v1_1 import taxonomy
from apps.beckn.wire.v1_1.tags import first_tag, group, read_tags
from apps.beckn.wire.v1_1.terms import Payment, PaymentParams

TARGET = "order.payments"
AGREED = ("APPROVED", "PROCESSING", "REFUNDED")
LONGEST_ID = 100


@dataclass(frozen=True)
class RefundEntry:
    """`type` and `status` are words of the taxonomy; `of` is the id of the payment that is paid back.

    `corrects`, a tag of ours: the document that was wrong. Then `amount` comes off the bill, not off what was prepaid.
    """

    id: str
    amount: Decimal
    currency: str
    status: str
    type: str = "SERVICE_ISSUE_REFUND"
    of: str = ""
    reason_id: str = ""
    words: str = ""
    reference: str = ""  # the bank's, once money left
    paid_by: str = "BAP"
    corrects: str = ""

    @property
    def is_agreed(self) -> bool:
        return self.status in AGREED

    def to_payment(self) -> Payment:
        """NOT-PAID until money left."""
        reference = {"transaction_id": self.reference} if self.reference else {}
        amount = numbers.money_text(self.amount, self.currency)
        return Payment(
            id=self.id,
            type="POST-FULFILLMENT",
            status="PAID" if self.status == "REFUNDED" else "NOT-PAID",
            collected_by=self.paid_by,
            params=PaymentParams(amount=amount, currency=self.currency, **reference),
            tags=[
                group(
                    "refund",
                    "Refund",
                    refund_type=self.type,
                    refund_amount=amount,
                    refund_status=self.status,
                    refund_of=self.of or None,
                    reason_id=self.reason_id or None,
                    reason_text=self.words or None,
                    corrects=self.corrects or None,
                )
            ],
        )


def read_refunds(payments: Iterable[Payment], currency: str) -> list[RefundEntry]:
    """The refunds among them; a row without a readable amount, or of other money than `currency`, is none."""
    return [entry for payment in payments if (entry := _read(payment, currency))]


def _read(payment: Payment, currency: str) -> RefundEntry | None:
    said = first_tag(payment.tags, "refund-status")
    if not said and "refund" not in read_tags(payment.tags) and not first_tag(payment.tags, "refund-type"):
        return None
    params = payment.params or PaymentParams()
    amount = _amount(params.amount) or _amount(first_tag(payment.tags, "refund-amount"))
    if amount is None or (params.currency or currency).strip().upper() != currency:
        return None
    paid = taxonomy.payment_status(payment.status) == "PAID"
    return RefundEntry(
        id=(payment.id or "")[:LONGEST_ID],
        amount=amount,
        currency=currency,
        # A row that names no status is the operator's own announcement of money that goes back.
        status=taxonomy.refund_status(said) or ("REFUNDED" if paid else "REQUESTED" if said else "APPROVED"),
        type=taxonomy.refund_type(first_tag(payment.tags, "refund-type")) or "SERVICE_ISSUE_REFUND",
        of=first_tag(payment.tags, "refund-of")[:LONGEST_ID],
        reason_id=first_tag(payment.tags, "reason-id")[:10],
        words=first_tag(payment.tags, "reason-text")[:300],
        reference=(params.transaction_id or "")[:LONGEST_ID],
        paid_by=taxonomy.collected_by(payment.collected_by) or "BAP",
        corrects=first_tag(payment.tags, "corrects")[:LONGEST_ID],
    )


def _amount(text: str | None) -> Decimal | None:
    try:
        amount = abs(numbers.read_number(text))
    except numbers.NumberError:
        return None
    return amount if 0 < amount <= Decimal(100_000_000) else None
