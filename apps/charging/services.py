"""The life of a session: asked for, begun, stopped, closed. What a charge point says comes in through `told`."""

from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from apps.catalog.models import Connector
from apps.catalog.services import record_charge
from apps.charging import concerns, ledger, standing, start_codes
from apps.charging.models import Concern, LedgerLine, PlugInTime, Session
from apps.lib import clock, wiring
from apps.lib.codes import new_code
from apps.lib.errors import Refused
from apps.lib.moves import StaleMove, move
from apps.ocpp import commands, patience

State = Session.State
Stage, By = LedgerLine.Stage, LedgerLine.By
MOST_STOP_TRIES = 2
# A stop nobody confirmed: so long the last readings may still arrive before the session closes on what is known.
CLOSE_AFTER_UNANSWERED_STOP = timedelta(minutes=2)


class ChargerNotConnected(Refused):
    code = "40006"


@transaction.atomic
def start(*, reference: str, connector: Connector, token: str, limit_kwh: Decimal | None) -> Session:
    """Ask the charge point to begin. Asked again while it lives, the session of `reference` is returned as it is."""
    if live := Session.objects.filter(reference=reference, state__in=Session.LIVE).first():
        return live
    if not connector.evse.charge_point_id:
        raise ChargerNotConnected(_("This charger is not connected to the operator."))
    try:
        with transaction.atomic():
            session = _pending(connector, token, reference=reference, limit_kwh=limit_kwh)
    except IntegrityError:  # another worker was faster
        return Session.objects.get(reference=reference, state__in=Session.LIVE)
    ledger.write(session, Stage.START_ASKED, By.DRIVER)
    if connector.status == Connector.Status.PREPARING:
        ledger.write(session, Stage.PLUGGED_IN, By.DRIVER, why="the car stood there already")
    if start_codes.are_used_at(connector.evse):
        _await_code(session)
    else:
        _send_start(session)
    changed(session)
    return session


def _await_code(session: Session) -> None:
    """Nothing is asked of the charger: it hears of the charge from its own keypad."""
    now = clock.now()
    session.start_accepted_at, session.deadline_at = now, now + start_codes.ENTER_WITHIN
    session.save(update_fields=["start_accepted_at", "deadline_at"])
    ledger.write(session, Stage.START_ACCEPTED, By.STATION, at=now, why="waits for the code at the charger")


def _send_start(session: Session) -> None:
    try:
        commands.remote_start(
            charge_point_id=session.charge_point_id,
            connector_id=session.ocpp_connector_id,
            token=session.token,
            reference=session.code,
        )
    except commands.UnknownChargePoint as unknown:
        raise ChargerNotConnected(_("This charger is not connected to the operator.")) from unknown


def walk_in(connector: Connector, token: str) -> Session:
    """A row for a card that was simply held to the charger."""
    return _pending(connector, token, reference="", limit_kwh=None)


def try_again(given_up: Session, *, free_until: datetime) -> Session:
    """A row for a charge that begins after we had given it up."""
    facts = {"reference": given_up.reference, "limit_kwh": given_up.limit_kwh, "free_until": free_until}
    return _pending(given_up.connector, given_up.token, **facts)


def _pending(
    connector: Connector,
    token: str,
    *,
    reference: str,
    limit_kwh: Decimal | None,
    free_until: datetime | None = None,
) -> Session:
    session = Session.objects.create(
        free_until=free_until,
        # Of the time before only this matters: the car may stand there already.
        plug_word=connector.status if connector.status == Connector.Status.PREPARING else "",
        code=new_code("CS"),
        reference=reference,
        connector=connector,
        charge_point_id=connector.evse.charge_point_id,
        ocpp_connector_id=connector.ocpp_connector_id,
        rated_kw=connector.max_kw,
        token=token,
        limit_kwh=limit_kwh,
        deadline_at=clock.now() + plug_in_time(connector.evse.charge_point_id),
    )
    session.events.create(was="", now=State.PENDING, why=f"asked for by {reference or 'a card'}")
    return session


