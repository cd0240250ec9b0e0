"""A grievance begins: from an order, from a station, or by a call of another app."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.beckn.inbox import Inbound
from apps.discovery.models import Offer, OfferedStation
from apps.discovery.photo_policy import first_of
from apps.discovery.watch_panel import label
from apps.lib import clock
from apps.lib.codes import new_code
from apps.lib.errors import Refused
from apps.orders.models import Order, Progress
from apps.orders.panel import plug_words, zone_of
from apps.orders.states import WITH_ENERGY
from apps.orders.states import State as OrderState
from apps.support import network
from apps.support.files import Checked
from apps.support.models import Ticket, TicketEvent, TicketMessage
from apps.support.services import notices
from apps.support.services.attaching import attach
from apps.support.services.peers import ask_operator, open_issue
from apps.support.services.steps import note
from apps.support.states import PROMISES, Priority, State, What

MOST_OPEN = 10
AT_CHARGER = (OrderState.CONFIRMED, OrderState.STARTING, *WITH_ENERGY)
STANDS_THERE = (What.DID_NOT_START, What.STOPPED_EARLY, What.BAY_BLOCKED)
Verb = TicketEvent.Verb


class TooManyTickets(Refused):
    def __init__(self) -> None:
        super().__init__(
            _("You have %(most)d open reports. Please write into one of them.") % {"most": MOST_OPEN}
        )


def open_about_order(
    *,
    driver: User,
    order: Order,
    what: str,
    text: str,
    press_key: UUID,
    attached: Iterable[Checked] = (),
) -> Ticket:
    """The ticket of this press; a second press finds the first one's."""
    if order.driver_id != driver.pk:
        raise Refused(_("This order is not yours."), code="30010")
    facts = {
        "order": order,
        "bpp_id": order.bpp_id,
        "bpp_uri": order.bpp_uri,
        "transaction_id": order.transaction_id,
        "network_ref": order.network_order_id,
        "operator_name": order.provider_name,
        "station_name": order.station_name,
        "station_zone": zone_of(order),
        "plug": plug_words(order)[:120],
        "photo": order.photo,
        "facts": _standing(order),
        "priority": _priority(what, is_at_charger=order.state in AT_CHARGER),
    }
    words = Words(text, tuple(attached))
    return _open(f"{driver.pk}:{press_key}", what, words, driver=driver, language=driver.language, **facts)


def open_about_station(
    *,
    driver: User | None,
    station: OfferedStation,
    plug: Offer | None,
    what: str,
    text: str,
    press_key: UUID,
    email: str = "",
    attached: Iterable[Checked] = (),
) -> Ticket:
    """Without an order, for guests too: the operator is told by the id of its station."""
    facts = {
        "driver": driver,
        "guest_email": "" if driver else email,
        "language": driver.language if driver else translation.get_language() or "en",
        "bpp_id": station.bpp_id,
        "bpp_uri": station.bpp_uri,
        "transaction_id": uuid4(),
        "network_ref": station.location_id,
        "operator_name": station.provider_name,
        "station_name": station.name,
        "station_zone": station.zone or "UTC",
        "plug": label(plug)[:120] if plug else "",
        "photo": first_of(station.photos),
        "facts": _plug_facts(plug) if plug else {},
        "priority": _priority(what, is_at_charger=what in STANDS_THERE),
    }
    words = Words(text, tuple(attached))
    return _open(f"{driver.pk if driver else 'guest'}:{press_key}", what, words, **facts)


@dataclass(frozen=True)
class Words:
    """What the reporter added to the choice of what is wrong."""

    text: str
    files: tuple[Checked, ...] = ()


