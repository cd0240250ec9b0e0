"""What a person sees of their watches: on the station's page, in the list of saved things, and in the mail."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string

from apps.accounts.models import User
from apps.discovery import words
from apps.discovery.areas import box_around, distance_km
from apps.discovery.models import Offer, OfferedStation
from apps.discovery.plugs import plug_name
from apps.discovery.prices import TypicalPrice, typical_price
from apps.discovery.watching import first_match, free_plugs
from apps.discovery.wishes import Watch
from apps.lib import clock

SHOWN_FOR = timedelta(hours=2)  # so long after its end the result of a watch stands on the page
SUGGESTIONS = 3
LOOK_AROUND_KM = (Decimal(5), Decimal(25))
LOOK_AT = 300  # free plugs in one circle; who has more of them around needs no better choice

S = Watch.State


@dataclass(frozen=True)
class Suggestion:
    offer: Offer
    station: OfferedStation
    plug: str
    distance_km: Decimal
    price: TypicalPrice | None


@dataclass(frozen=True)
class WatchView:
    watch: Watch
    plug: str  # 'C · CCS2'; empty for any plug of the station
    zone: str
    free: Offer | None  # what can be had this moment
    suggestions: list[Suggestion] = field(default_factory=list)

    @property
    def free_plug(self) -> str:
        return label(self.free) if self.free else ""

    @property
    def word(self) -> str:
        """waiting, free, taken (it was free and is not any more) or over."""
        if self.watch.state == S.WAITING:
            return "waiting"
        if self.watch.found_at is None:
            return "over"
        return "free" if self.free else "taken"


def label(offer: Offer) -> str:
    return " · ".join(part for part in (offer.letter, plug_name(offer.standard) or offer.name) if part)


def views_at(user: User | AnonymousUser, station: OfferedStation) -> list[WatchView]:
    """My watches at this station: the running ones, and the newest of each plug that ended lately."""
    if not user.is_authenticated:
        return []
    now = clock.now()
    return [view_of(watch, now) for watch in _latest(_mine(user, now, station=station))]


def views_of(user: User | AnonymousUser) -> list[WatchView]:
    """All of mine, without suggestions. Two queries."""
    if not user.is_authenticated:
        return []
    now = clock.now()
    watches = _latest(_mine(user, now))
    free = free_plugs({watch.station_id for watch in watches}, now) if watches else {}
    return [_view(watch, first_match(watch, free.get(watch.station_id, []))) for watch in watches]


def view_of(watch: Watch, now: datetime) -> WatchView:
    free = first_match(watch, free_plugs([watch.station_id], now).get(watch.station_id, []))
    is_lost = free is None and watch.state != S.WAITING
    return _view(watch, free, suggestions(watch, now) if is_lost else [])


def _view(watch: Watch, free: Offer | None, others: Iterable[Suggestion] = ()) -> WatchView:
    plug = label(watch.offer) if watch.offer else ""
    return WatchView(watch, plug, watch.station.zone or "UTC", free, list(others))


def _mine(user: User, now: datetime, **where: OfferedStation) -> QuerySet[Watch]:
    lately = Q(expires_at__gt=now - SHOWN_FOR)
    rows = Watch.objects.filter(lately, person=user, **where).exclude(state=S.STOPPED)
    return rows.select_related("station", "offer", "person").order_by("-started_at", "-pk")[:40]


def _latest(watches: Iterable[Watch]) -> list[Watch]:
    """The newest of each plug: a new watch takes the place of the one before."""
    found: dict[tuple[int, int | None], Watch] = {}
    for watch in watches:
        found.setdefault((watch.station_id, watch.offer_id), watch)
    return list(found.values())


def watch_of(user: User, code: UUID) -> Watch | None:
    return Watch.objects.filter(person=user, code=code).select_related("station").first()


# --- Taken first: where else ------------------------------------------------------------------------------


def suggestions(watch: Watch, now: datetime) -> list[Suggestion]:
    """The nearest stations with a free plug that fits the same car, one plug of each."""
    fits = _compatible(watch)
    found: list[Suggestion] = []
    for radius_km in LOOK_AROUND_KM:
        found = _around(watch.station, fits, radius_km, now)
        if len(found) >= SUGGESTIONS:
            break
    return found[:SUGGESTIONS]


def _compatible(watch: Watch) -> Q:
    """The same plug; of a watched station: any of the plugs it has. A plug nobody named fits nothing."""
    wanted = [watch.offer] if watch.offer else list(watch.station.offers.all())
    return Q(standard__in={offer.standard for offer in wanted if offer.standard})


def _around(station: OfferedStation, fits: Q, radius_km: Decimal, now: datetime) -> list[Suggestion]:
    box = box_around(station.lat, station.lon, radius_km)
    inside = Q(station__lat__range=(box.south, box.north), station__lon__range=(box.west, box.east))
    fresh = Q(status="Available", status_seen_at__gte=now - words.fresh_for())
    offers = Offer.objects.filter(fits, inside, fresh).exclude(station=station).select_related("station")
    nearest: dict[int, Suggestion] = {}
    for offer in offers.order_by("pk")[:LOOK_AT]:
        place = offer.station
        if words.word_of(offer, now, words.closing_of(place, now)) != words.FREE:
            continue
        away = distance_km(station.lat, station.lon, place.lat, place.lon)
        if away <= radius_km:
            new = Suggestion(offer, place, label(offer), away, typical_price(offer))
            nearest[place.pk] = min(nearest.get(place.pk, new), new, key=_cheapness)
    return sorted(nearest.values(), key=lambda one: (one.distance_km, one.offer.pk))


def _cheapness(one: Suggestion) -> tuple[bool, Decimal]:
    return one.price is None, one.price.amount if one.price else Decimal(0)


# --- The panel --------------------------------------------------------------------------------------------


def live_panel(user: User | AnonymousUser, code: str) -> str | None:
    """My watches at the station `code`; each person sees their own."""
    station = _station(code) if user.is_authenticated else None
    if station is None:
        return None
    context = {"station": station, "watches": views_at(user, station), "oob": True}
    return render_to_string("discovery/_watches.html", context)


def _station(code: str) -> OfferedStation | None:
    try:
        return OfferedStation.objects.filter(code=UUID(code)).first()
    except ValueError:
        return None
