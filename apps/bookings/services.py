"""The deal, from quote to confirmation and out of it again. What happens while energy flows is in progress.py."""

import secrets
import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.bookings import invoices, leaving, pricing, progress, quoting, refusals, selectors, slots, standing
from apps.bookings.models import Booking
from apps.bookings.reading import Choice, Customer, PaymentFacts, Peer
from apps.catalog.models import Connector, Evse, Operator
from apps.catalog.selectors import connector_on_the_network, open_now, shown_status
from apps.charging import reserving as at_the_charger
from apps.charging import selectors as charging_selectors
from apps.charging import services as charging
from apps.charging import start_codes
from apps.charging.models import Session
from apps.lib import clock
from apps.lib.codes import ALPHABET, new_code
from apps.lib.errors import Refused
from apps.lib.moves import StaleMove, move
from apps.pricing import most_for_parking

State = Booking.State
Status = Connector.Status
# A car may stand plugged in already: its driver is the likeliest to order here.
ORDERABLE = (Status.AVAILABLE, Status.PREPARING)
BROKEN = (Status.FAULTED, Status.UNAVAILABLE)
TOKEN_LENGTH = 20  # OCPP 1.6
HARDWARE_FAILURE, NO_SHOW = "11", "12"  # taxonomy.CANCELLATION_REASONS
OPERATORS_REASONS = (HARDWARE_FAILURE, "14", "15", "99")
OUR_FAILURES = (Session.Failure.REJECTED, Session.Failure.CHARGER_OFFLINE, Session.Failure.TIMEOUT)


@transaction.atomic
def quote(*, peer: Peer, choice: Choice) -> Booking:
    """Price what was chosen. Nothing is held yet. Asked again in one transaction, the new quote replaces the old."""
    booking = selectors.booking_in(peer)
    if booking and booking.state not in (State.QUOTED, State.HELD, State.EXPIRED):
        raise refusals.AlreadyPlaced
    connector = _for_sale(choice)
    wish = slots.wanted(connector, choice)
    _release_overdue_hold(connector.evse_id)
    refuse_unless_free(connector, wish, besides=booking)
    facts = _priced(connector, choice, wish)
    facts |= slots.facts(connector, facts, wish, booking)
    if booking is None:
        return _new_booking(peer, facts)
    if booking.state == State.QUOTED:
        Booking.objects.filter(pk=booking.pk, state=State.QUOTED).update(**facts)
        booking.refresh_from_db()
    else:
        move(booking, State.QUOTED, why="asked for another quote", **facts, hold_expires_at=None)
        slots.give_back(booking)
    return selectors.booking_in(peer)


def _for_sale(choice: Choice) -> Connector:
    if not Operator.objects.filter(code=choice.provider_id).exists():
        raise Refused(_("There is no such operator."), code="30001")
    connector = connector_on_the_network(provider_id=choice.provider_id, item_id=choice.item_id)
    if connector is None:
        raise Refused(_("This operator has no such connector."), code="30004")
    if choice.fulfillment_id and choice.fulfillment_id != connector.evse.code:
        raise refusals.NotAvailable(_("The connector is not at that charging point."))
    if connector.tariff is None:
        raise Refused(_("There is no price for this connector yet."), code="40003")
    return connector


def refuse_unless_free(connector: Connector, wish: slots.Wish | None, *, besides: Booking | None) -> None:
    if wish:
        return slots.refuse_unless_free(connector, wish, besides=besides)
    now = clock.now()
    evse = connector.evse
    if open_now(evse.station, now) is False:
        raise refusals.NotAvailable(_("The station is closed."))
    siblings = evse.connectors.select_related("evse__station").exclude(pk=connector.pk)
    status = shown_status(connector, now, siblings)
    if status not in ORDERABLE:
        raise refusals.NotAvailable(_("This connector is not free: %s.") % Status(status).label)
    if selectors.is_held(evse, besides=besides) or charging_selectors.is_occupied(evse):
        raise refusals.ConnectorTaken


