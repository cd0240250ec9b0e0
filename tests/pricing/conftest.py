"""Tariffs and sessions for the engine, said shortly. No database: nothing here may ask for one."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from apps.pricing import Bill, LineKind, Phase, Reading, Tariff, read_tariff

D = Decimal


def tariff(*elements: dict[str, Any], **more: Any) -> Tariff:
    return read_tariff({"currency": "INR", "zone": "Asia/Kolkata", "elements": list(elements), **more})


def element(restrictions: dict[str, Any] | None = None, **prices: Any) -> dict[str, Any]:
    """`element(ENERGY="18.5", TIME=("3", 300))`: a price, or a price and a step."""
    parts = []
    for kind, price in prices.items():
        amount, step = price if isinstance(price, tuple) else (price, 0)
        parts.append({"type": kind, "price": amount, "step_size": step})
    return {"price_components": parts, **({"restrictions": restrictions} if restrictions else {})}


def local(text: str, zone: str = "Asia/Kolkata", fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


def even(begins_at: datetime, *, minutes: int, kwh: Any, phase: Phase = Phase.CHARGING) -> list[Reading]:
    """One straight line from nothing to `kwh`."""
    ends_at = begins_at.astimezone(ZoneInfo("UTC")) + timedelta(minutes=minutes)
    return [Reading(ends_at, Decimal(kwh), phase)]


def said(bill: Bill) -> list[tuple]:
    """(kind, element, amount) of each line; a tax by its name."""
    return [
        (line.name if line.kind == LineKind.TAX else line.kind.value, line.element, line.amount)
        for line in bill.lines
    ]
