"""The watch over charges that are neither silent nor over, and yet not right. A duty: `look`."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from apps.charging import concerns, services
from apps.charging.models import Concern, Session
from apps.lib import clock
from apps.ocpp import commands

State = Session.State
EVERY = timedelta(minutes=1)
ASK_FOR_READING_AFTER = timedelta(minutes=2)
ASK_AGAIN_AFTER = timedelta(minutes=5)
SILENT_METER_AFTER = timedelta(minutes=15)
LONGEST = timedelta(hours=24)  # without a decision of a person (AT-A5)
BATCH = 200


def look() -> int:
    """How many sessions were looked at. Two workers do not look at one at the same time."""
    now = clock.now()
    due = Session.objects.filter(state__in=Session.FLOWING, watch_at__lte=now).order_by("watch_at")
    return sum(
        _look_at(pk, watch_at, now) for pk, watch_at in list(due.values_list("pk", "watch_at")[:BATCH])
    )


@transaction.atomic
def _look_at(pk: int, watch_at: datetime, now: datetime) -> bool:
    mine = Session.objects.filter(pk=pk, watch_at=watch_at, state__in=Session.FLOWING)
    if not mine.update(watch_at=now + EVERY):
        return False
    session = Session.objects.select_related("connector").get(pk=pk)
    if session.state == State.OFFLINE:
        return True  # nothing can be known now; its own deadline ends that
    if session.energy_wh == 0 and session.began_at <= now - no_energy_time():
        _give_up(session)
    elif session.began_at <= now - LONGEST:  # of an order its own time ends it; a card's charge has none
        services.ask_stop(session, why="it has run for a day")
    else:
        _ask_for_readings(session, now)
    return True


def no_energy_time() -> timedelta:
    return timedelta(minutes=settings.CHARGING["NO_ENERGY_MINUTES"])


def _give_up(session: Session) -> None:
    """AT-A5: nothing came out of the plug. It costs nothing, the driver is told, and the plug is suspect."""
    why = f"no energy in {settings.CHARGING['NO_ENERGY_MINUTES']} minutes"
    concerns.raise_(session, Concern.Kind.NO_ENERGY, why)
    services.ask_stop(session, why=why)


def _ask_for_readings(session: Session, now: datetime) -> None:
    """A paused car has nothing to tell; a charging one whose meter is silent is asked."""
    if session.state != State.ACTIVE:
        return
    heard_at = session.real(session.last_reading_at) if session.last_reading_at else session.began_at
    if heard_at <= now - SILENT_METER_AFTER:
        why = "energy flows, but the charger tells no readings"
        concerns.raise_(session, Concern.Kind.NO_READINGS, why)
    if heard_at > now - ASK_FOR_READING_AFTER:
        return
    not_asked = Q(reading_asked_at=None) | Q(reading_asked_at__lte=now - ASK_AGAIN_AFTER)
    if Session.objects.filter(not_asked, pk=session.pk).update(reading_asked_at=now):
        _trigger(session)


def _trigger(session: Session) -> None:
    try:
        commands.trigger(
            charge_point_id=session.charge_point_id,
            message="MeterValues",
            connector_id=session.ocpp_connector_id,
            reference=f"{session.code}/reading",
        )
    except commands.UnknownChargePoint:  # blocked meanwhile
        return
