"""Reads of sessions, for bookings and for the operator's pages."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from apps.catalog.models import Connector, Evse
from apps.catalog.selectors import may_edit, rows_for, staff_for
from apps.charging import readings
from apps.charging.models import MeterCorrection, MeterReading, Session
from apps.lib.rows import Lookup

_LATEST = Lookup(Session.objects.all, "reference", newest=True)


class Point(NamedTuple):
    """The energy proved up to a moment. `is_idle` is None where the meter told no power."""

    at: datetime
    energy_wh: Decimal
    is_idle: bool | None


def course(session: Session, *, after: datetime | None = None) -> Iterator[Point]:
    """How the energy came, in order; what proves nothing is left out."""
    rows = session.readings.filter(accepted=True, energy_wh__isnull=False).order_by("at")
    rows = rows.filter(at__gt=after) if after else rows
    for at, energy_wh, is_idle, power_w in rows.values_list("at", "energy_wh", "is_idle", "power_w"):
        yield Point(at, energy_wh, None if power_w is None else is_idle)


def closed_without(correction: MeterCorrection) -> QuerySet[Session]:
    """Closed sessions with readings of its time that were counted without it; it changes none. For re-rating."""
    until = Q() if correction.ends_at is None else Q(started_at__lt=correction.ends_at)
    closed = Session.objects.filter(
        until, charge_point_id=correction.charge_point_id, state=Session.State.CLOSED
    )
    if correction.ocpp_connector_id is not None:
        closed = closed.filter(ocpp_connector_id=correction.ocpp_connector_id)
    # By the charger's own clock, as it is stored.
    read = MeterReading.objects.filter(session=OuterRef("pk"), at__gte=correction.begins_at)
    read = read if correction.ends_at is None else read.filter(at__lt=correction.ends_at)
    return closed.filter(Exists(read.exclude(correction=correction)))


def course_as_corrected(session: Session) -> list[Point]:
    """What its readings would prove with the corrections of today; nothing is written. For re-rating."""
    return [Point(*point) for point in readings.counted_anew(session)]


def courses_as_corrected(sessions: Iterable[Session]) -> dict[int, list[Point]]:
    """Session → its course with the corrections of today, of those that were counted with others than these. Two
    queries, and the readings of what is counted anew."""
    begun = [session for session in sessions if session.started_at is not None]
    rows = MeterReading.objects.filter(
        session__in=[session.pk for session in begun], correction__isnull=False
    )
    was_corrected = set(rows.values_list("session", flat=True).order_by().distinct())
    boxes = {session.charge_point_id for session in begun}
    today = list(MeterCorrection.objects.filter(charge_point_id__in=boxes).exclude(ends_at=F("begins_at")))
    return {
        session.pk: course_as_corrected(session)
        for session in begun
        if session.pk in was_corrected or any(_covers(one, session) for one in today)
    }


def _covers(correction: MeterCorrection, session: Session) -> bool:
    """May one of its readings lie in the time of `correction`?"""
    if correction.charge_point_id != session.charge_point_id:
        return False
    if correction.ocpp_connector_id not in (None, session.ocpp_connector_id):
        return False
    begins, last = session.real(session.started_at), session.last_reading_at or session.started_at
    is_before = correction.ends_at is not None and correction.ends_at <= begins
    return not is_before and correction.begins_at <= session.real(last)


def is_occupied(evse: Evse) -> bool:
    """Is a session under way on any plug of this EVSE? It serves one car at a time."""
    return Session.objects.filter(connector__evse=evse, state__in=Session.LIVE).exists()


def others_at(evse: Evse, reference: str) -> list[Session]:
    """Sessions under way on this EVSE for anybody but `reference`."""
    here = Session.objects.filter(connector__evse=evse, state__in=Session.LIVE)
    return list(here.exclude(reference=reference))


def latest_session(reference: str) -> Session | None:
    return _LATEST.find(reference)


def has_failed(reference: str, failures: Iterable[str]) -> bool:
    """Did a start for `reference` come to nothing for one of these reasons?"""
    return Session.objects.filter(reference=reference, failure__in=failures).exists()


def live_session(reference: str) -> Session | None:
    return Session.objects.filter(reference=reference, state__in=Session.LIVE).first()


def sessions_of(connectors: QuerySet[Connector]) -> QuerySet[Session]:
    """Sessions on plugs the caller may see (catalog.selectors.connectors_for)."""
    sessions = Session.objects.filter(connector__in=connectors)
    return sessions.select_related("connector__evse__station")


def charge_points_for(user: AbstractBaseUser | AnonymousUser) -> QuerySet[Evse] | None:
    """The identities of the boxes at this person's operator, as a subquery; None for people without such a job.

    Not of a box that another operator's EVSE names as well: what it says is then of both.
    """
    if staff_for(user) is None:
        return None
    mine = rows_for(user, Evse).exclude(charge_point_id="")
    others = Evse.objects.exclude(pk__in=mine.values("pk"))
    return mine.exclude(charge_point_id__in=others.values("charge_point_id")).values("charge_point_id")


def may_command(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Managers may restart, unlock and set up the boxes of their operator; viewers and finance read."""
    return may_edit(user)


def readings_for(reference: str) -> QuerySet[MeterReading]:
    """Every reading of every try to charge for `reference`."""
    rows = MeterReading.objects.filter(session__reference=reference).select_related("correction")
    return rows.order_by("session_id", "at")


def sessions_with_history(reference: str) -> QuerySet[Session]:
    """Every try to charge for `reference`, the first one first, with what happened to it."""
    return Session.objects.filter(reference=reference).order_by("pk").prefetch_related("events")


def closed_sessions(references: Iterable[str]) -> dict[str, Session]:
    """reference → its last session, where that one is closed."""
    rows = Session.objects.filter(reference__in=list(references)).order_by("pk")
    newest = {session.reference: session for session in rows}
    return {code: row for code, row in newest.items() if row.state == Session.State.CLOSED}
