"""Another amount, or another plug of the same station, for an order that stands (fact sheet 4.7, `order.items`).

Asked for by `update`, it is priced under the tariff that the order was made with and offered for some minutes; nothing
changes until the app accepts the offer by an `update` of `order.payments`. Whoever decides has the session and the
booking locked, in this order: of a change, a stop, a cancellation and an end that come at once one wins.
"""

import uuid
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.bookings import amending_time, idle_network, quoting, refusals, running, selectors, services, slots
from apps.bookings.amounts import Amount
from apps.bookings.models import Amendment, Booking
from apps.bookings.reading import Amended, Choice, PaymentFacts
from apps.catalog.models import Connector
from apps.catalog.selectors import connector_on_the_network
from apps.charging import changing, start_codes
from apps.charging import reserving as at_the_charger
from apps.charging.models import Session
from apps.lib import clock
from apps.lib.codes import new_code
from apps.lib.errors import Refused
from apps.lib.moves import StaleMove, move

State = Booking.State
COLUMNS = (
    *("connector", "tariff", "tariff_terms", "ordered_by", "ordered_kwh", "ordered_minutes"),
    *("ordered_amount", "quote_id", "quote_lines", "quote_total"),
)


@transaction.atomic
def offer(*, booking: Booking, asked: Amended) -> Amendment:
    """Price what is wanted instead. The same question again gets the same offer, another one takes its place."""
    session, booking = _locked(booking)
    _refuse_unless_it_stands(booking, session)
    plug = _plug(booking, session, asked)
    choice = _choice(booking, plug, asked.amount)
    standing = booking.amendments.filter(state=Amendment.State.OFFERED).first()
    if standing and standing.expires_at > clock.now() and _is_same(standing, plug, choice):
        return standing
    if plug == booking.connector and quoting.is_same_amount(booking, choice):
        raise refusals.NotApplicable(_("This is what is ordered already."))
    amended = with_columns(booking, _priced(booking, session, plug, choice))
    _refuse_unless_possible(booking, amended, session)
    if standing:
        move(standing, Amendment.State.LAPSED, why="another change was asked for")
    return _offered(booking, amended)


def _locked(booking: Booking) -> tuple[Session | None, Booking]:
    """Session and booking as nobody else may change them now."""
    session = changing.locked(booking.code)
    return session, selectors.locked_bookings().get(pk=booking.pk)


def _refuse_unless_it_stands(booking: Booking, session: Session | None) -> None:
    if booking.state not in (State.CONFIRMED, State.IN_SESSION):
        raise refusals.CannotUpdate(_("This order is over."))
    if session and session.state not in (Session.State.PENDING, *Session.FLOWING):
        raise refusals.CannotUpdate(_("The charge is ending."))
    if booking.state == State.IN_SESSION and session is None:
        raise refusals.CannotUpdate(_("The charge is ending."))


def _plug(booking: Booking, session: Session | None, asked: Amended) -> Connector:
    if asked.item_id in ("", booking.connector.code):
        return booking.connector
    operator = booking.evse.station.operator.code
    plug = connector_on_the_network(provider_id=operator, item_id=asked.item_id)
    if plug is None:
        raise Refused(_("This operator has no such connector."), code="30004")
    if plug.evse.station_id != booking.evse.station_id:
        raise refusals.NotAvailable(_("That plug is at another station. It needs an order of its own."))
    if asked.fulfillment_id and asked.fulfillment_id not in (plug.evse.code, booking.evse.code):
        raise refusals.NotAvailable(_("The connector is not at that charging point."))
    if plug.tariff is None:
        raise Refused(_("There is no price for this connector yet."), code="40003")
    return plug


def _choice(booking: Booking, plug: Connector, amount: Amount | None) -> Choice:
    if amount is None:
        is_energy = booking.ordered_by == Booking.OrderedBy.ENERGY
        amount = Amount(
            energy_kwh=booking.ordered_kwh if is_energy else None,
            minutes=booking.ordered_minutes,
            money=booking.ordered_amount,
        )
    where = {"provider_id": plug.evse.station.operator.code, "item_id": plug.code}
    return Choice(**where, fulfillment_id=plug.evse.code, starts_at=booking.slot_starts_at, **vars(amount))


def _is_same(standing: Amendment, plug: Connector, choice: Choice) -> bool:
    return standing.connector_id == plug.pk and quoting.is_same_amount(standing, choice)