def plug_in_time(charge_point_id: str) -> timedelta:
    """How long the charger itself waits for the cable; as long we wait, and the driver sees it count down (AT-B1)."""
    own = PlugInTime.objects.filter(charge_point_id=charge_point_id).values_list("seconds", flat=True).first()
    return timedelta(seconds=own or settings.CHARGING["START_SECONDS"])


def note_plug_in_time(charge_point_id: str) -> None:
    """The charge point told its configuration."""
    if seconds := patience.told(charge_point_id):
        PlugInTime.objects.update_or_create(charge_point_id=charge_point_id, defaults={"seconds": seconds})


@transaction.atomic
def stop(
    *, reference: str, why: str = "asked to stop", by: By = By.DRIVER, for_free: bool = False
) -> Session | None:
    """Stop the live session of `reference`; pressed twice it is one command (AT-A3). None when nothing lives.

    `for_free`: as if nothing had flowed.
    """
    session = Session.objects.filter(reference=reference, state__in=Session.LIVE).first()
    if session is None:
        return None
    if session.state == State.PENDING:
        withdraw(session, why=why)
        session.refresh_from_db()
    ask_stop(session, why=why, by=by, for_free=for_free)
    return session


def withdraw(session: Session, *, why: str) -> bool:
    """Give up a session that has not begun. False when the charger was faster."""
    return fail(session, Session.Failure.WITHDRAWN, why=why)


def fail(session: Session, failure: Session.Failure, *, why: str) -> bool:
    """End a start that came to nothing; False when it is no longer pending."""
    if session.state != State.PENDING:
        return False
    try:
        move(session, State.FAILED, why=why, failure=failure, deadline_at=None)
    except StaleMove:
        return False
    ledger.write(session, Stage.START_FAILED, ledger.OF_FAILURE[failure], why=why, detail=failure)
    changed(session)
    return True


def ask_stop(session: Session, *, why: str, by: By = By.OPERATOR, for_free: bool = False) -> None:
    """Send the charge point the stop, once per session that is still flowing."""
    if session.state == State.ENDED_PENDING_METER:
        return _ask_stop_of_silent(session, why=why, by=by)
    if session.state not in Session.FLOWING:
        return
    asked_at = clock.now()
    deadline_at = asked_at + Session.PATIENCE[State.STOPPING]
    is_free = bool(by == By.DRIVER and session.free_until and asked_at <= session.free_until) or for_free
    asked = {"stop_asked_at": asked_at, "stop_tries": 1, "is_free": is_free}
    try:
        move(session, State.STOPPING, why=why, deadline_at=deadline_at, **asked)
    except StaleMove:
        session.refresh_from_db()
        return ask_stop(session, why=why, by=by, for_free=for_free)
    ledger.write(session, Stage.STOP_ASKED, by, at=asked_at, why=why)
    send_stop(session)
    changed(session)


def _ask_stop_of_silent(session: Session, *, why: str, by: By) -> None:
    """We took it for ended because the charger fell silent. Should it charge on, it is told to stop all the same."""
    asked_at = clock.now()
    mine = Session.objects.filter(pk=session.pk, state=State.ENDED_PENDING_METER, stop_asked_at=None)
    if mine.update(stop_asked_at=asked_at, stop_tries=F("stop_tries") + 1):
        session.refresh_from_db()
        ledger.write(session, Stage.STOP_ASKED, by, at=asked_at, why=why)
        send_stop(session)
        changed(session)


def send_stop(session: Session) -> None:
    """A charge point that was blocked meanwhile cannot be asked; the deadline of the state closes the session then."""
    with suppress(commands.UnknownChargePoint):
        commands.remote_stop(
            charge_point_id=session.charge_point_id,
            transaction_id=session.pk,
            # Each try is a command of its own.
            reference=f"{session.code}/{session.stop_tries}",
        )


