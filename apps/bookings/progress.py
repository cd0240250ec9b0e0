"""While energy flows: what the app asks for by `update`, what the session does, and exactly one message per fact.

A start or stop that was asked for is answered by a solicited on_update once the charger has proved it; what nobody
asked for goes out as an unsolicited on_status, and the final bill as an on_update. Each reading besides goes to whoever
listens at the tracking address (consumers.py).
"""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.beckn import outbox
from apps.beckn.inbox import Inbound
from apps.beckn.models import Message
from apps.beckn.wire import v1_1 as wire
from apps.bookings import idle, invoices, network, refusals, running, selectors, slots
from apps.bookings.idle_models import IdleStretch
from apps.bookings.models import Booking, OpenRequest
from apps.bookings.pricing import worded
from apps.charging import changing
from apps.charging import selectors as charging_selectors
from apps.charging import services as charging
from apps.charging.models import Session
from apps.charging.standing import PROVED_WITHIN
from apps.lib import clock
from apps.lib.errors import Refused
from apps.lib.moves import StaleMove, move
from apps.lib.rows import Lookup
from apps.live.push import changed_on_commit

State = Booking.State
START, STOP = OpenRequest.Kind.START, OpenRequest.Kind.STOP
# After a start that failed the driver has at least so long to try again.
TRY_AGAIN_WITHIN = timedelta(minutes=10)
_BY_CODE = Lookup(Booking.objects.all, "code")


@transaction.atomic
def start(*, booking: Booking, asked: Inbound) -> None:
    """Ask the charger to begin. The answer goes out when it has begun, or will not (40006)."""
    booking = selectors.locked_bookings().get(pk=booking.pk)  # at which plug: it may be changing just now
    if booking.state == State.IN_SESSION:
        return answer(booking, asked)
    if booking.state != State.CONFIRMED:
        raise refusals.CannotUpdate(_("This order is over."))
    slots.refuse_start(booking)
    OpenRequest.objects.get_or_create(message=asked.message, defaults={"booking": booking, "kind": START})
    ask_charger(booking)


def ask_charger(booking: Booking) -> None:
    charging.start(
        reference=booking.code,
        connector=booking.connector,
        token=booking.start_token,
        limit_kwh=booking.limits.kwh,
    )


def code_entered(*, charge_point_id: str, code: str) -> bool:
    """A code was entered at the charger, as if its driver had pressed Start. False when no order waits for it."""
    waiting = Booking.objects.filter(
        evse__charge_point_id=charge_point_id, start_token=code, state=State.CONFIRMED
    )
    pk = waiting.filter(deadline_at__gt=clock.now()).values_list("pk", flat=True).first()
    if pk is None:
        return False
    booking = selectors.all_bookings().get(pk=pk)
    try:
        slots.refuse_start(booking)
    except Refused:
        return False
    ask_charger(booking)
    return True


@transaction.atomic
def stop(*, booking: Booking, asked: Inbound, is_not_my_car: bool = False) -> None:
    """Ask the charger to end. The answer is the final bill. Of a start that still waits, this is the end.

    `is_not_my_car`: another car charges on this order, which costs nothing when it is said soon enough (AT-H4).
    """
    if booking.state in (State.STANDING, State.COMPLETED):
        return answer(booking, asked)
    if booking.state not in (State.CONFIRMED, State.IN_SESSION):
        raise refusals.CannotUpdate(_("This order is over."))
    session = charging_selectors.live_session(booking.code)
    if session is None:
        raise refusals.NotApplicable(_("Nothing is charging."))
    for_free = is_not_my_car and changing.is_not_my_car(session)
    OpenRequest.objects.get_or_create(message=asked.message, defaults={"booking": booking, "kind": STOP})
    why = "the driver says that this is another car" if is_not_my_car else "the driver asked"
    charging.stop(reference=booking.code, why=why, for_free=for_free)


def session_changed(session: Session) -> None:
    """The charging room says so, in the transaction of the change."""
    # At every reading, so without what only a message needs: the station, the operator.
    booking = _BY_CODE.find(session.reference) if session.reference else None
    if booking is None:
        return
    if session.state == Session.State.FAILED:
        _start_failed(booking, session)
    elif session.state == Session.State.CLOSED:
        _ended(booking, session)
    elif session.state == Session.State.PENDING:
        _tell_waiting(booking, session)
    else:
        stands = idle.follow(booking, session)
        meter = running.remember(booking, session)
        if booking.state == State.CONFIRMED:
            _begun(booking, session)
        else:
            tell_status(booking, session)
        if stands:
            _announce(booking, session, stands)
        if meter.reached:
            charging.ask_stop(session, why=running.STOP_WORDS[meter.reached])
    changed_on_commit(selectors.STREAM, booking.track_token)


