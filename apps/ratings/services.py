"""Stars and words: given by a driver and told to the operator, received by an operator from any app."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from apps.beckn import outbox
from apps.lib import clock, wiring
from apps.lib.errors import Refused
from apps.live import push
from apps.orders.models import Order
from apps.orders.states import OVER, State
from apps.ratings import categories, moderation, network
from apps.ratings.models import GivenRating, ReceivedRating
from apps.ratings.network import Rated

EDITABLE_FOR = timedelta(days=7)


class NothingToRate(Refused):
    code = "40001"


@dataclass(frozen=True)
class Said:
    """What a driver says of a charge: stars from 1 to 5, of it as a whole and of things of it by category."""

    did_work: bool
    stars: int
    marks: Mapping[str, int] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    words: str = ""


@transaction.atomic
def rate(order: Order, said: Said) -> GivenRating:
    """The driver's word on an order, told to its operator; may be changed for seven days. The same again is one."""
    if not may_be_rated(order):
        raise NothingToRate(_("You can rate a charge once it is over."))
    now, things = clock.now(), categories.things_of(order)
    facts = {
        "did_work": said.did_work,
        "stars": said.stars,
        "marks": {name: value for name, value in said.marks.items() if name in things},
        "tags": list(said.tags),
    }
    place = {"bpp_id": order.bpp_id, "provider_id": order.provider_id, "lat": order.lat, "lon": order.lon}
    rating, is_new = GivenRating.objects.get_or_create(
        order=order, defaults={**facts, **place, "given_at": now, "changed_at": now}
    )
    is_same = all(getattr(rating, name) == value for name, value in facts.items())
    if not is_new and is_same and rating.words == said.words:
        return rating
    if not is_new and not is_editable(rating):
        raise NothingToRate(_("A rating can be changed for seven days."))
    was = (rating.stars, rating.marks)
    for name, value in facts.items():
        setattr(rating, name, value)
    rating.changed_at = now
    changed = [*facts, "changed_at"]
    if is_new or was != (rating.stars, rating.marks):  # the network hears of stars only
        rating.message_id = _tell(order, things, rating)
        rating.acknowledged_at, rating.refusal = None, ""
        changed += ["message_id", "acknowledged_at", "refusal"]
    rating.save(update_fields=changed)
    moderation.take_words(rating, said.words, by=order.driver)
    push.changed_on_commit("order", str(order.code))
    return rating


def may_be_rated(order: Order) -> bool:
    return bool(order.network_order_id) and order.state in (State.ENDED, *OVER)


def is_editable(rating: GivenRating) -> bool:
    return clock.now() <= rating.given_at + EDITABLE_FOR


def _tell(order: Order, things: dict[str, str], rating: GivenRating) -> UUID:
    return outbox.request(
        "rating",
        network.rating(things, rating.marks, rating.stars),
        transaction_id=order.transaction_id,
        bpp_id=order.bpp_id,
        bpp_uri=order.bpp_uri,
    ).message_id


def record_answer(order: Order, *, message_id: UUID, refusal: str = "") -> GivenRating | None:
    """`on_rating`; answers to an older version of the rating are ignored, and None."""
    mine = GivenRating.objects.filter(order=order, message_id=message_id)
    taken = mine.update(acknowledged_at=None if refusal else clock.now(), refusal=refusal[:300])
    push.changed_on_commit("order", str(order.code))
    return mine.first() if taken else None


# --- The operator's side ----------------------------------------------------------------------------------


@transaction.atomic
def receive(
    *, bap_id: str, transaction_id: UUID, ratings: Iterable[Rated], received_at: Any
) -> list[ReceivedRating]:
    """A `rating` for one of our orders. Refuses unknown orders, things and values; the newest word counts."""
    order = rateable_order(bap_id, transaction_id)
    received = []
    for rated in ratings:
        if rated.category not in order["things"]:
            raise Refused("this cannot be rated here; ask get_rating_categories", code="50003")
        if rated.id not in order["things"][rated.category]:
            raise Refused("rated entity not found in this order", code="30014")
        if rated.value is None or not Decimal(0) <= rated.value <= 5:
            raise Refused("a rating goes from 0 to 5", code="30015")
        of = {name: order[name] for name in ("order_id", "operator_code", "station_code", "station_name")}
        rating, _is_new = ReceivedRating.objects.update_or_create(
            bap_id=bap_id,
            transaction_id=transaction_id,
            category=rated.category,
            rated_id=rated.id,
            defaults={**of, "value": rated.value, "received_at": received_at},
        )
        received.append(rating)
    if not received:
        raise Refused("nothing was rated", code="30000")
    return received


def rateable_order(bap_id: str, transaction_id: UUID) -> dict[str, Any]:
    """What may be rated in that deal with that app. Orders are the operator's business: it is asked by wiring."""
    rateable = wiring.handler("EVENTS", "order.rateable")
    order = rateable(bap_id=bap_id, transaction_id=transaction_id) if rateable else None
    if not order:
        raise Refused("order not found", code="30010")
    return order
