"""An order as the support desk reads it; that room may not know bookings (evportal/wiring.py `order.evidence`).

Each section is a plain dict: `title`, `facts` [(name, text)], `lines` [(name, amount)], `times` [(at, words, more)].
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.bookings.models import Booking
from apps.bookings.pricing import Bill
from apps.bookings.selectors import all_bookings, bookings_for
from apps.charging import desk_links
from apps.charging.models import MeterReading, Session
from apps.charging.readings import as_counted
from apps.charging.selectors import readings_for, sessions_with_history
from apps.lib.money import format_money

READINGS_SHOWN = 40
Section = dict[str, Any]


def evidence_of(order_id: str) -> list[Section]:
    """Promise, price, and every try to charge; [] when there is no such order. Does not grow with the readings."""
    booking = all_bookings().filter(code=order_id).first()
    if booking is None:
        return []
    sections = [_promise(booking), _priced(_("Quote"), booking.quote_bill)]
    if booking.final_total is not None:
        sections.append(_priced(_("Final bill"), booking.final_bill))
    sections.append({"title": _("What happened to the booking"), "times": _events(booking)})
    return sections + [_session(session) for session in sessions_with_history(booking.code)]


def links_for(user: User, *, order_id: str, transaction_id: UUID | None) -> list[desk_links.Link]:
    """Where this person may look an order of ours up (law 11); `transaction_id` where the number alone could be that
    of another operator of the network."""
    rows = all_bookings() if user.is_superuser else bookings_for(user)
    rows = rows.filter(code=order_id)
    booking = (rows.filter(transaction_id=transaction_id) if transaction_id else rows).first()
    if booking is None:
        return []
    order = (_("Order"), reverse("admin:bookings_booking_change", args=[booking.pk]), booking.code)
    return [order, *desk_links.links_for(user, booking.code)]


def readings_of(order_id: str) -> tuple[int, Iterator[tuple[datetime, str, str]]]:
    """How many readings the charger told for this order, and each of them: when, what, and what was odd about it."""
    readings = readings_for(order_id)
    return readings.count(), (_reading(reading) for reading in readings.iterator(chunk_size=500))


def _promise(booking: Booking) -> Section:
    facts = [
        (_("Order"), booking.code),
        (_("State"), str(booking.get_state_display())),
        (_("App"), booking.bap_id),
        (_("Driver"), " · ".join(text for text in (booking.billing_name, booking.billing_phone) if text)),
        (_("Station"), f"{booking.evse.station.name}, {booking.connector.letter}"),
        (_("Ordered"), f"{booking.ordered_kwh.normalize():f} kWh"),
        (_("Cancelling costs"), f"{booking.cancellation_fee_percent.normalize():f} %"),
        (_("Payment"), booking.payment_reference or booking.payment_id),
    ]
    return {"title": _("The operator's promise"), "facts": [fact for fact in facts if fact[1]]}


def _priced(title: str, bill: Bill) -> Section:
    lines = [(line.title, format_money(line.amount, bill.currency)) for line in bill.lines]
    return {"title": title, "lines": [*lines, (_("Total"), format_money(bill.total, bill.currency))]}


def _events(row: Booking | Session) -> list[tuple]:
    return [(event.at, f"{event.was} → {event.now}", event.why) for event in row.events.all()]


def _session(session: Session) -> Section:
    facts = [
        (_("Charge point"), f"{session.charge_point_id} / {session.ocpp_connector_id}"),
        (_("Energy"), f"{(session.energy_wh / 1000).normalize():f} kWh"),
        (_("Meter"), f"{_wh(session.shown_start_wh)} → {_wh(session.register_wh)}"),
        (_("Ended because"), session.end_reason or str(session.get_failure_display())),
    ]
    readings = session.readings.select_related("correction").order_by("at")
    count = readings.count()
    facts.append((_("Readings"), str(count)))
    step = count // READINGS_SHOWN + 1
    told, most = [], None
    for position, reading in enumerate(readings.iterator(chunk_size=500)):
        power_w = as_counted(reading, "power_w")
        most = power_w if most is None or (power_w or 0) > most else most
        if position % step == 0:
            told.append(_reading(reading))
    if most is not None:
        facts.append((_("Most power"), f"{most / 1000:.1f} kW"))
    return {
        "title": _("Charge %(code)s") % {"code": session.code},
        "facts": [fact for fact in facts if fact[1]],
        "times": sorted([*_events(session), *told], key=lambda line: line[0]),
    }


def _reading(reading: MeterReading) -> tuple:
    """As it is counted; what the meter told instead, where it is known to be wrong (AT-D3)."""
    words = f"{_wh(as_counted(reading, 'register_wh'))} · {_kw(as_counted(reading, 'power_w'))}"
    if reading.correction:
        told = f"{_wh(reading.register_wh)} · {_kw(reading.power_w)}"
        words += " " + _("(the meter told %(figures)s)") % {"figures": told}
    return reading.at, words, reading.note


def _wh(value: Any) -> str:
    return "–" if value is None else f"{value / 1000:.3f} kWh"


def _kw(value: Any) -> str:
    return "–" if value is None else f"{value / 1000:.1f} kW"