def _priced(connector: Connector, choice: Choice, wish: slots.Wish | None) -> dict[str, Any]:
    tariff, station = connector.tariff, connector.evse.station
    rules = tariff.rules(station.zone)
    kept = wish[1].grace if wish else None
    facts = quoting.ordered(rules, choice, connector.max_kw, clock.now(), kept=kept)
    expires_at = clock.now() + Booking.PATIENCE[State.QUOTED]
    return {
        **facts,
        "connector": connector,
        "evse": connector.evse,
        "tariff": tariff,
        "tariff_terms": rules.to_json(),
        "cancellation_fee_percent": station.operator.cancellation_fee_percent,
        "quote_id": uuid.uuid4(),
        "quote_expires_at": expires_at,
        "deadline_at": expires_at,
    }


def _new_booking(peer: Peer, facts: dict[str, Any]) -> Booking:
    booking = Booking.objects.create(
        code=new_code("BK"),
        bap_id=peer.bap_id,
        bap_uri=peer.bap_uri,
        transaction_id=peer.transaction_id,
        start_token=new_start_token(facts["evse"]),
        track_token=secrets.token_urlsafe(32),
        **facts,
    )
    booking.events.create(was="", now=State.QUOTED, why=f"quoted to {peer.bap_id}")
    return booking


def new_start_token(evse: Evse) -> str:
    """What the charger is started with: by us, or by the driver's fingers."""
    if start_codes.are_used_at(evse):
        return start_codes.new_start_code()
    return "".join(secrets.choice(ALPHABET) for _ in range(TOKEN_LENGTH))


@transaction.atomic
def offer_terms(*, peer: Peer, choice: Choice, customer: Customer) -> Booking:
    """Hold the charging point for this driver until the terms expire. Asked again, the hold stays as it is."""
    booking = selectors.booking_in(peer)
    told = {
        "billing_name": customer.name,
        "billing_email": customer.email,
        "billing_phone": customer.phone,
    }
    if booking is None or not _stands(booking, choice):
        booking = quote(peer=peer, choice=choice)
    elif booking.state == State.HELD:
        Booking.objects.filter(pk=booking.pk).update(**told)
        return selectors.booking_in(peer)
    _release_overdue_hold(booking.evse_id)
    wish = (booking.slot, booking.reservation_rules) if booking.is_reserved else None
    refuse_unless_free(booking.connector, wish, besides=booking)
    expires_at = clock.now() + Booking.PATIENCE[State.HELD]
    until = {"hold_expires_at": expires_at, "quote_expires_at": expires_at, "deadline_at": expires_at}
    try:
        with transaction.atomic():
            until |= slots.take(booking)
            move(booking, State.HELD, why=f"terms offered to {peer.bap_id}", **until, **told)
    except IntegrityError as lost:
        raise refusals.ConnectorTaken from lost
    return selectors.booking_in(peer)


def _stands(booking: Booking, choice: Choice) -> bool:
    """Is there a quote or a hold that says just this?"""
    waits = booking.state in (State.QUOTED, State.HELD) and booking.quote_expires_at > clock.now()
    return waits and is_same_choice(booking, choice)


def is_same_choice(booking: Booking, choice: Choice) -> bool:
    return (
        booking.connector.code == choice.item_id
        and booking.evse.station.operator.code == choice.provider_id
        and choice.fulfillment_id in ("", booking.evse.code)
        and quoting.is_same_amount(booking, choice)
        and slots.is_same_time(booking, choice)
    )


def _release_overdue_hold(evse_id: int) -> None:
    for stale in Booking.objects.filter(evse=evse_id, state=State.HELD, hold_expires_at__lte=clock.now()):
        _expire(stale)


