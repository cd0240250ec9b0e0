"""Who listens to the operator's live stream of a charge, and what is taken from it. One listener per order: a lease."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction

from apps.lib import clock
from apps.lib.rows import Lookup
from apps.orders.models import Order
from apps.orders.services.charging import keep_figures
from apps.orders.services.help import request_tracking
from apps.orders.services.steps import keep
from apps.orders.states import WITH_ENERGY, State
from apps.orders.told import Told

LEASE = timedelta(seconds=30)
BATCH = 50
_BY_ID = Lookup(Order.objects.all, "id")


def claim_streams() -> list[Order]:
    """Running charges nobody listens to, now leased to the caller."""
    now = clock.now()
    due = Order.objects.filter(listen_at__lte=now, state__in=WITH_ENERGY).order_by("listen_at")
    return [
        order
        for order in due.only("pk", "code", "tracking_url", "listen_at")[:BATCH]
        if Order.objects.filter(pk=order.pk, listen_at=order.listen_at).update(listen_at=now + LEASE)
    ]


def renew_leases(orders: Collection[int]) -> int:
    return Order.objects.filter(pk__in=orders, listen_at__isnull=False).update(listen_at=clock.now() + LEASE)


def listen_again(order_id: int, *, after: timedelta | None) -> None:
    """The stream broke off: once more in a while, or never when `after` is None, because the operator has none."""
    at = None if after is None else clock.now() + after
    Order.objects.filter(pk=order_id, listen_at__isnull=False).update(listen_at=at)


@transaction.atomic
def renew_tracking(order_id: int) -> bool:
    """The link we have is good no more: the operator is asked for another."""
    order = Order.objects.filter(pk=order_id, state__in=WITH_ENERGY).first()
    if order:
        request_tracking(order)
    return order is not None


@transaction.atomic
def record_streamed(order_id: int, *, told: Told, received_at: datetime) -> bool:
    """Figures only; no state moves. False when no energy flows any more and nobody needs to listen."""
    order = _BY_ID.find(order_id)
    if order is None or order.state not in WITH_ENERGY:
        return False
    meant = not told.network_order_id or told.network_order_id == order.network_order_id
    if meant and keep_figures(order, told=told, received_at=received_at):
        keep(order, part="figures" if order.state == State.CHARGING else "")
    return True
