"""What the word of a plug (OCPP 1.6) means for the session on it, and for one that waits for a car.

Words come late and out of order: only one that is newer than the last moves the session, an older one is a line of the
ledger at its own time.
"""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from apps.catalog.models import Connector
from apps.catalog.selectors import connector_at
from apps.charging import ledger, services
from apps.charging.models import LedgerLine, Session
from apps.lib import clock
from apps.ocpp import events

State, Status = Session.State, Connector.Status
Stage, By = LedgerLine.Stage, LedgerLine.By
PAUSED = (Status.SUSPENDED_EV, Status.SUSPENDED_EVSE, Status.FAULTED)
# After any of these no energy flows for this car any more, whether or not a stop is ever told. Preparing is none of
# them: in OCPP 2.0.1 a car that waits inside its transaction is called that.
IS_OVER = (Status.AVAILABLE, Status.FINISHING, Status.UNAVAILABLE)
WAIT_FOR_STOP = timedelta(minutes=2)
# A car at another plug so soon after our start may be ours (AT-H4).
WRONG_PLUG_WITHIN = timedelta(minutes=3)
ROUGHLY = timedelta(seconds=10)  # a charger tells whole seconds, and its skew is known to a few


def heard(event: events.ConnectorStatus) -> None:
    here = Session.objects.filter(charge_point_id=event.charge_point_id)
    if event.connector_id:
        here = here.filter(ocpp_connector_id=event.connector_id)
    elif event.status != Status.FAULTED:
        return  # the box itself being free or busy says nothing of a plug
    for session in here.filter(state__in=[State.PENDING, *Session.FLOWING, State.STOPPING]):
        if session.state == State.PENDING:
            _before_energy(session, event)
        else:
            _while_energy(session, event)
    if event.status == Status.PREPARING:
        _look_for_lost_driver(event)


def _before_energy(session: Session, event: events.ConnectorStatus) -> None:
    said_at = event.at - timedelta(seconds=event.clock_skew_seconds)
    if event.status == Status.FAULTED and said_at >= session.created_at:
        failure = Session.Failure.VEHICLE_FAULT
        services.fail(session, failure, why=f"the charger reports {event.error_code}")
    elif event.status == Status.PREPARING and said_at >= session.created_at - ROUGHLY:
        _plugged_in(session, event, max(said_at, session.created_at))


def _plugged_in(session: Session, event: events.ConnectorStatus, at: datetime) -> None:
    if session.plug_word == Status.PREPARING or not _is_newest(session, event):
        return
    ledger.write(session, Stage.PLUGGED_IN, By.DRIVER, at=at, why="the charger reports Preparing")
    services.changed(session)


def _while_energy(session: Session, event: events.ConnectorStatus) -> None:
    if event.at < session.started_at:
        return  # of the time before this car
    at = session.real(event.at)
    why = f"the charger reports {event.status}"
    before = session.plug_word
    if not _is_newest(session, event):
        if event.status in ledger.OF_PLUG:
            stage, by = ledger.OF_PLUG[event.status]
            ledger.write(session, stage, by, at=at, why=f"{why}, told late")
        return
    if event.status in IS_OVER:
        _await_stop(session, event.at)
    elif event.status == Status.CHARGING and session.state != State.STOPPING:
        Session.objects.filter(pk=session.pk).update(unplugged_at=None)
        services.settle(session, State.ACTIVE, why=why, at=at)
    elif event.status in PAUSED and session.state != State.STOPPING:
        _pause(session, before, at=at, why=why)


def _is_newest(session: Session, event: events.ConnectorStatus) -> bool:
    """Keep the word, unless a newer one is known. A word told again is no news, but does no harm either."""
    mine = Session.objects.filter(pk=session.pk)
    newest = mine.filter(Q(plug_told_at=None) | Q(plug_told_at__lte=event.at))
    if not newest.update(plug_word=event.status, plug_told_at=event.at):
        return False
    session.plug_word, session.plug_told_at = event.status, event.at
    return True


def _pause(session: Session, before: str, *, at: datetime, why: str) -> None:
    """By the car or by the station: one state, two faces, and the driver is told which."""
    if session.state != State.SUSPENDED:
        services.settle(session, State.SUSPENDED, why=why, at=at)
    elif before != session.plug_word:
        ledger.write_state(session, at=at, why=why)
        services.changed(session)


def _await_stop(session: Session, at: datetime) -> None:
    """The charge is over, but no stop came yet: it is waited for, and not for long (AT-A1)."""
    waits = Session.objects.filter(pk=session.pk, unplugged_at=None)
    waits.update(unplugged_at=at, deadline_at=clock.now() + WAIT_FOR_STOP)


def _look_for_lost_driver(event: events.ConnectorStatus) -> None:
    """A car came to another plug of the station while a start waits at this one: tell its driver which plug it is."""
    other = connector_at(charge_point_id=event.charge_point_id, connector_id=event.connector_id)
    if other is None:
        return
    said_at = event.at - timedelta(seconds=event.clock_skew_seconds)
    lately = {"created_at__lte": said_at + ROUGHLY, "created_at__gte": said_at - WRONG_PLUG_WITHIN}
    note_other_plug(_waiting_at(other).filter(**lately), other, said_at)


def note_other_plug(waiting: QuerySet[Session], other: Connector, at: datetime) -> None:
    """Their drivers are asked whether they plugged in there."""
    for session in waiting:
        why = f"a car was plugged in at {other.letter}"
        ledger.write(session, Stage.OTHER_PLUG, By.DRIVER, at=at, detail=other.letter, why=why)
        services.changed(session)


def _waiting_at(other: Connector) -> QuerySet[Session]:
    """Starts at the station of `other` that wait for their car at another plug."""
    waiting = Session.objects.filter(state=State.PENDING, connector__evse__station=other.evse.station_id)
    return waiting.exclude(reference="").exclude(connector=other).exclude(plug_word=Status.PREPARING)
