"""Beside the deal: whom to ask for help, and the operator's own live page."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.lib import clock
from apps.orders import network
from apps.orders.models import Order
from apps.orders.services.steps import NotNow, keep, poll
from apps.orders.states import WITH_ENERGY

ANSWER_WITHIN = timedelta(minutes=1)


@transaction.atomic
def request_support(order: Order) -> None:
    """Ask the operator whom the driver may call. Pressing twice asks once."""
    if not order.network_order_id:
        raise NotNow(_("The operator does not know this order yet."))
    now = clock.now()
    silent = Q(support_asked_at=None) | Q(support_asked_at__lte=now - ANSWER_WITHIN)
    if Order.objects.filter(silent, pk=order.pk).update(support_asked_at=now):
        poll(order, "support", network.support(order))
        keep(order)


def awaits_support(order: Order) -> bool:
    """Asked a moment ago; after a minute of silence the driver may ask again."""
    return bool(order.support_asked_at and order.support_asked_at > clock.now() - ANSWER_WITHIN)


@transaction.atomic
def record_support(order: Order, *, contact: dict[str, str]) -> None:
    """An empty `contact` is the operator's refusal: the button comes back."""
    keep(order, support_contact=contact, **({} if contact else {"support_asked_at": None}))


def request_tracking(order: Order) -> None:
    poll(order, "track", network.track(order))


@transaction.atomic
def record_tracking(order: Order, *, url: str) -> None:
    """The operator's page, and where its live stream is found: listening begins at once where energy flows."""
    listens = bool(url) and order.state in WITH_ENERGY
    keep(order, tracking_url=url[:500], listen_at=clock.now() if listens else None)
