"""The driver's charges as a list that can be narrowed down, and the same list as a table for other programs."""

import csv
from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from apps.orders import panel
from apps.orders.models import Order
from apps.orders.states import OVER, State
from apps.payments.models import Payment
from apps.payments.selectors import paid_back

BATCH = 500
KINDS = {
    "charged": Q(billed_amount__gt=0),
    "free": Q(state=State.SETTLED) & (Q(billed_amount=0) | Q(billed_amount=None)),
    "not": ~Q(state=State.SETTLED) & (Q(billed_amount=0) | Q(billed_amount=None)),
}
HEAD = (
    *("order", "state", "started", "ended", "time_zone", "station", "city", "operator", "plug"),
    *("energy_kwh", "charged", "paid_back", "currency", "invoices"),
)
# A cell that begins so is a formula to a spreadsheet; the apostrophe makes it words again.
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


def narrowed(orders: QuerySet[Order], wanted: dict[str, Any]) -> QuerySet[Order]:
    """Those that are over and fit; `wanted` is the cleaned form. Days begin at midnight where the newest charge was."""
    over = orders.filter(state__in=OVER).annotate(over_at=Coalesce(F("ended_at"), F("created_at")))
    if words := wanted.get("words"):
        places = ("station_name", "station_city", "provider_name", "network_order_id")
        fits = Q()
        for place in places:
            fits |= Q(**{f"{place}__icontains": words})
        over = over.filter(fits)
    if not (wanted.get("since") or wanted.get("until")):
        return _of_kind(over, wanted)
    zone = _usual_zone(orders)
    if since := wanted.get("since"):
        over = over.filter(over_at__gte=datetime.combine(since, time(), zone))
    if until := wanted.get("until"):
        over = over.filter(over_at__lt=datetime.combine(until + timedelta(days=1), time(), zone))
    return _of_kind(over, wanted)


def _of_kind(over: QuerySet[Order], wanted: dict[str, Any]) -> QuerySet[Order]:
    return over.filter(KINDS[wanted["kind"]]) if wanted.get("kind") else over


def _usual_zone(orders: QuerySet[Order]) -> ZoneInfo:
    newest = orders.only("station_zone").order_by("-created_at").first()
    return ZoneInfo(panel.zone_of(newest)) if newest else ZoneInfo("UTC")


def with_money_back(orders: list[Order]) -> list[Order]:
    """Each with `amount_back`; one question for all of them."""
    back = paid_back(side=Payment.Side.DRIVER, references=[str(order.code) for order in orders])
    for order in orders:
        order.amount_back = back.get(str(order.code), Decimal(0))
    return orders


class _Echo:
    """A file that hands back what is written into it."""

    def write(self, line: str) -> str:
        return line


def table(orders: QuerySet[Order]) -> Iterator[str]:
    """CSV, line by line: no more than one batch is in memory."""
    writer = csv.writer(_Echo())
    yield writer.writerow(HEAD)
    rows = orders.iterator(chunk_size=BATCH)
    while batch := list(islice(rows, BATCH)):
        for order in with_money_back(batch):
            yield writer.writerow(_cells(order))


def _cells(order: Order) -> list[str]:
    zone = panel.zone_of(order)
    cells = [
        order.network_order_id or str(order.code),
        order.state,
        _local(order.started_at, zone),
        _local(order.ended_at or order.created_at, zone),
        zone,
        order.station_name,
        order.station_city,
        order.provider_name,
        panel.plug_words(order),
        _number(order.billed_kwh),
        _number(order.billed_amount),
        _number(order.amount_back),
        order.currency,
        " ".join(document["number"] for document in order.documents),
    ]
    return [defused(cell) for cell in cells]


def defused(cell: str) -> str:
    return f"'{cell}" if cell.lstrip(" ").startswith(FORMULAS) or cell.startswith(FORMULAS) else cell


def _local(at, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" if at else ""


def _number(value: Decimal | None) -> str:
    return "" if value is None else f"{value:f}"


def by_month(orders: Iterable[Order]) -> list[dict[str, Any]]:
    """By the month it ended in, where the station stands."""
    months: dict[tuple[int, int], dict[str, Any]] = {}
    for order in orders:
        ended_at = (order.ended_at or order.created_at).astimezone(ZoneInfo(panel.zone_of(order)))
        month = months.setdefault(
            (ended_at.year, ended_at.month),
            {"month": ended_at.date(), "orders": [], "totals": {}, "back": {}, "energy_kwh": 0},
        )
        order.ended_where_it_stands = ended_at
        month["orders"].append(order)
        month["energy_kwh"] += order.billed_kwh or 0
        for name, amount in (("totals", order.billed_amount), ("back", order.amount_back)):
            if amount:
                before = month[name].get(order.currency, Decimal(0))
                month[name][order.currency] = before + amount
    return [months[key] for key in sorted(months, reverse=True)]
