"""What charge points say, event by event (apps/ocpp/events.py). Every one may come twice, late or out of order."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from apps.catalog.models import Connector
from apps.catalog.selectors import connector_at
from apps.charging import (
    concerns,
    late_start,
    ledger,
    plug_words,
    readings,
    runaway,
    services,
    start_codes,
    watch,
)
from apps.charging.models import Concern, LedgerLine, Orphan, Session
from apps.lib import clock, wiring
from apps.lib.errors import Refused
from apps.lib.moves import StaleMove, move
from apps.lib.rows import Lookup
from apps.ocpp import events

State = Session.State
Stage, By = LedgerLine.Stage, LedgerLine.By
STOP_TAKES = timedelta(seconds=60)  # an accepted stop still has to end the transaction
_LOCKED = Lookup(readings.with_next_start, "id", locked=True)


def sessions_at(charge_point_id: str) -> QuerySet[Session]:
    return Session.objects.filter(charge_point_id=charge_point_id)


def alive(charge_point_id: str) -> None:
    """The charge point is there: nobody waits in vain for its running sessions."""
    for session in sessions_at(charge_point_id).filter(state=State.OFFLINE):
        _go_on(session)
    deadline_at = clock.now() + Session.PATIENCE[State.ACTIVE]
    running = sessions_at(charge_point_id).filter(
        state__in=[State.ACTIVE, State.SUSPENDED], unplugged_at=None
    )
    # Once a minute is often enough for a patience of a quarter of an hour.
    running.filter(deadline_at__lt=deadline_at - timedelta(minutes=1)).update(deadline_at=deadline_at)


def _go_on(session: Session) -> None:
    """As the plug said it last; when that is no longer true, it will say so."""
    paused = session.plug_word in plug_words.PAUSED
    services.settle(session, State.SUSPENDED if paused else State.ACTIVE, why="the charger is back")


def lost(charge_point_id: str) -> None:
    for session in sessions_at(charge_point_id).filter(state__in=[State.ACTIVE, State.SUSPENDED]):
        services.settle(session, State.OFFLINE, why="the charger's connection was lost")


def may_charge(event: events.TokenPresented) -> bool:
    """Our own tokens open only the charge point they were made for, while they are wanted; cards are walk-ins."""
    if not event.token.strip():
        return False
    is_code = start_codes.entered(event.charge_point_id, event.token)
    if is_code and start_codes.begin_for(event.charge_point_id, event.token):
        return True
    ours = Session.objects.filter(token=event.token).exclude(reference="")
    return (not is_code and not ours.exists()) or ours.filter(
        charge_point_id=event.charge_point_id, state__in=Session.LIVE
    ).exists()


def started(event: events.TransactionStarted) -> events.StartAnswer:
    event_wh = readings.in_range("register_wh", event.meter_start_wh)
    identity = {"started_at": event.at, "meter_start_wh": event_wh, "token": event.token}
    place = {"charge_point_id": event.charge_point_id, "ocpp_connector_id": event.connector_id}
    if known := Session.objects.filter(**identity, **place).first():
        return _answer(known)
    connector = connector_at(charge_point_id=event.charge_point_id, connector_id=event.connector_id)
    is_unreadable = event_wh is None and event.meter_start_wh is not None
    if connector is None or is_unreadable:
        why = "unknown connector" if connector is None else "unreadable meter start"
        orphan = keep_orphan(event, why, token=event.token, register_wh=event_wh)
        return events.StartAnswer(transaction_id=-orphan.pk, accepted=False)
    begin = {"started_at": event.at, "meter_start_wh": event_wh}
    try:
        with transaction.atomic():
            return _answer(_begun(connector, event, begin))
    except IntegrityError:  # the same start, in another process; or the driver pressed Start again just now
        known = Session.objects.filter(**identity, **place).first()
        return _answer(known or _begun(connector, event, begin))


def _answer(session: Session) -> events.StartAnswer:
    return events.StartAnswer(transaction_id=session.pk, accepted=session.state != State.FAILED)


def _begun(connector: Connector, event: events.TransactionStarted, begin: dict[str, Any]) -> Session:
    ours = sessions_at(event.charge_point_id).filter(token=event.token).exclude(reference="")
    wanted = ours.filter(ocpp_connector_id=event.connector_id, state=State.PENDING)
    is_code = start_codes.entered(event.charge_point_id, event.token)
    if is_code and not wanted.exists():
        start_codes.begin_for(event.charge_point_id, event.token)
    if not wanted.exists():
        plug_words.note_other_plug(ours.filter(state=State.PENDING), connector, clock.now())
    session = wanted.first() or late_start.adopted(ours, event) or services.walk_in(connector, event.token)
    if session.reference:
        why = "the charger began"
    elif Session.objects.filter(token=event.token).exclude(reference="").exists():
        return _turn_away(
            session, begin, Session.Failure.TIMEOUT, why="began after it was given up, or elsewhere"
        )
    elif is_code:
        return _turn_away(session, begin, Session.Failure.REJECTED, why="a code that opens nothing here")
    else:
        why = "a card began at the charger"
        try:
            wiring.announce("walk_in.starting", session)
        except Refused as refused:
            return _turn_away(session, begin, Session.Failure.REJECTED, why=str(refused.message))
    now = clock.now()
    until = {"deadline_at": now + Session.PATIENCE[State.ACTIVE], "watch_at": now + watch.EVERY}
    # A time that is ours already needs no correction.
    skew = 0 if event.at_doubted else event.clock_skew_seconds
    try:
        move(session, State.ACTIVE, why=why, began_at=now, clock_skew_seconds=skew, **until, **begin)
    except StaleMove:  # given up at this very moment
        return _begun(connector, event, begin)
    ledger.write(session, Stage.CHARGING, By.STATION, at=session.real(session.started_at), why=why)
    _end_earlier(session)
    services.changed(session)
    return session


def _turn_away(session: Session, begin: dict[str, Any], failure: Session.Failure, *, why: str) -> Session:
    """A car charges that should not: keep its row, refuse it, and stop it in case the charger goes on (AT-B2)."""
    move(session, State.FAILED, why=why, failure=failure, deadline_at=None, **begin)
    ledger.write(session, Stage.START_FAILED, By.STATION, why=why, detail=failure)
    services.send_stop(session)
    return session


def _end_earlier(session: Session) -> None:
    """A plug that begins anew has ended what came before, whether it said so or not."""
    earlier = sessions_at(session.charge_point_id).filter(
        ocpp_connector_id=session.ocpp_connector_id,
        started_at__lt=session.started_at,
        state__in=Session.STARTED,
    )
    for old in earlier:
        readings.count_again(old)
        services.settle(old, State.ENDED_PENDING_METER, why=f"{session.code} began at the same plug")


def metered(event: events.MeterReadings) -> None:
    if event.transaction_id is None:
        return  # outside a transaction nothing is billed
    session = _session_of(event, event.transaction_id)
    if session is None:
        for reading in event.readings:
            register_wh = readings.in_range("register_wh", reading.register_wh)
            keep_orphan(event, "unknown transaction", at=reading.at, register_wh=register_wh)
        return
    before_wh = session.energy_wh
    if readings.record(session, event.readings, received_at=event.received_at):
        runaway.heard(session, max(reading.at for reading in event.readings))
        if session.suspect_at:
            why = "a reading does not fit what the plug can give: it is kept and not counted"
            concerns.raise_(session, Concern.Kind.REFUSED_READINGS, why)
        _after_reading(session, before_wh)


def _after_reading(session: Session, before_wh: Decimal) -> None:
    if (
        session.unplugged_at
        and session.energy_wh > before_wh
        and session.last_reading_at > session.unplugged_at
    ):
        # The plug had said that it was over, but energy flows: what flows is the truth.
        Session.objects.filter(pk=session.pk).update(unplugged_at=None)
        session.unplugged_at = None
    if session.state == State.OFFLINE:
        _go_on(session)
    elif session.state not in (State.CLOSED, State.FAILED):
        services.changed(session)
    if session.limit_kwh is not None and session.energy_wh >= session.limit_kwh * 1000:
        services.ask_stop(session, why="the ordered energy was delivered")


def stopped(event: events.TransactionStopped) -> None:
    session = _session_of(event, event.transaction_id) or _session_by_token(event)
    if session is None:
        register_wh = readings.in_range("register_wh", event.meter_stop_wh)
        keep_orphan(event, "unknown transaction", token=event.token, register_wh=register_wh)
        return
    facts = {"at": event.at, "register_wh": event.meter_stop_wh, "at_doubted": event.at_doubted}
    last = [] if event.meter_stop_wh is None else [events.Reading(**facts)]
    readings.record(session, (*event.readings, *last), received_at=event.received_at)
    if not session.end_reason:  # not heard before
        _note_end(session, event)
    ledger.write_end(session, at=session.real(event.at), reason=event.reason)
    services.close(session, why=f"the charger stopped: {event.reason}")


def _note_end(session: Session, event: events.TransactionStopped) -> None:
    if session.state == State.CLOSED:
        keep_orphan(event, f"the real end of {session.code} came after its close")
    register_wh = readings.in_range("register_wh", event.meter_stop_wh)
    end = {"meter_stop_wh": register_wh, "end_reason": event.reason[:40]}
    if session.state in Session.STARTED or session.ended_at is None:
        end["ended_at"] = max(event.at, session.started_at)
    Session.objects.filter(pk=session.pk, end_reason="").update(**end)
    session.refresh_from_db()


def _session_of(event: events.ChargePointEvent, transaction_id: int) -> Session | None:
    """Locked, so that two processes do not count one after the other's back; SQLite locks the whole file anyway."""
    session = _LOCKED.find(transaction_id)
    is_meant = session and session.charge_point_id == event.charge_point_id and session.started_at
    return session if is_meant else None


