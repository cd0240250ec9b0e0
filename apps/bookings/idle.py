"""Standing after the energy has ended (AT-F6): when a stretch of it begins and ends, and when it may begin to cost.

Nothing is billed before the app has acknowledged our word that standing begins, and then the grace of the tariff runs
in full. An app that we do not reach is never billed for it. Rows only; progress.py tells.
"""

from datetime import datetime
from decimal import Decimal

from apps.beckn.models import Message
from apps.bookings.idle_models import IdleStretch
from apps.bookings.models import Booking
from apps.catalog.models import Connector
from apps.charging import standing
from apps.charging.models import Session
from apps.lib import clock
from apps.pricing import Kind, LineKind, Meter

State = Booking.State
KEEPS = (Session.State.STOPPING, Session.State.ENDED_PENDING_METER)  # nobody knows yet what comes
NO_MORE = (LineKind.PARKING_CAP, LineKind.MAXIMUM)


def waits_for_car(booking: Booking, session: Session) -> bool:
    """The energy is over, but the bill stays open, because the car may stand there at a price."""
    return (
        booking.state in (State.IN_SESSION, State.STANDING)
        and booking.rules.prices_parking
        and session.energy_wh > 0
        and not session.is_free
        and standing.may_stand(session)
    )


def follow(booking: Booking, session: Session) -> IdleStretch | None:
    """Open or end the stretch as the session says. The new one, which nobody was told of yet, or None."""
    if not booking.rules.prices_parking or session.state in KEEPS:
        return None
    since, open_ = _stands_since(session), _open(booking)
    if open_ and since is None and not is_undecided(session):
        end(open_, session)
    elif since and open_ is None and booking.state in (State.IN_SESSION, State.STANDING):
        began_at = min(since, clock.now())
        return IdleStretch.objects.create(booking=booking, began_at=began_at, looked_at=clock.now())
    return None


def end(stretch: IdleStretch, session: Session) -> None:
    """At the last moment of which the standing is proved."""
    now = clock.now()
    if session.state == Session.State.CLOSED:
        until = standing.stood_until(session, now) or session.ended_at
        until = session.real(until) if until != now else now
    else:
        until = now
    ended_at = max(stretch.began_at, min(until, now))
    IdleStretch.objects.filter(pk=stretch.pk, ended_at=None).update(ended_at=ended_at)


def end_open(booking: Booking, session: Session) -> None:
    if stretch := _open(booking):
        end(stretch, session)


def announced(stretch: IdleStretch, message: Message) -> None:
    IdleStretch.objects.filter(pk=stretch.pk).update(message=message)


def look_at(stretch: IdleStretch, plug: Connector, now: datetime) -> bool:
    """Whether our word has arrived, and whether others wait. True when it has arrived just now."""
    facts = {"looked_at": now}
    has_arrived = (
        stretch.notified_at is None
        and stretch.message is not None
        and stretch.message.state == Message.State.ACKED
    )
    if has_arrived:
        facts["notified_at"] = now
    if stretch.booking.rules.parking_when_busy:
        facts["busy"] = _busy(stretch.busy, is_busy(plug), now)
    still = IdleStretch.objects.filter(pk=stretch.pk, ended_at=None, looked_at=stretch.looked_at)
    return bool(still.update(**facts)) and has_arrived


def is_busy(plug: Connector) -> bool:
    """No other such plug of the station is free."""
    others = Connector.objects.filter(
        evse__station=plug.evse.station_id,
        is_published=True,
        standard=plug.standard,
        status=Connector.Status.AVAILABLE,
    )
    return not others.exclude(evse=plug.evse_id).exists()


def cannot_grow(meter: Meter) -> bool:
    """However long the car stands there, the bill is what it is."""
    return meter.is_full or any(line.kind in NO_MORE for line in meter.bill().lines)


def rate_per_minute(booking: Booking) -> Decimal:
    """The dearest of the tariff, with its taxes; not rounded."""
    rules = booking.rules
    return rules.dearest(Kind.PARKING_TIME) * rules.tax_factor(Kind.PARKING_TIME) / 60


def _open(booking: Booking) -> IdleStretch | None:
    return IdleStretch.objects.filter(booking=booking, ended_at=None).first()


def _stands_since(session: Session) -> datetime | None:
    state = Session.State
    if session.state == state.SUSPENDED and session.face == "SUSPENDED_EV" and session.energy_wh > 0:
        return session.real(session.plug_told_at or session.register_at or session.started_at)
    if session.state == state.CLOSED and session.is_standing and session.left_at is None:
        return session.real(session.ended_at)
    return None


def is_undecided(session: Session) -> bool:
    """Just ended, and the plug has not said yet whether the car is left there."""
    return standing.may_stand(session) and not session.is_standing


def _busy(spans: list, busy_now: bool, now: datetime) -> list:
    is_open = bool(spans) and spans[-1][1] is None
    if busy_now and not is_open:
        return [*spans, [now.isoformat(), None]]
    if not busy_now and is_open:
        return [*spans[:-1], [spans[-1][0], now.isoformat()]]
    return spans
