"""How a rating is said on the wire, and read."""

from dataclasses import dataclass
from decimal import Decimal

from apps.beckn.wire import numbers
from apps.beckn.wire import v1_1 as wire
from apps.orders.models import Order

UNSUPPORTED = "Other"


@dataclass(frozen=True)
class Rated:
    id: str
    category: str
    value: Decimal | None


def rating(order: Order, stars: int) -> wire.RatingMessage:
    """The order itself, and the charging point that was used."""
    return wire.RatingMessage(
        ratings=(
            wire.Rating(id=order.network_order_id, rating_category="Order", value=stars),
            wire.Rating(id=order.fulfillment_id or order.item_id, rating_category="Fulfillment", value=stars),
        )
    )


def read_ratings(message: wire.RatingMessage) -> list[Rated]:
    return [
        Rated(id=(said.id or "")[:255], category=_category(said.rating_category), value=_value(said.value))
        for said in message.ratings
    ]


def _category(text: str | None) -> str:
    known = {category.lower(): category for category in wire.RATING_CATEGORIES}
    return known.get((text or "").strip().lower(), UNSUPPORTED)


def _value(text: str | None) -> Decimal | None:
    try:
        return numbers.read_number(text).quantize(Decimal("0.1"))
    except (numbers.NumberError, ArithmeticError):
        return None
