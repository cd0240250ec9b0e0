"""How standing is said on the wire: two tag groups of our own, `idle-terms` of items, `idle-time` of fulfillments.

Apps that know neither read the lines of the bill, which name the fee (`idle-fee`).
"""

from datetime import timedelta
from decimal import Decimal

from apps.beckn.wire import numbers
from apps.beckn.wire import v1_1 as wire
from apps.bookings import idle, idle_course
from apps.bookings.idle_models import IdleStretch
from apps.bookings.models import Booking
from apps.charging.models import Session
from apps.lib import clock
from apps.pricing import most_for_parking

TERMS, TIME = "idle-terms", "idle-time"


def terms(booking: Booking) -> list[wire.TagGroup]:
    """What standing costs, told with the quote: the app holds the cap besides, or it is paid from what is left."""
    rules = booking.rules
    if not rules.prices_parking:
        return []
    cap = most_for_parking(rules)
    said = {
        "price-per-minute": rate_text(idle.rate_per_minute(booking)),
        "currency": booking.currency,
        "grace": clock.duration_text(timedelta(seconds=rules.parking_grace)),
        "cap": numbers.money_text(cap, booking.currency) if cap else None,
        "when": "busy" if rules.parking_when_busy else "always",
    }
    return [wire.group(TERMS, "Idle Terms", **said)]


def time(booking: Booking, session: Session) -> list[wire.TagGroup]:
    """The newest stretch: since when the car stands, until when that is free, and whether the bill waits for it."""
    stretches = idle_course.stretches_of(booking)
    if not stretches:
        return []
    newest = stretches[-1]
    free_until = _free_until(booking, newest)
    said = {
        "since": clock.utc_text(newest.began_at),
        "told-at": newest.notified_at and clock.utc_text(newest.notified_at),
        "free-until": free_until and clock.utc_text(free_until),
        "until": newest.ended_at and clock.utc_text(newest.ended_at),
        "state": _state(booking, session, newest),
        "bill": "open" if booking.final_total is None else "final",
    }
    return [wire.group(TIME, "Idle Time", **{name: text or None for name, text in said.items()})]


def _free_until(booking: Booking, stretch: IdleStretch):
    """From the moment the app knows; never sooner than what the meter counts."""
    grace = timedelta(seconds=booking.rules.parking_grace)
    return stretch.notified_at and stretch.notified_at + grace


def _state(booking: Booking, session: Session, stretch: IdleStretch) -> str:
    if session.lock_failed_at:
        return "waived"
    if stretch.ended_at:
        return "over"
    if stretch.notified_at is None:
        return "announced"
    spans = stretch.busy_spans
    if booking.rules.parking_when_busy and not (spans and spans[-1][1] is None):
        return "not-busy"
    return "running"


def rate_text(rate: Decimal) -> str:
    return numbers.plain(round(rate, 4).normalize() + 0)
