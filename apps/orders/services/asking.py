"""From the offer to the confirmation: quote, terms, payment, confirm."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.discovery.models import Offer
from apps.discovery.photo_policy import first_of
from apps.lib import clock, wiring
from apps.lib.errors import Refused
from apps.lib.moves import StaleMove
from apps.orders import network
from apps.orders.models import Order, OrderLine
from apps.orders.quotes import TOLERANCE, energy_told, quoted, warnings_of
from apps.orders.services.reserved import one_only, refuse_unless_may_reserve
from apps.orders.services.steps import (
    DRIVER,
    NotNow,
    ask,
    go,
    keep,
    lost_the_race,
    note,
    release_money,
    write_lines,
)
from apps.orders.services.story import start_key_facts
from apps.orders.slots import Slot, Times
from apps.orders.states import WAITS, State
from apps.orders.told import Priced, StartKey
from apps.orders.wish import Estimate, Wish, estimate, says_units
from apps.payments import services as payments
from apps.payments.models import Payment
from apps.payments.selectors import latest

QUOTE_STANDS = timedelta(minutes=10)  # when the operator does not say
LONGEST_QUOTE = timedelta(hours=24)


class WarningsNotAccepted(NotNow):
    pass


def request_quote(
    *,
    driver: AbstractBaseUser,
    offer: Offer,
    wish: Wish,
    idempotency_key: str,
    slot: Slot | None = None,
    power_kw: Decimal | None = None,
) -> Order:
    """A new order, for now or for a reserved time, or the one that the same press has made already.

    `power_kw`: what the driver's car takes here.
    """
    if slot and not Order.objects.filter(driver=driver, idempotency_key=idempotency_key).exists():
        refuse_unless_may_reserve(driver, slot)
    try:
        with transaction.atomic():
            order = _order_of(driver, offer, wish, power_kw, idempotency_key, slot)
            order.events.create(was="", now=order.state, why=gettext_noop("the driver asked for a quote"))
            ask(order, "select", network.select(order))
    except IntegrityError:
        return Order.objects.get(driver=driver, idempotency_key=idempotency_key)
    return order


def _order_of(
    driver: AbstractBaseUser,
    offer: Offer,
    wish: Wish,
    power_kw: Decimal | None,
    key: str,
    slot: Slot | None,
) -> Order:
    station, now = offer.station, clock.now()
    begins_at = slot.starts_at if slot else now
    guess = estimate(offer, wish, now=begins_at, power_kw=power_kw, is_reserved=slot is not None)
    return Order.objects.create(
        driver=driver,
        idempotency_key=key,
        state_since=now,
        deadline_at=now + WAITS[State.QUOTE_REQUESTED].lasts,
        bpp_id=station.bpp_id,
        bpp_uri=station.bpp_uri,
        offer=offer,
        provider_id=station.provider_id,
        provider_name=station.provider_name,
        item_id=offer.item_id,
        fulfillment_id=offer.fulfillment_id,
        station_name=station.name,
        station_address=station.address,
        station_city=station.city,
        station_zone=station.zone,
        lat=station.lat,
        lon=station.lon,
        photo=first_of(station.photos),
        evse_id=offer.evse_id,
        plug_letter=offer.letter,
        plug_standard=offer.standard,
        power_type=offer.power_type,
        max_kw=offer.max_kw,
        energy_rate=offer.energy_rate,
        ordered_by=wish.by,
        ordered_minutes=wish.minutes,
        ordered_amount=wish.amount,
        from_percent=wish.from_percent,
        says_units=says_units(offer, wish),
        energy_kwh=energy_for(wish, guess, power_kw or offer.max_kw),
        # Without a word on tax the estimate is no promise, and the quote is not measured against it.
        # And what a reserved time costs depends on a grace that only the quote tells.
        estimate_amount=guess.total if guess and _is_comparable(offer, slot) else None,
        currency=offer.currency or "INR",
        slot_starts_at=slot.starts_at if slot else None,
        slot_ends_at=slot.ends_at if slot else None,
    )


def _is_comparable(offer: Offer, slot: Slot | None) -> bool:
    rules = offer.rules
    return offer.tax_percent is not None and not (slot and rules and rules.prices_reservation)


def energy_for(wish: Wish, guess: Estimate | None, power_kw: Decimal | None) -> Decimal:
    """What minutes and money may bring; whoever reads neither is asked for this."""
    if wish.energy_kwh is not None:
        return wish.energy_kwh
    if wish.minutes is not None and power_kw:
        return (power_kw * wish.minutes / 60).quantize(Decimal("0.001"))
    if guess is None:
        raise NotNow(
            _("This operator tells too little to order by time or money. Please order energy."), code="40002"
        )
    if guess.kwh <= 0:
        raise NotNow(_("This amount buys no energy here. Please order more."), code="40002")
    return guess.kwh


def ask_for_new_price(order: Order) -> None:
    """The same again, because the quote is about to expire or looks odd. Pressing twice asks once."""
    if order.state != State.QUOTED:
        _only_repeats(order, State.QUOTE_REQUESTED)
        return
    why = gettext_noop("the driver asked for a new price")
    try:
        with transaction.atomic():
            go(order, State.QUOTE_REQUESTED, why=why, quoted_before=quoted(order))
            ask(order, "select", network.select(order))
    except StaleMove as error:
        lost_the_race(order, error, State.QUOTE_REQUESTED)


@transaction.atomic
def record_quote(
    order: Order, *, quote: Priced, ordered_kwh: Decimal | None, times: Times = (None, None)
) -> None:
    """`on_select`. Only the first answer counts; whoever is further on is not called back."""
    if order.state != State.QUOTE_REQUESTED:
        return
    write_lines(order, OrderLine.Kind.QUOTE, quote)
    go(
        order,
        State.QUOTED,
        why=gettext_noop("the operator quoted"),
        currency=quote.currency,
        quote_amount=quote.total,
        quote_expires_at=_stands_until(quote),
        ends_by=times[1],
        warnings=warnings_of(order, quote, ordered_kwh, times),
        **energy_told(order, quote),
    )


def request_terms(order: Order, *, billing: dict[str, str]) -> None:
    """The driver likes the price: ask the operator for its terms, which also holds the plug."""
    if order.state != State.QUOTED:
        _only_repeats(order, State.TERMS_REQUESTED, State.TERMS_OFFERED)
        return
    _still_stands(order)
    try:
        with transaction.atomic():
            go(
                order,
                State.TERMS_REQUESTED,
                why=gettext_noop("the driver asked for the terms"),
                billing=billing,
            )
            ask(order, "init", network.init(order))
    except IntegrityError as error:  # of two tabs with a reserved time each one wins
        raise one_only() from error
    except StaleMove as error:
        lost_the_race(order, error, State.TERMS_REQUESTED, State.TERMS_OFFERED)


@transaction.atomic
def record_terms(
    order: Order,
    *,
    terms: dict[str, Any],
    quote: Priced,
    ordered_kwh: Decimal | None,
    times: Times = (None, None),
) -> None:
    """`on_init`: the price again, now binding, and the rules."""
    if order.state != State.TERMS_REQUESTED:
        return
    if terms["collected_by"] != "BAP":
        go(
            order,
            State.REFUSED,
            why=gettext_noop("the operator wants to collect the money itself"),
            failure_code="collects-itself",
        )
        return
    warnings = warnings_of(order, quote, ordered_kwh, times)
    if quote.total > order.quote_amount + TOLERANCE:
        warnings.append("dearer-than-quoted")
    seen = quoted(order)
    write_lines(order, OrderLine.Kind.QUOTE, quote)
    go(
        order,
        State.TERMS_OFFERED,
        why=gettext_noop("the operator sent its terms"),
        terms=terms,
        currency=quote.currency,
        quote_amount=quote.total,
        quote_expires_at=_stands_until(quote),
        ends_by=times[1],
        quoted_before=seen,
        warnings=warnings,
        **energy_told(order, quote),
    )


def accept_terms_and_pay(order: Order, *, accepts_warnings: bool = False) -> Payment | None:
    """The terms are frozen from here. None when there is nothing to pay. Also the second try after a failed payment."""
    if order.state not in (State.TERMS_OFFERED, State.PAYMENT_FAILED):
        _only_repeats(order, State.PAYING, State.CONFIRM_REQUESTED, State.CONFIRMED)
        return _payment_of(order)
    _still_stands(order)
    if order.warnings and not (accepts_warnings or order.warnings_accepted_at):
        raise WarningsNotAccepted(_("Please read the warning about this quote first."))
    now = clock.now()
    accepted = {
        "terms_accepted_at": order.terms_accepted_at or now,
        "warnings_accepted_at": now if order.warnings else None,
    }
    try:
        with transaction.atomic():
            return _pay(order, accepted) if order.held_amount > 0 else _confirm_free(order, accepted)
    except StaleMove as error:
        lost_the_race(order, error, State.PAYING, State.CONFIRM_REQUESTED, State.CONFIRMED)
        return _payment_of(order)


def _pay(order: Order, accepted: dict[str, Any]) -> Payment:
    go(order, State.PAYING, why=gettext_noop("the driver accepted the terms"), **accepted)
    return payments.request(
        side=DRIVER,
        reference=str(order.code),
        payer=order.driver,
        amount=order.held_amount,
        currency=order.currency,
        description=str(order)[:200],
        return_path=order.get_absolute_url(),
        idempotency_key=f"order-{order.code}-{order.events.count()}",
        expires_at=order.quote_expires_at,
    )


def _confirm_free(order: Order, accepted: dict[str, Any]) -> None:
    go(
        order,
        State.CONFIRM_REQUESTED,
        why=gettext_noop("the driver accepted the terms; nothing to pay"),
        **accepted,
    )
    ask(order, "confirm", network.confirm(order, payment_reference=""))


def _payment_of(order: Order) -> Payment | None:
    return latest(side=DRIVER, reference=str(order.code))


def payment_authorised(payment: Payment) -> None:
    """Announced by payments, in its transaction: the money is held, so the deal can be confirmed."""
    order = _order_paid_by(payment)
    if order is None:
        return
    try:
        if order.state != State.PAYING:
            raise StaleMove(order, State.PAYING)
        with transaction.atomic():
            go(order, State.CONFIRM_REQUESTED, why=gettext_noop("the amount is held"))
            ask(order, "confirm", network.confirm(order, payment_reference=payment.provider_ref))
    except StaleMove:
        payments.release(payment)  # the driver left, or the quote expired, while the bank was thinking


def payment_failed(payment: Payment) -> None:
    order = _order_paid_by(payment)
    if order and order.state == State.PAYING:
        go(
            order,
            State.PAYMENT_FAILED,
            why=payment.last_error or gettext_noop("the payment failed"),
            failure_code="payment",
            failure_message=payment.last_error,
        )
    elif order and order.state == State.ENDED:
        go(
            order,
            State.FAILED,
            why=gettext_noop("the bank did not pay the bill"),
            failure_code="bill-not-paid",
        )


def payment_captured(payment: Payment) -> None:
    order = _order_paid_by(payment)
    if order and order.state == State.ENDED:
        go(order, State.SETTLED, why=gettext_noop("the bank paid the bill"))
    elif order:
        keep(order, money_check_at=clock.now())
        wiring.announce("order.papers_changed", order)  # a fee of a cancelled order


def payment_voided(payment: Payment) -> None:
    order = _order_paid_by(payment)
    if order and order.state == State.ENDED:
        go(order, State.SETTLED, why=gettext_noop("nothing was charged, everything was released"))
    elif order:
        keep(order)


def lock_order_of(payment: Payment) -> None:
    """Asked by payments before they write down what a bank said."""
    if payment.side == DRIVER:
        Order.objects.select_for_update().filter(code=payment.reference).first()


def _order_paid_by(payment: Payment) -> Order | None:
    return Order.objects.filter(code=payment.reference).first() if payment.side == DRIVER else None


@transaction.atomic
def record_confirmation(
    order: Order, *, network_order_id: str, instructions: str = "", start_key: StartKey | None = None
) -> None:
    """`on_confirm`. One that comes after we gave up is answered by `cancel`; its money is on its way back already."""
    if not network_order_id or order.network_order_id:
        return
    if Order.objects.filter(bpp_id=order.bpp_id, network_order_id=network_order_id).exists():
        raise Refused("this order id belongs to another order", code="30000")
    if order.state == State.CONFIRM_REQUESTED:
        go(
            order,
            State.CONFIRMED,
            why=gettext_noop("the operator confirmed"),
            network_order_id=network_order_id[:255],
            instructions=instructions[:500],
            **start_key_facts(start_key),
        )
    elif order.state in (State.EXPIRED, State.CANCELLED, State.REFUSED) and order.terms_accepted_at:
        keep(order, network_order_id=network_order_id[:255])
        note(order, "confirmed too late; told the operator that it is cancelled")
        ask(order, "cancel", network.cancel(order, reason_id="2"))
        release_money(order)


def _stands_until(quote: Priced):
    return clock.now() + min(quote.valid_for or QUOTE_STANDS, LONGEST_QUOTE)


def _still_stands(order: Order) -> None:
    if order.quote_expires_at and order.quote_expires_at <= clock.now():
        raise _has_expired()


def _only_repeats(order: Order, *fine: str) -> None:
    """The same press again is all right; a press that makes no sense any more is refused."""
    if order.state == State.EXPIRED:
        raise _has_expired()
    if order.state not in fine:
        raise NotNow(_("This order has moved on. Please look at it again."))


def _has_expired() -> NotNow:
    return NotNow(_("This quote has expired. Please ask for a new one."), code="40003")