def _open(press_key: str, what: str, words: Words, **facts: Any) -> Ticket:
    def begin() -> Ticket:
        driver = facts.get("driver")
        if driver is not None:
            User.objects.select_for_update().get(pk=driver.pk)  # two presses must not pass the limit
            pending = Ticket.objects.filter(driver=driver).exclude(state__in=(State.RESOLVED, State.CLOSED))
            if pending.count() >= MOST_OPEN:
                raise TooManyTickets
        ticket = _create(side=Ticket.Side.DRIVER, press_key=press_key, what=what, **facts)
        note(ticket, Verb.OPENED, why=what, by=driver)
        if words.text or words.files:
            _first_words(ticket, words, driver)
        ask_operator(ticket)
        open_issue(ticket, words.text)
        notices.tell_reporter(ticket, Verb.OPENED)
        return ticket

    return _once(press_key, begin)


def _once(press_key: str, begin: Callable[[], Ticket]) -> Ticket:
    """The constraint decides between two presses of one moment."""
    known = Ticket.objects.filter(press_key=press_key).first()
    if known:
        return known
    try:
        with transaction.atomic():
            return begin()
    except IntegrityError:
        return Ticket.objects.get(press_key=press_key)


def _create(**facts: Any) -> Ticket:
    now = clock.now()
    promise = PROMISES[facts.setdefault("priority", Priority.NORMAL)]
    reply_due_at, settle_due_at = now + promise.reply, now + promise.settle
    return Ticket.objects.create(
        code=new_code("TK"),
        opened_at=now,
        changed_at=now,
        reply_due_at=reply_due_at,
        settle_due_at=settle_due_at,
        deadline_at=min(reply_due_at, settle_due_at),
        **facts,
    )


def _first_words(ticket: Ticket, words: Words, author: User | None) -> None:
    by = TicketMessage.By.REPORTER
    message = ticket.messages.create(by=by, author=author, text=words.text, press_key="first", at=clock.now())
    attach(message, words.files)


def _priority(what: str, *, is_at_charger: bool) -> int:
    if what == What.WRONG_BILL:
        return Priority.MONEY
    return Priority.AT_CHARGER if is_at_charger else Priority.NORMAL


def _standing(order: Order) -> dict[str, str]:
    """How the order stood in this moment: later nobody can tell."""
    told = Progress.objects.filter(order=order).first()
    facts = {"state": order.state, "failure": order.failure_code, "evse_id": order.evse_id}
    if told is not None:
        facts |= {"plug": told.word, "energy_kwh": _text(told.energy_kwh), "power_kw": _text(told.power_kw)}
    return {name: text for name, text in facts.items() if text}


def _plug_facts(plug: Offer) -> dict[str, str]:
    facts = {"plug": plug.status, "item_id": plug.item_id, "evse_id": plug.evse_id}
    return {name: text for name, text in facts.items() if text}


def _text(number: Any) -> str:
    return "" if number is None else f"{number:f}"


def hand_over(guest: User, to: User) -> None:
    """Announced by accounts, in its transaction: what a guest reported is the account's from now on."""
    Ticket.objects.filter(driver=guest).update(driver=to)
    TicketMessage.objects.filter(author=guest).update(author=to)


# --- Operator side ----------------------------------------------------------------------------------------


def take_call(**call: Any) -> str:
    """An app asks one of our operators for help: the link of its ticket."""
    return network.link(open_call(**call))


def open_call(
    *,
    inbound: Inbound,
    reference: str,
    operator_code: str,
    operator_name: str,
    contact: dict[str, str],
    place: dict[str, str],
    what: str = What.OTHER,
) -> Ticket:
    """The ticket of a call; asking again finds the one that is open."""
    call = {
        "bap_id": inbound.sender_id,
        "transaction_id": inbound.message.transaction_id,
        "network_ref": reference,
    }
    calls = Ticket.objects.filter(side=Ticket.Side.OPERATOR, operator_code=operator_code, **call)
    ticket = calls.exclude(state=State.CLOSED).first()
    if ticket is None:
        ticket = _create(
            side=Ticket.Side.OPERATOR,
            press_key=f"call:{inbound.message.pk}",
            what=what,
            operator_code=operator_code,
            operator_name=operator_name,
            operator_contact=contact,
            bap_uri=inbound.message.bap_uri,
            **call,
            **place,
        )
        note(ticket, Verb.OPENED, why=f"asked by {inbound.sender_id}")
    return ticket
