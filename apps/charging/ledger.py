"""The ledger of a session: who did what to it, and when. Lines are added, never changed; told again, one is itself.

The states say where a session is. The ledger is what both sides can look at later, when they disagree.
"""

from datetime import datetime

from apps.charging.models import LedgerLine, Session
from apps.lib import clock

Stage, By = LedgerLine.Stage, LedgerLine.By
State, Failure = Session.State, Session.Failure

# What the plug says while a car charges → what that is, and whose doing.
OF_PLUG = {
    "Charging": (Stage.CHARGING, By.STATION),
    "SuspendedEV": (Stage.PAUSED_BY_CAR, By.CAR),
    "SuspendedEVSE": (Stage.PAUSED_BY_STATION, By.STATION),
    "Faulted": (Stage.FAULT, By.STATION),
}
OF_STATE = {
    State.ACTIVE: OF_PLUG["Charging"],
    State.OFFLINE: (Stage.SITE_OFFLINE, By.STATION),
    State.ENDED_PENDING_METER: (Stage.METER_AWAITED, By.STATION),
}
OF_FAILURE = {
    Failure.NO_CABLE: By.DRIVER,
    Failure.NO_CODE: By.DRIVER,
    Failure.WITHDRAWN: By.DRIVER,
    Failure.MOVED: By.DRIVER,
    Failure.VEHICLE_FAULT: By.CAR,
    Failure.REJECTED: By.STATION,
    Failure.CHARGER_OFFLINE: By.STATION,
    Failure.TIMEOUT: By.STATION,
    Failure.UNKNOWN: By.OPERATOR,
}
# Reasons of OCPP for an end. "Remote" is whoever asked for it; what is not here is the station's.
OF_END = {
    "Local": By.DRIVER,
    "EVDisconnected": By.DRIVER,
    "UnlockCommand": By.OPERATOR,
    "DeAuthorized": By.OPERATOR,
    "PowerLoss": By.GRID,
}
LONGEST = 40  # lines that a page or a message may want


def write(
    session: Session, stage: Stage, by: By, *, at: datetime | None = None, why: str = "", detail: str = ""
) -> None:
    """In the caller's transaction. The same stage at the same moment is one line, however often it is told."""
    line = LedgerLine(
        session=session, stage=stage, by=by, at=at or clock.now(), why=why[:300], detail=detail[:20]
    )
    LedgerLine.objects.bulk_create([line], ignore_conflicts=True)


def write_state(session: Session, *, at: datetime | None, why: str) -> None:
    """The state that `session` has just come to."""
    stage, by = OF_PLUG.get(session.plug_word, OF_PLUG["SuspendedEV"])
    if session.state != State.SUSPENDED:
        stage, by = OF_STATE[session.state]
    write(session, stage, by, at=at, why=why)


def write_end(session: Session, *, at: datetime, reason: str) -> None:
    """The charger told that the transaction has ended, and with which register."""
    by = OF_END.get(reason, By.STATION)
    if reason == "Remote":
        asked = session.ledger.filter(stage=Stage.STOP_ASKED).last()
        by = asked.by if asked else By.OPERATOR
    write(session, Stage.STOPPED, by, at=at, why=f"the charger stopped: {reason}", detail=reason)


def newest(session: Session) -> list[LedgerLine]:
    """In the order of what happened; of a very long story its end."""
    return list(session.ledger.order_by("-at", "-pk")[:LONGEST])[::-1]
