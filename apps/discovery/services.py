"""Asking the network, and keeping what it answers; `keeping.py` writes the rows, `forgetting.py` has the rest."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F

from apps.beckn import outbox
from apps.beckn.wire import v1_1 as wire
from apps.discovery import network, times, watching
from apps.discovery.areas import Area, area_around, area_of_place, area_of_words
from apps.discovery.keeping import keep_facets, keep_offers, keep_stations
from apps.discovery.models import Offer, SearchAnswer, SearchRun
from apps.discovery.network import EVERYTHING, Asks, ToldOffer
from apps.lib import clock
from apps.lib.errors import Refused
from apps.lib.rows import only_one
from apps.live.push import changed_on_commit

log = structlog.get_logger(__name__)

TIMES_AHEAD = timedelta(days=14)


# --- Asking ---------------------------------------------------------------------------------------------


def refresh(*, lat: Decimal, lon: Decimal, radius_km: Decimal, asks: Asks = EVERYTHING) -> SearchRun | None:
    """The search that covers this circle: the running one, or a new one when that is too old.

    A search for everything covers those that ask for less.

    None when there is nobody to ask, or when too much was asked already.
    """
    return _asked(area_around(lat, lon, radius_km), asks)


def refresh_words(*, words: str, asks: Asks = EVERYTHING) -> SearchRun | None:
    """The same for a name or a place that somebody typed."""
    area = area_of_words(words)
    return _asked(area, asks) if area.words else None


def refresh_place(*, bpp_id: str, provider_id: str, lat: Decimal, lon: Decimal) -> SearchRun | None:
    """The same for one station of one provider: only its operator platform is asked."""
    place = area_of_place(bpp_id=bpp_id, provider_id=provider_id, lat=lat, lon=lon)
    return _asked(place, EVERYTHING)


def refresh_times(offer: Offer) -> SearchRun | None:
    """Ask the operator of this plug when it is free to be reserved."""
    station, now = offer.station, clock.now()
    place = {"bpp_id": station.bpp_id, "provider_id": station.provider_id}
    area = area_of_place(**place, lat=station.lat, lon=station.lon)
    return _asked(area, Asks(times=(now, now + TIMES_AHEAD)))


def _asked(area: Area, asks: Asks) -> SearchRun | None:
    now = clock.now()
    name = f"{area.name}_{asks.name}" if asks.name else area.name
    every = settings.DISCOVERY["SEARCH_EVERY_SECONDS"]
    covered_by = {name} if asks.times else {name, area.name}
    newest = SearchRun.objects.filter(area__in=covered_by).order_by("-asked_at").first()
    if newest and now - newest.asked_at < timedelta(seconds=every):
        return newest
    recent = SearchRun.objects.filter(asked_at__gt=now - timedelta(seconds=every))
    if recent.count() >= settings.DISCOVERY["SEARCHES_AT_ONCE"]:
        return newest
    try:
        return _ask(area, asks, name, now, tick=int(now.timestamp()) // every)
    except Refused as refusal:
        log.info("nobody to ask", area=name, why=str(refusal.message))
        return newest


@transaction.atomic
def _ask(area: Area, asks: Asks, name: str, now: datetime, *, tick: int) -> SearchRun:
    run, is_ours = SearchRun.objects.get_or_create(
        area=name,
        tick=tick,
        defaults={
            "lat": area.lat,
            "lon": area.lon,
            "radius_km": area.radius_km,
            "words": area.words,
            "asked_at": now,
        },
    )
    if is_ours:
        question = network.search(area, asks)
        messages = outbox.search(question, transaction_id=run.transaction_id, bpp_id=area.bpp_id)
        run.asked = sorted(message.bpp_id for message in messages if message.bpp_id)
        run.save(update_fields=["asked"])
    return run


# --- Keeping --------------------------------------------------------------------------------------------


@transaction.atomic
def record_catalog(
    *,
    transaction_id: UUID,
    bpp_id: str,
    bpp_uri: str,
    catalog: wire.Catalog | None,
    error: str,
    received_at: datetime,
) -> int:
    """Merge one page of an answer: rows of this operator platform only, never older over newer. Number of plugs."""
    run = only_one(
        SearchRun.objects.filter(transaction_id=transaction_id)
    )  # an unasked catalog is welcome, too
    told = _distinct(network.read_catalog(catalog)) if catalog else []
    stations = keep_stations(
        {offer.station: None for offer in told}, bpp_id=bpp_id, bpp_uri=bpp_uri, seen_at=received_at
    )
    plugs = keep_offers(told, stations, seen_at=received_at)
    keep_facets(stations.values(), plugs)
    watching.notice(plugs)
    times.keep(
        told,
        {(plug.station_id, plug.item_id): plug for some in plugs.values() for plug in some},
        stations,
        was_asked=run is not None and run.area.endswith(f"_{network.TIMES}"),
        told_at=received_at,
    )
    if run is not None:
        _count_answer(run, bpp_id=bpp_id, plugs=len(told), error=error, at=received_at)
    return len(told)


def _distinct(told: Iterable[ToldOffer]) -> list[ToldOffer]:
    """One row per plug: a catalog that repeats an id (pitfall 26) names the plain offer first."""
    found: dict[tuple[str, str, str], ToldOffer] = {}
    for offer in told:
        found.setdefault((offer.station.provider_id, offer.station.location_id, offer.item_id), offer)
    return list(found.values())


def _count_answer(run: SearchRun, *, bpp_id: str, plugs: int, error: str, at: datetime) -> None:
    said = {"plugs": plugs, "error": error[:300], "answered_at": at}
    answer, is_first = SearchAnswer.objects.get_or_create(run=run, bpp_id=bpp_id, defaults=said)
    if not is_first:
        SearchAnswer.objects.filter(pk=answer.pk).update(plugs=F("plugs") + plugs, pages=F("pages") + 1)
    changed_on_commit("search", run.area)
