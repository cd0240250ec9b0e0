"""How that is said which follows the bill: documents, and what the operator gave up. Pure but for reading the rows."""

from decimal import Decimal

from apps.beckn.wire import numbers
from apps.beckn.wire import v1_1 as wire
from apps.bookings.models import Booking, Concession, Invoice
from apps.lib import clock

DOCUMENTS = {Invoice.Kind.INVOICE: "invoice", Invoice.Kind.CREDIT_NOTE: "credit-note"}
REFUND_STATUSES = {
    Concession.State.REQUESTED: "REQUESTED",
    Concession.State.AGREED: "APPROVED",
    Concession.State.PAID: "REFUNDED",
    Concession.State.REJECTED: "REJECTED",
}


def with_what_followed(order: wire.Order, booking: Booking) -> wire.Order:
    """Each refund is a row of its own among the payments (fact sheet 5.4), each document a group of tags."""
    rows = tuple(refund_entry(row).to_payment() for row in booking.concessions.order_by("pk"))
    documents = tuple(_document(invoice) for invoice in booking.invoices.select_related("reverses"))
    return order.but(payments=(*order.payments, *rows), tags=(*order.tags, *documents))


def _plain(percent: str) -> str:
    """'18.000' → '18'."""
    return numbers.plain(Decimal(percent).normalize())


def _document(invoice: Invoice) -> wire.TagGroup:
    """Beckn has no field for it; the names are ours. One title and one percentage for each tax line of the bill."""
    return wire.group(
        DOCUMENTS[invoice.kind],
        invoice.get_kind_display(),
        number=invoice.name,
        issued_at=clock.utc_text(invoice.issued_at),
        amount=numbers.money_text(invoice.total, invoice.currency),
        currency=invoice.currency,
        reverses=invoice.reverses and invoice.reverses.name,
        seller_name=invoice.seller["legal_name"],
        seller_tax_id=invoice.seller["tax_id"] or None,
        tax_title=[line["title"] for line in invoice.lines if "percent" in line],
        tax_percent=[_plain(line["percent"]) for line in invoice.lines if "percent" in line],
        line_title=[line["title"] for line in invoice.lines],
        line_amount=[numbers.money_text(Decimal(line["amount"]), invoice.currency) for line in invoice.lines],
        reason=invoice.reason or None,
    )


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
        corrects=concession.corrects,
    )
