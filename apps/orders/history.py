"""The driver's charges as a list that can be narrowed down, and the same list as a table for other programs."""

import csv
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from string import whitespace
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
    *("order", "state", "started_local", "ended_local", "time_zone", "belongs_to_month", "station", "city"),
    *("operator", "plug", "energy_kwh", "charged", "paid_back", "currency", "invoices"),
)
# A cell that begins so is a formula to a spreadsheet, also in the wide letters of East Asia; the apostrophe makes it
# words again.
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
UNSEEN = "\ufeff\u200b\u200c\u200d\u2060\u00ad"  # what a spreadsheet may drop before it looks

Zones = dict[str, list[str]]  # time zone → the words for it on orders ("" and unknown ones are UTC)


def narrowed(orders: QuerySet[Order], wanted: dict[str, Any]) -> QuerySet[Order]:
    """Those that are over and fit; `wanted` is the cleaned form. A charge belongs to the day it ended, there."""
    over = orders.filter(state__in=OVER).annotate(over_at=Coalesce(F("ended_at"), F("created_at")))
    if words := wanted.get("words"):
        places = ("station_name", "station_city", "provider_name", "network_order_id")
        fits = Q()
        for place in places:
            fits |= Q(**{f"{place}__icontains": words})
        over = over.filter(fits)
    since, until = wanted.get("since"), wanted.get("until")
    if since or until:
        over = over.filter(_ended_between(zones_of(orders), since, until))
    return _of_kind(over, wanted)


def zones_of(orders: QuerySet[Order]) -> Zones:
    """The time zones these charges were in; a driver has been in a handful."""
    zones: Zones = {}
    for told in orders.order_by().values_list("station_zone", flat=True).distinct():
        zones.setdefault(panel.zone_of(Order(station_zone=told)), []).append(told)
    return zones


def _ended_between(zones: Zones, since: date | None, until: date | None) -> Q:
    """The same day is another span of time in each zone."""
    fits = Q(pk__in=[])
    for name, told in zones.items():
        zone, span = ZoneInfo(name), Q(station_zone__in=told)
        if since:
            span &= Q(over_at__gte=datetime.combine(since, time(), zone))
        if until:
            span &= Q(over_at__lt=datetime.combine(until + timedelta(days=1), time(), zone))
        fits |= span
    return fits


def _of_kind(over: QuerySet[Order], wanted: dict[str, Any]) -> QuerySet[Order]:
    return over.filter(KINDS[wanted["kind"]]) if wanted.get("kind") else over


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
    """CSV, line by line. No more than one batch is in memory, and no cursor stays open while somebody reads slowly."""
    writer = csv.writer(_Echo())
    yield writer.writerow(HEAD)
    for batch in _batches(orders):
        for order in with_money_back(batch):
            yield writer.writerow(_cells(order))


def _batches(orders: QuerySet[Order]) -> Iterator[list[Order]]:
    """The newest first, each batch asked for behind the last row of the one before."""
    rows = orders.order_by("-created_at", "-pk")
    after = Q()
    while batch := list(rows.filter(after)[:BATCH]):
        yield batch
        last = batch[-1]
        older = Q(created_at__lt=last.created_at) | Q(created_at=last.created_at, pk__lt=last.pk)
        after = Q(created_at__lte=last.created_at) & older  # the first part is one the index can begin at


def _cells(order: Order) -> list[str]:
    zone = panel.zone_of(order)
    cells = [
        order.network_order_id or str(order.code),
        order.state,
        _local(order.started_at, zone),
        _local(order.over_at, zone),
        zone,
        f"{order.over_at.astimezone(ZoneInfo(zone)):%Y-%m}",
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
    begins = cell.strip(UNSEEN + whitespace + "\xa0\u3000")
    return f"'{cell}" if cell.startswith(FORMULAS) or begins.startswith(FORMULAS) else cell


def _local(at, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" if at else ""


def _number(value: Decimal | None) -> str:
    return "" if value is None else f"{value:f}"


def by_month(orders: Iterable[Order]) -> list[dict[str, Any]]:
    """In the month it ended in, where the station stands. What a month comes to: sums.py."""
    months: dict[tuple[int, int], dict[str, Any]] = {}
    for order in orders:
        order.ended_where_it_stands = order.over_at.astimezone(ZoneInfo(panel.zone_of(order)))
        day = order.ended_where_it_stands.date().replace(day=1)
        months.setdefault((day.year, day.month), {"month": day, "orders": []})["orders"].append(order)
    return [months[key] for key in sorted(months, reverse=True)]
