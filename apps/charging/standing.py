"""After the end of a charge: does the car still stand at the plug? Facts only; what that costs is known elsewhere.

The plug's own word is the proof, and every doubt is an end: a plug that faults, a box that is away for two minutes, or
one that never said that a car was left there.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from apps.catalog.models import Connector
from apps.charging.models import Session
from apps.lib import clock, wiring
from apps.ocpp import events

Status = Connector.Status
PROVED_WITHIN = timedelta(minutes=2)  # after the end the plug says whether a car is left there
LOCK_FAILED = "ConnectorLockFailure"
CAR_TOOK_IT_OUT = "EVDisconnected"
BATCH = 200


def ended(session: Session) -> None:
    """Call it in the transaction of the close, before it is announced."""
    word = session.connector.status
    unseen = not session.end_reason and word != Status.FINISHING
    if unseen or session.end_reason == CAR_TOOK_IT_OUT or _is_free(session):
        _write(session, left_at=session.ended_at)
    elif word == Status.FINISHING:
        _write(session, is_standing=True)


def may_stand(session: Session) -> bool:
    """Ended, and not known to be gone."""
    return session.state == Session.State.CLOSED and session.left_at is None


def stood_until(session: Session, now: datetime) -> datetime | None:
    """How far it is proved that the car stood there; None when it was never seen to."""
    return (session.left_at or now) if session.is_standing else None


def heard(event: events.ConnectorStatus) -> None:
    """After the catalog has taken the word of the plug."""
    here = _ended_lately(event.received_at).filter(charge_point_id=event.charge_point_id)
    if event.connector_id:
        here = here.filter(ocpp_connector_id=event.connector_id)
    for session in here.select_related("connector"):
        if event.error_code == LOCK_FAILED:
            _lock_failed(session, event.received_at)
        _look_at(session)
    if event.error_code == LOCK_FAILED:
        for session in _running_at(event.charge_point_id, event.connector_id):
            _lock_failed(session, event.received_at)


def answered(event: events.CommandAnswered) -> None:
    """The operator asked for the plug to be unlocked, and it would not."""
    verb, _slash, plug = event.reference.partition("/")
    if event.command != "unlock" or event.outcome == "accepted" or verb != "unlock" or not plug.isdigit():
        return
    here = _ended_lately(event.received_at).filter(charge_point_id=event.charge_point_id)
    sessions = [
        *here.filter(ocpp_connector_id=int(plug)).select_related("connector"),
        *_running_at(event.charge_point_id, int(plug)),
    ]
    for session in sessions:
        _lock_failed(session, event.received_at)


def look() -> int:
    """A duty: who stands there although the plug says something else by now, or nothing any more."""
    doubtful = Session.objects.filter(is_standing=True, left_at=None).exclude(
        connector__status=Status.FINISHING
    )
    return sum(_look_once(pk) for pk in list(doubtful.values_list("pk", flat=True)[:BATCH]))


@transaction.atomic
def _look_once(pk: int) -> bool:
    session = Session.objects.select_for_update(of=("self",)).select_related("connector").get(pk=pk)
    return _look_at(session)


def _ended_lately(now: datetime):
    """Those that stand, and those of which it is not known yet."""
    lately = Q(is_standing=False, ended_at__gte=now - PROVED_WITHIN) | Q(is_standing=True)
    return Session.objects.filter(lately, state=Session.State.CLOSED, left_at=None).exclude(reference="")


def _running_at(charge_point_id: str, plug: int):
    running = Session.objects.filter(state__in=Session.STARTED, charge_point_id=charge_point_id)
    return running.filter(ocpp_connector_id=plug) if plug else running


def _look_at(session: Session) -> bool:
    word = session.connector.status
    if word == Status.FINISHING:
        changed = not session.is_standing and _write(session, is_standing=True)
    elif session.is_standing or _is_free(session):
        changed = _write(session, left_at=max(_since(session.connector), session.ended_at))
    else:
        changed = False  # words of the charge that has just ended
    if changed:
        wiring.announce("session.changed", session)
    return changed


def _is_free(session: Session) -> bool:
    """Said since this charge began; some boxes say nothing while they charge."""
    plug = session.connector
    said_at = plug.status_told_at
    return plug.status == Status.AVAILABLE and said_at is not None and said_at > session.started_at


def _since(plug: Connector) -> datetime:
    """When the plug's new word began; of one that is not heard any more, when it was heard last."""
    unknown = plug.status == Status.UNKNOWN
    return (plug.last_seen_at if unknown else plug.status_changed_at) or clock.now()


def _lock_failed(session: Session, at: datetime) -> None:
    if session.lock_failed_at is None and _write(session, lock_failed_at=at):
        wiring.announce("session.changed", session)


def _write(session: Session, **facts) -> bool:
    """False when the car has gone meanwhile."""
    if not Session.objects.filter(pk=session.pk, left_at=None).update(**facts):
        return False
    for name, value in facts.items():
        setattr(session, name, value)
    return True
