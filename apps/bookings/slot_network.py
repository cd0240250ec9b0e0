"""How reserved times are said on the wire (fact sheet 4.4, 5.2). Pure."""

from datetime import datetime
from typing import Any

from apps.beckn.wire import numbers
from apps.beckn.wire import v1_1 as wire
from apps.bookings import leaving, slots
from apps.bookings.models import Booking
from apps.bookings.pricing import Bill, cancellation_bill
from apps.catalog.reserving import here
from apps.charging.models import Session

CONFIRMED = "payment-completed"


def times(booking: Booking, session: Session | None) -> tuple[datetime | None, datetime | None]:
    """Begin and end: as they were where that is known, else as they are promised."""
    began = session and session.started_at and session.real(session.started_at)
    ended = session and session.ended_at and session.real(session.ended_at)
    return began or booking.arrives_at or booking.slot_starts_at, ended or booking.ends_by


def instructions(booking: Booking) -> str:
    """What stays as it is, however late somebody comes."""
    station = booking.evse.station
    if booking.is_reserved:
        kept_until = booking.slot_starts_at + booking.reservation_rules.grace
        begins, ends = here(station, booking.slot_starts_at), here(station, booking.slot_ends_at)
        return f" Your time is {begins} to {ends}; its end stays. It is kept for you until {here(station, kept_until)}."
    if booking.ends_by:
        return (
            f" The charge ends by {here(station, booking.ends_by)}: the next driver has reserved this plug."
        )
    return ""


def cancellation_terms(booking: Booking) -> list[wire.CancellationTerm]:
    """One fee, or three stages of a reserved time, each until its moment: in time, late, and not coming at all."""
    if not booking.is_reserved:
        return [_term(booking.cancellation_fee_percent, None)]
    rules = booking.reservation_rules
    latest = booking.slot_starts_at + rules.grace
    late = leaving.reservation_bill(booking, latest, nobody_came=False)
    not_used = leaving.reservation_bill(booking, latest, nobody_came=True)
    return [
        _term(0, slots.free_until(booking)),
        _dearer(booking, rules.late_fee_percent, late, latest),
        _dearer(booking, rules.no_show_fee_percent, not_used, None),
    ]


def _dearer(booking: Booking, percent: Any, by_time: Bill, until: datetime | None) -> wire.CancellationTerm:
    """The most that this stage can cost: the share, or the amount that the tariff takes for the time that was kept."""
    term = _term(percent, until)
    if by_time.total <= cancellation_bill(booking.quote_total, percent, booking.currency).total:
        return term
    return term.but(cancellation_fee=wire.Fee(amount=wire.Price.of(by_time.total, booking.currency)))


def _term(percent: Any, until: datetime | None) -> wire.CancellationTerm:
    return wire.CancellationTerm(
        fulfillment_state=wire.FulfillmentState(descriptor=wire.Descriptor(code=CONFIRMED)),
        reason_required=False,
        cancellation_fee=wire.Fee(percentage=numbers.plain(percent)),
        **({"cancel_by": wire.Time(timestamp=until)} if until else {}),
    )


def refund_amount(booking: Booking) -> wire.Price:
    """What comes back of the quote after leaving, as late as may be."""
    percent = (
        booking.reservation_rules.late_fee_percent
        if booking.is_reserved
        else booking.cancellation_fee_percent
    )
    kept_until = booking.slot_starts_at + booking.reservation_rules.grace if booking.is_reserved else None
    fee = leaving.bill(booking, percent, kept_until=kept_until)
    return wire.Price.of(booking.quote_total - fee.total, booking.currency)
