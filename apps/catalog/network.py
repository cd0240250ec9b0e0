"""How the catalog is said on the wire, and what a search on the wire asks of it. Pure functions."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from apps.beckn.wire import numbers
from apps.beckn.wire import v1_1 as wire
from apps.beckn.wire.v1_1 import taxonomy
from apps.catalog import hours
from apps.catalog.geo import Circle, Point
from apps.catalog.models import Connector, Evse, Operator, Station
from apps.catalog.photo_network import alts, images
from apps.catalog.rules import is_said_by_columns
from apps.catalog.selectors import closes_next, is_fresh, open_now, opens_next, shown_status
from apps.catalog.slots import Slot
from apps.lib import clock

# Peers cap bodies at 200 kB; what is larger goes out in several on_search of one message_id.
PAGE_STATIONS = 50
PAGE_BYTES = 150_000

RADIUS_WHEN_UNSAID_KM = Decimal(10)
MOST_WORDS = 8
LONGEST_WORD = 60
MOST_CORNERS = 200
SOON = timedelta(minutes=15)  # a wish for later than this is not about who stands there now

CATALOG_NAME = "EV Portal network"
GREEN = "green-tariff"
OUT_OF_HOURS = "Outside opening hours"
NAMES = {
    "IEC_62196_T2_COMBO": "CCS2",
    "IEC_62196_T1_COMBO": "CCS1",
    "IEC_62196_T2": "Type 2",
    "IEC_62196_T1": "Type 1",
    "CHADEMO": "CHAdeMO",
    "GBT_AC": "GB/T AC",
    "GBT_DC": "GB/T DC",
    "TESLA_S": "Tesla",
    "DOMESTIC_D": "15 A socket",
}
RATING_CATEGORIES = ("Order", "Fulfillment", "Provider")


# --- What a search asks -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Criteria:
    """None asks nothing; an empty set was asked with words nobody knows, and matches nothing."""

    circle: Circle | None = None
    polygon: tuple[Point, ...] | None = None
    place_unreadable: bool = False
    standards: frozenset[str] | None = None
    charger_types: frozenset[str] | None = None
    min_kw: Decimal | None = None
    power_unreadable: bool = False
    statuses: frozenset[str] | None = None
    vehicle_types: frozenset[str] | None = None
    green: bool = False
    category_unknown: bool = False
    provider_id: str = ""
    provider_name: str = ""
    words: tuple[str, ...] = ()
    window: tuple[datetime, datetime] | None = None  # the time that somebody wants to charge in
    free_in_window: bool = False  # leave out what has no free time then

    @property
    def matches_nothing(self) -> bool:
        sets = (self.standards, self.charger_types, self.statuses, self.vehicle_types)
        unreadable = self.place_unreadable or self.power_unreadable or self.category_unknown
        return unreadable or any(found == frozenset() for found in sets)


def read_criteria(intent: wire.Intent, now: datetime) -> Criteria:
    """Criteria we do not know (make, model, finder fee) narrow nothing; values we do not know match nothing.

    A wish for a time that is not now is not about who stands there now: it finds what can be reserved with the free
    times in that window, and what cannot be reserved with the word that it cannot. `availability` beside a window
    leaves out what can be reserved but has no time left in it.
    """
    fulfillment = intent.fulfillment or wire.Fulfillment()
    item_tags = intent.item.tags if intent.item else ()
    tags = wire.all_tags([*fulfillment.tags, *item_tags, *intent.tags])
    return Criteria(
        **_read_place(fulfillment),
        **_read_power(tags),
        standards=_known(tags.get("connector-type"), _standard_reader(tags)),
        charger_types=_known(tags.get("charger-type") or tags.get("power-type"), taxonomy.charger_type),
        statuses=None if _is_later(fulfillment, now) else _known(tags.get("availability"), _status),
        **_read_category(intent.category),
        vehicle_types=_known(_vehicles(fulfillment, tags), taxonomy.vehicle_category),
        provider_id=(intent.provider and intent.provider.id) or "",
        provider_name=_name_of(intent.provider and intent.provider.descriptor)[:LONGEST_WORD],
        words=_words(_name_of(intent.descriptor)),
        window=_window(fulfillment),
        free_in_window="availability" in tags,
    )


def _window(fulfillment: wire.Fulfillment) -> tuple[datetime, datetime] | None:
    ranges = (stop.time.range for stop in fulfillment.stops if stop.time and stop.time.range)
    return next(((span.starts_at, span.ends_at) for span in ranges if span.starts_at and span.ends_at), None)


def _standard_reader(tags: dict[str, list[str]]):
    charger = (tags.get("charger-type") or tags.get("power-type") or [""])[0]
    return lambda value: taxonomy.connector_type(value, charger)


def _vehicles(fulfillment: wire.Fulfillment, tags: dict[str, list[str]]) -> list[str]:
    category = fulfillment.vehicle and fulfillment.vehicle.category
    return [category] if category else tags.get("vehicle-type", [])


def _read_category(category: wire.Category | None) -> dict[str, bool]:
    code = category and category.descriptor and category.descriptor.code
    if not code:
        return {}
    return {"green": True} if taxonomy.is_green_category(code) else {"category_unknown": True}


def _status(value: str) -> str | None:
    known = taxonomy.availability(value)
    return known if known in Connector.Status.values else None


def _known(values: list[str] | None, read) -> frozenset[str] | None:
    return None if not values else frozenset(known for value in values if (known := read(value)))


def _read_power(tags: dict[str, list[str]]) -> dict[str, object]:
    try:
        ratings = [numbers.read_power_kw(value) for value in tags.get("power-rating", [])]
    except numbers.NumberError:
        return {"power_unreadable": True}
    return {"min_kw": min(ratings, default=None)}


def _read_place(fulfillment: wire.Fulfillment) -> dict[str, object]:
    place = next((stop.location for stop in fulfillment.stops if stop.location), None)
    if place is None:
        return {}
    try:
        if place.polygon:
            return {"polygon": _corners(place.polygon)}
        return {"circle": _circle(place.circle or wire.Circle(gps=place.gps))} if _names_spot(place) else {}
    except numbers.NumberError:
        return {"place_unreadable": True}


def _names_spot(place: wire.Location) -> bool:
    return bool(place.gps or place.circle)


def _circle(circle: wire.Circle) -> Circle:
    lat, lon = numbers.read_gps(circle.gps)
    radius = circle.radius
    radius_km = numbers.read_distance_km(radius.value, radius.unit) if radius else RADIUS_WHEN_UNSAID_KM
    if radius_km < 0:
        raise numbers.NumberError("a radius is not negative")
    return Circle(lat, lon, min(radius_km, Decimal(20_100)))  # half-way round is everywhere


def _corners(text: str) -> tuple[Point, ...]:
    """'lat,lon lat,lon lat,lon': core says that a polygon is a string and no more."""
    pairs = re.findall(r"[^\s;,]+\s*,\s*[^\s;,]+", text[: MOST_CORNERS * 50])
    corners = tuple(numbers.read_gps(pair) for pair in pairs[:MOST_CORNERS])
    if len(corners) < 3:
        raise numbers.NumberError("a polygon has three corners or more")
    return corners


def _is_later(fulfillment: wire.Fulfillment, now: datetime) -> bool:
    starts = (stop.time.range.starts_at for stop in fulfillment.stops if stop.time and stop.time.range)
    return any(start and start - now > SOON for start in starts)


def _name_of(descriptor: wire.Descriptor | None) -> str:
    return ((descriptor and descriptor.name) or "").strip()


def _words(text: str) -> tuple[str, ...]:
    return tuple(word[:LONGEST_WORD] for word in text[:1000].split()[:MOST_WORDS])


# --- What we answer -----------------------------------------------------------------------------------


@dataclass
class _Page:
    providers: dict[str, wire.Provider] = field(default_factory=dict)
    stations: set[str] = field(default_factory=set)
    size: int = 0

    def has_room_for(self, station: Station, size: int) -> bool:
        if not self.stations:
            return True
        full = len(self.stations) >= PAGE_STATIONS and station.code not in self.stations
        return not full and self.size + size <= PAGE_BYTES


@dataclass(frozen=True)
class OfferedEvse:
    """An EVSE and those of its plugs that are to be named."""

    evse: Evse
    plugs: tuple[Connector, ...]
    siblings: tuple[Connector, ...]  # all plugs of the EVSE: they share one car's place
    is_reservable: bool = False
    is_reserved_now: bool = False  # kept for a driver who is about to come
    slots: tuple[Slot, ...] = ()  # free ones in the window that was asked for


def catalogs(offers: Iterable[OfferedEvse], now: datetime) -> Iterator[wire.Catalog]:
    """One catalog after the other, each small enough for every peer; one without providers when nothing matched."""
    page, sent = _Page(), False
    for offer in offers:
        station = offer.evse.station
        point, items = fulfillment(offer, now), tuple(item(plug, offer, now) for plug in offer.plugs)
        size = sum(_size(part) for part in (point, *items, location(station)))
        if not page.has_room_for(station, size):
            yield _catalog(page)
            page, sent = _Page(), True
        _put(page, station, point, items)
        page.size += size
    if page.stations or not sent:
        yield _catalog(page)


def _put(page: _Page, station: Station, point: wire.Fulfillment, items: tuple[wire.Item, ...]) -> None:
    known = page.providers.get(station.operator.code) or provider(station.operator)
    places = () if station.code in page.stations else (location(station),)
    page.providers[station.operator.code] = known.but(
        locations=(*known.locations, *places),
        fulfillments=(*known.fulfillments, point),
        items=(*known.items, *items),
    )
    page.stations.add(station.code)


def _catalog(page: _Page) -> wire.Catalog:
    return wire.Catalog(
        descriptor=wire.Descriptor(name=CATALOG_NAME), providers=tuple(page.providers.values())
    )


def _size(part: wire.Model) -> int:
    return len(json.dumps(part.to_wire(), ensure_ascii=False).encode())


def provider(operator: Operator) -> wire.Provider:
    about = {"short_desc": operator.description} if operator.description else {}
    return wire.Provider(
        id=operator.code,
        descriptor=wire.Descriptor(name=operator.name, **about),
        categories=[wire.Category(id=GREEN, descriptor=wire.Descriptor(code=GREEN, name="Green tariff"))],
        tags=[wire.group("extensions", order_by="energy,money,time", refund="1.0")],
    )


def location(station: Station) -> wire.Location:
    told = {"short_desc": hours_text(station), "images": images(station)}
    return wire.Location(
        id=station.code,
        gps=numbers.gps_text(station.lat, station.lon),
        descriptor=wire.Descriptor(name=station.name, **{key: said for key, said in told.items() if said}),
        address=station.address or station.city or station.name,
        city=wire.City(name=station.city) if station.city else None,
        state=wire.State(name=station.region) if station.region else None,
        country=wire.Country(code=station.country),
        area_code=station.postcode or None,
    )


def hours_text(station: Station) -> str:
    return station.hours_text or hours.text_of(station.hours)


def fulfillment(offer: OfferedEvse, now: datetime) -> wire.Fulfillment:
    online = any(is_fresh(plug, now) for plug in offer.siblings)
    return wire.Fulfillment(
        id=offer.evse.code,
        type="CHARGING",
        tracking=True,
        **({"stops": [_free_slot(slot) for slot in offer.slots]} if offer.slots else {}),
        tags=[
            wire.group(
                "charging-point-specifications",
                "Charging Point Specifications",
                charger_id=offer.evse.label,
                availability="Online" if online else "Offline",
            )
        ],
    )


def _free_slot(slot: Slot) -> wire.Stop:
    return wire.Stop(
        type="start", time=wire.Time(range=wire.TimeRange(start=slot.starts_at, end=slot.ends_at))
    )


def item(plug: Connector, offer: OfferedEvse, now: datetime) -> wire.Item:
    station, kw = offer.evse.station, _kw(plug)
    name = f"{plug_kind(plug)}, {kw} kW, plug {plug.letter}"
    per_kwh = wire.Quantity(measure=wire.Scalar.of(Decimal(1), "kWh"))
    price = plug.tariff and wire.Price.of(plug.tariff.energy_rate, plug.tariff.currency, per="kWH")
    return wire.Item(
        id=plug.code,
        descriptor=wire.Descriptor(code="energy", name=name),
        price=price,
        quantity=wire.ItemQuantity(unitized=per_kwh),
        location_ids=[station.code],
        fulfillment_ids=[offer.evse.code],
        **({"category_ids": [GREEN]} if station.is_green else {}),
        tags=[_specifications(plug, offer, now), *_price_components(plug), _station_details(station, now)],
    )


def plug_kind(plug: Connector) -> str:
    return NAMES.get(plug.standard, plug.standard)


def _kw(plug: Connector) -> str:
    return numbers.energy_text(plug.max_kw)  # without idle zeros


def _specifications(plug: Connector, offer: OfferedEvse, now: datetime) -> wire.TagGroup:
    return wire.group(
        "connector-specifications",
        "Connector Specifications",
        connector_id=plug.letter,
        charger_type="DC" if plug.power_type == Connector.PowerType.DC else "AC",
        power_type={"AC_1_PHASE": "AC_SINGLE_PHASE"}.get(plug.power_type, plug.power_type),
        connector_type=plug.standard,
        connector_format=plug.format,
        power_rating=f"{_kw(plug)}kW",
        availability=_told_status(plug, offer, now),
        status_changed_at=plug.status_changed_at and clock.utc_text(plug.status_changed_at),
        evse_id=offer.evse.code,
        last_seen_at=plug.last_seen_at and clock.utc_text(plug.last_seen_at),
        last_charge_at=plug.last_charge_at and clock.utc_text(plug.last_charge_at),
        vehicle_type=list(plug.vehicle_types),
        reservable="yes" if offer.is_reservable else "no",
    )


def _told_status(plug: Connector, offer: OfferedEvse, now: datetime) -> str:
    """A plug that is kept is not free, also where its charger cannot show that."""
    status = shown_status(plug, now, offer.siblings)
    kept = offer.is_reserved_now and status == Connector.Status.AVAILABLE
    return Connector.Status.RESERVED if kept else status


def _price_components(plug: Connector) -> list[wire.TagGroup]:
    tariff = plug.tariff
    if tariff is None:
        return []
    return [
        wire.group(
            "price-components",
            "Price Components",
            energy_rate=tariff.energy_rate,
            service_charge=tariff.session_fee,
            tax_name=tariff.tax_name,
            tax_percent=tariff.tax_percent,
            ocpi_tariff=None if is_said_by_columns(tariff) else _rules_text(plug),
        )
    ]


def _rules_text(plug: Connector) -> str:
    """The whole tariff for apps that can count with it; the figures beside it are its dearest."""
    rules = plug.tariff.rules(plug.evse.station.zone)
    return json.dumps(rules.to_json(), separators=(",", ":"))


def _station_details(station: Station, now: datetime) -> wire.TagGroup:
    is_closed = open_now(station, now) is False
    opens_at = opens_next(station, now) if is_closed else None
    closes_at = None if is_closed else closes_next(station, now)
    return wire.group(
        "station-details",
        "Station Details",
        time_zone=station.zone,
        opening_hours=hours_text(station) or None,
        closed=(station.closed_reason or OUT_OF_HOURS) if is_closed else None,
        opens_at=opens_at and clock.utc_text(opens_at),
        closes_at=closes_at and clock.utc_text(closes_at),
        amenity=list(station.amenities),
        accessible={True: "yes", False: "no", None: None}[station.is_accessible],
        green_energy="yes" if station.is_green else None,
        photo_alt=alts(station),
    )
