"""The cheapest stations first, without asking every plug what it costs. Reads only.

The row of a station knows the price of its cheapest plug. The cheapest plug *that fits* costs no less: so the stations
that come first by the one are candidates for the other, and mostly there are enough of them to be sure.
"""

from datetime import datetime

from django.db.models import F, QuerySet

from apps.discovery import finding
from apps.discovery.facets import FOR_EVER
from apps.discovery.forms import Filters
from apps.discovery.models import Facets

CANDIDATES = 4  # for each row that is wanted
MOST_CANDIDATES = 2_000

Place = tuple[int, int, int]  # price in hundredths, distance, key: the order of the list


def cheapest_first(
    rows: QuerySet[Facets], filters: Filters, now: datetime, *, start: int, end: int
) -> list[int]:
    """Keys number `start` to `end`; of equal prices the nearest first, without a price last. Three queries at most."""
    rows, look_at = rows.annotate(near=finding.nearness(filters)), CANDIDATES * end
    if look_at > MOST_CANDIDATES:
        return _keys(_exactly(rows, filters, now)[start:end])
    ahead = rows.order_by("price_from", "near", "pk").values_list("price_from", "near", "pk")
    candidates = list(ahead[: look_at + 1])
    some = Facets.objects.filter(pk__in=[pk for *_rest, pk in candidates]).annotate(
        near=finding.nearness(filters)
    )
    best = _exactly(some, filters, now)[:end]
    found = [(FOR_EVER if price is None else price, near, pk) for price, near, pk in best]
    if len(candidates) > look_at and not (found and _is_sure(found[-1], candidates[-1], filters)):
        return _keys(_exactly(rows, filters, now)[start:end])
    return _keys(found[start:end])


def _exactly(rows: QuerySet[Facets], filters: Filters, now: datetime) -> QuerySet:
    rows = rows.annotate(best=finding.cheapest(filters, now))
    return rows.order_by(F("best").asc(nulls_last=True), "near", "pk").values_list("best", "near", "pk")


def _is_sure(last: Place, ahead: Place, filters: Filters) -> bool:
    """Whoever was no candidate comes after the last of `ahead`, or costs more."""
    scale, (price, *rest) = finding.Scale.of(filters), ahead
    least = scale.at_least(price)
    return last <= (least, *rest) if scale.is_typical or price == FOR_EVER else last[0] < least


def _keys(places: QuerySet | list[Place]) -> list[int]:
    return [pk for _price, _near, pk in places]
