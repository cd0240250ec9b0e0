"""The one question behind pin, card, list and number: which stations have a plug that fits? Reads only.

`stations` reads the narrow rows of Facets. They say "no" or "perhaps", and mostly "surely"; what is only perhaps is
asked of the plugs themselves (`plugs`). So a row that is out of step costs time, never a wrong "yes".
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from django.conf import settings
from django.db.models import (
    Case,
    Count,
    DecimalField,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Abs, Coalesce, Least, Round

from apps.discovery import facets, words
from apps.discovery.areas import Box, shrinking
from apps.discovery.facets import MICRO, TRAITS, Kinds, Wish
from apps.discovery.forms import Filters
from apps.discovery.models import TYPICAL_KWH, TYPICAL_MINUTES, Facets, Offer

MOST_TILES = 64  # with more of them a range is the shorter question
TO_A_THOUSAND = 1000
CENTS = 100
POWER = DecimalField(max_digits=8, decimal_places=1)
MONEY = DecimalField(max_digits=20, decimal_places=2)


def shown_since(now: datetime) -> datetime:
    return now - timedelta(hours=settings.DISCOVERY["OFFERS_SHOWN_HOURS"])


# --- Stations ---------------------------------------------------------------------------------------------


def stations(filters: Filters, now: datetime) -> QuerySet[Facets]:
    """Stations with at least one plug that fits, by their facets."""
    since = facets.micros(shown_since(now))
    perhaps, surely = Q(seen_to__gte=since), Q(seen_from__gte=since)
    rows = Facets.objects.all()
    if wanted := _traits_of_station(filters):
        rows = rows.alias(some=F("some_traits").bitand(wanted))
        perhaps &= Q(some=wanted)
    if wish := _wish(filters):
        fits = F("fits_free" if filters.free else "fits")
        rows = rows.alias(fitting=fits.bitand(facets.WISHES.get(wish, 0)))
        perhaps &= Q(fitting__gt=0)
    if filters.free:
        fresh = facets.micros(now - words.fresh_for())
        perhaps, surely = perhaps & Q(free_to__gte=fresh), surely & Q(free_from__gte=fresh)
    if filters.free or filters.open_now:
        at = facets.micros(now)
        perhaps &= Q(open_from__lte=at, open_until__gt=at)
    if filters.operator:
        perhaps &= Q(seller=facets.seller_mark(filters.operator))
    kinds = _kinds(filters)
    if kinds:
        rows, may, must = _of_kinds(rows, kinds, wish, free=filters.free)
        perhaps, surely = perhaps & may, surely & must
    if filters.max_price is not None:
        may, must = _of_price(filters, is_all=not (kinds or wish or filters.free))
        perhaps, surely = perhaps & may, surely & must
    rows = rows.filter(perhaps).filter(surely | Exists(_plugs_here(filters, now)))
    return _with_words(rows, filters.words)


def _of_price(filters: Filters, *, is_all: bool) -> tuple[Q, Q]:
    """`is_all`: nothing else is asked of the plug, so the cheapest of the station will do."""
    scale, most = Scale.of(filters), int(filters.max_price * CENTS)
    money = facets.money_mark(filters.currency)
    may = Q(price_from__lte=scale.perhaps_below(most), money__in=(money, facets.SEVERAL_MONEYS))
    column = "price_from__lte" if is_all else "price_to__lte"
    return may, Q(**{column: scale.surely_below(most)}, money=money)


def _of_kinds(
    rows: QuerySet[Facets], kinds: Kinds, wish: Wish | None, *, free: bool
) -> tuple[QuerySet[Facets], Q, Q]:
    ac, dc = ("ac_free", "dc_free") if free else ("ac", "dc")
    rows = rows.alias(
        ac_hits=F(ac).bitand(kinds.ac),
        dc_hits=F(dc).bitand(kinds.dc),
        odd=F(dc).bitand(facets.ODD),
    )
    hit = Q(ac_hits__gt=0) | Q(dc_hits__gt=0)
    must = hit if kinds.is_exact else Q(pk=None)
    if wish:
        # Of the right kind and fulfilling the wish: one plug does both for sure when all of them do the one.
        needed, (other_ac, other_dc) = facets.needs_of(wish), kinds.others
        rows = rows.alias(
            every=F("all_traits").bitand(needed),
            others=F(ac).bitand(other_ac).bitor(F(dc).bitand(other_dc)),
        )
        must &= Q(every=needed) | Q(others=0)
    return rows, hit | Q(odd__gt=0), must


def _kinds(filters: Filters) -> Kinds | None:
    standards = filters.standards
    low, high = filters.powers
    if not filters.current and standards is None and low is None and high is None:
        return None
    return facets.wanted_kinds(current=filters.current, standards=standards, from_kw=low, below_kw=high)


def _traits_of_station(filters: Filters) -> int:
    """All its plugs have them or none has."""
    flags = {"accessible": filters.accessible, "hours": filters.open_now}
    named = [name for name, asked in flags.items() if asked]
    unknown = [name for name in filters.amenities if name not in TRAITS]
    # Nobody has the odd bit: unknown wishes find nothing.
    return facets.trait_bits([*named, *filters.amenities]) | (facets.ODD if unknown else 0)


def _wish(filters: Filters) -> Wish | None:
    """What one plug must have beside its kind."""
    wish = (filters.vehicle, filters.reservable, filters.green)
    return wish if any(wish) else None


def _with_words(rows: QuerySet[Facets], typed: str) -> QuerySet[Facets]:
    for word in typed.split()[:12]:
        anywhere = Q()
        for column in ("name", "address", "city", "provider_name"):
            anywhere |= Q(**{f"station__{column}__icontains": word})
        rows = rows.filter(anywhere)
    return rows


# --- Plugs ------------------------------------------------------------------------------------------------


def plugs(filters: Filters, now: datetime) -> QuerySet[Offer]:
    """Plugs that fit the filters; what is not known of a plug does not fit. Free or not is another question."""
    rows = Offer.objects.filter(_fits(filters), seen_at__gte=shown_since(now))
    for name, bit in (
        ("vehicle", filters.vehicle),
        ("reservable", filters.reservable),
        ("green", filters.green),
    ):
        if bit:
            wanted = TRAITS.get(bit if name == "vehicle" else name, facets.ODD)
            rows = rows.alias(**{f"has_{name}": F("traits").bitand(wanted)}).filter(**{f"has_{name}__gt": 0})
    if filters.max_price is not None:
        most = filters.max_price * CENTS
        rows = rows.alias(cost=cost(filters)).filter(currency=filters.currency, cost__lte=most)
    return rows


def _fits(filters: Filters) -> Q:
    fits = Q()
    if filters.current:
        fits &= Q(power_type=filters.current)
    standards = filters.standards
    if standards is not None:
        fits &= Q(standard__in=sorted(standards))
    low, high = filters.powers
    if low is not None:
        fits &= Q(max_kw__gte=low)
    if high is not None:
        fits &= Q(max_kw__lt=high)
    return fits


def _plugs_here(filters: Filters, now: datetime) -> QuerySet[Offer]:
    here = plugs(filters, now).filter(station=OuterRef("pk"))
    if filters.free:
        here = here.filter(shown_status="Available", shown_seen_at__gte=now - words.fresh_for())
    return here


@dataclass(frozen=True)
class Scale:
    """From the price of the typical charge, which the rows know, to the one of the usual charge that was asked for.

    Energy may grow by another factor than time does, so between two bounds; and each line was rounded.
    """

    least: Fraction
    most: Fraction

    @classmethod
    def of(cls, filters: Filters) -> "Scale":
        usual = filters.usual
        # Fees and what is on them do not grow at all.
        factors = (
            Fraction(usual.energy_kwh, TYPICAL_KWH),
            Fraction(usual.minutes, TYPICAL_MINUTES),
            Fraction(1),
        )
        return cls(min(factors), max(factors))

    @property
    def is_typical(self) -> bool:
        return self.least == self.most == 1

    @property
    def _rounding(self) -> int:
        return 0 if self.is_typical else 5 * math.ceil(self.most)

    def perhaps_below(self, cents: int) -> int:
        """Whatever costs `cents` or less has a typical price of this or less."""
        return min(math.ceil((cents + self._rounding) / self.least), facets.FOR_EVER - 1)

    def surely_below(self, cents: int) -> int:
        """Whatever has a typical price of this or less costs `cents` or less."""
        return min(math.floor((cents - self._rounding) / self.most), facets.FOR_EVER - 1)

    def at_least(self, typical_cents: int) -> int:
        """What costs so much for the typical charge costs no less than this."""
        if typical_cents == facets.FOR_EVER:
            return typical_cents
        return math.floor(typical_cents * self.least) - self._rounding


def cost(filters: Filters):
    """What the usual charge costs at a plug in hundredths, line by line as `prices.typical_price` does.

    Null when not given. Of a tariff with elements the dearest that it may be: SQL knows no clock on a wall.
    """
    if Scale.of(filters).is_typical:
        return F("usual_cents")
    energy = Round(F("energy_rate") * Value(filters.usual.energy_kwh), precision=2)
    time = Round(
        Coalesce(F("minute_rate"), Value(Decimal(0), MONEY)) * Value(filters.usual.minutes), precision=2
    )
    net = energy + time + Coalesce(F("session_fee"), Value(Decimal(0), MONEY))
    taxes = Round(net * Coalesce(F("tax_percent"), Value(Decimal(0), MONEY)) / Value(100), precision=2)
    return (net + taxes) * Value(CENTS)


def cheapest(filters: Filters, now: datetime) -> Subquery:
    """The lowest cost at a plug that fits, in hundredths; null when no price was given."""
    priced = (
        plugs(filters, now).filter(station=OuterRef("pk"), energy_rate__isnull=False).exclude(currency="")
    )
    return Subquery(priced.annotate(price=cost(filters)).order_by("price").values("price")[:1])


def strongest(filters: Filters, now: datetime) -> Subquery:
    """The highest power at a plug that fits, as far as the car can take it."""
    power = F("max_kw")
    if filters.fits:
        ac, dc = filters.fits.max_ac_kw, filters.fits.max_dc_kw
        limits = [When(power_type=kind, then=Value(kw, POWER)) for kind, kw in (("AC", ac), ("DC", dc)) if kw]
        power = Least(power, Case(*limits, default=power)) if limits else power
    here = plugs(filters, now).filter(station=OuterRef("pk"), max_kw__isnull=False)
    return Subquery(here.annotate(power=power).order_by("-power").values("power")[:1])


# --- Where ------------------------------------------------------------------------------------------------


def inside(rows: QuerySet[Facets], box: Box) -> QuerySet[Facets]:
    south, north = facets.micro_degrees(box.south), facets.micro_degrees(box.north)
    spans = [(facets.micro_degrees(west), facets.micro_degrees(east)) for west, east in box.spans]
    sides = Q()
    for west, east in spans:
        sides |= Q(x__gte=west, x__lte=east)
    return rows.filter(_tiles(south, north, spans), sides, y__gte=south, y__lte=north)


def _tiles(south: int, north: int, spans: list[tuple[int, int]]) -> Q:
    lines = range(facets.tile_row(south), facets.tile_row(north) + 1)
    columns = {
        column
        for west, east in spans
        for column in range(facets.tile_column(west), facets.tile_column(east) + 1)
    }
    if len(lines) * len(columns) <= MOST_TILES:
        return Q(
            tile__in=[line * facets.TILES_ROUND + column for line in lines for column in sorted(columns)]
        )
    return Q(tile__gte=lines[0] * facets.TILES_ROUND, tile__lt=(lines[-1] + 1) * facets.TILES_ROUND)


def nearness(filters: Filters):
    """Square of the flat distance: it sorts like the distance, in whole numbers, and across the date line."""
    up = F("y") - Value(facets.micro_degrees(filters.lat))
    aside = Abs(F("x") - Value(facets.micro_degrees(filters.lon)))
    aside = Least(aside, Value(360 * MICRO) - aside)
    squeeze = int(shrinking(filters.lat) * TO_A_THOUSAND)
    return up * up + aside * aside / Value(TO_A_THOUSAND) * Value(squeeze) / Value(TO_A_THOUSAND) * Value(
        squeeze
    )


def heaps_of(rows: QuerySet[Facets], step: int) -> QuerySet:
    """(number of stations, sum of y, sum of x) per cell, for a map that cannot tell them apart."""
    rows = rows.order_by()
    if step >= MICRO // facets.TILES_PER_DEGREE:
        cells = rows.values("tile")  # in the order of the index: nothing to sort
    else:
        cells = rows.annotate(line=F("y") / Value(step), column=F("x") / Value(step)).values("line", "column")
    return cells.annotate(stations=Count("pk"), ys=Sum("y"), xs=Sum("x")).values_list("stations", "ys", "xs")