@transaction.atomic
def confirm(*, peer: Peer, choice: Choice, payment: PaymentFacts) -> Booking:
    """Place the order. Confirmed again, it is the same order, whatever the second message says."""
    booking = selectors.booking_in(peer)
    if booking is None:
        raise Refused(_("Nothing was quoted in this transaction."), code="40003")
    if booking.confirmed_at and booking.state not in Booking.ENDED_EARLY:
        return booking
    if booking.state in Booking.ENDED_EARLY:
        raise refusals.NotApplicable(_("This order was cancelled."))
    if booking.state == State.EXPIRED or booking.quote_expires_at <= clock.now():
        raise refusals.QuoteExpired
    if booking.state != State.HELD:
        raise refusals.NotApplicable(_("The terms have not been asked for yet: init comes before confirm."))
    if not is_same_choice(booking, choice):
        raise Refused(_("This is not what the terms were offered for."), code="30000")
    _check_payment(booking, payment)
    if booking.connector.status in BROKEN:
        raise refusals.NotAvailable(_("The charger has just reported a fault."))
    now = clock.now()
    facts = {"payment_id": payment.payment_id, "payment_reference": payment.reference}
    facts["held_total"] = payment.amount
    until = slots.waits_until(booking, now)
    try:
        move(booking, State.CONFIRMED, why="confirmed and paid", confirmed_at=now, deadline_at=until, **facts)
    except StaleMove as lost:  # confirmed, or expired, this instant
        booking = selectors.booking_in(peer)
        if not booking.confirmed_at:
            raise refusals.QuoteExpired from lost
        return booking
    return selectors.booking_in(peer)


def _check_payment(booking: Booking, payment: PaymentFacts) -> None:
    if payment.collected_by != "BAP":
        raise refusals.NotPayable(_("This operator does not collect: the app that sells the charge does."))
    if payment.status != "PAID":
        raise refusals.NotPayable(_("The charge is paid in advance."))
    fair = (booking.quote_total, booking.quote_total + most_for_parking(booking.rules))
    if payment.amount not in fair or payment.currency not in (None, booking.currency):
        raise refusals.NotPayable(_("The payment is not over the quoted amount."))


@transaction.atomic
def cancel(*, booking: Booking, reason_id: str) -> Booking:
    """By the driver, before energy flows. Cancelled again, nothing more happens."""
    if booking.state == State.CANCELLED:
        return booking
    session = charging_selectors.live_session(booking.code)
    # The session first, as the charger's own messages do: two ways in the same order cannot deadlock.
    if session:
        charging.withdraw(session, why="the order was cancelled")
    booking.refresh_from_db(from_queryset=selectors.locked_bookings())  # the price may be changing just now
    refuse_unless_cancellable(booking)
    why = f"cancelled by the driver, reason {reason_id}"
    try:
        _end_early(booking, State.CANCELLED, reason_id=reason_id, fee=cancellation_fee(booking), why=why)
    except StaleMove as lost:
        raise refusals.CannotCancel(_("The charge has just begun. Stop it instead.")) from lost
    return booking


@transaction.atomic
def cancel_as_operator(*, booking: Booking, reason_id: str, by: User) -> bool:
    """The operator takes its promise back, before energy flows: the driver pays nothing. False: it was over already."""
    if reason_id not in OPERATORS_REASONS:
        raise Refused(_("Choose a reason."), code="30011")
    if booking.state in (State.CANCELLED, State.NO_SHOW, State.FAILED):
        return False
    session = charging_selectors.live_session(booking.code)
    if session:
        charging.withdraw(session, why="the operator cancelled the order")
    booking.refresh_from_db()
    refuse_unless_cancellable(booking)
    why = f"cancelled by the operator ({by}), reason {reason_id}"
    try:
        _end_early(booking, State.CANCELLED, reason_id=reason_id, fee=_nothing(booking), why=why)
    except StaleMove as lost:
        raise refusals.CannotCancel(_("The charge has just begun. Stop it instead.")) from lost
    progress.tell_cancelled(booking)
    return True


def refuse_unless_cancellable(booking: Booking) -> None:
    if booking.state == State.IN_SESSION:
        raise refusals.CannotCancel(
            _("The charge has begun. Stop it instead: only what was delivered is billed.")
        )
    if booking.state != State.CONFIRMED:
        raise refusals.CannotCancel(_("This order is over."))


