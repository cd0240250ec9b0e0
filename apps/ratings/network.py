"""How a rating is said on the wire, and read."""

from dataclasses import dataclass
from decimal import Decimal

from apps.beckn.wire import numbers
from apps.beckn.wire import v1_1 as wire

UNSUPPORTED = "Other"


@dataclass(frozen=True)
class Rated:
    id: str
    category: str
    value: Decimal | None


def rating(things: dict[str, str], marks: dict[str, int], stars: int) -> wire.RatingMessage:
    """Of each thing that the operator lets be rated what the driver said of it. Where it has no category for the charge
    as a whole, the stars for that go to the first thing it has."""
    said = {name: value for name, value in {"Order": stars, **marks}.items() if name in things}
    if not said:
        said = {next(iter(things)): stars}
    return wire.RatingMessage(
        ratings=tuple(
            wire.Rating(id=things[name], rating_category=name, value=value) for name, value in said.items()
        )
    )


def read_ratings(message: wire.RatingMessage) -> list[Rated]:
    return [
        Rated(id=(said.id or "")[:255], category=_category(said.rating_category), value=_value(said.value))
        for said in message.ratings
    ]


def read_form(message: wire.OnRatingMessage | None) -> tuple[str, bool]:
    """Address of the form that the operator offers ("" without one), and whether it calls it required."""
    offered = message.feedback_form if message else None
    if offered is None or offered.form is None or not offered.form.url:
        return "", False
    return str(offered.form.url), bool(offered.required)


def _category(text: str | None) -> str:
    known = {category.lower(): category for category in wire.RATING_CATEGORIES}
    return known.get((text or "").strip().lower(), UNSUPPORTED)


def _value(text: str | None) -> Decimal | None:
    try:
        return numbers.read_number(text).quantize(Decimal("0.1"))
    except (numbers.NumberError, ArithmeticError):
        return None
