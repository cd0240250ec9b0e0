"""What was delivered, charged and paid back, compared once a night (AT-C6).

The rooms look at their own deals (`evportal/wiring.py`, `reconcile.…`): they know what is owed and pay back the rest.
Here are the claim of the night, the report, and what only payments know: the ledger and refunds that are stuck.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import Q, Sum

from apps.lib import clock, wiring
from apps.payments.models import Finding, LedgerEntry, Payment, Reconciliation, Refund

NIGHT_BEGINS = 2  # UTC
LOOKS_BACK = timedelta(days=40)  # longer than a refund may be asked for
LOOKERS = ("reconcile.orders", "reconcile.bookings")
Kind = Finding.Kind


@dataclass(frozen=True)
class Found:
    """One thing that does not fit."""

    kind: str
    reference: str
    words: str
    amount: Decimal | None = None
    currency: str = ""
    refund: Refund | None = None


def every_night() -> int:
    """Duty: one process reconciles, once a night."""
    now = clock.now()
    if now.hour < NIGHT_BEGINS or Reconciliation.objects.filter(night=now.date()).exists():
        return 0
    try:
        with transaction.atomic():
            row = Reconciliation.objects.create(night=now.date(), since=now - LOOKS_BACK)
    except IntegrityError:  # another worker is at it
        return 0
    reconcile(row)
    return 1


def reconcile(row: Reconciliation) -> Reconciliation:
    """Look at every deal that ended since, and write the report."""
    deals = 0
    for look in LOOKERS:
        for found in wiring.handler("EVENTS", look)(row.since):
            deals += 1
            _write(row, found)
    _write(row, [*_stuck_refunds(), *_ledger_differences(row.since)])
    Reconciliation.objects.filter(pk=row.pk).update(deals=deals, finished_at=clock.now())
    row.refresh_from_db()
    return row


def _write(row: Reconciliation, found: list[Found]) -> None:
    Finding.objects.bulk_create(Finding(reconciliation=row, **vars(one)) for one in found)


def _stuck_refunds() -> Iterator[Found]:
    late = Q(state=Refund.State.FAILED) | Q(
        state__in=(Refund.State.APPROVED, Refund.State.SENT), promised_on__lt=clock.now().date()
    )
    for refund in Refund.objects.filter(late).select_related("payment").iterator():
        if refund.state == Refund.State.FAILED and _was_repaired(refund):
            continue
        words = refund.last_error or f"{refund.state}, promised for {refund.promised_on}"
        yield _about(refund.payment, Kind.REFUND_STUCK, words, refund.amount, refund)


def _was_repaired(refund: Refund) -> bool:
    """Another attempt after it paid at least as much."""
    later = refund.payment.refunds.filter(created_at__gt=refund.created_at, state__in=Refund.HOLDING)
    return later.filter(amount__gte=refund.amount).exists()


def _ledger_differences(since: datetime) -> Iterator[Found]:
    """The append-only lines against the figures of the rows."""
    taken = Q(ledger__kind=LedgerEntry.Kind.CAPTURED)
    back = Q(ledger__kind=LedgerEntry.Kind.REFUNDED)
    payments = Payment.objects.filter(closed_at__gte=since, state=Payment.State.CAPTURED).annotate(
        line_taken=Sum("ledger__amount", filter=taken), line_back=Sum("ledger__amount", filter=back)
    )
    for payment in payments.iterator():
        settled = payment.refunds.filter(state=Refund.State.SETTLED).aggregate(total=Sum("amount"))["total"]
        if (payment.line_taken or 0) != payment.captured_amount:
            words = f"charged {payment.captured_amount}, the ledger says {payment.line_taken or 0}"
            yield _about(payment, Kind.LEDGER_DIFFERS, words, payment.captured_amount)
        if (payment.line_back or 0) != (settled or 0):
            words = f"paid back {settled or 0}, the ledger says {payment.line_back or 0}"
            yield _about(payment, Kind.LEDGER_DIFFERS, words, settled)


def _about(
    payment: Payment, kind: str, words: str, amount: Decimal | None, refund: Refund | None = None
) -> Found:
    return Found(kind, payment.reference, words[:300], amount, payment.currency, refund)
