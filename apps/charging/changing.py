"""What may change for a session under way: how much may flow, at which plug it is to begin, and whose car it is."""

from datetime import datetime, timedelta
from decimal import Decimal

from apps.catalog.models import Connector
from apps.charging import ledger, services
from apps.charging.models import LedgerLine, Session
from apps.lib import clock
from apps.lib.moves import move
from apps.lib.rows import only_one

State, Failure = Session.State, Session.Failure
# So long after the beginning a driver may say that another car is charging on this order (AT-H4).
NOT_MY_CAR_WITHIN = timedelta(seconds=60)


def locked(reference: str) -> Session | None:
    """The live session, which nobody else changes now; in a transaction, and before a booking is locked."""
    return only_one(
        Session.objects.select_for_update(of=("self",)).filter(reference=reference, state__in=Session.LIVE)
    )


def limit_to(session: Session, limit_kwh: Decimal | None) -> None:
    """From the next reading on, this much ends the charge."""
    Session.objects.filter(pk=session.pk).update(limit_kwh=limit_kwh)
    session.limit_kwh = limit_kwh


def begin_elsewhere(session: Session, connector: Connector, *, token: str) -> Session:
    """The start that waits for its car waits at another plug instead.

    Should the first plug begin all the same, it is turned away as every start that is no longer wanted. Raises
    StaleMove when the charge has begun meanwhile.
    """
    why = f"moved to plug {connector.letter}"
    move(session, State.FAILED, why=why, failure=Failure.MOVED, deadline_at=None)
    ledger.write(session, LedgerLine.Stage.START_FAILED, LedgerLine.By.DRIVER, why=why, detail=Failure.MOVED)
    return services.start(
        reference=session.reference, connector=connector, token=token, limit_kwh=session.limit_kwh
    )


def not_my_car_until(session: Session) -> datetime | None:
    """None once it is too late, or too early, to say so."""
    if session.began_at is None or session.state not in Session.FLOWING:
        return None
    return session.began_at + NOT_MY_CAR_WITHIN


def is_not_my_car(session: Session) -> bool:
    """The driver says so now: is it soon enough to cost nothing?"""
    until = not_my_car_until(session)
    return until is not None and clock.now() <= until