def _tell_waiting(booking: Booking, session: Session) -> None:
    """The charger has taken the start and waits for the cable: until when, and what it has seen meanwhile."""
    if booking.state == State.CONFIRMED and session.start_accepted_at:
        _send_status(selectors.all_bookings().get(pk=booking.pk), session)


def refuse_unless_wanted(given_up: Session) -> None:
    """A start that was given up has begun after all: it is welcome while the order still waits for its charge."""
    if not Booking.objects.filter(code=given_up.reference, state=State.CONFIRMED).exists():
        raise refusals.NotApplicable(_("This order is over."))


def refuse_if_held(session: Session) -> None:
    """A card may not begin at a charging point that is kept for somebody."""
    if selectors.is_held(session.connector.evse):
        raise refusals.ConnectorTaken


def _begun(booking: Booking, session: Session) -> None:
    deadline_at = clock.now() + _longest(booking)
    said = {"told_state": session.face, "told_at": clock.now()}
    try:
        move(booking, State.IN_SESSION, why=f"{session.code} began", deadline_at=deadline_at, **said)
    except StaleMove:
        booking.refresh_from_db()
        return
    booking = selectors.all_bookings().get(pk=booking.pk)
    if not _answer_open(booking, [START], session):
        _send_status(booking, session)


def _longest(booking: Booking) -> timedelta:
    """The ordered time ends a charge also when no reading comes to say that it is over."""
    patience = Booking.PATIENCE[State.IN_SESSION]
    ordered = booking.ordered_minutes
    return patience if ordered is None else min(patience, timedelta(minutes=ordered))


def _start_failed(booking: Booking, session: Session) -> None:
    """The order stands: the driver may try again, or leave."""
    if booking.state != State.CONFIRMED:
        return
    wait_longer(booking, TRY_AGAIN_WITHIN)
    label = Session.Failure(session.failure or Session.Failure.UNKNOWN).label
    error = wire.Error(code="40006", message=f"{label}.")
    for request in _take_open(booking, [START]):
        outbox.reply(_recall(request.message), "on_update", error=error)
    _answer_open(booking, [STOP])


def _ended(booking: Booking, session: Session) -> None:
    """The energy is over. The bill is final, unless the car stands on at a price."""
    if booking.state == State.COMPLETED:
        return
    if booking.state == State.CONFIRMED:  # its beginning and its end became known at once
        _begun(booking, session)
        booking.refresh_from_db()
    stands = idle.follow(booking, session)
    if not idle.waits_for_car(booking, session):
        complete(booking, session, why=f"{session.code} closed")
        return
    if booking.state == State.IN_SESSION and not _stand(booking, session):
        return
    if session.is_standing:
        wait_longer(booking, Booking.PATIENCE[State.STANDING])
    if stands:
        _announce(booking, session, stands)


def _stand(booking: Booking, session: Session) -> bool:
    """What was delivered is settled; the plug is free for others as soon as the car has gone."""
    meter = running.meter_of(booking, session)
    facts = {"delivered_kwh": running.billed_kwh(meter), "ended_by": running.ended_by(booking, meter)}
    until = clock.now() + PROVED_WITHIN
    why = f"{session.code} closed, the car may stand there"
    said = {"told_state": session.face, "told_at": clock.now()}
    try:
        move(booking, State.STANDING, why=why, deadline_at=until, **facts, **said)
    except StaleMove:
        return False
    slots.give_back(booking)
    booking = selectors.all_bookings().get(pk=booking.pk)
    if not _answer_open(booking, [START, STOP], session):
        _send_status(booking, session)
    return True


def _announce(booking: Booking, session: Session, stretch: IdleStretch) -> None:
    """From when the app has this on, standing may cost something."""
    idle.announced(stretch, _send_status(selectors.all_bookings().get(pk=booking.pk), session))


def tell_standing(booking: Booking, session: Session) -> None:
    """What it costs by now."""
    now = clock.now()
    mine = Booking.objects.filter(pk=booking.pk, state=State.STANDING, told_at=booking.told_at)
    if mine.update(told_at=now):
        _send_status(booking, session)


