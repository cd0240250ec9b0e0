"""What was said, counted. A mean of one or two charges says nothing, so there is none; counts always stand beside."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Avg, Count, F, Q, QuerySet

from apps.ratings.models import GivenRating, ReceivedRating
from apps.ratings.states import SHOWN

ENOUGH = 3  # charges, for a mean
WORDS_SHOWN = 5

Place = tuple[str, str, Decimal, Decimal]  # bpp_id, provider_id, lat, lon


@dataclass(frozen=True)
class Given:
    """What our drivers said: mean to a tenth, how many said it, for how many it worked."""

    stars: Decimal | None
    count: int
    worked: int


@dataclass(frozen=True)
class SaidWords:
    """What one driver wrote; nothing says who."""

    code: UUID
    stars: int
    did_work: bool
    tags: list[str]
    words: str
    at: datetime


@dataclass(frozen=True)
class Said:
    """What a station's page tells: of the station, of its operator as a whole, and the newest words."""

    here: Given
    operator: Given
    words: list[SaidWords]


COUNTED = {"mean": Avg("stars"), "count": Count("pk"), "worked": Count("pk", filter=Q(did_work=True))}


def _given(found: dict[str, Any]) -> Given:
    return Given(_tenth(found["mean"], found["count"]), found["count"], found["worked"])


def _tenth(mean: object, count: int) -> Decimal | None:
    return None if count < ENOUGH else Decimal(str(mean)).quantize(Decimal("0.1"))


def said_of_station(*, bpp_id: str, provider_id: str, lat: Decimal, lon: Decimal) -> Said | None:
    """None while nobody rated. Ratings keep the place, not the row of discovery: that one may be forgotten."""
    of_operator = GivenRating.objects.filter(bpp_id=bpp_id, provider_id=provider_id)
    here = of_operator.filter(lat=lat, lon=lon)
    counted = here.aggregate(**COUNTED)
    if not counted["count"]:
        return None
    return Said(_given(counted), _given(of_operator.aggregate(**COUNTED)), _words(here))


def _words(rows: QuerySet[GivenRating]) -> list[SaidWords]:
    shown = rows.filter(state__in=SHOWN).exclude(words="").order_by("-given_at")[:WORDS_SHOWN]
    names = dict(GivenRating.Tag.choices)
    return [
        SaidWords(
            row.code,
            row.stars,
            row.did_work,
            [str(names[tag]) for tag in row.tags if tag in names],
            row.words,
            row.given_at,
        )
        for row in shown
    ]


def given_at_stations(places: Iterable[Place]) -> dict[Place, Given]:
    """Of many stations in one question; those that nobody rated are missing."""
    wanted = set(places)
    if not wanted:
        return {}
    among = {f"{name}__in": {place[n] for place in wanted} for n, name in enumerate(PLACE)}
    rows = GivenRating.objects.filter(**among).values(*PLACE).annotate(**COUNTED).order_by()
    found = {tuple(row[name] for name in PLACE): _given(row) for row in rows}
    return {place: given for place, given in found.items() if place in wanted}


PLACE = ("bpp_id", "provider_id", "lat", "lon")


def shown_words(code: UUID) -> GivenRating | None:
    """A rating whose words anybody may read, to object to them."""
    rows = GivenRating.objects.filter(code=code, state__in=SHOWN).exclude(words="")
    return rows.select_related("order").first()


# --- The operator's side ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Received:
    stars: Decimal | None
    count: int


def received_at_stations(station_codes: Iterable[str]) -> dict[str, Received]:
    """What drivers of all apps said of the charges at each station, in one question."""
    rows = ReceivedRating.objects.filter(category="Order", station_code__in=list(station_codes))
    found = rows.values(code=F("station_code")).annotate(mean=Avg("value"), count=Count("pk")).order_by()
    return {row["code"]: Received(_tenth(row["mean"], row["count"]), row["count"]) for row in found}


def received_of(rows: QuerySet[ReceivedRating]) -> Received:
    """Of charges as a whole, among `rows`."""
    found = rows.filter(category="Order").aggregate(mean=Avg("value"), count=Count("pk"))
    return Received(_tenth(found["mean"], found["count"]), found["count"])
