"""Sessions against bills, for the nightly report (apps/payments/reconciliation.py). Nothing is changed here."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from apps.bookings import running
from apps.bookings.models import Booking
from apps.charging.selectors import latest_session
from apps.payments.models import Finding
from apps.payments.reconciliation import Found

State = Booking.State


def look(since: datetime) -> Iterator[list[Found]]:
    """One list per booking that ended."""
    for booking in Booking.objects.filter(ended_at__gte=since).iterator(chunk_size=500):
        yield _look_at(booking)


def _look_at(booking: Booking) -> list[Found]:
    session = latest_session(booking.code)
    measured = running.billed_kwh(running.meter_of(booking, session)) if session else Decimal(0)
    if booking.state != State.COMPLETED:
        if measured <= 0:
            return []
        words = f"{measured} kWh were delivered, and the booking is {booking.state}"
        return [Found(Finding.Kind.SESSION_NOT_BILLED, booking.code, words, currency=booking.currency)]
    billed = booking.delivered_kwh or Decimal(0)
    if billed == measured:
        return []
    words = f"billed {billed} kWh, measured {measured} kWh"
    return [Found(Finding.Kind.BILL_DIFFERS, booking.code, words, booking.final_total, booking.currency)]
