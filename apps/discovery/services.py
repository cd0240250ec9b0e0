"""Asking the network, and keeping what it answers; `forgetting.py` has the rest."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from uuid import UUID
from zoneinfo import available_timezones

import structlog
import tzfpy
from django.conf import settings
from django.db import models, transaction
from django.db.models import F

from apps.beckn import outbox
from apps.beckn.wire import v1_1 as wire
from apps.discovery import facets, network, times, watching, words
from apps.discovery.areas import Area, area_around, area_of_place, area_of_words
from apps.discovery.models import Facets, Offer, OfferedStation, SearchAnswer, SearchRun
from apps.discovery.network import EVERYTHING, Asks, ToldOffer, ToldStation
from apps.discovery.prices import dearest_minute, tax_on_top
from apps.lib import clock
from apps.lib.errors import Refused
from apps.live.push import changed_on_commit

log = structlog.get_logger(__name__)

BATCH = 500
TIMES_AHEAD = timedelta(days=14)
STATION_KEY = ("bpp_id", "provider_id", "location_id")
STATION_FACTS = (
    "bpp_uri",
    "provider_name",
    "name",
    "address",
    "city",
    "lat",
    "lon",
    "zone",
    "hours_text",
    "amenities",
    "is_accessible",
    "closed_reason",
    "opens_at",
    "closes_at",
    "photos",
    "seen_at",
)
OFFER_KEY = ("station", "item_id")
OFFER_FACTS = (
    "fulfillment_id",
    "evse_id",
    "name",
    "letter",
    "standard",
    "power_type",
    "max_kw",
    "currency",
    "energy_rate",
    "session_fee",
    "tax_name",
    "tax_percent",
    "tariff",
    "minute_rate",
    "order_by",
    "vehicle_types",
    "is_reservable",
    "is_green",
    "traits",
    "status",
    "status_changed_at",
    "status_seen_at",
    "shown_status",
    "shown_seen_at",
    "last_charge_at",
    "seen_at",
)
SHOWN = ("shown_status", "shown_seen_at")
FACETS = tuple(field.name for field in Facets._meta.concrete_fields if not field.primary_key)


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
    told = _distinct(network.read_catalog(catalog)) if catalog else []
    stations = _keep_stations(
        {offer.station: None for offer in told}, bpp_id=bpp_id, bpp_uri=bpp_uri, seen_at=received_at
    )
    plugs = _keep_offers(told, stations, seen_at=received_at)
    keep_facets(stations.values(), plugs)
    watching.notice(stations.values())
    times.keep(
        told,
        {(plug.station_id, plug.item_id): plug for some in plugs.values() for plug in some},
        stations,
        was_asked=_asked_for_times(transaction_id),
        told_at=received_at,
    )
    _count_answer(transaction_id=transaction_id, bpp_id=bpp_id, plugs=len(told), error=error, at=received_at)
    return len(told)


def _asked_for_times(transaction_id: UUID) -> bool:
    asked = SearchRun.objects.filter(transaction_id=transaction_id, area__endswith=f"_{network.TIMES}")
    return asked.exists()


def _distinct(told: Iterable[ToldOffer]) -> list[ToldOffer]:
    """One row per plug: a catalog that repeats an id (pitfall 26) names the plain offer first."""
    found: dict[tuple[str, str, str], ToldOffer] = {}
    for offer in told:
        found.setdefault((offer.station.provider_id, offer.station.location_id, offer.item_id), offer)
    return list(found.values())


def _keep_stations(
    told: Iterable[ToldStation], *, bpp_id: str, bpp_uri: str, seen_at: datetime
) -> dict[tuple[str, str], OfferedStation]:
    """Insert or refresh; (provider id, location id) → row, for the stations in `told`."""
    by_key = {(station.provider_id, station.location_id): station for station in told}
    if not by_key:
        return {}
    before = _known_stations(bpp_id, by_key).values_list(*STATION_KEY[1:], "zone", "lat", "lon", "seen_at")
    known = {(provider, location): _Before(*facts) for provider, location, *facts in before}
    rows = [
        OfferedStation(
            bpp_id=bpp_id,
            bpp_uri=bpp_uri,
            zone=_zone(station, known.get(key)),
            seen_at=seen_at,
            **{
                name: getattr(station, name)
                for name in (*STATION_KEY[1:], *STATION_FACTS)
                if name not in ("bpp_uri", "zone", "seen_at")
            },
        )
        for key, station in sorted(by_key.items())
        if key not in known or known[key].seen_at <= seen_at
    ]
    _upsert(OfferedStation, rows, STATION_KEY, STATION_FACTS)
    # Locked, so that two pages about one station do not each forget the plugs of the other.
    rows = _known_stations(bpp_id, by_key).select_for_update()
    rows = rows.only(*STATION_KEY[1:], *(set(STATION_FACTS) - {"bpp_uri", "name", "address", "photos"}))
    return {key: row for row in rows if (key := (row.provider_id, row.location_id)) in by_key}


@dataclass(frozen=True)
class _Before:
    """What a station was before this answer."""

    zone: str
    lat: Decimal
    lon: Decimal
    seen_at: datetime


def _known_stations(bpp_id: str, keys: dict) -> models.QuerySet[OfferedStation]:
    providers, locations = zip(*keys, strict=True)
    return OfferedStation.objects.filter(
        bpp_id=bpp_id, provider_id__in=set(providers), location_id__in=set(locations)
    )


@cache
def _zones() -> set[str]:
    """Asking costs a walk over the disk."""
    return available_timezones()


def _zone(station: ToldStation, known: _Before | None) -> str:
    if station.zone in _zones():
        return station.zone
    if known and known.zone and (known.lat, known.lon) == (station.lat, station.lon):
        return known.zone
    return tzfpy.get_tz(station.lon, station.lat) or "UTC"


def _keep_offers(
    told: list[ToldOffer], stations: dict[tuple[str, str], OfferedStation], *, seen_at: datetime
) -> dict[int, list[Offer]]:
    """Insert or refresh; station → all its plugs, those that other pages told of included."""
    by_station: dict[int, list[Offer]] = {row.pk: [] for row in stations.values()}
    known = Offer.objects.filter(station__in=by_station)
    before = known.values_list("station", "item_id", "seen_at")
    told_before = {(station, item): seen for station, item, seen in before}
    rows = []
    for offer in told:
        station = stations[offer.station.provider_id, offer.station.location_id].pk
        if told_before.get((station, offer.item_id), seen_at) <= seen_at:
            rows.append(_offer_row(offer, station, seen_at))
    for row in (*rows, *_others(known, told_before, rows)):
        by_station[row.station_id].append(row)
    turned = [row for some in by_station.values() for row in look_at_siblings(some) if row.pk]
    rows.sort(key=lambda row: (row.station_id, row.item_id))
    _upsert(Offer, rows, OFFER_KEY, OFFER_FACTS)
    Offer.objects.bulk_update(turned, SHOWN, batch_size=BATCH)
    return by_station


def _others(known: models.QuerySet[Offer], told_before: dict, rows: list[Offer]) -> list[Offer]:
    """The plugs at the stations that are not written now; mostly there are none, and nothing is asked."""
    written = {(row.station_id, row.item_id) for row in rows}
    if told_before.keys() <= written:
        return []
    fields = ("station_id", "item_id", "evse_id", "standard", "power_type", "max_kw", "traits", "status")
    some = known.only(*fields, "status_seen_at", *SHOWN, "seen_at")
    return [row for row in some if (row.station_id, row.item_id) not in written]


def look_at_siblings(plugs: list[Offer]) -> list[Offer]:
    """Set what each plug shows beside the others of its EVSE; those that show something new."""
    evses: dict[str, list[Offer]] = {}
    for plug in plugs:
        evses.setdefault(plug.evse_id, []).append(plug)
    turned = []
    for plug in plugs:
        shown = words.shown_word(plug, evses[plug.evse_id] if plug.evse_id else ())
        if shown != (plug.shown_status, plug.shown_seen_at):
            plug.shown_status, plug.shown_seen_at = shown
            turned.append(plug)
    return turned


def keep_facets(stations: Iterable[OfferedStation], plugs: dict[int, list[Offer]]) -> None:
    rows = [
        Facets(
            station_id=station.pk,
            **facets.of_place(station),
            **facets.of_plugs(
                [facets.PlugTold.of(plug) for plug in plugs[station.pk]], facets.station_traits(station)
            ),
        )
        for station in sorted(stations, key=lambda row: row.pk)
    ]
    _upsert(Facets, rows, ("station",), FACETS)


def _offer_row(offer: ToldOffer, station: int, seen_at: datetime) -> Offer:
    plug = offer.plug
    return Offer(
        station_id=station,
        item_id=offer.item_id,
        fulfillment_id=offer.fulfillment_id,
        evse_id=plug.evse_id[:255],
        name=offer.name,
        letter=plug.letter[:10],
        standard=plug.connector_type[:40],
        power_type=plug.charger_type,
        max_kw=_fitting(plug.power_kw, 1, 100_000),
        currency=offer.currency,
        energy_rate=offer.energy_rate,
        session_fee=_fitting(plug.session_fee, 2, 100_000_000),
        tax_name=plug.tax_name[:20],
        tax_percent=_fitting(tax_on_top(offer.tariff) if offer.tariff else plug.tax_percent, 3, 100),
        tariff=offer.tariff.to_json() if offer.tariff else {},
        minute_rate=offer.tariff and dearest_minute(offer.tariff),
        order_by=offer.order_by[:60],
        vehicle_types=list(plug.vehicle_types),
        is_reservable=offer.is_reservable,
        is_green=offer.is_green,
        traits=facets.trait_bits(_traits(offer)),
        status=plug.availability,
        status_changed_at=plug.status_changed_at and min(plug.status_changed_at, seen_at),
        status_seen_at=min(plug.last_seen_at or seen_at, seen_at),
        last_charge_at=plug.last_charge_at and min(plug.last_charge_at, seen_at),
        seen_at=seen_at,
    )


def _traits(offer: ToldOffer) -> list[str]:
    flags = {"reservable": offer.is_reservable, "green": offer.is_green}
    return [*offer.plug.vehicle_types, *(name for name, said in flags.items() if said)]


def _fitting(number: Decimal | None, places: int, limit: int) -> Decimal | None:
    if number is None or number >= limit:
        return None
    return number.quantize(Decimal(1).scaleb(-places))


def _upsert(
    model: type[models.Model], rows: list[models.Model], key: tuple[str, ...], facts: tuple[str, ...]
) -> None:
    model._default_manager.bulk_create(
        rows, batch_size=BATCH, update_conflicts=True, unique_fields=key, update_fields=facts
    )


def _count_answer(*, transaction_id: UUID, bpp_id: str, plugs: int, error: str, at: datetime) -> None:
    run = SearchRun.objects.filter(transaction_id=transaction_id).first()
    if run is None:  # an unasked catalog is welcome, too
        return
    said = {"plugs": plugs, "error": error[:300], "answered_at": at}
    answer, is_first = SearchAnswer.objects.get_or_create(run=run, bpp_id=bpp_id, defaults=said)
    if not is_first:
        SearchAnswer.objects.filter(pk=answer.pk).update(plugs=F("plugs") + plugs, pages=F("pages") + 1)
    changed_on_commit("search", run.area)
