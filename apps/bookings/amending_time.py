"""The time at a charging point that a changed order needs: whether it is there, and taking it."""

from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from apps.bookings import slots
from apps.bookings.models import Booking
from apps.catalog import reserving
from apps.catalog import slots as quarters
from apps.charging.models import Session
from apps.lib import clock
from apps.lib.errors import Refused

State = Booking.State


def refuse_unless_it_fits(booking: Booking, wanted: Booking, session: Session | None) -> None:
    """Could it be delivered before the next driver comes, at all the power of the plug? Less may always be had."""
    until, needed = _free_until(wanted), _needed_until(wanted, session, share=1)
    is_less = wanted.evse.pk == booking.evse_id and needed <= _needed_until(booking, session, share=1)
    if until is not None and needed > until and not is_less:
        when = reserving.here(wanted.evse.station, until)
        raise Refused(
            _("That does not fit: the charge must end by {}, then the plug is somebody else's.").format(when),
            code="40000",
        )


def _free_until(wanted: Booking) -> datetime | None:
    """When this charge must have ended. None while nobody else has what follows."""
    if wanted.is_reserved:
        return wanted.slot_ends_at
    taken = reserving.next_taken(wanted.evse, clock.now(), besides=wanted.code)
    return taken - slots.CLEAR if taken else None


def _needed_until(wanted: Booking, session: Session | None, *, share: int) -> datetime:
    """`share` 1: at full power; 2: at half of it. An order by time ends when its time is over."""
    now = clock.now()
    started = session.real(session.started_at) if session and session.started_at else None
    begins = started or max(now, wanted.slot_starts_at or now)
    if wanted.ordered_minutes is not None:
        return begins + timedelta(minutes=wanted.ordered_minutes)
    delivered = session.energy_wh / 1000 if started else 0
    hours = (wanted.ordered_kwh - delivered) / wanted.connector.max_kw * share
    return max(begins, now) + timedelta(seconds=int(hours * 3600))


def take(booking: Booking, wanted: Booking, session: Session | None) -> dict[str, Any]:
    """Take what the changed order needs, in the transaction that changes it; what the row then says of its time.

    At another EVSE everything is taken anew and the old time given back. Raises TimeTaken.
    """
    changes: dict[str, Any] = {}
    if wanted.evse.pk != booking.evse_id:
        slots.give_back(booking)
        changes = slots.take(wanted)
        if booking.is_reserved:
            changes["prepared_at"] = None  # the new plug is still to be readied
        elif booking.state == State.CONFIRMED and changes["ends_by"]:
            changes["deadline_at"] = min(booking.deadline_at, changes["ends_by"])
    elif booking.kept_until is not None:
        changes = _keep_longer(booking, _needed_until(wanted, session, share=2))
    if booking.state == State.IN_SESSION:
        changes["deadline_at"] = _deadline(wanted, session)
    return changes


def _keep_longer(booking: Booking, needed: datetime) -> dict[str, Any]:
    """Now, not half an hour before it is needed: what was accepted is promised."""
    latest = clock.now() + slots.LONGEST
    until = quarters.begin_of(quarters.quarters(booking.kept_until, min(needed, latest)).stop)
    if until <= booking.kept_until:
        return {}
    taken = reserving.next_taken(booking.evse, booking.kept_until, besides=booking.code)
    until = min(until, taken) if taken else until
    span = quarters.quarters(booking.kept_until, until)
    reserving.take(booking.evse, span, holder=booking.code, is_reserved=False)
    is_last = until == taken
    return {"kept_until": None if is_last else until, "ends_by": until - slots.CLEAR if is_last else None}


def _deadline(wanted: Booking, session: Session) -> datetime:
    """The ordered time ends a charge also when no reading comes; without one, a day does."""
    patience = Booking.PATIENCE[State.IN_SESSION]
    ordered = wanted.ordered_minutes
    lasts = patience if ordered is None else min(patience, timedelta(minutes=ordered))
    return session.real(session.started_at) + lasts
