"""OCPI 2.2.1 Locations: a list of Location objects, bare or as `data` of an answer.

Here posts and plugs are exact: an OCPI EVSE is an EVSE (one car), an OCPI connector is a plug, and kW, current and
shape are the source's. Its status is a word about a moment that is over, so it is no proof of life: the plugs stay
"Not confirmed" until a charge point speaks. What lasts is believed: PLANNED and REMOVED are not offered, a place
where all is out of order is closed, and with `publish` false nothing is shown, also of what we had.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from apps.beckn.wire.v1_1 import taxonomy
from apps.catalog.hours import ALL_DAY, EVERY_DAY, Hours, fault_in_zone, text_of
from apps.catalog.importers import entries, ocpi_tariffs, pictures
from apps.catalog.importers.entries import Entry, cut, listed, part, plain
from apps.catalog.importers.hours_text import grouped
from apps.catalog.importers.place import read_country, read_position, zone_at
from apps.catalog.importers.power import credible, from_current
from apps.catalog.importers.records import (
    CLOSED,
    EvseRow,
    PlugRow,
    SkippedRow,
    StationRow,
    Unusable,
    Withdrawn,
)
from apps.catalog.models import Connector, Station

NOT_THERE = {"PLANNED", "REMOVED"}
OUT_OF_ORDER = {"INOPERATIVE", "OUTOFORDER"}
PASSING = {"", "AVAILABLE", "BLOCKED", "CHARGING", "RESERVED", "UNKNOWN"}
FOR_EVERYBODY = {"EV_ONLY", "PLUGGED"}
CUSTOMERS = "CUSTOMERS"
MOST_TARIFFS = 20  # of one plug
MOST_PLUGS = 5_000  # of one location; a larger number is a slip

_POWER = Connector.PowerType
POWERS = {
    "AC_1_PHASE": _POWER.AC_1_PHASE,
    # Two phases: a car gets one phase or, split, the voltage between the two: one phase to the car.
    "AC_2_PHASE": _POWER.AC_1_PHASE,
    "AC_2_PHASE_SPLIT": _POWER.AC_1_PHASE,
    "AC_3_PHASE": _POWER.AC_3_PHASE,
    "DC": _POWER.DC,
}
AMENITIES = {
    **{"HOTEL": "hotel", "RESTAURANT": "food", "CAFE": "cafe", "MALL": "mall", "SUPERMARKET": "shop"},
    **{"SPORT": "sport", "RECREATION_AREA": "park", "NATURE": "park", "MUSEUM": "museum"},
    **{"BIKE_SHARING": "bikes", "BUS_STOP": "bus", "TAXI_STAND": "taxi", "TRAM_STOP": "tram"},
    **{"METRO_STATION": "metro", "TRAIN_STATION": "train", "AIRPORT": "airport", "PARKING_LOT": "parking"},
    **{"CARPOOL_PARKING": "parking", "FUEL_STATION": "fuel", "WIFI": "wifi"},
}


@dataclass
class _Posts:
    """The EVSEs of a location as they are read: what is offered, and what must be said about the rest."""

    owner: Entry  # the location: whose country and party its ids belong to
    open_to_all: list[EvseRow] = field(default_factory=list)
    for_customers: list[EvseRow] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    not_there: int = 0
    names: set[str] = field(default_factory=set)

    @property
    def offered(self) -> tuple[EvseRow, ...]:
        """A station is for all or for customers as a whole; where it is both, those for all are offered."""
        return tuple(self.open_to_all or self.for_customers)


def records(*pages: Path) -> Iterator[StationRow | SkippedRow]:
    return entries.rows(*pages, id_of=_id, read=_station)


def _id(location: Entry) -> str:
    """Unique among all parties that a hub passes on: country, party, id."""
    name = plain(location.get("id"))
    if not name or len(name) > 36:
        raise Unusable("no usable ID", name[:40])
    party = (plain(location.get(key))[:3] for key in ("country_code", "party_id"))
    return "-".join([*filter(None, party), name])


def _station(number: int, source_id: str, location: Entry) -> StationRow:
    if location.get("publish") not in (True, None):
        raise Withdrawn("not published", f"publish is {plain(str(location['publish']))[:20]}")
    notes: list[str] = []
    posts = _posts(location, notes)
    if not posts.offered:
        words = f"{posts.not_there} planned or removed" if posts.not_there else "; ".join(notes[:2])
        raise Withdrawn("no EVSE to offer", words)
    if posts.open_to_all and posts.for_customers:
        notes.append(f"{len(posts.for_customers)} EVSEs for customers only left out")
    all_broken = all(evse.name in posts.broken for evse in posts.offered)
    if posts.broken and not all_broken:
        notes.append(f"{len(posts.broken)} EVSEs said to be out of order: shown as not confirmed")
    access = Station.Access.PUBLIC if posts.open_to_all else Station.Access.RESTRICTED
    facts = _facts(location, notes) | {"access": access}
    return StationRow(
        number=number,
        source_id=source_id,
        facts=facts,
        evses=posts.offered,
        photos=pictures.of_ocpi(location, facts["name"], notes),
        closed_reason=CLOSED if all_broken else "",
        notes=tuple(notes),
    )


def _facts(location: Entry, notes: list[str]) -> dict[str, Any]:
    place = part(location, "coordinates")
    lat, lon = read_position(plain(place.get("latitude")), plain(place.get("longitude")))
    name = cut(location, "name", 200, notes) or cut(location, "address", 200, notes)
    if not name:
        raise Unusable("no name")
    zone = _zone(location, lat, lon, notes)
    hours = _hours(part(location, "opening_times"), notes)
    return {
        "name": name,
        "address": cut(location, "address", 300, notes),
        "city": cut(location, "city", 100, notes),
        "region": cut(location, "state", 100, notes),
        "postcode": cut(location, "postal_code", 20, notes),
        "country": read_country(plain(location.get("country")), zone),
        "lat": lat,
        "lon": lon,
        "zone": zone,
        "hours": hours,
        "hours_text": _exceptions(part(location, "opening_times"), hours, notes),
        "network_name": cut(part(location, "operator"), "name", 80, notes),
        "amenities": _amenities(listed(location.get("facilities")), notes),
    }


def _zone(location: Entry, lat: Decimal, lon: Decimal, notes: list[str]) -> str:
    stated = plain(location.get("time_zone"))
    if stated and not fault_in_zone(stated):
        return stated
    if stated:
        notes.append(f"time zone {stated[:40]} does not exist: taken from the position")
    return zone_at(lat, lon)


def _amenities(words: list[Any], notes: list[str]) -> list[str]:
    known = [AMENITIES.get(plain(word).upper(), "") for word in words]
    if not all(known):
        notes.append("unknown facility left out")
    return sorted(set(filter(None, known)))


# --- When ---------------------------------------------------------------------------------------------------


def _hours(times: Entry, notes: list[str]) -> Hours:
    """[] (unknown) as soon as one entry is not understood."""
    if times.get("twentyfourseven") is True:
        return grouped({day: [ALL_DAY] for day in EVERY_DAY})
    spans: dict[int, list[tuple[str, str]]] = {}
    regular = listed(times.get("regular_hours"))
    for entry in regular:
        day = entry.get("weekday") if isinstance(entry, dict) else None
        if type(day) is not int or not 1 <= day <= 7:
            spans = {}
            break
        closes = plain(entry.get("period_end"))
        span = (plain(entry.get("period_begin")), "24:00" if closes in ("00:00", "23:59") else closes)
        spans.setdefault(day - 1, []).append(span)
    hours = grouped(spans)
    if regular and not hours:
        notes.append("opening hours unreadable: left unknown")
    return hours


def _exceptions(times: Entry, hours: Hours, notes: list[str]) -> str:
    """Single days are told in words: the catalog knows weeks. Empty when there are none."""
    told = [
        f"{word} {plain(period.get('period_begin'))[:20]} – {plain(period.get('period_end'))[:20]}"
        for word, name in (("closed", "exceptional_closings"), ("also open", "exceptional_openings"))
        for period in listed(times.get(name))
        if isinstance(period, dict)
    ]
    if not told:
        return ""
    notes.append("exceptional hours are told in words only")
    return "; ".join(filter(None, [text_of(hours), *told]))[:300]


# --- Posts and plugs ------------------------------------------------------------------------------------


def _posts(location: Entry, notes: list[str]) -> _Posts:
    posts = _Posts(owner=location)
    evses = [evse for evse in listed(location.get("evses")) if isinstance(evse, dict)]
    if sum(len(listed(evse.get("connectors"))) for evse in evses) > MOST_PLUGS:
        raise Unusable("too many connectors", f"more than {MOST_PLUGS}")
    for evse in evses:
        _read_post(evse, posts, notes)
    return posts


def _read_post(evse: Entry, posts: _Posts, notes: list[str]) -> None:
    uid, status = plain(evse.get("uid")), plain(evse.get("status")).upper()
    if status in NOT_THERE:
        posts.not_there += 1
        return
    restrictions = {plain(word).upper() for word in listed(evse.get("parking_restrictions"))}
    why = _why_left_out(uid, status, restrictions, posts)
    plugs = () if why else _plugs(evse, posts.owner, notes)
    if not plugs:
        notes.append(f"EVSE left out: {why or 'no plug that can be used'}")
        return
    posts.names.add(uid.casefold())
    if status in OUT_OF_ORDER:
        posts.broken.add(uid)
    fit = posts.for_customers if CUSTOMERS in restrictions else posts.open_to_all
    label = plain(evse.get("physical_reference")) or plain(evse.get("evse_id")) or uid
    fit.append(EvseRow(label[-20:].strip(), plugs, name=uid))


def _why_left_out(uid: str, status: str, restrictions: set[str], posts: _Posts) -> str:
    """A word that nobody knows may mean that the post is not there or not for all: it is not offered."""
    if not uid or len(uid) > 36:
        return "no usable uid"
    if uid.casefold() in posts.names:
        return "repeated uid"
    if status not in OUT_OF_ORDER | PASSING:
        return f"unknown status {status[:20]}"
    odd = restrictions - FOR_EVERYBODY - {CUSTOMERS}
    return f"parking for {min(odd)[:20]} only" if odd else ""


def _plugs(evse: Entry, owner: Entry, notes: list[str]) -> tuple[PlugRow, ...]:
    connectors = [plug for plug in listed(evse.get("connectors")) if isinstance(plug, dict)]
    by_id = sorted(connectors, key=lambda plug: (len(plain(plug.get("id"))), plain(plug.get("id"))))
    plugs = (_plug(plug, owner, notes) for plug in by_id)
    return tuple(plug for plug in plugs if plug)


def _plug(plug: Entry, owner: Entry, notes: list[str]) -> PlugRow | None:
    said = plain(plug.get("standard"))
    standard = next((name for name in taxonomy.CONNECTOR_TYPES if name.upper() == said.upper()), None)
    shape, power_type = plain(plug.get("format")).upper(), POWERS.get(plain(plug.get("power_type")).upper())
    max_kw = _kilowatts(plug, power_type) if power_type else None
    if standard and power_type and max_kw and shape in Connector.Format.values:
        tariffs = _tariff_names(plug, owner)
        return PlugRow(standard, shape, power_type, max_kw, is_stated=True, tariffs=tariffs)
    unknown = [
        f"{name} {plain(plug.get(name))[:30] or 'not stated'}"
        for name, is_known in (
            ("standard", standard),
            ("format", shape in Connector.Format.values),
            ("power_type", power_type),
        )
        if not is_known
    ]
    notes.append(f"connector left out: {', '.join(unknown) or 'no credible power'}")
    return None


def _tariff_names(plug: Entry, owner: Entry) -> tuple[str, ...]:
    """What it costs, in tariffs that may be read beside the stations (`ocpi_tariffs.py`)."""
    told = (plain(name) for name in listed(plug.get("tariff_ids"))[:MOST_TARIFFS])
    return tuple(
        ocpi_tariffs.name_of(owner, name) for name in told if 0 < len(name) <= ocpi_tariffs.LONGEST_ID
    )


def _kilowatts(plug: Entry, power_type: str) -> Decimal | None:
    """`max_electric_power` is stated where it is less than volts times amperes."""
    watts = entries.number(plug.get("max_electric_power"))
    stated = credible(watts and watts / 1000)
    volts, amps = (entries.number(plug.get(name)) for name in ("max_voltage", "max_amperage"))
    return stated or from_current(power_type, volts, amps)