def cancellation_fee(booking: Booking) -> pricing.Bill:
    """What leaving now costs; nothing when the charger is to blame."""
    now = clock.now()
    if _we_are_to_blame(booking):
        return _nothing(booking)
    late = booking.is_reserved and now > slots.free_until(booking)
    return leaving.bill(booking, slots.fee_percent(booking, now), kept_until=now if late else None)


def _nothing(booking: Booking) -> pricing.Bill:
    return leaving.bill(booking, Decimal(0), kept_until=None)


def _we_are_to_blame(booking: Booking) -> bool:
    failed = charging_selectors.has_failed(booking.code, OUR_FAILURES)
    broken = booking.connector.status in (*BROKEN, Status.UNKNOWN)
    if booking.is_reserved and clock.now() < booking.slot_starts_at - slots.EARLY:
        broken = False  # that is long mended when the time comes
    return failed or broken or slots.is_our_fault(booking, clock.now())


def _end_early(booking: Booking, to: State, *, reason_id: str, fee: pricing.Bill, why: str) -> None:
    move(
        booking,
        to,
        why=why,
        deadline_at=None,
        ended_at=clock.now(),
        end_reason_id=reason_id,
        final_lines=fee.lines_json(),
        final_total=fee.total,
    )
    invoices.issue(booking)
    slots.give_back(booking)
    if booking.prepared_at:
        at_the_charger.let_go(connector=booking.connector, reference=booking.code)


def move_overdue() -> int:
    """Every state that waits has somewhere to go when its time is up; how many bookings went there."""
    late = Booking.objects.filter(deadline_at__lte=clock.now(), state__in=Booking.PATIENCE)
    return sum(_move_on(pk, clock.now()) for pk in list(late.values_list("pk", flat=True)[:200]))


@transaction.atomic
def _move_on(pk: int, now: datetime) -> bool:
    booking = selectors.all_bookings().get(pk=pk)
    if booking.deadline_at is None or booking.deadline_at > now:
        return False
    try:
        if booking.state in (State.QUOTED, State.HELD):
            return _expire(booking)
        if booking.state == State.CONFIRMED:
            return _nobody_came(booking)
        if booking.state == State.STANDING:
            return standing.give_up_waiting(booking)
        return _stop_endless(booking)
    except StaleMove:  # it moved this instant
        return False


def _expire(booking: Booking) -> bool:
    why = (
        "the quote expired"
        if booking.state == State.QUOTED
        else "the hold expired, the charging point is free"
    )
    move(booking, State.EXPIRED, why=why, deadline_at=None, hold_expires_at=None)
    slots.give_back(booking)
    return True


def _nobody_came(booking: Booking) -> bool:
    """A no-show is the driver's only while our side could have charged (AT-I2)."""
    session = charging_selectors.live_session(booking.code)
    if session:  # the charger is being asked just now; its own deadline ends that
        return progress.wait_longer(booking, timedelta(minutes=5))
    if _we_are_to_blame(booking):
        fail_our_side(booking, why="the charger could not serve the driver in time")
    else:
        percent = slots.no_show_percent(booking)
        fee = leaving.bill(booking, percent, kept_until=booking.deadline_at, nobody_came=True)
        facts = {"to": State.NO_SHOW, "reason_id": NO_SHOW, "fee": fee}
        _end_early(booking, **facts, why="no charge was started in time")
        progress.tell_cancelled(booking)
    return True


def fail_our_side(booking: Booking, *, why: str) -> None:
    """We cannot keep the promise: it costs nothing, and the app is told."""
    facts = {"to": State.FAILED, "reason_id": HARDWARE_FAILURE, "fee": _nothing(booking)}
    _end_early(booking, **facts, why=why)
    progress.tell_cancelled(booking)


def _stop_endless(booking: Booking) -> bool:
    over = booking.ordered_minutes is not None
    charging.stop(reference=booking.code, why="the ordered time is over" if over else "it has run for a day")
    return progress.wait_longer(booking, timedelta(hours=1))
