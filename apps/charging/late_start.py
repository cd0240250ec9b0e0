"""A charge that begins after its start was given up: adopted while the deal stands, else stopped at no cost (AT-B2)."""

from datetime import timedelta

from django.db.models import QuerySet

from apps.charging import concerns, ledger, services
from apps.charging.models import Concern, LedgerLine, Session
from apps.lib import clock, wiring
from apps.lib.errors import Refused
from apps.ocpp import events

State = Session.State
ADOPT_WITHIN = timedelta(minutes=10)
FREE_FOR = timedelta(seconds=60)


def adopted(ours: QuerySet[Session], event: events.TransactionStarted) -> Session | None:
    """A new try under the same reference, still to begin; None when this start is nobody's any more.

    `ours`: the sessions that this token was made for at this charge point.
    """
    given_up = ours.filter(ocpp_connector_id=event.connector_id, state=State.FAILED, started_at=None)
    left = (Session.Failure.WITHDRAWN, Session.Failure.MOVED)
    last = given_up.exclude(failure__in=left).select_related("connector__evse").first()
    if last is None or ours.filter(state__in=Session.LIVE).exists() or not _is_recent(last):
        return None
    try:
        wiring.announce("late_start.beginning", last)
    except Refused:
        return None
    session = services.try_again(last, free_until=clock.now() + FREE_FOR)
    why = "began after it was given up"
    concerns.raise_(session, Concern.Kind.LATE_START, why)
    ledger.write(session, LedgerLine.Stage.START_ACCEPTED, LedgerLine.By.STATION, why=why, detail="late")
    return session


def _is_recent(session: Session) -> bool:
    failed = session.ledger.filter(stage=LedgerLine.Stage.START_FAILED).last()
    return failed is not None and failed.at >= clock.now() - ADOPT_WITHIN
