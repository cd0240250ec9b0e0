"""The rounds over cars that stand on: was the app told, what does it cost by now, and is there an end to it."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction

from apps.bookings import idle, progress, running, selectors
from apps.bookings.idle_models import IdleStretch
from apps.bookings.models import Booking
from apps.charging import selectors as charging_selectors
from apps.lib import clock

EVERY = timedelta(seconds=5)
BATCH = 200


def watch() -> int:
    """A duty. How many stretches were looked at."""
    due = IdleStretch.objects.filter(ended_at=None, looked_at__lte=clock.now() - EVERY).order_by("looked_at")
    return sum(_look(pk) for pk in list(due.values_list("pk", flat=True)[:BATCH]))


@transaction.atomic
def _look(pk: int) -> bool:
    stretch = IdleStretch.objects.select_related("booking", "message").get(pk=pk)
    booking = selectors.all_bookings().get(pk=stretch.booking_id)
    session = charging_selectors.latest_session(booking.code)
    if stretch.ended_at or session is None or idle.is_undecided(session):
        return False
    has_arrived = idle.look_at(stretch, booking.connector, clock.now())
    if booking.state != Booking.State.STANDING:
        return True
    if idle.cannot_grow(running.meter_of(booking, session)):
        progress.complete(booking, session, why="standing costs no more than this")
    elif has_arrived or _is_time_to_tell(booking):
        progress.tell_standing(booking, session)
    return True


def _is_time_to_tell(booking: Booking) -> bool:
    every = timedelta(seconds=settings.CHARGING["STATUS_EVERY_SECONDS"])
    return booking.told_at is None or booking.told_at <= clock.now() - every


def give_up_waiting(booking: Booking) -> bool:
    """It was never proved that the car stood there, or it has stood there for a day."""
    session = charging_selectors.latest_session(booking.code)
    return progress.complete(booking, session, why="nobody waits longer for the car to go")
