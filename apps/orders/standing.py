"""Standing at the plug after the energy has ended: what the operator tells of it, and what the pages show (AT-F6).

Read from two tag groups that operators of this software tell; of others the lines of their bill are all there is.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from apps.beckn.wire import numbers
from apps.beckn.wire import v1_1 as wire
from apps.lib import clock
from apps.orders.models import Order
from apps.orders.told import Idle

TERMS, TIME = "idle-terms", "idle-time"
STATES = ("announced", "running", "not-busy", "waived", "over")
LARGEST = Decimal(1_000_000)


def read_idle(groups: Iterable[wire.TagGroup]) -> Idle | None:
    said = _said(groups, TIME)
    since = wire.read_instant(said.get("since", ""))
    if since is None:
        return None
    state = said.get("state", "").strip().lower()
    return Idle(
        since=since,
        free_until=wire.read_instant(said.get("free-until", "")),
        until=wire.read_instant(said.get("until", "")),
        state=state if state in STATES else "",
        keeps_bill_open=said.get("bill", "").strip().lower() == "open",
    )


def read_idle_terms(order: wire.Order) -> dict[str, Any] | None:
    """{"per_minute", "cap" (text, or None), "grace_seconds", "when_busy"}, frozen with the terms of an order."""
    said = _said(order.items[0].tags if order.items else (), TERMS)
    per_minute = _amount(said.get("price-per-minute", ""))
    if per_minute is None or _is_other_money(order, said.get("currency", "")):
        return None
    cap = _amount(said.get("cap", ""))
    grace = wire.read_lasting(said.get("grace", "")) or timedelta(0)
    return {
        "per_minute": str(per_minute),
        "cap": None if cap is None else str(cap),
        "grace_seconds": int(grace.total_seconds()),
        "when_busy": said.get("when", "").strip().lower() == "busy",
    }


def _is_other_money(order: wire.Order, currency: str) -> bool:
    price = order.quote.price if order.quote else None
    quoted = (price and price.currency_code) or currency
    return bool(currency) and currency.strip().upper() != quoted


def words_of_terms(order: Order) -> dict[str, Any] | None:
    """For the page: figures of what standing costs here; None where that costs nothing."""
    idle = order.terms.get("idle")
    if not idle or not Decimal(idle["per_minute"]):
        return None
    return {
        "per_minute": Decimal(idle["per_minute"]),
        "cap": Decimal(idle["cap"]) if idle["cap"] else None,
        "grace_minutes": -(-idle["grace_seconds"] // 60),
        "when_busy": idle["when_busy"],
    }


def is_free(order: Order, now: datetime) -> bool:
    """The car stands, and that costs nothing yet."""
    idle = shown(order, now)
    return bool(idle and idle["free_until"] and idle["is_free"])


def shown(order: Order, now: datetime) -> dict[str, Any] | None:
    """What the page says while the car stands; None while it does not, or did not lately."""
    kept = order.idle
    if not kept or kept.get("until"):
        return None
    free_until = clock.read_instant(kept["free_until"]) if kept.get("free_until") else None
    is_free = free_until is None or now < free_until
    return {
        "since": clock.read_instant(kept["since"]),
        "free_until": free_until,
        "is_free": is_free,
        "state": kept.get("state", ""),
        "costs": words_of_terms(order),
    }


def _said(groups: Iterable[wire.TagGroup], code: str) -> dict[str, str]:
    return {
        wire.tag_code(tag.descriptor.code or ""): tag.value or ""
        for group in groups
        if group.descriptor and wire.tag_code(group.descriptor.code or "") == code
        for tag in group.list
        if tag.descriptor
    }


def _amount(text: str) -> Decimal | None:
    try:
        number = numbers.read_number(text)
    except (numbers.NumberError, InvalidOperation):
        return None
    return number if number is not None and 0 <= number <= LARGEST else None
