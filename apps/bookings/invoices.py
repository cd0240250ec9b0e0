"""The operator's documents: an invoice with every bill, a credit note and a corrected invoice with every concession.

Numbers have no gap: the counter moves in the same transaction as the document, so a rolled-back document takes its
number back with it, and the next one waits for the row.
"""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F

from apps.bookings.models import Booking, Invoice, InvoiceSeries
from apps.bookings.pricing import Bill
from apps.catalog.models import Operator
from apps.lib import clock
from apps.lib.money import round_money

Kind = Invoice.Kind


@transaction.atomic
def issue(booking: Booking, *, ended_at: datetime | None = None) -> Invoice | None:
    """With the final bill. Nothing billed, nothing invoiced; asked again, it is the same invoice.

    It belongs to the year in which the charge ended where the station stands, as everywhere (AT-E4), also when the
    last reading came after midnight. What corrects it later is of the year in which it is written.
    """
    if not booking.final_total or booking.final_total <= 0:
        return None
    lines, total = booking.final_lines, booking.final_total
    return booking.invoices.first() or _write(booking, Kind.INVOICE, lines, total, ended_at=ended_at)


def standing(booking: Booking) -> Invoice | None:
    """The one that nothing has reversed."""
    return booking.invoices.filter(kind=Kind.INVOICE, reversed_by=None).last()


@transaction.atomic
def credit(booking: Booking, *, reason: str, right: Bill | None = None) -> Invoice | None:
    """After something was given up: the standing invoice is reversed in full, and another says what is owed now.

    `right`: the bill that should have been; without it the standing lines shrink, each in proportion.
    """
    wrong = standing(booking)
    if wrong is None:
        return None
    owed = booking.final_total - booking.conceded_total
    note = _write(booking, Kind.CREDIT_NOTE, wrong.lines, wrong.total, reverses=wrong, reason=reason[:300])
    if owed > 0:
        lines, total = (right.lines_json(), right.total) if right else (wrong.lines, wrong.total)
        _write(booking, Kind.INVOICE, share(lines, total, owed, wrong.currency), owed)
    return note


def share(lines: list[dict], total: Decimal, owed: Decimal, currency: str) -> list[dict]:
    """The same lines, each smaller in the same proportion, taxes as well; together exactly `owed`."""
    scaled = [round_money(Decimal(line["amount"]) * owed / total, currency) for line in lines]
    largest = max(range(len(scaled)), key=lambda place: abs(scaled[place]))
    scaled[largest] += round_money(owed, currency) - sum(scaled, start=Decimal(0))
    return [line | {"amount": str(amount)} for line, amount in zip(lines, scaled, strict=True)]


def _write(
    booking: Booking, kind: str, lines: list[dict], total: Decimal, ended_at: datetime | None = None, **more
) -> Invoice:
    station = booking.evse.station
    now = clock.now()
    year = _year(ended_at or now, station.zone)
    return Invoice.objects.create(
        operator=station.operator,
        kind=kind,
        year=year,
        number=_next_number(station.operator, kind, year),
        booking=booking,
        seller={
            "legal_name": station.operator.legal_name or station.operator.name,
            "tax_id": station.operator.tax_id,
        },
        lines=lines,
        total=total,
        currency=booking.currency,
        issued_at=now,
        **more,
    )


def _year(at: datetime, zone: str) -> int:
    return at.astimezone(ZoneInfo(zone)).year


def _next_number(operator: Operator, kind: str, year: int) -> int:
    """The update keeps the row until the end of the transaction, so the figure read after it is ours alone."""
    series, _is_new = InvoiceSeries.objects.get_or_create(operator=operator, kind=kind, year=year)
    InvoiceSeries.objects.filter(pk=series.pk).update(last_number=F("last_number") + 1)
    return InvoiceSeries.objects.values_list("last_number", flat=True).get(pk=series.pk)
