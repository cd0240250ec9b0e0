"""What an operator gives up of a bill. The app collected the money and pays it back; here is decided how much.

`agree` adds the amount to the booking by one conditional update under a check constraint: together never more than was
billed, whoever agrees at the same time. The app learns every decision by the row in order.payments[].
"""

from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.beckn import outbox
from apps.beckn.wire import v1_1 as wire
from apps.bookings import invoices, network, refusals, selectors
from apps.bookings.models import Booking, Concession
from apps.catalog.models import Staff
from apps.catalog.selectors import staff_for
from apps.charging import selectors as charging_selectors
from apps.charging.models import Session
from apps.lib import clock
from apps.lib.codes import new_code
from apps.lib.money import round_money
from apps.lib.moves import StaleMove, move

State = Concession.State
DECIDERS = (Staff.Role.MANAGER, Staff.Role.FINANCE)
OUR_FAILURES = (Session.Failure.REJECTED, Session.Failure.CHARGER_OFFLINE, Session.Failure.TIMEOUT)
BATCH = 100


@transaction.atomic
def request(*, booking: Booking, entry: wire.RefundEntry) -> Concession:
    """Asked by the app. The same request, or another while one waits, is the one that is there."""
    same = booking.concessions.filter(app_ref=entry.id).first() or _open(booking)
    if same:
        return same
    amount = round_money(entry.amount, booking.currency)
    _refuse_unless_refundable(booking, amount)
    try:
        with transaction.atomic():
            concession = Concession.objects.create(
                code=new_code("RFD"),
                booking=booking,
                app_ref=entry.id,
                asked_amount=amount,
                amount=amount,
                type=entry.type,
                reason_id=entry.reason_id,
                words=entry.words,
                decide_until=clock.now() + Concession.DECIDED_WITHIN,
            )
            concession.events.create(was="", now=State.REQUESTED, why=f"asked by {booking.bap_id}")
    except IntegrityError:
        return _open(booking) or booking.concessions.get(app_ref=entry.id)
    if booking.conceded_total + amount <= _agreed_at_once(booking.currency):
        _agree(concession, amount, why="small enough to agree at once")
    concession.booking = selectors.all_bookings().get(pk=booking.pk)
    return concession


def _open(booking: Booking) -> Concession | None:
    return booking.concessions.filter(state=State.REQUESTED).first()


def _refuse_unless_refundable(booking: Booking, amount: Decimal) -> None:
    if not booking.final_total or booking.ended_at is None:
        raise refusals.NotApplicable(_("Nothing was billed that could be given back."))
    if clock.now() > booking.ended_at + timedelta(days=settings.REFUNDS["WINDOW_DAYS"]):
        raise refusals.TooLate(_("The time to ask for a refund of this order is over."))
    if not 0 < amount <= booking.final_total - booking.conceded_total:
        raise refusals.TooMuchBack(_("More was asked for than is left of the bill."))


def _agreed_at_once(currency: str) -> Decimal:
    return Decimal(str(settings.REFUNDS["AGREED_AT_ONCE"].get(currency, 0)))


def may_decide(user: User, booking: Booking | None = None, *, operator_id: int | None = None) -> bool:
    """Managers and finance of the operator, and administrators. Viewers read."""
    if booking is not None:
        operator_id = booking.evse.station.operator_id
    if not user.is_active or user.is_superuser:
        return user.is_active
    job = staff_for(user)
    if job is None or job.role not in DECIDERS:
        return False
    return operator_id is None or operator_id == job.operator_id


def agree(concession: Concession, *, by: User, amount: Decimal | None = None) -> None:
    """All that was asked, or less."""
    _refuse_unless_theirs(concession, by)
    if concession.state in (State.AGREED, State.PAID):
        return
    amount = concession.asked_amount if amount is None else amount
    if not 0 < amount <= concession.asked_amount:
        raise refusals.TooMuchBack(_("At most what was asked for can be agreed to."))
    _decided(
        concession, lambda: _agree(concession, amount, why="agreed by the operator", by=by), State.AGREED
    )


