"""What a quote says against what was asked, and against the quote before it. Reads rows, writes none."""

from decimal import Decimal
from typing import Any

from apps.lib import clock
from apps.orders.models import Order, OrderLine
from apps.orders.slots import Times, warnings_of_time
from apps.orders.told import Priced

TOLERANCE = Decimal("0.01")


def warnings_of(order: Order, quote: Priced, ordered_kwh: Decimal | None, times: Times) -> list[str]:
    """What a driver should know before paying this (keys of orders/wording.py)."""
    found = []
    if quote.lines and abs(quote.lines_total - quote.total) > TOLERANCE:
        found.append("lines-do-not-add-up")
    if _is_more_than_asked(order, quote, ordered_kwh):
        found.append("more-than-asked")
    if quote.currency != order.currency:
        found.append("other-currency")
    elif order.ordered_amount is not None:
        if quote.total > order.ordered_amount:
            found.append("more-than-money")
    elif order.estimate_amount is not None and quote.total > order.estimate_amount + TOLERANCE:
        found.append("dearer-than-offer")
    return found + warnings_of_time(order, times, clock.now())


def _is_more_than_asked(order: Order, quote: Priced, ordered_kwh: Decimal | None) -> bool:
    """Of money and minutes only where we had to say them as energy: what they bring is the operator's to know."""
    if order.says_units or order.ordered_amount is not None:
        return False
    return any(kwh is not None and kwh > order.energy_kwh for kwh in (ordered_kwh, quote.energy_kwh))


def energy_told(order: Order, quote: Priced) -> dict[str, Decimal]:
    """What minutes or money will bring, as the operator works it out."""
    told = quote.energy_kwh
    return {"energy_kwh": told} if order.says_units and told is not None and 0 < told < 10_000 else {}


def quoted(order: Order) -> dict[str, Any]:
    """What the driver has seen, so that the next quote can say what became different."""
    rows = order.lines.filter(kind=OrderLine.Kind.QUOTE).order_by("position")
    amounts: dict[str, Decimal] = {}
    for row in rows:
        amounts[row.title] = amounts.get(row.title, Decimal(0)) + row.amount
    return {
        "total": str(order.quote_amount),
        "currency": order.currency,
        "lines": {title: str(amount) for title, amount in amounts.items()},
    }
