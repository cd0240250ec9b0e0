from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Avg, Count, Q

from apps.ratings.models import GivenRating, ReceivedRating


@dataclass(frozen=True)
class Average:
    stars: Decimal | None
    count: int


def average_of(category: str, rated_id: str) -> Average:
    """The mean of what was received for one thing, to a tenth."""
    found = ReceivedRating.objects.filter(category=category, rated_id=rated_id).aggregate(
        stars=Avg("value"), count=Count("pk")
    )
    stars = None if found["stars"] is None else Decimal(str(found["stars"])).quantize(Decimal("0.1"))
    return Average(stars, found["count"])


@dataclass(frozen=True)
class Given:
    """What our drivers said of one station: mean to a tenth, how many said it, for how many it worked."""

    stars: Decimal
    count: int
    worked: int


def given_at_station(*, bpp_id: str, provider_id: str, lat: Decimal, lon: Decimal) -> Given | None:
    """None while nobody rated. Orders keep the place, not the row of discovery: that one may be forgotten."""
    place = {"bpp_id": bpp_id, "provider_id": provider_id, "lat": lat, "lon": lon}
    rows = GivenRating.objects.filter(**{f"order__{name}": value for name, value in place.items()})
    found = rows.aggregate(mean=Avg("stars"), count=Count("pk"), worked=Count("pk", filter=Q(did_work=True)))
    if not found["count"]:
        return None
    return Given(Decimal(str(found["mean"])).quantize(Decimal("0.1")), found["count"], found["worked"])