def settle(
    session: Session,
    to: State,
    *,
    why: str,
    patience: timedelta | None = None,
    at: datetime | None = None,
) -> bool:
    """Move a running session and give its new state its deadline. False when it is there already or may not go.

    `at` is when it happened, if not just now.
    """
    if session.state == to or to not in Session.MOVES[session.state]:
        return False
    patience = patience or Session.PATIENCE.get(to)
    try:
        move(session, to, why=why, deadline_at=patience and clock.now() + patience)
    except StaleMove:
        session.refresh_from_db()
        return settle(session, to, why=why, patience=patience, at=at)
    ledger.write_state(session, at=at, why=why)
    changed(session)
    return True


def close(session: Session, *, why: str, ended_at: datetime | None = None) -> bool:
    """The last word on the energy. Without the charger's own end the last good reading is the end (AT-A1)."""
    if session.state not in Session.STARTED:
        return False
    if session.ended_at is None:
        end = ended_at or session.register_at or session.started_at
        Session.objects.filter(pk=session.pk, ended_at=None).update(ended_at=max(end, session.started_at))
    is_estimated = not session.end_reason
    try:
        move(session, State.CLOSED, why=why, deadline_at=None, watch_at=None, is_estimated=is_estimated)
    except StaleMove:
        session.refresh_from_db()
        return close(session, why=why, ended_at=ended_at)
    standing.ended(session)
    record_charge(connector=session.connector, energy_kwh=session.energy_wh / 1000, ended_at=session.ended_at)
    if is_estimated:
        ledger.write(session, Stage.METER_ESTIMATED, By.OPERATOR, why=why)
        concerns.raise_(session, Concern.Kind.NO_STOP, why)
    else:
        ledger.write(session, Stage.METER_FINAL, By.STATION, why=why)
    changed(session)
    return True


def changed(session: Session) -> None:
    wiring.announce("session.changed", session)


def move_overdue() -> int:
    """Every state that waits has somewhere to go when its time is up."""
    late = Session.objects.filter(state__in=Session.LIVE, deadline_at__lte=clock.now())
    count = 0
    for pk in list(late.values_list("pk", flat=True)[:200]):
        with transaction.atomic():
            session = Session.objects.select_for_update(of=("self",)).select_related("connector").get(pk=pk)
            if session.deadline_at and session.deadline_at <= clock.now():
                count += _move_on(session)
    return count


def _move_on(session: Session) -> bool:
    if session.state == State.PENDING:
        failure, why = _why_nothing_began(session)
        return fail(session, failure, why=why)
    if session.state == State.STOPPING:
        return _stop_again(session)
    if session.state == State.ENDED_PENDING_METER:
        return close(session, why="closed on the last good reading")
    silence = "the charge is over, no stop came" if session.unplugged_at else "the charger fell silent"
    return settle(session, State.ENDED_PENDING_METER, why=silence)


def _why_nothing_began(session: Session) -> tuple[Session.Failure, str]:
    if not session.start_accepted_at:
        return Session.Failure.TIMEOUT, "the charger did not answer in time"
    if start_codes.entered(session.charge_point_id, session.token):
        return Session.Failure.NO_CODE, "the code was not entered at the charger in time"
    if session.connector.status == Connector.Status.PREPARING:
        return Session.Failure.VEHICLE_FAULT, "a car is plugged in, but the charge did not begin"
    return Session.Failure.NO_CABLE, "no car was plugged in in time"


def _stop_again(session: Session) -> bool:
    if session.stop_tries >= MOST_STOP_TRIES:
        why = "the charger never confirmed the stop"
        concerns.raise_(session, Concern.Kind.STOP_UNANSWERED, why)
        return settle(session, State.ENDED_PENDING_METER, why=why, patience=CLOSE_AFTER_UNANSWERED_STOP)
    again = Session.objects.filter(pk=session.pk, state=State.STOPPING, stop_tries=session.stop_tries).update(
        stop_tries=session.stop_tries + 1, deadline_at=clock.now() + Session.PATIENCE[State.STOPPING]
    )
    if again:
        session.refresh_from_db()
        send_stop(session)
    return bool(again)
