"""Energy that flows though we took the charge for over: taken up again where that is right, stopped where it is not.

Whatever it is, the driver does not pay for it beyond what was counted before the end.
"""

from datetime import datetime, timedelta

from django.db.models import F, Q

from apps.charging import concerns, services
from apps.charging.models import Concern, Session
from apps.lib import clock

State = Session.State
# Older readings are what was buffered while the line was down: they prove nothing about now.
FRESH = timedelta(minutes=2)
REPEAT_AFTER = timedelta(minutes=1)
MOST_REPEATS = 10  # a charger that ignores so many needs a person


def heard(session: Session, newest_at: datetime) -> None:
    """A new reading came for a session that is over, or that we took for over."""
    if session.real(newest_at) < clock.now() - FRESH:
        return
    if session.state == State.ENDED_PENDING_METER and _was_only_silent(session):
        services.settle(session, State.ACTIVE, why="the charger is back and still charging")
    elif session.state in (State.ENDED_PENDING_METER, State.CLOSED, State.FAILED):
        _stop_once_more(session)


def _was_only_silent(session: Session) -> bool:
    if session.stop_asked_at or session.unplugged_at or session.end_reason:
        return False
    later = Session.objects.filter(
        charge_point_id=session.charge_point_id,
        ocpp_connector_id=session.ocpp_connector_id,
        started_at__gt=session.started_at,
    )
    return not later.exclude(state=State.FAILED).exists()


def _stop_once_more(session: Session) -> None:
    if session.end_reason:
        return  # it has told its end: readings that come after it are only late
    now = clock.now()
    due = Q(stop_repeated_at=None) | Q(stop_repeated_at__lte=now - REPEAT_AFTER)
    mine = Session.objects.filter(due, pk=session.pk, stop_tries__lt=MOST_REPEATS)
    if mine.update(stop_repeated_at=now, stop_tries=F("stop_tries") + 1):
        session.refresh_from_db()
        concerns.raise_(session, Concern.Kind.RUNS_ON, "readings come though the charge is over")
        services.send_stop(session)
