"""What a catalog told, written as rows: stations, plugs, and their facets."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from zoneinfo import available_timezones

import tzfpy
from django.db import models

from apps.discovery import facets, words
from apps.discovery.models import Facets, Offer, OfferedStation
from apps.discovery.network import ToldOffer, ToldStation
from apps.discovery.prices import dearest_minute, tax_on_top, usual_cents
from apps.discovery.upsert import BATCH, upsert

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
    "usual_cents",
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
_TOLD_OF_STATION = [
    name for name in (*STATION_KEY[1:], *STATION_FACTS) if name not in ("bpp_uri", "zone", "seen_at")
]
SHOWN = ("shown_status", "shown_seen_at")
FACETS = tuple(field.name for field in Facets._meta.concrete_fields if not field.primary_key)


def keep_stations(
    told: Iterable[ToldStation], *, bpp_id: str, bpp_uri: str, seen_at: datetime
) -> dict[tuple[str, str], OfferedStation]:
    """Insert or refresh; (provider id, location id) → row, for the stations in `told`.

    All rows are locked then, so that two pages about one station do not each forget the plugs of the other.
    """
    by_key = {(station.provider_id, station.location_id): station for station in told}
    if not by_key:
        return {}
    before = _known_stations(bpp_id, by_key).values_list(*STATION_KEY[1:], "zone", "lat", "lon", "seen_at")
    known = {(provider, location): _Before(*facts) for provider, location, *facts in before}
    rows = {
        key: OfferedStation(
            bpp_id=bpp_id,
            bpp_uri=bpp_uri,
            zone=_zone(station, known.get(key)),
            seen_at=seen_at,
            **{name: getattr(station, name) for name in _TOLD_OF_STATION},
        )
        for key, station in sorted(by_key.items())
        if key not in known or known[key].seen_at <= seen_at
    }
    upsert(OfferedStation, list(rows.values()), STATION_KEY, STATION_FACTS)
    return rows | _newer_ones(bpp_id, by_key.keys() - rows.keys())


def _newer_ones(bpp_id: str, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], OfferedStation]:
    """Those that somebody told of since: as they are."""
    keys = set(keys)
    if not keys:
        return {}
    rows = _known_stations(bpp_id, keys).order_by("pk").select_for_update()
    return {key: row for row in rows if (key := (row.provider_id, row.location_id)) in keys}


@dataclass(frozen=True)
class _Before:
    """What a station was before this answer."""

    zone: str
    lat: Decimal
    lon: Decimal
    seen_at: datetime


def _known_stations(bpp_id: str, keys: Iterable[tuple[str, str]]) -> models.QuerySet[OfferedStation]:
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


def keep_offers(
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
    upsert(Offer, rows, OFFER_KEY, OFFER_FACTS)
    Offer.objects.bulk_update(turned, SHOWN, batch_size=BATCH)
    return by_station


def _others(known: models.QuerySet[Offer], told_before: dict, rows: list[Offer]) -> list[Offer]:
    """The plugs at the stations that are not written now; mostly there are none, and nothing is asked."""
    written = {(row.station_id, row.item_id) for row in rows}
    if told_before.keys() <= written:
        return []
    fields = ("station_id", "item_id", "evse_id", "standard", "power_type", "max_kw", "traits", "status")
    some = known.only(*fields, "status_seen_at", *SHOWN, "seen_at", "currency", "usual_cents")
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
    upsert(Facets, rows, ("station",), FACETS)


def _offer_row(offer: ToldOffer, station: int, seen_at: datetime) -> Offer:
    plug = offer.plug
    price = _price(offer)
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
        **price,
        usual_cents=usual_cents(**price),
        tax_name=plug.tax_name[:20],
        tariff=offer.tariff.to_json() if offer.tariff else {},
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


def _price(offer: ToldOffer) -> dict[str, Decimal | None]:
    plug, tariff = offer.plug, offer.tariff
    return {
        "energy_rate": offer.energy_rate,
        "minute_rate": tariff and dearest_minute(tariff),
        "session_fee": _fitting(plug.session_fee, 2, 100_000_000),
        "tax_percent": _fitting(tax_on_top(tariff) if tariff else plug.tax_percent, 3, 100),
    }


def _traits(offer: ToldOffer) -> list[str]:
    flags = {"reservable": offer.is_reservable, "green": offer.is_green}
    return [*offer.plug.vehicle_types, *(name for name, said in flags.items() if said)]


def _fitting(number: Decimal | None, places: int, limit: int) -> Decimal | None:
    if number is None or number >= limit:
        return None
    return number.quantize(Decimal(1).scaleb(-places))
