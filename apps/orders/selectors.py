"""Reads for pages, sockets and handlers."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404
from django.template.loader import render_to_string

from apps.discovery.models import Offer
from apps.lib.errors import Refused
from apps.lib.rows import Lookup
from apps.orders import history as lists
from apps.orders import panel, sums
from apps.orders.models import Change, Order, Progress
from apps.orders.states import OVER, State

PAGE_LENGTH = 200
_BY_CODE = Lookup(Order.objects.all, "code")
_BY_TRANSACTION = Lookup(Order.objects.all, "bpp_id", "transaction_id")
_PROGRESS = Lookup(Progress.objects.all, "order")


class UnknownOrder(Refused):
    code = "30010"


def order_of_message(*, transaction_id: UUID, sender_id: str, network_order_id: str = "") -> Order:
    """The order a callback is about. Only the operator we deal with knows it."""
    order = _BY_TRANSACTION.find(sender_id, transaction_id)
    if order is None and network_order_id:
        order = Order.objects.filter(bpp_id=sender_id, network_order_id=network_order_id).first()
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


def order_to_change(user: AbstractBaseUser, code: UUID) -> tuple[Order, Offer]:
    """The driver's order and the offer it came from, or 404."""
    order = order_for(user, code)
    if order.offer is None:
        raise Http404("the offer of this order is gone")
    return order, offer_for_sale(order.offer.code)


def change_of(order: Order, code: UUID) -> Change:
    """A change of this order, or 404."""
    change = order.changes.filter(code=code).first()
    if change is None:
        raise Http404("no such change")
    change.order = order
    return change


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
        order = _BY_CODE.find(UUID(code))
    except ValueError:  # not even a code
        return None
    is_running = order and order.driver_id == user.pk and order.state == State.CHARGING
    progress = _PROGRESS.find(order.pk) if is_running else None
    if progress is None:
        return live_panel(user, code)
    return render_to_string("orders/_news.html", panel.figures(order, progress))


def history(user: AbstractBaseUser, page: str | None, wanted: dict[str, Any]) -> dict[str, Any]:
    """What runs now, then everything else by month, or of it what is `wanted`, and what it comes to."""
    found = lists.narrowed(orders_of(user), wanted)
    over = Paginator(found.order_by("-created_at", "-pk"), PAGE_LENGTH).get_page(page)
    by_month = sums.by_month(found, lists.zones_of(orders_of(user)), payer=user)
    months = lists.by_month(lists.with_money_back(list(over.object_list)))
    return {
        "active": list(orders_of(user).exclude(state__in=OVER)),
        "months": [month | {"total": by_month[month["month"]]} for month in months],
        "page": over,
        "by_month": by_month,
        "together": sums.together(by_month),
        "usual_station": sums.usual_station(found),
    }


def history_table(user: AbstractBaseUser, wanted: dict[str, Any]) -> Iterator[str]:
    return lists.table(lists.narrowed(orders_of(user), wanted))
