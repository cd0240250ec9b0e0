"""What a booking costs, as the network is told: priced lines with their energy, and what was really ordered. Pure."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from apps.beckn.wire import v1_1 as wire
from apps.bookings import idle_network
from apps.bookings.models import Booking
from apps.bookings.pricing import ENERGY_COST, Bill, Line, stepped_words
from apps.lib import clock


def quotation(
    booking: Booking, bill: Bill, kwh: Decimal | None, *, expires_in: timedelta | None = None
) -> wire.Quotation:
    lines = [
        wire.QuotationLine(
            title=line.title, price=wire.Price.of(line.amount, bill.currency), **_energy(booking, line, kwh)
        )
        for line in bill.lines
    ]
    said: dict[str, Any] = {"price": wire.Price.of(bill.total, bill.currency), "breakup": lines}
    if expires_in is not None:
        said["ttl"] = clock.duration_text(max(expires_in, timedelta(0)))
    return wire.Quotation(id=booking.quote_id, **said)


def _energy(booking: Booking, line: Line, kwh: Decimal | None) -> dict[str, wire.Item]:
    """How much energy a line is for; of a line that was rounded up to its step, why."""
    if line.title == ENERGY_COST and kwh is not None:
        selected = wire.Quantity(measure=wire.Scalar.of(kwh if line.kwh is None else line.kwh, "kWh"))
        said: dict[str, Any] = {"quantity": wire.ItemQuantity(selected=selected)}
    else:
        said = {}
    if words := stepped_words(line):
        said["descriptor"] = wire.Descriptor(short_desc=words)
    return {"item": wire.Item(id=booking.connector.code, **said)} if said else {}


def options(booking: Booking) -> dict[str, list[wire.TagGroup]]:
    """What was really ordered, where it was not energy: the kWh beside it are then what it may bring."""
    if booking.ordered_amount is not None:
        said = {"charging_by": "AMOUNT", "charging_limit": booking.ordered_amount}
    elif booking.ordered_minutes is not None:
        said = {"charging_minutes": str(booking.ordered_minutes)}
    else:
        said = {}
    groups = [wire.group("charging-options", "Charging Options", **said)] if said else []
    groups += idle_network.terms(booking)
    return {"tags": groups} if groups else {}