def _priced(booking: Booking, session: Session | None, plug: Connector, choice: Choice) -> dict[str, Any]:
    """By the tariff frozen with the order; at a plug that is sold by another one, by that."""
    is_same_tariff = plug == booking.connector or plug.tariff_id == booking.connector.tariff_id
    tariff = booking.tariff if is_same_tariff else plug.tariff
    rules = booking.rules if is_same_tariff else plug.tariff.rules(plug.evse.station.zone)
    meter = running.so_far(booking, session) if session and session.started_at else None
    _refuse_less_than_delivered(choice, meter)
    return {
        **quoting.ordered(rules, choice, plug.max_kw, clock.now(), meter=meter),
        "connector": plug,
        "tariff": tariff,
        "tariff_terms": rules.to_json() if not is_same_tariff else booking.tariff_terms,
        "quote_id": uuid.uuid4(),
    }


def _refuse_less_than_delivered(choice: Choice, meter: Any) -> None:
    if meter is None:
        return
    kwh, cost = running.billed_kwh(meter), meter.bill().total
    minutes = (clock.now() - meter.charge_began_at).total_seconds() / 60
    words = _(
        "So much was delivered already: {kwh} kWh for {cost} {currency}. To have no more, stop the charge."
    )
    words = words.format(kwh=f"{kwh.normalize():f}", cost=cost, currency=meter.tariff.currency)
    if (
        (choice.energy_kwh is not None and choice.energy_kwh <= meter.kwh)
        or (choice.minutes is not None and choice.minutes <= minutes)
        or (choice.money is not None and choice.money <= cost)
    ):
        raise Refused(words, code="40002")


def with_columns(booking: Booking, columns: dict[str, Any]) -> Booking:
    """The booking as it would be: a row that nobody saves."""
    copy = Booking(
        **{field.attname: getattr(booking, field.attname) for field in Booking._meta.concrete_fields}
    )
    copy.connector, copy.evse = booking.connector, booking.evse
    for name, value in columns.items():
        setattr(copy, name, value)
    copy.evse = copy.connector.evse
    return copy


def amended(amendment: Amendment) -> Booking:
    """What an offer would make of its booking."""
    return with_columns(amendment.booking, {name: getattr(amendment, name) for name in COLUMNS})


def _refuse_unless_possible(booking: Booking, wanted: Booking, session: Session | None) -> None:
    """Is the time there, and the plug free? Looked at when it is offered, and again when it is accepted."""
    if wanted.connector != booking.connector:
        if booking.state == State.IN_SESSION:
            raise refusals.CannotUpdate(_("Energy is flowing: the plug stays the same."))
        _refuse_other_standing(booking, wanted)
        wish = (booking.slot, booking.reservation_rules) if booking.is_reserved else None
        if not _is_plug_of_ours(booking, wanted, session):
            services.refuse_unless_free(wanted.connector, wish, besides=booking)
    amending_time.refuse_unless_it_fits(booking, wanted, session)


def _refuse_other_standing(booking: Booking, wanted: Booking) -> None:
    """An offer tells the price of the charge alone: what standing costs stays as it was accepted, or is nothing."""
    if idle_network.terms(wanted) not in ([], idle_network.terms(booking)):
        words = _(
            "Standing there after the charge costs something else. That plug needs an order of its own."
        )
        raise refusals.NotAvailable(words)


def _is_plug_of_ours(booking: Booking, wanted: Booking, session: Session | None) -> bool:
    """Another plug of the same EVSE, while nothing but our own start is there: it is kept for us already."""
    mine = session is None or session.reference == booking.code
    usable = wanted.connector.status not in slots.BROKEN
    return wanted.evse.pk == booking.evse_id and mine and usable


def _offered(booking: Booking, wanted: Booking) -> Amendment:
    try:
        with transaction.atomic():
            row = Amendment.objects.create(
                code=new_code("AM"),
                booking=booking,
                total_before=booking.quote_total,
                expires_at=clock.now() + Amendment.STANDS_FOR,
                **{name: getattr(wanted, name) for name in COLUMNS},
            )
    except IntegrityError as lost:  # two questions at once, on a database that did not let us wait
        raise refusals.NotApplicable(_("Another change is being asked for just now.")) from lost
    row.events.create(was="", now=row.state, why="asked for by the app")
    return row


# --- Accepting ----------------------------------------------------------------------------------------------