def reject(concession: Concession, *, by: User, why: str) -> None:
    _refuse_unless_theirs(concession, by)
    if not why.strip():
        raise refusals.NotApplicable(_("Whoever rejects says why: the driver reads it."))
    if concession.state == State.REJECTED:
        return
    _decided(concession, lambda: _reject(concession, why.strip(), by=by), State.REJECTED)


def _refuse_unless_theirs(concession: Concession, by: User) -> None:
    if not may_decide(by, concession.booking):
        raise refusals.NotYours(_("You may not decide about this refund."))


def _decided(concession: Concession, decide, wanted: str) -> None:
    """Decide and tell the app, both or neither. Decided this instant by somebody else: all right if the same way."""
    if concession.state != State.REQUESTED:
        raise refusals.NotApplicable(_("This refund has been decided already."))
    try:
        with transaction.atomic():
            decide()
            tell(concession.booking_id)
    except StaleMove as lost:
        concession.refresh_from_db()
        if concession.state != wanted:
            raise refusals.NotApplicable(_("This refund has been decided already.")) from lost


def _agree(concession: Concession, amount: Decimal, *, why: str, by: User | None = None) -> None:
    take_from_bill(concession.booking_id, amount)
    move(concession, State.AGREED, why=why, amount=amount, decided_by=by, decide_until=None)
    invoices.credit(
        selectors.all_bookings().get(pk=concession.booking_id), reason=f"{concession.code}: {why}"
    )


def take_from_bill(booking_id: int, amount: Decimal) -> None:
    """One conditional update: of any number of hands at once, those that no longer fit are refused."""
    room = Booking.objects.filter(
        pk=booking_id, final_total__isnull=False, final_total__gte=F("conceded_total") + amount
    )
    if not room.update(conceded_total=F("conceded_total") + amount):
        raise refusals.TooMuchBack(_("More would be given back than was billed."))


def _reject(concession: Concession, why: str, *, by: User | None = None) -> None:
    closed = {"decide_until": None, "closed_at": clock.now()}
    move(concession, State.REJECTED, why=why, decision=why[:300], decided_by=by, **closed)


@transaction.atomic
def record_paid(*, booking: Booking, entry: wire.RefundEntry) -> Concession:
    """The app says that the money is back with the driver."""
    concession = booking.concessions.filter(code=entry.id).first()
    if concession is None or entry.status != "REFUNDED":
        raise refusals.NotApplicable(_("There is no such refund of this order."))
    if concession.state == State.REQUESTED or concession.state == State.REJECTED:
        raise refusals.NotApplicable(_("This refund was not agreed to."))
    if concession.state == State.AGREED:
        why = f"paid back by {booking.bap_id}"
        move(concession, State.PAID, why=why, reference=entry.reference, closed_at=clock.now())
    concession.booking = booking
    return concession


def tell(booking_id: int) -> None:
    """The app reads the rows, and the documents, in its order."""
    booking = selectors.all_bookings().get(pk=booking_id)
    session = charging_selectors.latest_session(booking.code)
    outbox.callback(
        "on_status",
        wire.OnStatusMessage(order=network.current_order(booking, session, clock.now())),
        transaction_id=booking.transaction_id,
        bap_id=booking.bap_id,
        bap_uri=booking.bap_uri,
    )


def move_overdue() -> int:
    """Duty: what the operator did not decide in time is decided by what our own records say of the charger."""
    late = Concession.objects.filter(state=State.REQUESTED, decide_until__lte=clock.now())
    return sum(_decide_overdue(row) for row in list(late.select_related("booking")[:BATCH]))


def _decide_overdue(concession: Concession) -> bool:
    booking = concession.booking
    # A fee for a charge that our charger could not give is not owed; of a charge that took place, nothing is certain.
    blame = not booking.delivered_kwh and charging_selectors.has_failed(booking.code, OUR_FAILURES)
    left = (booking.final_total or Decimal(0)) - booking.conceded_total
    amount = min(concession.asked_amount, left) if blame else Decimal(0)
    why = "not decided in time; " + ("the charger failed" if blame else "the records show no fault")
    try:
        with transaction.atomic():
            if amount > 0:
                _agree(concession, amount, why=why)
            else:
                _reject(concession, why)
            tell(concession.booking_id)
    except (StaleMove, refusals.TooMuchBack):  # decided, or given back, this instant
        return False
    return True
