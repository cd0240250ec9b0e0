"""What a running or ended session costs: the readings of `charging`, taken by the meter of `pricing` (law 1).

Where the bill depends on the energy alone, its beginning and its last reading are enough. Otherwise the meter is put
away with the booking after each reading, so that nobody reads the history again; should the history itself change, or
the charge end, it is read from the start.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from apps.bookings import idle_course
from apps.bookings.idle_models import Span
from apps.bookings.models import Booking
from apps.charging.models import Session
from apps.charging.selectors import Point, course
from apps.pricing import Limit, Limits, Meter, Phase, Reading, Tariff

WATT_HOURS = Decimal(1000)
STOP_WORDS = {
    Limit.ENERGY: "the ordered energy was delivered",
    Limit.TIME: "the ordered time is over",
    Limit.MONEY: "the quoted amount is used up",
}


def meter_of(booking: Booking, session: Session) -> Meter:
    """As far as the readings go. Of an ended session from the start, whatever was remembered on the way."""
    if session.started_at is None or session.is_free:  # as if nothing had flowed
        return Meter(booking.rules, session.created_at, booking.limits)
    if session.state == Session.State.CLOSED or not booking.needs_course:
        return closed_meter(booking, session, booking.rules, booking.limits)
    return _remembered(booking, session)


def closed_meter(
    booking: Booking, session: Session, rules: Tariff, limits: Limits, *, anew: list[Point] | None = None
) -> Meter:
    """From stored readings alone, under any price: what a bill was made of, or what it should have been made of.

    `anew`: the course of the energy as it is known today, where the meter was corrected since.
    """
    if session.started_at is None or session.is_free:
        return Meter(rules, session.created_at, limits)
    if not rules.needs_course and limits.seconds is None:
        return _from_two_points(session, rules, limits, anew)
    return _from_the_start(booking, session, rules, limits, anew)


def so_far(booking: Booking, session: Session) -> Meter:
    """As `meter_of`, but past what was ordered: another amount is priced from here."""
    return closed_meter(booking, session, booking.rules, Limits())


def remember(booking: Booking, session: Session) -> Meter:
    """After a reading, in its transaction, the session being locked."""
    meter = meter_of(booking, session)
    if booking.needs_course and session.started_at:
        kept = {**_read_as(booking, session), "meter": meter.to_json()}
        if kept != booking.running:
            Booking.objects.filter(pk=booking.pk).update(running=kept)
            booking.running = kept
    return meter


def ended_by(booking: Booking, meter: Meter) -> str:
    """Which limit: an amount of money under a price for energy alone is a limit of energy, but it was money."""
    by_money = meter.reached == Limit.ENERGY and booking.ordered_by == Booking.OrderedBy.MONEY
    return Limit.MONEY.value if by_money else (meter.reached or "")


def billed_kwh(meter: Meter) -> Decimal:
    """To the full watt-hour, downwards."""
    return (meter.kwh * WATT_HOURS // 1) / WATT_HOURS


def _at_the_plug(booking: Booking, session: Session, rules: Tariff, limits: Limits) -> Meter:
    """The meter as the charge begins. A reserved time was kept from its beginning on, and that may have a price."""
    started_at = session.real(session.started_at)
    if not (booking.is_reserved and rules.prices_reservation):
        return Meter(rules, started_at, limits)
    meter = Meter(rules, min(booking.slot_starts_at, started_at), limits)
    meter.read(Reading(started_at, Decimal(0), Phase.RESERVED))
    return meter


def _from_two_points(
    session: Session, rules: Tariff, limits: Limits, anew: list[Point] | None = None
) -> Meter:
    meter = Meter(rules, session.real(session.started_at), limits)
    last_at, energy_wh = session.register_at or session.started_at, session.energy_wh
    if anew is not None:
        last_at, energy_wh, _is_idle = anew[-1] if anew else (session.started_at, Decimal(0), None)
    meter.read(Reading(session.real(max(last_at, session.started_at)), _kwh(energy_wh)))
    return meter


def _from_the_start(
    booking: Booking, session: Session, rules: Tariff, limits: Limits, anew: list[Point] | None = None
) -> Meter:
    meter = _at_the_plug(booking, session, rules, limits)
    stretches = idle_course.stretches_of(booking)
    spans = idle_course.paid_spans(booking, session, stretches)
    _take(meter, course(session) if anew is None else anew, session, spans)
    if session.state == Session.State.CLOSED and stretches:
        idle_course.stand_on(meter, session, stretches, spans)
    return meter


def _read_as(booking: Booking, session: Session) -> dict[str, Any]:
    """How its readings were understood when a meter was put away: another count or clock makes that meter worthless,
    and so does standing that began to count meanwhile."""
    idle = idle_course.fingerprint(idle_course.stretches_of(booking), session)
    read_as = {"session": session.pk, "recounts": session.recounts, "skew": _skew(session).total_seconds()}
    return {**read_as, "idle": idle} if idle else read_as


def _skew(session: Session) -> timedelta:
    """The charger's clock minus ours, as far as it is corrected (AT-E1)."""
    return session.started_at - session.real(session.started_at)


def _remembered(booking: Booking, session: Session) -> Meter:
    kept = booking.running or {}
    if not _read_as(booking, session).items() <= kept.items():
        return _from_the_start(booking, session, booking.rules, booking.limits)
    meter = Meter.from_json(kept["meter"], booking.rules, booking.limits)
    seen_until = meter.at + _skew(session)
    if meter.reached is None and session.register_at and session.register_at > seen_until:
        spans = idle_course.paid_spans(booking, session, idle_course.stretches_of(booking))
        _take(meter, course(session, after=seen_until), session, spans)
    return meter


def _take(meter: Meter, points: Iterable[Point], session: Session, spans: list[Span]) -> None:
    for reading in _readings(meter, points, session, spans):
        meter.read(reading)


def _readings(
    meter: Meter, points: Iterable[Point], session: Session, spans: list[Span]
) -> Iterator[Reading]:
    """A stretch is standing when its end proves so; a reading without power says what was true before it."""
    for point in points:
        at, kwh = session.real(point.at), _kwh(point.energy_wh)
        stood = meter.phase in (Phase.PARKED, Phase.SPARED)
        if kwh == meter.kwh and (stood if point.is_idle is None else point.is_idle):
            yield from idle_course.standing(meter.at, at, kwh, spans)
        else:
            yield Reading(at, kwh)


def _kwh(energy_wh: Decimal) -> Decimal:
    """To the full watt-hour, downwards, so that the bill can be checked with the figure that was sent."""
    return (energy_wh // 1) / WATT_HOURS