def complete(booking: Booking, session: Session, *, why: str) -> bool:
    """The final bill. False when it was made already."""
    idle.end_open(booking, session)
    meter = running.meter_of(booking, session)
    kwh, bill = running.billed_kwh(meter), worded(meter.bill())
    try:
        move(
            booking,
            State.COMPLETED,
            why=f"{why} at {kwh} kWh",
            deadline_at=None,
            ended_at=clock.now(),
            delivered_kwh=kwh,
            ended_by=running.ended_by(booking, meter),
            final_lines=bill.lines_json(),
            final_total=bill.total,
        )
    except StaleMove:
        return False
    slots.give_back(booking)
    booking = selectors.all_bookings().get(pk=booking.pk)
    invoices.issue(booking, ended_at=session.ended_at and session.real(session.ended_at))
    if not _answer_open(booking, [START, STOP], session):
        _send(
            "on_update",
            wire.OnUpdateMessage(order=network.current_order(booking, session, clock.now())),
            booking,
        )
    return True


def tell_status(booking: Booking, session: Session) -> bool:
    """An unsolicited on_status when the state is news, otherwise once in a while. False when it was not yet time."""
    if booking.state != State.IN_SESSION:
        return False
    now = clock.now()
    # A fifth early is in time: readings come just as often, and one early by a breath must not wait for the next.
    told_before = now - timedelta(seconds=settings.CHARGING["STATUS_EVERY_SECONDS"]) * 4 / 5
    if booking.told_state == session.face and booking.told_at and booking.told_at > told_before:
        return False
    due = Q(told_at__lte=told_before)
    mine = Booking.objects.filter(pk=booking.pk, state=State.IN_SESSION)
    if not mine.filter(due | ~Q(told_state=session.face)).update(told_at=now, told_state=session.face):
        return False
    _send_status(selectors.all_bookings().get(pk=booking.pk), session)
    return True


def _send_status(booking: Booking, session: Session | None) -> Message:
    order = network.current_order(booking, session, clock.now())
    return _send("on_status", wire.OnStatusMessage(order=order), booking, only_newest=True)


def tell_now(booking: Booking) -> None:
    """Something of the promise changed that the app did not ask for."""
    _send_status(booking, charging_selectors.live_session(booking.code))


def tell_cancelled(booking: Booking) -> None:
    """The operator's side ended the order."""
    order = network.current_order(booking, None, clock.now())
    _send("on_cancel", wire.OnCancelMessage(order=order), booking)


def _send(action: str, body: wire.Model, booking: Booking, *, only_newest: bool = False) -> Message:
    return outbox.callback(
        action,
        body,
        transaction_id=booking.transaction_id,
        bap_id=booking.bap_id,
        bap_uri=booking.bap_uri,
        only_newest=only_newest,
    )


def answer(booking: Booking, asked: Inbound) -> None:
    session = charging_selectors.latest_session(booking.code)
    order = network.current_order(booking, session, clock.now())
    outbox.reply(asked, "on_update", wire.OnUpdateMessage(order=order))


def _answer_open(booking: Booking, kinds: list[str], session: Session | None = None) -> bool:
    """Answer every update that waits for this; False when none did."""
    taken = _take_open(booking, kinds)
    body = wire.OnUpdateMessage(order=network.current_order(booking, session, clock.now())) if taken else None
    for request in taken:
        outbox.reply(_recall(request.message), "on_update", body)
    return bool(taken)


def _take_open(booking: Booking, kinds: list[str]) -> list[OpenRequest]:
    """Those that nobody else is answering: whoever marks one answers it."""
    waiting = booking.open_requests.filter(kind__in=kinds, answered_at=None).select_related("message")
    return [
        request
        for request in waiting
        if OpenRequest.objects.filter(pk=request.pk, answered_at=None).update(answered_at=clock.now())
    ]


def _recall(message: Message) -> Inbound:
    """A stored request, to be answered now."""
    envelope = wire.read_envelope(bytes(message.body))
    return Inbound(message, envelope.context, None, None, message.peer_id, late=False)


def wait_longer(booking: Booking, patience: timedelta) -> bool:
    """Move the deadline of a state that goes on waiting, never forwards."""
    deadline_at = clock.now() + patience
    waiting = Booking.objects.filter(pk=booking.pk, state=booking.state)
    return bool(
        waiting.filter(Q(deadline_at__lt=deadline_at) | Q(deadline_at=None)).update(deadline_at=deadline_at)
    )