def _session_by_token(event: events.TransactionStopped) -> Session | None:
    """A charger that began off line stops an id we never gave (−1): one running session of that token is meant."""
    if not event.token:
        return None
    running = sessions_at(event.charge_point_id).filter(
        token=event.token, state__in=Session.STARTED, started_at__lte=event.at
    )
    found = list(running.select_for_update()[:2])
    return found[0] if len(found) == 1 else None


def keep_orphan(event: Any, why: str, **facts: Any) -> Orphan:
    at = facts.pop("at", None) or event.at
    transaction_id = getattr(event, "transaction_id", None)
    number = getattr(event, "connector_id", None)
    parts = (
        event.charge_point_id,
        event.kind,
        transaction_id,
        number,
        at.isoformat(),
        facts.get("register_wh"),
    )
    orphan, _created = Orphan.objects.get_or_create(
        identity="|".join(map(str, parts)),
        defaults={
            "charge_point_id": event.charge_point_id,
            "kind": event.kind,
            "transaction_id": transaction_id,
            "ocpp_connector_id": number,
            "at": at,
            "received_at": event.received_at,
            "why": why,
            **facts,
        },
    )
    return orphan


def answered(event: events.CommandAnswered) -> None:
    if event.command == "get_configuration" and event.outcome == "accepted":
        return services.note_plug_in_time(event.charge_point_id)
    code, _slash, tries = event.reference.partition("/")
    session = sessions_at(event.charge_point_id).filter(code=code).first()
    if session is None:
        return
    if event.command == "remote_start":
        _start_answered(session, event)
    elif event.command == "remote_stop" and tries == str(session.stop_tries):
        _stop_answered(session, event)


