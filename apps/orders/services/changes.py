"""Another amount or another plug for an order that stands: asked for, priced, accepted, in force; or nothing of it.

The order stays as it was until the operator has said that the change is in force. More money than is held is held
first, by raising the one hold there is. What nobody answers ends at its deadline.
"""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.discovery.models import Offer
from apps.lib import clock
from apps.lib.moves import StaleMove
from apps.orders import change_network
from apps.orders.models import Change, Order
from apps.orders.services.asking import WarningsNotAccepted, energy_for
from apps.orders.services.change_steps import (
    BEFORE_ENERGY,
    CHANGEABLE,
    KEY,
    accept,
    end,
    go,
    held,
    payment_of,
    say,
)
from apps.orders.services.steps import NotNow, keep
from apps.orders.states import State
from apps.orders.wish import Wish, estimate, says_units
from apps.payments import raising

S = Change.State


class CannotHoldMore(NotNow):
    code = "40004"


def ask_for_change(order: Order, *, wish: Wish, plug: Offer | None = None) -> Change:
    """Ask the operator what it would cost. Pressed twice it is asked once; another wish takes the place of the first.

    `plug`: another one of the same station.
    """
    _refuse_unless_changeable(order, plug)
    wanted = _wanted(order, wish, plug)
    standing = open_change(order)
    if standing and _is_same(standing, wanted):
        return standing
    if standing and standing.state in (S.HOLDING, S.ACCEPTED):
        raise being_made()
    try:
        with transaction.atomic():
            if standing:
                end(standing, S.DECLINED, why=gettext_noop("the driver asked for another change"))
            return _asked(order, wanted)
    except (IntegrityError, StaleMove) as lost:  # two presses at once, or an answer in this moment
        if found := open_change(order):
            return found
        raise being_made() from lost


def _refuse_unless_changeable(order: Order, plug: Offer | None) -> None:
    if order.state not in CHANGEABLE or not order.network_order_id:
        raise NotNow(_("This order cannot be changed now."), code="50002")
    if plug is None:
        return
    if order.state not in BEFORE_ENERGY:
        raise NotNow(_("Energy is flowing: the plug stays the same."), code="50002")
    station = plug.station
    if (station.bpp_id, station.provider_id) != (order.bpp_id, order.provider_id):
        raise NotNow(_("That plug is at another station. It needs an order of its own."), code="30008")


def _wanted(order: Order, wish: Wish, plug: Offer | None) -> dict[str, Any]:
    offer = plug or order.offer
    guess = estimate(offer, wish, now=clock.now()) if offer else None
    power_kw = offer.max_kw if offer else order.max_kw
    wanted = {
        "ordered_by": wish.by,
        "energy_kwh": energy_for(wish, guess, power_kw),
        "ordered_minutes": wish.minutes,
        "ordered_amount": wish.amount,
        "says_units": says_units(offer, wish) if offer else order.says_units and wish.by == order.ordered_by,
    }
    if plug and plug.item_id != order.item_id:
        place = {"item_id": plug.item_id, "fulfillment_id": plug.fulfillment_id, "plug_letter": plug.letter}
        return {**wanted, **place, "offer": plug}
    if wish == order.wish or (wish.energy_kwh is not None and wish.energy_kwh == order.wish.energy_kwh):
        raise NotNow(_("This is what you have ordered already."))
    return wanted


def _is_same(change: Change, wanted: dict[str, Any]) -> bool:
    """The energy that minutes or money may bring is an estimate: it is not compared."""
    facts = {"item_id": "", **wanted}
    names = ["ordered_by", "ordered_minutes", "ordered_amount", "item_id"]
    if facts["ordered_by"] == "ENERGY":
        names.append("energy_kwh")
    return all(getattr(change, name) == facts[name] for name in names)


def _asked(order: Order, wanted: dict[str, Any]) -> Change:
    deadline_at = clock.now() + Change.LASTS[S.ASKED]
    change = Change.objects.create(order=order, currency=order.currency, deadline_at=deadline_at, **wanted)
    change.events.create(was="", now=change.state, why=gettext_noop("the driver asked for a change"))
    say(change, change_network.ask(order, change))
    keep(order, failure_code="", failure_message="")
    return change


def open_change(order: Order) -> Change | None:
    return order.changes.filter(state__in=Change.OPEN).select_related("order").first()


def accept_change(change: Change, *, accepts_warnings: bool = False) -> None:
    """The driver likes the new price. Pressed twice it is accepted once."""
    order = change.order
    if change.state in (S.HOLDING, S.ACCEPTED, S.DONE):
        return
    if change.state != S.OFFERED or change.deadline_at <= clock.now():
        raise NotNow(_("This offer is over. Please ask for the change again."), code="40003")
    if order.state not in CHANGEABLE or (change.is_of_plug and order.state not in BEFORE_ENERGY):
        raise NotNow(_("This order cannot be changed now."), code="50002")
    if change.warnings and not accepts_warnings:
        raise WarningsNotAccepted(_("Please read the warning about this quote first."))
    try:
        with transaction.atomic():
            _hold_more(change) if change.quote_amount > held(order) else accept(change)
    except StaleMove:  # another press, or its time was up in this moment
        change.refresh_from_db()
        if change.state not in (S.HOLDING, S.ACCEPTED, S.DONE):
            raise NotNow(_("This offer is over. Please ask for the change again."), code="40003") from None


def _hold_more(change: Change) -> None:
    payment = payment_of(change.order)
    if payment is None or not raising.can_be_raised(payment):
        raise CannotHoldMore(_("Your bank cannot hold more for this charge than it does already."))
    go(change, S.HOLDING, why=gettext_noop("the driver accepted; more is to be held"))
    amount = change.quote_amount + change.order.standing_cap
    raising.ask(payment, amount=amount, key=f"{KEY}{change.code}")


def decline_change(change: Change) -> None:
    """The order stays as it was. Too late when it was accepted."""
    if change.state not in (S.ASKED, S.OFFERED):
        return
    try:
        with transaction.atomic():
            end(change, S.DECLINED, why=gettext_noop("the driver did not want it"))
    except StaleMove as lost:
        change.refresh_from_db()
        if change.state in (S.HOLDING, S.ACCEPTED):
            raise being_made() from lost


def being_made() -> NotNow:
    return NotNow(_("A change of this order is being made just now. Please wait a moment."))


def mark_seen(change: Change) -> None:
    """The driver has read how it ended."""
    Change.objects.filter(pk=change.pk, seen_at=None).update(seen_at=clock.now())
    keep(change.order)


def move_to_other_plug(order: Order) -> Change:
    """ "Did you plug into B?" — yes: the order moves to where the car is, as the operator named that plug (AT-H4)."""
    seen = order.other_plug
    if order.state != State.STARTING or not seen:
        raise NotNow(_("This order cannot be changed now."), code="50002")
    offers = Offer.objects.filter(station__bpp_id=order.bpp_id, station__provider_id=order.provider_id)
    plug = offers.select_related("station").filter(item_id=seen["item_id"]).first()
    return ask_for_change(order, wish=order.wish, plug=plug) if plug else _ask_for_unknown(order, seen)


def _ask_for_unknown(order: Order, seen: dict[str, str]) -> Change:
    """A plug that no search has brought home: its operator knows it."""
    standing = open_change(order)
    if standing:
        return standing
    facts = {name: getattr(order, name) for name in change_network.COLUMNS}
    place = {
        "item_id": seen["item_id"],
        "fulfillment_id": seen["fulfillment_id"],
        "plug_letter": seen["letter"],
    }
    with transaction.atomic():
        return _asked(order, facts | place)
