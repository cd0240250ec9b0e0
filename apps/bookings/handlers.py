"""Requests of the network to our operators (evportal/wiring.py BECKN_BPP): read, ask the service, answer."""

from django.utils.translation import gettext as _

from apps.beckn import outbox
from apps.beckn.inbox import Inbound
from apps.beckn.wire import v1_1 as wire
from apps.beckn.wire.v1_1 import taxonomy
from apps.bookings import (
    amending,
    amending_network,
    concessions,
    followers,
    links,
    network,
    progress,
    reading,
    refusals,
    selectors,
    services,
    slots,
    timekeeping,
)
from apps.bookings.models import Booking
from apps.catalog import services as catalog
from apps.catalog.selectors import place_words
from apps.charging.selectors import latest_session
from apps.lib import clock
from apps.lib.errors import Refused

USER_CANCELLED = "2"


def select(inbound: Inbound) -> None:
    booking = services.quote(peer=reading.peer(inbound), choice=reading.choice(_order(inbound)))
    outbox.reply(inbound, "on_select", network.on_select(booking, clock.now()))


def init(inbound: Inbound) -> None:
    order = _order(inbound)
    booking = services.offer_terms(
        peer=reading.peer(inbound), choice=reading.choice(order), customer=reading.customer(order)
    )
    outbox.reply(inbound, "on_init", network.on_init(booking, clock.now()))


def confirm(inbound: Inbound) -> None:
    order = _order(inbound)
    booking = services.confirm(
        peer=reading.peer(inbound), choice=reading.choice(order), payment=reading.payment(order)
    )
    outbox.reply(inbound, "on_confirm", network.on_confirm(booking))


def status(inbound: Inbound) -> None:
    booking = _placed(inbound, _body(inbound).order_id)
    order = network.current_order(booking, latest_session(booking.code), clock.now())
    outbox.reply(inbound, "on_status", wire.OnStatusMessage(order=order))


def track(inbound: Inbound) -> None:
    body = _body(inbound)
    booking = _placed(inbound, body.order_id)
    if body.callback_url:
        followers.follow(booking, url=body.callback_url)
    outbox.reply(inbound, "on_track", network.tracking(booking, links.make(booking)))


def update(inbound: Inbound) -> None:
    if reading.is_about_payments(_body(inbound)):
        return _after_payments(inbound)
    asked = reading.update(_body(inbound))
    booking = _placed(inbound, asked.order_id)
    if asked.choice and not services.is_same_choice(booking, slots.without_time(asked.choice)):
        raise Refused(_("This update touches more than its target."), code="30013")
    if asked.amended:
        amendment = amending.offer(booking=booking, asked=asked.amended)
        wanted = amending.amended(amendment)
        order = amending_network.offer(amendment, wanted, clock.now())
        outbox.reply(inbound, "on_update", wire.OnUpdateMessage(order=order))
    elif asked.times:
        begins, ends = asked.times
        timekeeping.change_times(booking=booking, begins=begins, ends=ends, asked=inbound)
    elif asked.wanted == "start-charging":
        progress.start(booking=booking, asked=inbound)
    elif asked.wanted == "end-charging":
        progress.stop(booking=booking, asked=inbound, is_not_my_car=asked.is_not_my_car)
    else:
        raise Refused(_("A charge can be started or ended, nothing else."), code="30013")


def cancel(inbound: Inbound) -> None:
    body = _body(inbound)
    booking = _placed(inbound, body.order_id)
    reason_id = (body.cancellation_reason_id or USER_CANCELLED).strip()
    if taxonomy.CANCELLATION_REASONS.get(reason_id, ("", ""))[1] != "CONSUMER":
        raise Refused(_("There is no such reason for a driver to cancel."), code="30011")
    if reading.is_preview(body):
        return _preview(inbound, booking)
    booking = services.cancel(booking=booking, reason_id=reason_id)
    order = network.current_order(booking, None, clock.now())
    outbox.reply(inbound, "on_cancel", wire.OnCancelMessage(order=order))


def _preview(inbound: Inbound, booking: Booking) -> None:
    services.refuse_unless_cancellable(booking)
    fee = services.cancellation_fee(booking)
    outbox.reply(inbound, "on_cancel", network.cancellation_preview(booking, fee, clock.now()))


def get_cancellation_reasons(inbound: Inbound) -> None:
    outbox.reply(inbound, "cancellation_reasons", network.cancellation_reasons())


def support(inbound: Inbound) -> None:
    """About an order, its operator answers; about a station or a plug, the catalog knows whose it is."""
    booking = selectors.placed_order(
        bap_id=inbound.sender_id,
        order_id=_body(inbound).support.ref_id or "",
        transaction_id=inbound.message.transaction_id,
    )
    if booking is None:
        return catalog.answer_support(inbound=inbound)
    station = booking.evse.station
    place = place_words(station, booking.connector)
    catalog.answer_support(inbound=inbound, operator=station.operator, place=place)


def refund(inbound: Inbound) -> None:
    """The money is with the app: it asks how much of the bill the operator gives up."""
    body = _body(inbound)
    booking = _placed(inbound, body.order_id)
    entry = reading.refund_request(body, booking.currency, str(inbound.message.message_id))
    concession = concessions.request(booking=booking, entry=entry)
    outbox.reply(inbound, "on_refund", wire.OnRefundMessage(order=_after_refund(concession.booking)))


def _after_payments(inbound: Inbound) -> None:
    """`order.payments`: a refund, or what makes an offered change the order."""
    body = _body(inbound)
    booking = _placed(inbound, body.order.id or "")
    if wire.read_refunds(body.order.payments, booking.currency):
        return _refund_by_update(inbound, booking)
    booking = amending.accept(booking=booking, payment=reading.payment(body.order))
    progress.answer(booking, inbound)


def _refund_by_update(inbound: Inbound, booking: Booking) -> None:
    body = _body(inbound)
    entry = reading.refund_row(body, booking.currency)
    if entry.status == "REQUESTED":
        concession = concessions.request(booking=booking, entry=entry)
    else:
        concession = concessions.record_paid(booking=booking, entry=entry)
    outbox.reply(inbound, "on_update", wire.OnUpdateMessage(order=_after_refund(concession.booking)))


def _after_refund(booking: Booking) -> wire.Order:
    return network.current_order(booking, latest_session(booking.code), clock.now())


def _body(inbound: Inbound) -> wire.Model:
    if inbound.body is None:
        raise Refused(_("The message is missing."), code="30000")
    return inbound.body


def _order(inbound: Inbound) -> wire.Order:
    return _body(inbound).order


def _placed(inbound: Inbound, order_id: str) -> Booking:
    booking = selectors.placed_order(
        bap_id=inbound.sender_id, order_id=order_id, transaction_id=inbound.message.transaction_id
    )
    if booking is None:
        raise refusals.UnknownOrder
    return booking