@transaction.atomic
def accept(*, booking: Booking, payment: PaymentFacts) -> Booking:
    """The change takes effect. Accepted again, nothing more happens."""
    session, booking = _locked(booking)
    row = _amendment(booking, payment)  # only now: who was faster has done all of it
    if row.state == Amendment.State.ACCEPTED:
        return booking
    _refuse_unless_it_stands(booking, session)
    if row.state == Amendment.State.LAPSED or row.expires_at <= clock.now():
        raise refusals.QuoteExpired
    _check_payment(row, payment)
    wanted = amended(row)
    if session and session.started_at:
        _refuse_less_than_delivered(_choice_of(wanted), running.so_far(booking, session))
    _refuse_unless_possible(booking, wanted, session)
    try:
        _take_effect(row, booking, wanted, session)
    except StaleMove as lost:  # stopped, ended or cancelled this instant
        raise refusals.CannotUpdate(_("The order has moved on.")) from lost
    return selectors.all_bookings().get(pk=booking.pk)


def _amendment(booking: Booking, payment: PaymentFacts) -> Amendment:
    offers = booking.amendments.select_related("connector__evse__station__operator", "tariff")
    row = offers.filter(code=payment.payment_id).first()
    if row is None:
        raise Refused(_("Nothing was offered under this payment."), code="30013")
    row.booking = booking
    return row


def _choice_of(wanted: Booking) -> Choice:
    is_energy = wanted.ordered_by == Booking.OrderedBy.ENERGY
    amount = Amount(wanted.ordered_kwh if is_energy else None, wanted.ordered_minutes, wanted.ordered_amount)
    return Choice("", wanted.connector.code, "", **vars(amount))


def _check_payment(row: Amendment, payment: PaymentFacts) -> None:
    if payment.collected_by not in (None, "BAP"):
        raise refusals.NotPayable(_("This operator does not collect: the app that sells the charge does."))
    if payment.status != "PAID":
        raise refusals.NotPayable(_("The charge is paid in advance."))
    if payment.amount != row.difference or payment.currency not in (None, row.booking.currency):
        raise refusals.NotPayable(_("The payment is not over the difference that was offered."))


def _take_effect(row: Amendment, booking: Booking, wanted: Booking, session: Session | None) -> None:
    before = booking.connector
    wanted.start_token = _token_at(wanted)
    columns = {name: getattr(wanted, name) for name in (*COLUMNS, "evse", "start_token")}
    try:
        with transaction.atomic():
            # In one step: nobody finds the old plug free and the new one not taken yet.
            columns |= amending_time.take(booking, wanted, session)
            mine = Booking.objects.filter(pk=booking.pk, state=booking.state, quote_id=booking.quote_id)
            held = None if booking.held_total is None else booking.held_total + row.difference
            if not mine.update(**columns, running=None, amended_by=row.code, held_total=held):
                raise StaleMove(booking, booking.state)
    except IntegrityError as lost:
        raise refusals.ConnectorTaken from lost
    move(row, Amendment.State.ACCEPTED, why="accepted and paid by the app")
    what = f"plug {wanted.connector.letter}, " if wanted.connector != before else ""
    why = f"changed: {what}{wanted.ordered_kwh} kWh, {wanted.quote_total} {booking.currency} ({row.code})"
    booking.events.create(was=booking.state, now=booking.state, why=why[:300])
    _tell_charger(booking, wanted, session, before)


def _token_at(wanted: Booking) -> str:
    """The same one, unless a code has to be entered at one plug and not at the other."""
    is_right = start_codes.is_one(wanted.start_token) == start_codes.are_used_at(wanted.evse)
    return wanted.start_token if is_right else services.new_start_token(wanted.evse)


def _tell_charger(booking: Booking, wanted: Booking, session: Session | None, before: Connector) -> None:
    if session:
        changing.limit_to(session, wanted.limits.kwh)
    if wanted.connector == before:
        return
    if booking.prepared_at:
        at_the_charger.let_go(connector=before, reference=booking.code)
    if session:
        changing.begin_elsewhere(session, wanted.connector, token=wanted.start_token)


def move_overdue() -> int:
    """Duty: what nobody accepted lapses, and the order stays as it was."""
    late = Amendment.objects.filter(state=Amendment.State.OFFERED, expires_at__lte=clock.now())
    return sum(_lapse(row) for row in list(late[:200]))


def _lapse(row: Amendment) -> bool:
    try:
        move(row, Amendment.State.LAPSED, why="nobody accepted it in time")
    except StaleMove:
        return False
    return True
