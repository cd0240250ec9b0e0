"""Reserved times: one at a time, later arrival, another time, another bay, and the reminder."""

from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.discovery.models import Offer
from apps.lib import clock
from apps.orders import network, slots
from apps.orders.models import Order
from apps.orders.services.steps import NotNow, ask, keep, note
from apps.orders.slots import Slot
from apps.orders.states import RESERVING, State
from apps.orders.told import Told

NO_SHOWS_TOLERATED, NO_SHOWS_COUNT_FOR = 2, timedelta(days=30)


def refuse_unless_may_reserve(driver: AbstractBaseUser, slot: Slot) -> None:
    """AT-I4: one reserved time per driver, and none for who let several pass. The constraint decides races."""
    if slot.starts_at <= clock.now():
        raise NotNow(_("That time is over. Please choose another one."), code="40000")
    mine = Order.objects.filter(driver=driver).exclude(slot_starts_at=None)
    if mine.filter(state__in=RESERVING).exists():
        raise one_only()
    since = clock.now() - NO_SHOWS_COUNT_FOR
    if mine.filter(state=State.NO_SHOW, ended_at__gt=since).count() >= NO_SHOWS_TOLERATED:
        raise NotNow(
            _("You did not come to several reserved times lately. You can still charge without reserving.")
        )


def one_only() -> NotNow:
    return NotNow(_("You have a reserved time already. Use it or cancel it, then reserve another one."))


# --- The driver wants it otherwise --------------------------------------------------------------------------


@transaction.atomic
def come_late(order: Order, *, minutes: int) -> None:
    """Tell the operator, so that the plug is kept longer. The end of the time stays."""
    if minutes not in slots.late_choices(order, clock.now()):
        raise NotNow(_("That cannot be said for this order now."))
    at = order.slot_starts_at + timedelta(minutes=minutes)
    keep(order, wanted_starts_at=at, failure_code="", failure_message="")
    ask(order, "update", network.update_times(order, Slot(at, order.slot_ends_at)))
    note(order, gettext_noop("the driver comes later"))


@transaction.atomic
def change_time(order: Order, *, slot: Slot) -> None:
    """Ask for another time at the same price. Until the operator says yes, the first one stands."""
    if order.state != State.CONFIRMED or not order.slot_starts_at:
        raise NotNow(_("Only a reserved time that has not begun can be changed."))
    if slot.starts_at <= clock.now():
        raise NotNow(_("That time is over. Please choose another one."), code="40000")
    if slot == slots.slot_of(order):
        return
    keep(order, wanted_starts_at=slot.starts_at, failure_code="", failure_message="")
    ask(order, "update", network.update_times(order, slot))
    note(order, gettext_noop("the driver asked for another time"))


# --- The operator tells ---------------------------------------------------------------------------------------


def take_times(order: Order, told: Told) -> None:
    """News of the place and the time of an order that waits for its driver; what was not asked for moves no time."""
    changes = _place(order, told)
    if told.ends_by and told.ends_by != order.ends_by and not _is_other_time(order, told):
        changes["ends_by"] = told.ends_by
    if order.wanted_starts_at and told.begins_at == order.wanted_starts_at:
        changes |= _granted(order, told)
    if changes:
        keep(order, **changes)


def _is_other_time(order: Order, told: Told) -> bool:
    return bool(order.slot_ends_at) and told.ends_by != order.slot_ends_at


def _place(order: Order, told: Told) -> dict[str, object]:
    """Another bay of the same station: the plug to go to is the one that the operator says now."""
    if not order.slot_starts_at or not told.item_id or told.item_id == order.item_id:
        return {}
    offers = Offer.objects.filter(item_id=told.item_id, station__bpp_id=order.bpp_id)
    beside = offers.filter(station__provider_id=order.provider_id).first()
    note(order, gettext_noop("the operator gave another bay"))
    return {
        "item_id": told.item_id[:255],
        "fulfillment_id": told.fulfillment_id[:255],
        "evse_id": beside.evse_id if beside else "",
        "plug_letter": beside.letter if beside else "",
        "instructions": told.instructions[:500] or order.instructions,
        "moved_at": clock.now(),
    }


def _granted(order: Order, told: Told) -> dict[str, object]:
    inside = order.slot_starts_at <= told.begins_at < order.slot_ends_at
    if inside and told.ends_by in (None, order.slot_ends_at):
        return {"arrives_at": told.begins_at, "wanted_starts_at": None}
    if told.ends_by is None:
        return {}
    note(order, gettext_noop("the operator gave the other time"))
    changes: dict[str, object] = {
        "slot_starts_at": told.begins_at,
        "slot_ends_at": told.ends_by,
        "ends_by": told.ends_by,
        "deadline_at": told.ends_by,
        "poll_at": polls_from(told.begins_at),
        "arrives_at": None,
        "reminded_at": None,
        "wanted_starts_at": None,
        "instructions": told.instructions[:500] or order.instructions,
    }
    if told.terms:
        changes["terms"] = {**order.terms, "cancellation": told.terms["cancellation"]}
    return changes


def polls_from(starts_at: datetime) -> datetime:
    """Until shortly before the time there is nothing to ask."""
    return max(clock.now(), starts_at - slots.REMIND_BEFORE)


# --- The reminder ---------------------------------------------------------------------------------------------


def claim_reminder(order: Order, *, at: datetime) -> bool:
    """False when it was sent already, or somebody else is sending it."""
    mine = Order.objects.filter(pk=order.pk, state=State.CONFIRMED, reminded_at=None)
    return bool(mine.update(reminded_at=at))


def remind_again(order: Order, *, claimed_at: datetime) -> None:
    """It was not sent: the next round tries again."""
    Order.objects.filter(pk=order.pk, reminded_at=claimed_at).update(reminded_at=None)
