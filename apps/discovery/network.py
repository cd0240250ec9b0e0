"""How we ask the network for chargers, and what we read from its catalogs. Pure functions, no rows."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.beckn.wire import numbers
from apps.beckn.wire import v1_1 as wire
from apps.beckn.wire.v1_1 import taxonomy
from apps.discovery.areas import Area
from apps.discovery.photos import ToldPhoto, told_photos
from apps.pricing import Tariff, read_tariff

LONGEST_TARIFF = 20_000
ID_LENGTH = 255  # longer ids cannot be echoed byte for byte, so they are not offered
TIMES = "times"
MOST_SLOTS = 400  # of one charging point
ENERGY_CODES = frozenset({"", "energy", "charger", "ev-charger", "load", "charging"})


@dataclass(frozen=True)
class Asks:
    """What a search asks beside the place. Never whether a plug is free: then no answer would tell that one is not."""

    current: str = ""
    standards: tuple[str, ...] = ()
    min_kw: int | None = None
    vehicle: str = ""
    operator: str = ""
    green: bool = False
    times: tuple[datetime, datetime] | None = (
        None  # the free times in there; asked of one place, with no other wish
    )

    @property
    def name(self) -> str:
        """Equal for equal wishes; empty when there are none."""
        if self.times:
            return TIMES
        return hashlib.sha256(repr(self).encode()).hexdigest()[:12] if self != Asks() else ""


EVERYTHING = Asks()


def search(area: Area, asks: Asks = EVERYTHING) -> wire.SearchMessage:
    where: dict[str, Any] = {}
    if area.words:
        where["descriptor"] = wire.Descriptor(name=area.words)
    stops = {} if area.words else {"stops": [_stop(area, asks)]}
    vehicle = {"vehicle": wire.Vehicle(category=asks.vehicle)} if asks.vehicle else {}
    if not area.words or asks.name:
        where["fulfillment"] = wire.Fulfillment(type="CHARGING", **stops, **vehicle, **_plug_tags(asks))
    if area.provider_id:
        where["provider"] = wire.Provider(id=area.provider_id)
    elif asks.operator:
        where["provider"] = wire.Provider(descriptor=wire.Descriptor(name=asks.operator))
    if asks.green:
        where["category"] = wire.Category(descriptor=wire.Descriptor(code="green-tariff"))
    return wire.SearchMessage(intent=wire.Intent(**where))


def _stop(area: Area, asks: Asks) -> wire.Stop:
    circle = wire.Circle(
        gps=numbers.gps_text(area.lat, area.lon), radius=wire.Scalar.of(area.radius_km, "km")
    )
    if asks.times is None:
        return wire.Stop(type="start", location=wire.Location(circle=circle))
    start, end = asks.times
    when = wire.Time(range=wire.TimeRange(start=start, end=end))
    return wire.Stop(type="start", location=wire.Location(circle=circle), time=when)


def _plug_tags(asks: Asks) -> dict[str, Any]:
    said = {
        "connector_type": list(asks.standards),  # the guide wants it first
        "charger_type": asks.current or None,
        "power_rating": None if asks.min_kw is None else f"{asks.min_kw}kW",
    }
    if not any(said.values()):
        return {}
    return {"tags": [wire.group("connector-specifications", "Connector Specifications", **said)]}


@dataclass(frozen=True)
class ToldStation:
    provider_id: str
    provider_name: str
    location_id: str
    name: str
    address: str
    city: str
    lat: Decimal
    lon: Decimal
    zone: str
    hours_text: str
    amenities: tuple[str, ...] = ()
    is_accessible: bool | None = None
    closed_reason: str = ""
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    photos: tuple[ToldPhoto, ...] = ()


@dataclass(frozen=True)
class ToldOffer:
    """One plug at one station, as the catalog says it."""

    station: ToldStation
    item_id: str
    fulfillment_id: str
    name: str
    currency: str
    energy_rate: Decimal | None
    plug: wire.PlugFacts
    is_reservable: bool | None = None
    is_green: bool | None = None
    tariff: Tariff | None = None  # where the operator told all of it
    order_by: str = ""
    slots: tuple[tuple[datetime, datetime], ...] = ()  # free times that can be reserved


def read_catalog(catalog: wire.Catalog) -> Iterator[ToldOffer]:
    """Every plug that can be put on a map and ordered by its ids; the rest is passed over."""
    for provider in catalog.providers:
        if not _is_usable_id(provider.id):
            continue
        green = _green_categories(provider)
        points = {point.id: point for point in (*catalog.fulfillments, *provider.fulfillments) if point.id}
        listed = [_Listed.of(item, points) for item in provider.items]
        details = _details(listed)
        stations = {
            place.id: station
            for place in provider.locations
            if (station := _station(provider, place, details.get(place.id, {})))
        }
        order_by = wire.first_tag(provider.tags, "order-by")
        for entry in listed:
            yield from _offers(entry, stations, green, order_by)


@dataclass(frozen=True)
class _Listed:
    """An item of a catalog, the charging point that it names, and what both say of the plug."""

    item: wire.Item
    point: wire.Fulfillment | None
    plug: wire.PlugFacts

    @classmethod
    def of(cls, item: wire.Item, points: dict[str, wire.Fulfillment]) -> "_Listed":
        point = next((points[name] for name in item.fulfillment_ids if name in points), None)
        return cls(item, point, wire.read_plug(item, point))


def _green_categories(provider: wire.Provider) -> frozenset[str]:
    """Ids of what the provider sells as green (`category_ids` of an item point there)."""
    return frozenset(
        category.id
        for category in provider.categories
        if category.id and category.descriptor and taxonomy.is_green_category(category.descriptor.code)
    )


def _is_usable_id(text: str | None) -> bool:
    return bool(text) and len(text) <= ID_LENGTH


def _station(provider: wire.Provider, place: wire.Location, details: dict[str, Any]) -> ToldStation | None:
    if not _is_usable_id(place.id) or place.position is None:
        return None
    operator = (provider.descriptor and provider.descriptor.name) or provider.id
    name = (place.descriptor and place.descriptor.name) or place.address or operator
    lat, lon = place.position
    details = {"zone": "", "hours_text": "", "photo_alts": (), **details}
    return ToldStation(
        provider_id=provider.id,
        provider_name=_line(operator, 200),
        location_id=place.id,
        name=_line(name, 200),
        address=_line(", ".join(part for part in (place.address, place.area_code) if part), 300),
        city=_line((place.city and place.city.name) or "", 100),
        lat=lat,
        lon=lon,
        photos=told_photos(place, details.pop("photo_alts")),
        **details,
    )


def _details(listed: list[_Listed]) -> dict[str, dict[str, Any]]:
    """Time zone and opening by location id: in core a location has neither, so the items tell them."""
    found: dict[str, dict[str, Any]] = {}
    for entry in listed:
        new = [place for place in entry.item.location_ids if place not in found]
        if new:
            told = _opening(entry.item, entry.plug) | {"photo_alts": entry.plug.photo_alts}
            found |= dict.fromkeys(new, told)
    return found


def _opening(item: wire.Item, plug: wire.PlugFacts) -> dict[str, Any]:
    opens_at, closes_at = plug.opens_at if plug.closed else None, plug.closes_at
    if plug.closed and not (opens_at and closes_at and closes_at > opens_at):
        closes_at = None  # of a closed station only the closing after its next opening is news
    return {
        "zone": plug.time_zone,
        "hours_text": _line(plug.opening_hours or (item.time and item.time.label) or "", 300),
        "amenities": plug.amenities,
        "is_accessible": plug.is_accessible,
        "closed_reason": _line(plug.closed, 200),
        "opens_at": opens_at,
        "closes_at": closes_at,
    }


def _offers(
    entry: _Listed, stations: dict[str, ToldStation], green: frozenset[str], order_by: str
) -> Iterator[ToldOffer]:
    item, point, plug = entry.item, entry.point, entry.plug
    code = ((item.descriptor and item.descriptor.code) or "").strip().lower()
    if not _is_usable_id(item.id) or code not in ENERGY_CODES:
        return
    named = [stations[name] for name in item.location_ids if name in stations]
    # Without a word about the place there is only one it can be.
    places = named or (list(stations.values()) if len(stations) == 1 and not item.location_ids else [])
    currency, rate = _price(item.price)
    for station in places:
        yield ToldOffer(
            station=station,
            item_id=item.id,
            fulfillment_id=point.id if point and _is_usable_id(point.id) else "",
            name=_line((item.descriptor and item.descriptor.name) or "", 200),
            currency=currency,
            energy_rate=_rate(plug.energy_rate) if rate is not None and plug.energy_rate else rate,
            plug=plug,
            is_reservable=True if _has_slots(point) else plug.is_reservable,
            slots=_slots(point),
            is_green=True if green.intersection(item.category_ids) else plug.is_green,
            tariff=_tariff(plug.tariff, currency),
            order_by=order_by,
        )


def _tariff(text: str, currency: str) -> Tariff | None:
    """A tariff we can count with, in the currency of the price; otherwise the price beside it is all we know."""
    if not text or len(text) > LONGEST_TARIFF:
        return None
    try:
        tariff = read_tariff(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return tariff if tariff.currency == currency else None


def _has_slots(point: wire.Fulfillment | None) -> bool:
    """Free slots are stops with a time range (fact sheet 5.2)."""
    return bool(point) and any(stop.time and stop.time.range for stop in point.stops)


def _slots(point: wire.Fulfillment | None) -> tuple[tuple[datetime, datetime], ...]:
    """Those that can be asked for: with begin and end."""
    ranges = [stop.time.range for stop in point.stops if stop.time and stop.time.range] if point else []
    told = {(span.starts_at, span.ends_at) for span in ranges if span.starts_at and span.ends_at}
    return tuple(sorted(slot for slot in told if slot[0] < slot[1])[:MOST_SLOTS])


def _price(price: wire.Price | None) -> tuple[str, Decimal | None]:
    """Currency and net price per kWh; a price for anything else than energy is no price we can compare."""
    if price is None or price.currency_code is None:
        return "", None
    return price.currency_code, _rate(price.amount) if price.per in ("kWh", None) else None


def _rate(amount: Decimal | None) -> Decimal | None:
    fits = amount is not None and 0 <= amount < 1_000_000
    return amount.quantize(Decimal("0.0001")) if fits else None


def _line(text: str, length: int) -> str:
    return " ".join(text.split())[:length]
