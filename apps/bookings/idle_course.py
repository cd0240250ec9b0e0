"""How standing is told to the meter: the readings of a stretch without energy, cut where it begins or ceases to count.

Pure but for the rows of one booking, which are read once.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.bookings.idle_models import IdleStretch, Span
from apps.bookings.models import Booking
from apps.charging.models import Session
from apps.pricing import Meter, Phase, Reading


def stretches_of(booking: Booking) -> list[IdleStretch]:
    return list(booking.idle_stretches.all()) if booking.rules.prices_parking else []


def paid_spans(booking: Booking, session: Session, stretches: Iterable[IdleStretch]) -> list[Span]:
    """When standing counts. A plug that would not let the car go takes it all back."""
    if session.lock_failed_at:
        return []
    when_busy = booking.rules.parking_when_busy
    return [span for stretch in stretches for span in stretch.paid_spans(when_busy=when_busy)]


def standing(begins: datetime, ends: datetime, kwh: Decimal, spans: Iterable[Span]) -> Iterator[Reading]:
    """A stretch without energy, piece by piece. `begins` is where the meter is."""
    spans = list(spans)
    edges = {edge for span in spans for edge in span if edge and begins < edge < ends}
    before = begins
    for at in sorted({*edges, ends}):
        counts = any(start <= before and (until is None or at <= until) for start, until in spans)
        yield Reading(at, kwh, Phase.PARKED if counts else Phase.SPARED)
        before = at


def stand_on(meter: Meter, session: Session, stretches: list[IdleStretch], spans: list[Span]) -> None:
    """After the transaction: as far as the car is known to have stood there."""
    until = max((stretch.ended_at for stretch in stretches if stretch.ended_at), default=None)
    if any(stretch.ended_at is None for stretch in stretches):
        until = max((stretch.looked_at or stretch.began_at for stretch in stretches), default=None)
    if until is None or session.ended_at is None:
        return
    begins = max(meter.at, session.real(session.ended_at))
    if begins > meter.at:
        meter.read(Reading(begins, meter.kwh, Phase.SPARED))
    if until > begins:
        for reading in standing(begins, until, meter.kwh, spans):
            meter.read(reading)


def fingerprint(stretches: Iterable[IdleStretch], session: Session) -> list[Any]:
    """What a meter that was put away rests on besides the readings."""
    told: list[Any] = [
        [stretch.pk, stretch.ended_at, stretch.notified_at, stretch.busy] for stretch in stretches
    ]
    plain = [[pk, *(at and at.isoformat() for at in ats), busy] for pk, *ats, busy in told]
    return [*plain, bool(session.lock_failed_at)] if plain else []
