"""Everything that is known of a ticket's deal, in one reading column: nobody at the desk has to look elsewhere.

A driver's ticket is proved by the driver wing alone (what the app asked, accepted, was told and paid), an operator's by
what the operator wing hands over (`wiring.EVENTS["order.evidence"]`): the desk sees no more than its side could know.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.beckn.explain import STATES
from apps.beckn.selectors import timeline
from apps.lib import wiring
from apps.lib.money import format_money
from apps.orders import panel, price_lines
from apps.orders.models import Order, OrderLine
from apps.orders.models import Progress as OrderProgress
from apps.orders.states import State as OrderState
from apps.payments.models import Payment
from apps.payments.selectors import payments_with_history
from apps.support.models import Ticket
from apps.support.rights import tickets_for

POINTS_SHOWN = 40
EARLIER_SHOWN = 20
READ_AT_ONCE = 1000
Times = list[tuple[datetime, Any, Any]]


@dataclass
class Section:
    title: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)
    times: Times = field(default_factory=list)
    link: tuple[str, str] | None = None  # address, words


def sections_of(ticket: Ticket, *, with_messages: bool = True) -> list[Any]:
    """The deal, its money and its messages. The number of queries does not grow with any of them."""
    deal = _of_order(ticket.order) if ticket.order else _of_operator(ticket)
    messages = _messages(ticket) if with_messages else None
    told = _notices(ticket.order) if ticket.order else None
    return [part for part in (_moment(ticket), *deal, messages, told, _mails(ticket)) if part]


def earlier_tickets(ticket: Ticket, user: User) -> list[Ticket]:
    """Others of the same driver, guest or deal that this person may see."""
    seen = tickets_for(user).exclude(pk=ticket.pk)
    if ticket.driver_id:
        seen = seen.filter(driver=ticket.driver_id)
    elif ticket.guest_email:
        seen = seen.filter(guest_email__iexact=ticket.guest_email)
    elif ticket.transaction_id:
        seen = seen.filter(transaction_id=ticket.transaction_id)
    return list(seen.order_by("-opened_at")[:EARLIER_SHOWN])


def _moment(ticket: Ticket) -> Section | None:
    names = {
        "state": _("State of the order"),
        "failure": _("Failure"),
        "plug": _("Plug said"),
        "energy_kwh": _("Energy, kWh"),
        "power_kw": _("Power, kW"),
        "item_id": _("Plug on the network"),
        "evse_id": _("Charging point"),
    }
    facts = [(name, str(ticket.facts[key])) for key, name in names.items() if ticket.facts.get(key)]
    return Section(_("When it was reported"), facts=facts) if facts else None


def _of_operator(ticket: Ticket) -> list[Any]:
    if ticket.side != Ticket.Side.OPERATOR:
        return []
    evidence = wiring.handler("EVENTS", "order.evidence")
    return evidence(ticket.network_ref) if evidence else []


# --- A driver's order -------------------------------------------------------------------------------------


def _of_order(order: Order) -> list[Section | None]:
    return [
        _deal(order),
        _quote(order),
        _terms(order),
        _bill(order),
        _history(order),
        _charge(order),
        *_money(order),
    ]


def _deal(order: Order) -> Section:
    zone = panel.zone_of(order)
    facts = [
        (_("Order"), order.network_order_id or "–"),
        (_("State"), str(order.get_state_display())),
        (_("Operator"), f"{order.provider_name} ({order.bpp_id})"),
        (_("Station"), ", ".join(part for part in (order.station_name, order.station_city) if part)),
        (_("Plug"), panel.plug_words(order)),
        (_("Charging point"), order.evse_id),
        (_("Ordered"), f"{order.energy_kwh.normalize():f} kWh"),
        (_("Delivered"), f"{order.billed_kwh.normalize():f} kWh" if order.billed_kwh is not None else ""),
        (_("Meter"), f"{order.meter_start} → {order.meter_stop}" if order.meter_start else ""),
        (_("Time zone"), zone),
        (_("Failure"), " ".join((order.failure_code, order.failure_message)).strip()),
    ]
    return Section(_("Order"), facts=[fact for fact in facts if fact[1]])


def _quote(order: Order) -> Section | None:
    return _priced(order, OrderLine.Kind.QUOTE, _("Quote"), order.quote_amount)


def _bill(order: Order) -> Section | None:
    return _priced(order, OrderLine.Kind.BILL, _("Bill"), order.billed_amount)


def _priced(order: Order, kind: str, title: str, total: Any) -> Section | None:
    if total is None:
        return None
    lines = [
        (str(line["words"]), format_money(line["amount"], order.currency))
        for line in price_lines.lines(order, kind)
        if line["amount"] is not None  # of an earlier quote, and no longer part of it
    ]
    return Section(title, lines=[*lines, (_("Total"), format_money(total, order.currency))])


def _terms(order: Order) -> Section | None:
    if not order.terms:
        return None
    facts = [(_("Payment"), f"{order.terms.get('payment_type', '')} · {order.terms.get('collected_by', '')}")]
    for term in order.terms.get("cancellation", []):
        fee = f"{term['percent']} %" if term["percent"] is not None else term["amount"]
        facts.append((_("Cancelling (%(state)s)") % {"state": term["state"] or "–"}, str(fee or "–")))
    for term in order.terms.get("refund", []):
        words = _("yes") if term["eligible"] else _("no")
        facts.append((_("Money back (%(state)s)") % {"state": term["state"] or "–"}, words))
    if order.terms_accepted_at is None:
        return Section(_("Terms offered, not accepted"), facts=facts)
    return Section(
        _("Accepted terms"), facts=facts, times=[(order.terms_accepted_at, _("accepted by the driver"), "")]
    )


def _history(order: Order) -> Section:
    labels = dict(OrderState.choices)
    times = [(event.at, labels.get(event.now, event.now), event.why) for event in order.events.all()]
    return Section(_("What happened to the order"), times=times)


def _charge(order: Order) -> Section | None:
    """What the driver was told while energy flowed, thinned out."""
    points = list(order.points.values_list("at", "power_kw", "energy_kwh"))
    told = OrderProgress.objects.filter(order=order).first()
    if not points and told is None:
        return None
    facts = [(_("Readings"), str(len(points)))]
    if told is not None:
        facts.append((_("Last word of the plug"), told.word or "–"))
    most = max((power for _at, power, _energy in points if power is not None), default=None)
    if most is not None:
        facts.append((_("Most power"), f"{most:.1f} kW"))
    times = [
        (at, f"{_number(energy)} kWh · {_number(power)} kW", "")
        for at, power, energy in points[:: len(points) // POINTS_SHOWN + 1]
    ]
    return Section(_("The charge, as the app was told"), facts=facts, times=times)


def points_of(order: Order) -> tuple[int, Iterator[tuple[datetime, str, str]]]:
    """How many readings the app was told, and each of them: when, what, and a note."""
    rows = order.points.values_list("at", "power_kw", "energy_kwh")
    told = rows.iterator(chunk_size=READ_AT_ONCE)
    return rows.count(), (
        (at, f"{_number(energy)} kWh · {_number(power)} kW", "") for at, power, energy in told
    )


def _number(value: Any) -> str:
    return "–" if value is None else f"{value:.2f}"


# --- Money, messages, mails -------------------------------------------------------------------------------


def _money(order: Order) -> list[Section]:
    """One section for each attempt to pay, with its refunds."""
    payments = payments_with_history(side=Payment.Side.DRIVER, reference=str(order.code))
    return [_payment(payment) for payment in payments]


def _payment(payment: Payment) -> Section:
    facts = [
        (_("State"), str(payment.get_state_display())),
        (_("Held"), format_money(payment.amount, payment.currency)),
        (_("Charged"), format_money(payment.captured_amount, payment.currency)),
        (_("Refunded"), format_money(payment.refunded_amount, payment.currency)),
        (_("Number at the bank"), payment.provider_ref),
        (_("Last error"), payment.last_error),
    ]
    times = [(event.at, f"{event.was} → {event.now}", event.why) for event in payment.events.all()]
    times += [
        (
            refund.created_at,
            f"{_('Refund')} {format_money(refund.amount, payment.currency)}",
            refund.get_state_display(),
        )
        for refund in payment.refunds.all()
    ]
    return Section(
        _("Money"),
        facts=[fact for fact in facts if fact[1]],
        times=sorted(times, key=lambda line: line[0]),
        link=_refund_link(payment),
    )


def _refund_link(payment: Payment) -> tuple[str, str] | None:
    """Where money is paid back, by the rules of the payments room; nothing where there is nothing to pay back."""
    if payment.refundable_amount <= 0:
        return None
    return reverse("admin:payments_raise", args=[payment.pk]), _("Pay back…")


def _messages(ticket: Ticket) -> Section | None:
    if ticket.transaction_id is None:
        return None
    times = [
        (
            step.at,
            f"{step.action} · {step.sender} → {step.receiver}",
            " ".join(str(STATES[row.state]) for row in step.rows),
        )
        for step in timeline(ticket.transaction_id)
    ]
    return Section(_("Messages on the network"), times=times) if times else None


def _notices(order: Order) -> Section | None:
    """What the driver was told of the charge; notices are a room that this one may not know."""
    told = wiring.handler("EVENTS", "order.notices")
    times = told(order) if told else []
    return Section(_("Notices to the driver"), times=times) if times else None


def _mails(ticket: Ticket) -> Section | None:
    times = [
        (
            notice.queued_at,
            f"{notice.get_verb_display()} → {notice.to}",
            _("sent") if notice.sent_at else notice.last_error,
        )
        for notice in ticket.notices.all()
    ]
    return Section(_("Mails about this ticket"), times=times) if times else None
