"""Reads for pages, sockets and handlers."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404
from django.template.loader import render_to_string

from apps.discovery.models import Offer
from apps.lib.errors import Refused
from apps.lib.rows import only_one
from apps.orders import panel
from apps.orders.models import Order, Progress
from apps.orders.states import OVER, State

PAGE_LENGTH = 200


class UnknownOrder(Refused):
    code = "30010"


def order_of_message(*, transaction_id: UUID, sender_id: str, network_order_id: str = "") -> Order:
    """The order a callback is about. Only the operator we deal with knows it."""
    orders = Order.objects.filter(bpp_id=sender_id)
    order = only_one(orders.filter(transaction_id=transaction_id))
    if order is None and network_order_id:
        order = orders.filter(network_order_id=network_order_id).first()
    if order is None:
        raise UnknownOrder("no such order")
    return order


def is_known(*, network_order_id: str, bpp_id: str) -> bool:
    return (
        bool(network_order_id)
        and Order.objects.filter(bpp_id=bpp_id, network_order_id=network_order_id).exists()
    )


def orders_of(user: AbstractBaseUser) -> QuerySet[Order]:
    return Order.objects.filter(driver=user)


def order_for(user: AbstractBaseUser, code: UUID | str) -> Order:
    """The driver's own order, or 404."""
    order = orders_of(user).select_related("offer").filter(code=code).first()
    if order is None:
        raise Http404("no such order")
    order.driver = user
    return order


def offer_for_sale(code: UUID) -> Offer:
    offer = Offer.objects.select_related("station").filter(code=code).first()
    if offer is None:
        raise Http404("no such offer")
    return offer


def live_panel(user: AbstractBaseUser, code: str) -> str | None:
    """The page's living parts for the socket; None for anybody but the driver."""
    try:
        order = order_for(user, code) if user.is_authenticated else None
    except (Http404, ValidationError):  # not this driver's, or not even a code
        return None
    if order is None:
        return None
    return render_to_string("orders/_live.html", {**panel.context(order), "oob": True})


def live_figures(user: AbstractBaseUser, code: str) -> str | None:
    """What a reading changes on the page of a running charge; the whole panel where the charge has moved on."""
    try:
        mine = Progress.objects.filter(order__code=code, order__driver=user.pk)
        progress = only_one(mine.select_related("order"))
    except ValidationError:  # not even a code
        return None
    if progress is None or progress.order.state != State.CHARGING:
        return live_panel(user, code)
    return render_to_string("orders/_news.html", panel.figures(progress.order, progress))


def history(user: AbstractBaseUser, page: str | None) -> dict[str, Any]:
    """What runs now, then everything else by the month it ended in, where the station stands."""
    over = Paginator(orders_of(user).filter(state__in=OVER), PAGE_LENGTH).get_page(page)
    return {
        "active": list(orders_of(user).exclude(state__in=OVER)),
        "months": _by_month(over.object_list),
        "page": over,
    }


def _by_month(orders: Iterable[Order]) -> list[dict[str, Any]]:
    months: dict[tuple[int, int], dict[str, Any]] = {}
    for order in orders:
        ended_at = (order.ended_at or order.created_at).astimezone(ZoneInfo(panel.zone_of(order)))
        month = months.setdefault(
            (ended_at.year, ended_at.month),
            {"month": ended_at.date(), "orders": [], "totals": {}, "energy_kwh": 0},
        )
        order.ended_where_it_stands = ended_at
        month["orders"].append(order)
        month["energy_kwh"] += order.billed_kwh or 0
        if order.billed_amount:
            before = month["totals"].get(order.currency, Decimal(0))
            month["totals"][order.currency] = before + order.billed_amount
    return [months[key] for key in sorted(months, reverse=True)]