def _start_answered(session: Session, event: events.CommandAnswered) -> None:
    if event.outcome == "accepted":
        _await_car(session, event.received_at)
    elif event.outcome == "rejected":
        services.fail(session, Session.Failure.REJECTED, why=f"the charger refused {event.detail}".rstrip())
    else:
        services.fail(session, Session.Failure.CHARGER_OFFLINE, why="the charger did not answer")


def _await_car(session: Session, accepted_at: datetime) -> None:
    """From now on the charger waits for the cable as long as it is set to, and we do not wait longer."""
    waits = Session.objects.filter(pk=session.pk, state=State.PENDING, start_accepted_at=None)
    deadline_at = accepted_at + services.plug_in_time(session.charge_point_id)
    if waits.update(start_accepted_at=accepted_at, deadline_at=deadline_at):
        session.refresh_from_db()
        ledger.write(session, Stage.START_ACCEPTED, By.STATION, at=accepted_at)
        services.changed(session)


def _stop_answered(session: Session, event: events.CommandAnswered) -> None:
    """Accepted: the transaction still has to end. Anything else is tried again by the watch at once."""
    stopping = Session.objects.filter(pk=session.pk, state=State.STOPPING)
    if event.outcome != "accepted":
        stopping.update(deadline_at=clock.now())
    elif stopping.update(deadline_at=clock.now() + STOP_TAKES, stop_accepted_at=event.received_at):
        session.refresh_from_db()
        ledger.write(session, Stage.STOP_ACCEPTED, By.STATION, at=event.received_at)
        services.changed(session)
