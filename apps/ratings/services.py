from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from apps.beckn import outbox
from apps.lib import clock, wiring
from apps.lib.errors import Refused
from apps.live import push
from apps.orders.models import Order
from apps.orders.states import OVER, State
from apps.ratings import network
from apps.ratings.models import GivenRating, ReceivedRating
from apps.ratings.network import Rated

EDITABLE_FOR = timedelta(days=7)


class NothingToRate(Refused):
    code = "40001"


@transaction.atomic
def rate(order: Order, *, did_work: bool, stars: int, tags: list[str], words: str) -> GivenRating:
    """The driver's word on an order, told to its operator; may be changed for seven days."""
    if not may_be_rated(order):
        raise NothingToRate(_("You can rate a charge once it is over."))
    now = clock.now()
    said = {"did_work": did_work, "stars": stars, "tags": tags, "words": words}
    rating, is_new = GivenRating.objects.get_or_create(
        order=order, defaults={**said, "given_at": now, "changed_at": now}
    )
    if not is_new:
        if all(getattr(rating, name) == value for name, value in said.items()):
            return rating
        if rating.given_at + EDITABLE_FOR < now:
            raise NothingToRate(_("A rating can be changed for seven days."))
        for name, value in said.items():
            setattr(rating, name, value)
    rating.changed_at, rating.acknowledged_at, rating.refusal = now, None, ""
    rating.message_id = _tell(order, stars)
    rating.save(update_fields=[*said, "changed_at", "acknowledged_at", "refusal", "message_id"])
    push.changed_on_commit("order", str(order.code))
    return rating


def may_be_rated(order: Order) -> bool:
    return bool(order.network_order_id) and order.state in (State.ENDED, *OVER)


def _tell(order: Order, stars: int) -> UUID:
    return outbox.request(
        "rating",
        network.rating(order, stars),
        transaction_id=order.transaction_id,
        bpp_id=order.bpp_id,
        bpp_uri=order.bpp_uri,
    ).message_id


def record_answer(order: Order, *, message_id: UUID, refusal: str = "") -> None:
    """`on_rating`; answers to an older version of the rating are ignored."""
    GivenRating.objects.filter(order=order, message_id=message_id).update(
        acknowledged_at=None if refusal else clock.now(), refusal=refusal[:300]
    )


@transaction.atomic
def receive(
    *, bap_id: str, transaction_id: UUID, ratings: Iterable[Rated], received_at: datetime
) -> list[ReceivedRating]:
    """A `rating` for one of our orders. Refuses unknown orders, things and values; the newest word counts."""
    order_id = _known_order(bap_id, transaction_id)
    received = []
    for rated in ratings:
        if rated.category == "Order" and rated.id != order_id:
            raise Refused("rated entity not found", code="30014")
        if rated.value is None or not Decimal(0) <= rated.value <= 5:
            raise Refused("a rating goes from 0 to 5", code="30015")
        rating, _is_new = ReceivedRating.objects.update_or_create(
            bap_id=bap_id,
            transaction_id=transaction_id,
            category=rated.category,
            rated_id=rated.id,
            defaults={"order_id": order_id, "value": rated.value, "received_at": received_at},
        )
        received.append(rating)
    if not received:
        raise Refused("nothing was rated", code="30000")
    return received


def _known_order(bap_id: str, transaction_id: UUID) -> str:
    """The id of the order of that deal with that app. Orders are the operator's business: it is asked by wiring."""
    known = wiring.handler("EVENTS", "order.known")
    order_id = known(bap_id=bap_id, transaction_id=transaction_id) if known else None
    if not order_id:
        raise Refused("order not found", code="30010")
    return order_id
