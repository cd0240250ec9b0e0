"""Time at a charging point: reserved ahead, or taken now; how it begins, ends, moves to another bay, and is given back.

Every booking that holds takes its quarters of an hour (apps/catalog/reserving.py), so that the database decides who has
which (law 7). Whoever charges without a reservation takes what the charge may need, is stretched while nobody else has
what follows, and ends before a reserved time; where that is known beforehand, the quote says so.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from apps.bookings import refusals
from apps.bookings.models import Booking
from apps.bookings.reading import Choice
from apps.catalog import reserving, slots
from apps.catalog.models import Connector
from apps.catalog.slots import Rules, Slot
from apps.lib import clock
from apps.lib.errors import Refused

State = Booking.State
BROKEN = (Connector.Status.FAULTED, Connector.Status.UNAVAILABLE)
NOW_WITHIN = timedelta(minutes=15)  # fact sheet 5.2: nearer than this is no reservation
EARLY = timedelta(minutes=10)  # so long before its time a driver may begin, and nobody else may
CLEAR = timedelta(minutes=5)  # so long before a reserved time whoever is there without one has ended
LEAST = timedelta(minutes=20)  # what is worth plugging in for
LONGEST = timedelta(hours=12)
ASLEEP = timedelta(minutes=15)  # who looks so late at a deadline was not there to serve

Wish = tuple[Slot, Rules]


# --- What is asked for ------------------------------------------------------------------------------------


def wanted(connector: Connector, choice: Choice) -> Wish | None:
    """The reserved time that was chosen; None when it is about now."""
    starts_at, now = choice.starts_at, clock.now()
    if starts_at is None or (starts_at <= now and not choice.ends_at) or abs(starts_at - now) <= NOW_WITHIN:
        return None
    station = connector.evse.station
    rules = reserving.rules_of(station)
    if rules is None:
        raise Refused(_("This operator sells charges that start now, not reserved times."), code="40000")
    return reserving.slot_for(station, rules, starts_at, choice.ends_at), rules


def refuse_unless_free(connector: Connector, wish: Wish, *, besides: Booking | None) -> None:
    """For a time ahead it matters little who stands there now, unless the plug is broken."""
    slot, rules = wish
    if connector.evse.station.closed_reason:
        raise refusals.NotAvailable(_("The station is closed."))
    if connector.status in BROKEN:
        raise refusals.NotAvailable(_("This connector is out of order."))
    if reserving.is_taken(connector.evse, rules.kept(slot), besides=besides.code if besides else ""):
        raise reserving.TimeTaken


def facts(
    connector: Connector, ordered: dict[str, Any], wish: Wish | None, booking: Booking | None
) -> dict[str, Any]:
    """What a quote says of the time. `ordered`: its columns that say how much was ordered (quoting.py)."""
    if wish:
        slot, rules = wish
        times = {"slot_starts_at": slot.starts_at, "slot_ends_at": slot.ends_at, "ends_by": slot.ends_at}
        return {**times, "slot_rules": rules.to_json(), "kept_until": None}
    besides = booking.code if booking else ""
    lasts = _lasts(connector, ordered["ordered_kwh"], ordered["ordered_minutes"])
    _kept_until, ends_by = _until(connector, lasts, besides)
    return {
        "slot_starts_at": None,
        "slot_ends_at": None,
        "slot_rules": {},
        "ends_by": ends_by,
        "kept_until": None,
    }


def _lasts(connector: Connector, energy_kwh: Decimal, minutes: int | None) -> timedelta:
    """The time that was ordered, or what the energy takes at half of what the plug gives."""
    return timedelta(minutes=minutes or int(energy_kwh / connector.max_kw * 120) + 1)


def _until(connector: Connector, lasts: timedelta, besides: str) -> tuple[datetime, datetime | None]:
    """How long a charge that begins now keeps the EVSE, and when it must end because the next has reserved."""
    now = clock.now()
    until = now + min(Booking.PATIENCE[State.CONFIRMED] + lasts, LONGEST)
    until = slots.begin_of(slots.quarters(now, until).stop)
    taken = reserving.next_taken(connector.evse, now, besides=besides)
    if taken is None or taken >= until:
        return until, None
    if taken - CLEAR - now < LEAST:
        when = reserving.here(connector.evse.station, taken)
        raise refusals.NotAvailable(_("This charging point is reserved from {} on.").format(when))
    return taken, taken - CLEAR


def is_same_time(booking: Booking, choice: Choice) -> bool:
    if not booking.is_reserved:
        return choice.starts_at is None or choice.starts_at <= clock.now() + NOW_WITHIN
    if choice.starts_at is None:
        return True
    return choice.starts_at == booking.slot_starts_at and choice.ends_at in (None, booking.slot_ends_at)


# --- Held and promised ------------------------------------------------------------------------------------


def take(booking: Booking) -> dict[str, Any]:
    """Take the time of this booking, in the transaction that holds it; what the row then says of it."""
    if booking.is_reserved:
        kept = booking.reservation_rules.kept(booking.slot)
        reserving.take(booking.evse, kept, holder=booking.code, is_reserved=True)
        return {}
    lasts = _lasts(booking.connector, booking.ordered_kwh, booking.ordered_minutes)
    until, ends_by = _until(booking.connector, lasts, booking.code)
    quarters = slots.quarters(clock.now(), until)
    try:
        reserving.take(booking.evse, quarters, holder=booking.code, is_reserved=False)
    except reserving.TimeTaken as lost:
        raise refusals.ConnectorTaken from lost
    return {"kept_until": until, "ends_by": ends_by}


def give_back(booking: Booking) -> None:
    reserving.give_back(booking.code)


def waits_until(booking: Booking, now: datetime) -> datetime:
    """When a confirmed order becomes one that nobody came for."""
    if booking.is_reserved:
        return booking.slot_starts_at + booking.reservation_rules.grace
    until = now + Booking.PATIENCE[State.CONFIRMED]
    return min(until, booking.ends_by) if booking.ends_by else until


def refuse_start(booking: Booking) -> None:
    now = clock.now()
    if booking.is_reserved and now < booking.slot_starts_at - EARLY:
        when = reserving.here(booking.evse.station, booking.slot_starts_at)
        raise refusals.CannotUpdate(_("Your time begins at {}.").format(when))
    if booking.ends_by and now >= booking.ends_by:
        raise refusals.CannotUpdate(_("The time of this order is over."))


# --- What leaving costs -----------------------------------------------------------------------------------


def fee_percent(booking: Booking, at: datetime) -> Any:
    """Of the quote, for leaving at `at`: by the rules that were accepted."""
    if not booking.is_reserved:
        return booking.cancellation_fee_percent
    return 0 if at <= free_until(booking) else booking.reservation_rules.late_fee_percent


def no_show_percent(booking: Booking) -> Any:
    return (
        booking.reservation_rules.no_show_fee_percent
        if booking.is_reserved
        else booking.cancellation_fee_percent
    )


def free_until(booking: Booking) -> datetime:
    return booking.slot_starts_at - timedelta(minutes=booking.reservation_rules.free_until_minutes)


def is_our_fault(booking: Booking, now: datetime) -> bool:
    """We gave the driver another bay, or were not awake when the time came (AT-I2): nobody could have started then."""
    overslept = booking.deadline_at is not None and now - booking.deadline_at > ASLEEP
    return bool(booking.moved_at) or overslept


def without_time(choice: Choice) -> Choice:
    return replace(choice, starts_at=None, ends_at=None)
