"""What can be rated with stars of its own: as the operator of the order answered `get_rating_categories`.

Asked when a charge of ours ends, so that the answer is there when the page asks; kept for a day. An operator that says
nothing, or nothing we know, is rated as most let themselves be.
"""

from datetime import timedelta
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from apps.beckn import outbox
from apps.beckn.wire import v1_1 as wire
from apps.lib import clock
from apps.orders.models import Order
from apps.orders.states import State
from apps.ratings.models import Categories

KEPT_FOR = timedelta(days=1)
ASKED_AGAIN_AFTER = timedelta(hours=1)  # by somebody who said nothing
WITHOUT_ANSWER = ("Order", "Fulfillment")
MOST = 20
# The stars for the charge as a whole are always asked for. `Agent` is nobody: no order of ours names one.
ASKED_FOR = {
    "Fulfillment": _("The charging point"),
    "Item": _("Plug and power as described"),
    "Provider": _("The operator"),
    "Support": _("Help, if you needed it"),
}


def order_moved(order: Order) -> None:
    """Announced by orders, in the transaction of the move."""
    if order.state == State.ENDED and order.network_order_id:
        ask_if_old(order)


def ask_if_old(order: Order) -> bool:
    """In the transaction of the order, so that its timeline shows it. True when the operator is asked."""
    now = clock.now()
    known = Categories.objects.filter(bpp_id=order.bpp_id).first()
    if known and now < (known.heard_at + KEPT_FOR if known.heard_at else known.asked_at + ASKED_AGAIN_AFTER):
        return False
    message = outbox.request(
        "get_rating_categories",
        wire.GetRatingCategoriesMessage(),
        transaction_id=order.transaction_id,
        bpp_id=order.bpp_id,
        bpp_uri=order.bpp_uri,
    )
    Categories.objects.update_or_create(
        bpp_id=order.bpp_id,
        defaults={"message_id": message.message_id, "asked_at": now, "heard_at": None},
    )
    return True


def record(*, bpp_id: str, message_id: UUID, names: tuple[str, ...]) -> bool:
    """`rating_categories`, as the answer to the newest question; what nobody asked for is no answer."""
    mine = Categories.objects.filter(bpp_id=bpp_id, message_id=message_id)
    known = {name.lower(): name for name in wire.RATING_CATEGORIES}
    read = [known[name.strip().lower()] for name in names[:MOST] if name.strip().lower() in known]
    return bool(mine.update(names=list(dict.fromkeys(read)), heard_at=clock.now()))


def of_operator(bpp_id: str) -> tuple[str, ...]:
    """What it lets be rated; an old answer is better than none."""
    names = Categories.objects.filter(bpp_id=bpp_id).values_list("names", flat=True).first()
    return tuple(names) if names else WITHOUT_ANSWER


def things_of(order: Order) -> dict[str, str]:
    """Category → id of the thing of this order."""
    ids = {
        "Order": order.network_order_id,
        "Fulfillment": order.fulfillment_id or order.item_id,
        "Item": order.item_id,
        "Provider": order.provider_id,
        "Support": order.network_order_id,
    }
    return {name: ids[name] for name in of_operator(order.bpp_id) if ids.get(name)}


def asked_of(order: Order) -> list[tuple[str, str]]:
    """Categories with their words, beside the charge as a whole, in the order of ASKED_FOR."""
    things = things_of(order)
    return [(name, words) for name, words in ASKED_FOR.items() if name in things]
