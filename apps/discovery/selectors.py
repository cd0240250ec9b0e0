"""Reads for the map, the list and the station page."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import F, Min, Prefetch, QuerySet
from django.template.loader import render_to_string

from apps.accounts.models import User
from apps.discovery import clusters, finding, words
from apps.discovery.areas import Box, box_around, distance_km
from apps.discovery.cheapest import cheapest_first
from apps.discovery.forms import Filters
from apps.discovery.models import Facets, Offer, OfferedStation, SearchAnswer, SearchRun
from apps.discovery.plugs import plug_name, plug_picture, speed_of
from apps.discovery.prices import TypicalPrice, typical_price
from apps.discovery.words import Counts
from apps.lib import clock, wiring

PAGE = 30
MOST_PINS = 400


# --- The list ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StationCard:
    station: OfferedStation
    counts: Counts
    distance_km: Decimal
    price: TypicalPrice | None  # the cheapest plug that fits
    has_more_prices: bool
    max_kw: Decimal | None
    plugs: list[str]
    age: timedelta | None
    is_reservable: bool = False
    rated: Any = None  # ratings.selectors.Given, by wiring; None where nobody rated

    @property
    def speed(self) -> str:
        return speed_of(self.max_kw)


@dataclass(frozen=True)
class Found:
    cards: list[StationCard]
    total: int
    page: int
    has_next: bool


def find(filters: Filters, *, page: int = 1) -> Found:
    """In the order asked for. Typed words search everywhere, otherwise only the circle counts.

    Four queries; five or six when the cheapest come first.
    """
    now = clock.now()
    rows = _around(filters, now)
    total = rows.count()
    start = (page - 1) * PAGE
    keys = _keys(rows, filters, now, start) if total else []
    offers = _fitting_offers(keys, filters, now)
    # A plug that was told in between may have changed its mind: the list shows who still fits.
    cards = [_card(some[0].station, some, filters, now) for key in keys if (some := offers.get(key))]
    return Found(cards=_rated(cards), total=total, page=page, has_next=start + PAGE < total)


def _rated(cards: list[StationCard]) -> list[StationCard]:
    """With what drivers said of each. Ratings hang on orders, which this room may not know: asked by wiring."""
    rated = wiring.handler("EVENTS", "stations.rated")
    found = rated([_place(card) for card in cards]) if rated and cards else {}
    return [replace(card, rated=found.get(_place(card))) for card in cards]


def _place(card: StationCard) -> tuple[str, str, Decimal, Decimal]:
    station = card.station
    return station.bpp_id, station.provider_id, station.lat, station.lon


def _around(filters: Filters, now: datetime) -> QuerySet[Facets]:
    rows = finding.stations(filters, now)
    if filters.words:
        return rows
    return finding.inside(rows, box_around(filters.lat, filters.lon, filters.radius_km))


def _keys(rows: QuerySet[Facets], filters: Filters, now: datetime, start: int) -> list[int]:
    """Of one page, in the order asked for."""
    near, end = (finding.nearness(filters), "pk"), start + PAGE
    if filters.sort == "price":
        return cheapest_first(rows, filters, now, start=start, end=end)
    if filters.sort == "power":
        rows = rows.annotate(best=finding.strongest(filters, now))
        rows = rows.order_by(F("best").desc(nulls_last=True), *near)
    else:
        rows = rows.order_by(*near)
    return list(rows.values_list("pk", flat=True)[start:end])


def _fitting_offers(keys: list[int], filters: Filters, now: datetime) -> dict[int, list[Offer]]:
    """The plugs that fit, by station. One query."""
    rows: dict[int, list[Offer]] = {}
    if keys:
        for offer in finding.plugs(filters, now).filter(station__in=keys).select_related("station"):
            rows.setdefault(offer.station_id, []).append(offer)
    return rows


def _card(station: OfferedStation, offers: list[Offer], filters: Filters, now: datetime) -> StationCard:
    prices = _prices(offers, filters)
    powers = [offer.max_kw for offer in offers if offer.max_kw is not None]
    return StationCard(
        station=station,
        counts=words.counts_of(offers, now, words.closing_of(station, now)),
        distance_km=distance_km(filters.lat, filters.lon, station.lat, station.lon),
        price=prices[0] if prices else None,
        has_more_prices=bool(prices) and prices[-1].amount != prices[0].amount,
        max_kw=max(powers, default=None),
        plugs=sorted({plug_name(offer.standard) for offer in offers if offer.standard}),
        age=_age(offers, now),
        is_reservable=any(offer.is_reservable for offer in offers),
    )


def _prices(offers: list[Offer], filters: Filters) -> list[TypicalPrice]:
    """Of the usual charge, the cheapest first."""
    usual = filters.usual
    told = (typical_price(offer, usual.energy_kwh, usual.minutes) for offer in offers)
    return sorted((price for price in told if price), key=lambda price: price.amount)


def _age(offers: list[Offer], now: datetime) -> timedelta | None:
    """How old what we say is: the oldest word that still counts, or the newest when none does."""
    fresh = [offer.confirmed_at for offer in offers if words.is_fresh(offer, now)]
    told = min(fresh) if fresh else max((offer.confirmed_at for offer in offers), default=None)
    return None if told is None else max(now - told, timedelta(0))


def operator_names(filters: Filters) -> list[str]:
    """Who sells around here, for the choice of the filter."""
    here = Filters(lat=filters.lat, lon=filters.lon, radius_km=filters.radius_km)
    sellers = _around(here, clock.now()).order_by().values("seller").annotate(one=Min("pk"))
    names = set(
        OfferedStation.objects.filter(pk__in=sellers.values("one")).values_list("provider_name", flat=True)[
            :50
        ]
    )
    return sorted(names | ({filters.operator} if filters.operator else set()), key=str.casefold)


# --- Nothing found: why -----------------------------------------------------------------------------------

# Filters that may hide everything, and how the address calls them.
RELAXABLE = {
    **{name: name for name in ("free", "speed", "vehicle", "fits", "max_price", "accessible", "reservable")},
    **{"min_kw": "kw", "plugs": "plug", "open_now": "open", "amenities": "amenity", "green": "green"},
    **{"current": "current", "operator": "operator", "words": "q"},
}


def words_of(filters: Filters) -> list[str]:
    """What is set, as people call it."""
    return [filters.name_of(name) for name in RELAXABLE if getattr(filters, name)]


@dataclass(frozen=True)
class Relaxation:
    """A filter that hides everything: how many stations there would be without it."""

    field: str  # in the address
    name: str  # for people
    total: int


@dataclass(frozen=True)
class Emptiness:
    relaxations: list[Relaxation]
    nearest: OfferedStation | None  # that fits, wherever it is
    nearest_km: Decimal | None
    nothing_known: bool


def why_empty(filters: Filters) -> Emptiness:
    """For a list without rows. A few queries, because somebody is about to give up."""
    now = clock.now()
    relaxations = []
    for name, field in RELAXABLE.items():
        if getattr(filters, name):
            total = _around(filters.without(name), now).count()
            if total:
                relaxations.append(Relaxation(field, filters.name_of(name), total))
    rows = finding.stations(filters, now).order_by(finding.nearness(filters)).select_related("station")
    found = rows.first() if not filters.words else None
    nearest = found.station if found else None
    known = nearest or relaxations or Offer.objects.filter(seen_at__gte=finding.shown_since(now)).exists()
    away = distance_km(filters.lat, filters.lon, nearest.lat, nearest.lon) if nearest else None
    return Emptiness(relaxations, nearest, away, not known)


# --- The map ----------------------------------------------------------------------------------------------


def pins_in_box(filters: Filters, box: Box, zoom: int | None = None) -> dict[str, list[dict[str, Any]]]:
    """Pins, and clusters where pins would cover each other. Two queries, however many there are."""
    now = clock.now()
    rows = finding.inside(finding.stations(filters, now), box)
    points = list(rows.values_list("pk", "y", "x")[: MOST_PINS + 1])
    if len(points) > MOST_PINS:
        return {"pins": [], "clusters": clusters.balls(finding.heaps_of(rows, clusters.step_of(box)), box)}
    points.sort()
    groups = [[point] for point in points] if zoom is None else clusters.gather(points, box, zoom)
    alone = [group[0][0] for group in groups if len(group) == 1]
    offers = _fitting_offers(alone, filters, now)
    return {
        "pins": [_pin(offers[key], box, now) for key in alone if key in offers],
        "clusters": [clusters.ball(group, box) for group in groups if len(group) > 1],
    }


def _pin(offers: list[Offer], box: Box, now: datetime) -> dict[str, Any]:
    station = offers[0].station
    counts = words.counts_of(offers, now, words.closing_of(station, now))
    max_kw = max((offer.max_kw for offer in offers if offer.max_kw is not None), default=None)
    return {
        "code": str(station.code),
        "lat": str(station.lat),
        "lon": str(box.turned(station.lon)),
        "status": counts.word,
        "free": counts.free,
        "total": counts.total,
        "words": counts.text if counts.closing else "",  # else the map knows what to say
        "max_kw": None if max_kw is None else str(max_kw),
        "speed": speed_of(max_kw),
        "name": station.name,
        "url": station.get_absolute_url(),
    }


# --- One station ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PlugCard:
    offer: Offer
    word: str
    name: str
    picture: str
    price: TypicalPrice | None
    is_stale: bool
    why_not: str
    may_be_ordered: bool
    is_first_free: bool  # its button is the primary one
    zone: str
    last_charge: str  # 'Last charge worked 2 h ago'; empty when nobody told
    shares_place_with: list[str]  # letters of the plugs that serve the same car's place

    @property
    def since(self) -> datetime | None:
        """Since when the status is what it is; nobody knows when it is not confirmed."""
        return None if self.is_stale else self.offer.status_changed_at


@dataclass(frozen=True)
class StationView:
    station: OfferedStation
    counts: Counts
    closes: str  # '23:00 IST' when it closes within a day
    plugs: list[PlugCard]
    age: timedelta | None
    prices: list[TypicalPrice]  # distinct, cheapest first

    @property
    def price(self) -> TypicalPrice | None:
        return self.prices[0] if self.prices else None

    @property
    def has_many_prices(self) -> bool:
        return len(self.prices) > 1


def station_view(code: Any) -> StationView | None:
    """Two queries."""
    now = clock.now()
    shown = Prefetch(
        "offers", queryset=Offer.objects.filter(seen_at__gte=finding.shown_since(now)), to_attr="shown_offers"
    )
    station = OfferedStation.objects.prefetch_related(shown).filter(code=code).first()
    if station is None:
        return None
    offers, closing = station.shown_offers, words.closing_of(station, now)
    cards = [_plug_card(offer, offers, now, zone=station.zone or "UTC", closing=closing) for offer in offers]
    prices = sorted({card.price for card in cards if card.price}, key=lambda price: price.amount)
    return StationView(
        station=station,
        counts=words.counts_of(offers, now, closing),
        closes="" if closing else words.closes_text(station, now),
        plugs=cards,
        age=_age(offers, now),
        prices=prices,
    )


def _plug_card(
    offer: Offer, offers: list[Offer], now: datetime, *, zone: str, closing: words.Closing | None
) -> PlugCard:
    word = words.word_of(offer, now, closing)
    free = (other for other in offers if words.word_of(other, now, closing) == words.FREE)
    return PlugCard(
        offer=offer,
        word=word,
        name=plug_name(offer.standard),
        picture=plug_picture(offer.standard),
        price=typical_price(offer),
        is_stale=not words.is_fresh(offer, now),
        why_not=closing.why if closing else words.WHY_NOT.get(word, ""),
        may_be_ordered=word in (words.FREE, words.UNKNOWN, "preparing"),
        is_first_free=offer == next(free, None),
        zone=zone,
        last_charge=words.last_charge_text(offer, now),
        shares_place_with=[
            other.letter or other.name
            for other in offers
            if offer.evse_id and other.evse_id == offer.evse_id and other.pk != offer.pk
        ],
    )


# --- How the search goes ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Progress:
    """`version` changes whenever the list may have changed."""

    area: str
    asked: int
    answered: int
    is_running: bool
    asked_at: datetime
    version: str
    silent: list[str]  # asked, and nothing heard of them
    failed: list[SearchAnswer]  # those who said that they could not


def progress_of(run: SearchRun | None) -> Progress | None:
    if run is None:
        return None
    answers = list(run.answers.all())
    asked = len(run.asked)
    patience = timedelta(seconds=settings.BECKN["TTL_SECONDS"])
    waiting = clock.now() - run.asked_at < patience and (asked == 0 or len(answers) < asked)
    pages = sum(answer.pages for answer in answers)
    heard = {answer.bpp_id for answer in answers}
    return Progress(
        area=run.area,
        asked=asked,
        answered=len(answers),
        is_running=waiting,
        asked_at=run.asked_at,
        version=f"{run.code}.{pages}",
        silent=[name for name in run.asked if name not in heard],
        failed=[answer for answer in answers if answer.error and not answer.plugs],
    )


def progress_in(area: str) -> Progress | None:
    return progress_of(SearchRun.objects.filter(area=area).order_by("-asked_at").first())


def live_panel(user: User | AnonymousUser, code: str) -> str | None:
    """The news of a search; what was found is public, so everybody may see it."""
    progress = progress_in(code)
    return (
        render_to_string("discovery/_progress.html", {"progress": progress, "oob": True})
        if progress
        else None
    )
