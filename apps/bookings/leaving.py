"""What leaving costs: a share of the quote, or what the tariff takes for the time that was kept, whichever is more.

Only where the driver leaves late or does not come; whoever leaves in time, or because of us, owes nothing.
"""

from datetime import datetime
from decimal import Decimal

from apps.bookings.models import Booking
from apps.bookings.pricing import Bill, cancellation_bill, worded
from apps.pricing import Meter, Phase, Reading

NOTHING = Decimal(0)


def bill(
    booking: Booking, fee_percent: Decimal, *, kept_until: datetime | None, nobody_came: bool = False
) -> Bill:
    """`kept_until`: until when the time was kept at a price; None: it costs nothing."""
    by_share = cancellation_bill(booking.quote_total, fee_percent, booking.currency)
    if kept_until is None:
        return by_share
    by_time = reservation_bill(booking, kept_until, nobody_came=nobody_came)
    return by_time if by_time.total > by_share.total else by_share


def reservation_bill(booking: Booking, kept_until: datetime, *, nobody_came: bool) -> Bill:
    """By the tariff: from when the time began, and what nobody coming costs besides. Never more than was quoted."""
    none = Bill.of((), booking.currency)
    if not (booking.is_reserved and booking.rules.prices_reservation):
        return none
    meter = Meter(booking.rules, booking.slot_starts_at)
    until = max(kept_until, booking.slot_starts_at)
    meter.read(Reading(until, NOTHING, Phase.RESERVED))
    if nobody_came:
        meter.read(Reading(until, NOTHING, Phase.EXPIRED))
    found = worded(meter.bill())
    return (
        found
        if found.total <= booking.quote_total
        else cancellation_bill(booking.quote_total, Decimal(100), booking.currency)
    )
