"""The rounds that keep reserved times: stretch and end charges, ready the bay, find another; and changes of a time."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from apps.beckn.inbox import Inbound
from apps.bookings import progress, refusals, selectors, services, slots
from apps.bookings.models import Booking
from apps.catalog import reserving
from apps.catalog import slots as quarters
from apps.catalog.models import Connector
from apps.charging import reserving as at_the_charger
from apps.charging import selectors as charging_selectors
from apps.charging import services as charging
from apps.lib import clock
from apps.lib.errors import Refused
from apps.lib.moves import StaleMove

State = Booking.State
Status = Connector.Status
STRETCH = timedelta(minutes=30)
LOOK_AHEAD = timedelta(minutes=30)  # so long before a time its bay must work
IN_USE = (Status.CHARGING, Status.SUSPENDED_EV, Status.SUSPENDED_EVSE, Status.FINISHING)
BATCH = 200


def keep_times() -> int:
    """A duty: everything below, in this order."""
    return sum(each() for each in (_stretch, _end_in_time, _ready_bays, _mend_bays))


# --- Charges that are under way -----------------------------------------------------------------------------


def _stretch() -> int:
    """Who is there without a reservation stays while nobody else has what follows."""
    soon = Booking.objects.filter(state__in=Booking.HOLDING, kept_until__lte=clock.now() + slots.EARLY)
    return sum(_stretch_one(pk) for pk in list(soon.values_list("pk", flat=True)[:BATCH]))


@transaction.atomic
def _stretch_one(pk: int) -> bool:
    booking = selectors.all_bookings().get(pk=pk)
    if booking.kept_until is None or booking.state not in Booking.HOLDING:
        return False
    start = max(booking.kept_until, quarters.begin_of(quarters.quarter_of(clock.now())))
    taken = reserving.next_taken(booking.evse, start, besides=booking.code)
    until = min(start + STRETCH, taken) if taken else start + STRETCH
    try:
        reserving.take(booking.evse, quarters.quarters(start, until), holder=booking.code, is_reserved=False)
    except reserving.TimeTaken:  # somebody was faster: the next round sees whom
        return False
    ends_by = until - slots.CLEAR if until == taken else None
    changes = {"kept_until": None if ends_by else until, "ends_by": ends_by}
    mine = Booking.objects.filter(pk=pk, state=booking.state, kept_until=booking.kept_until)
    if mine.update(**changes) and ends_by:
        booking.refresh_from_db()
        progress.tell_now(booking)
    return True


def _end_in_time() -> int:
    over = Booking.objects.filter(state=State.IN_SESSION, ends_by__lte=clock.now())
    return sum(_end_one(booking) for booking in list(over[:BATCH]))


@transaction.atomic
def _end_one(booking: Booking) -> bool:
    session = charging_selectors.live_session(booking.code)
    if session is None or session.state not in session.FLOWING:
        return False
    charging.stop(reference=booking.code, why="the time at this charging point is over")
    return True


# --- Times that come ----------------------------------------------------------------------------------------


def _ready_bays() -> int:
    """A little before the time the charger is asked to keep the plug. One that refuses changes nothing: the time is
    kept here."""
    soon = Booking.objects.filter(
        state=State.CONFIRMED, prepared_at=None, slot_starts_at__lte=clock.now() + slots.EARLY
    )
    return sum(_ready_one(pk) for pk in list(soon.values_list("pk", flat=True)[:BATCH]))


@transaction.atomic
def _ready_one(pk: int) -> bool:
    mine = Booking.objects.filter(pk=pk, state=State.CONFIRMED, prepared_at=None)
    if not mine.update(prepared_at=clock.now()):
        return False
    booking = selectors.all_bookings().get(pk=pk)
    at_the_charger.reserve(
        connector=booking.connector,
        token=booking.start_token,
        reference=booking.code,
        until=max(booking.deadline_at, clock.now() + slots.CLEAR),
    )
    return True


def _mend_bays() -> int:
    """A bay that will not be ready: an equal one, or the money back (AT-I2)."""
    now = clock.now()
    soon = Booking.objects.filter(
        state=State.CONFIRMED, slot_starts_at__lte=now + LOOK_AHEAD, deadline_at__gt=now
    )
    return sum(_mend_one(pk, now) for pk in list(soon.values_list("pk", flat=True)[:BATCH]))


@transaction.atomic
def _mend_one(pk: int, now: datetime) -> bool:
    booking = selectors.all_bookings().get(pk=pk)
    if booking.state != State.CONFIRMED or charging_selectors.live_session(booking.code):
        return False
    why = _what_is_wrong(booking, now)
    if not why:
        return False
    if _moved_to_equal_bay(booking, why):
        return True
    if now < booking.slot_starts_at:
        return False  # it may still be mended
    try:
        services.fail_our_side(booking, why=why)
    except StaleMove:  # it moved this instant
        return False
    return True


def _what_is_wrong(booking: Booking, now: datetime) -> str:
    status = booking.connector.status
    if status in slots.BROKEN or booking.evse.station.closed_reason:
        return "the bay is out of order"
    if status == Status.UNKNOWN and now >= booking.slot_starts_at - slots.EARLY:
        return "the charger does not answer"
    others = charging_selectors.others_at(booking.evse, booking.code)
    for session in others:
        if not session.reference and now >= booking.slot_starts_at - slots.CLEAR:
            charging.ask_stop(session, why="the charging point is reserved")
    if now >= booking.slot_starts_at and (others or status in IN_USE):
        return "the bay is still occupied"
    return ""


def _moved_to_equal_bay(booking: Booking, why: str) -> bool:
    """Same station, same plug, at least its power; the price stays."""
    mine = booking.connector
    equal = Connector.objects.select_related("evse__station").filter(
        evse__station=booking.evse.station_id,
        is_published=True,
        standard=mine.standard,
        power_type=mine.power_type,
        max_kw__gte=mine.max_kw,
        status__in=services.ORDERABLE,
    )
    for plug in equal.exclude(evse=booking.evse_id).order_by("max_kw", "pk"):
        if selectors.is_held(plug.evse, besides=booking) or charging_selectors.is_occupied(plug.evse):
            continue
        if _changed_place(booking, plug, why):
            return True
    return False


def _changed_place(booking: Booking, plug: Connector, why: str) -> bool:
    left = {"evse": plug.evse, "connector": plug, "prepared_at": None, "moved_at": clock.now()}
    old, was_ready = booking.connector, booking.prepared_at
    try:
        with transaction.atomic():
            slots.give_back(booking)
            kept = booking.reservation_rules.kept(booking.slot)
            reserving.take(plug.evse, kept, holder=booking.code, is_reserved=True)
            if not Booking.objects.filter(pk=booking.pk, state=State.CONFIRMED, evse=old.evse_id).update(
                **left
            ):
                raise StaleMove(booking, State.CONFIRMED)
    except (reserving.TimeTaken, StaleMove):
        return False
    booking.events.create(
        was=booking.state,
        now=booking.state,
        why=f"moved from plug {old.letter} to {plug.letter}: {why}"[:300],
    )
    if was_ready:
        at_the_charger.let_go(connector=old, reference=booking.code)
    progress.tell_now(selectors.all_bookings().get(pk=booking.pk))
    return True


# --- Changes of a time --------------------------------------------------------------------------------------


@transaction.atomic
def change_times(*, booking: Booking, begins: datetime | None, ends: datetime | None, asked: Inbound) -> None:
    """The driver comes later within the same time, or wants another one. The price stays."""
    if booking.state != State.CONFIRMED or not booking.is_reserved:
        raise refusals.CannotUpdate(_("Only a reserved time that has not begun can be changed."))
    if begins is None:
        raise Refused(_("The update names no time."), code="30000")
    inside = booking.slot_starts_at <= begins < booking.slot_ends_at and ends in (None, booking.slot_ends_at)
    _come_late(booking, begins) if inside else _take_other_time(booking, begins, ends)
    progress.answer(selectors.all_bookings().get(pk=booking.pk), asked)


def _come_late(booking: Booking, begins: datetime) -> None:
    """The end of the time stays. It is kept for as long again after the new moment, at most to its end."""
    deadline_at = min(begins + booking.reservation_rules.grace, booking.slot_ends_at)
    mine = Booking.objects.filter(pk=booking.pk, state=State.CONFIRMED, deadline_at__lte=deadline_at)
    if begins > booking.slot_starts_at and mine.update(arrives_at=begins, deadline_at=deadline_at):
        booking.events.create(was=booking.state, now=booking.state, why="the driver comes later")


def _take_other_time(booking: Booking, begins: datetime, ends: datetime | None) -> None:
    """While leaving is free, so that a late fee cannot be escaped by moving away and then leaving."""
    station, rules, now = booking.evse.station, booking.reservation_rules, clock.now()
    if now > slots.free_until(booking):
        when = reserving.here(station, slots.free_until(booking))
        raise refusals.CannotUpdate(_("It could be changed until {}.").format(when))
    slot = reserving.slot_for(station, rules, begins, ends)
    slots.give_back(booking)
    reserving.take(booking.evse, rules.kept(slot), holder=booking.code, is_reserved=True)
    changes = {
        "slot_starts_at": slot.starts_at,
        "slot_ends_at": slot.ends_at,
        "ends_by": slot.ends_at,
        "deadline_at": slot.starts_at + rules.grace,
        "arrives_at": None,
    }
    if not Booking.objects.filter(pk=booking.pk, state=State.CONFIRMED).update(**changes):
        raise StaleMove(booking, State.CONFIRMED)
    booking.events.create(was=booking.state, now=booking.state, why=f"moved to {begins:%Y-%m-%d %H:%M} UTC")
