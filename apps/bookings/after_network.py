"""How that is said which follows the bill: what the operator gave up of it since. Pure but for reading the rows."""

from apps.beckn.wire import v1_1 as wire
from apps.bookings.models import Booking, Concession

REFUND_STATUSES = {
    Concession.State.REQUESTED: "REQUESTED",
    Concession.State.AGREED: "APPROVED",
    Concession.State.PAID: "REFUNDED",
    Concession.State.REJECTED: "REJECTED",
}


def with_what_followed(order: wire.Order, booking: Booking) -> wire.Order:
    """Each refund is a row of its own among the payments (fact sheet 5.4)."""
    rows = tuple(refund_entry(row).to_payment() for row in booking.concessions.order_by("pk"))
    return order.but(payments=(*order.payments, *rows)) if rows else order


def refund_entry(concession: Concession) -> wire.RefundEntry:
    booking = concession.booking
    return wire.RefundEntry(
        id=concession.code,
        amount=concession.amount,
        currency=booking.currency,
        status=REFUND_STATUSES[concession.state],
        type=concession.type,
        of=booking.payment_id or f"pay-{booking.quote_id}",
        reason_id=concession.reason_id,
        words=concession.decision or concession.words,
        reference=concession.reference,
    )
