"""The station download of the US Alternative Fuels Data Center (afdc.energy.gov, "CSV").

The file counts posts per level and lists the plug types of the whole site in one cell; it does not say
which post has which plug. Our rule: each counted post is one EVSE (one car), and it has one plug of every
listed type that fits its level. Level 1: a household socket, else J1772. Level 2: J1772. DC: CHAdeMO and CCS1.
TESLA is a DC plug where the site has DC posts, otherwise a level 2 plug. The kW are the assumptions of
records.py; the file has none. A price becomes a tariff only when it can be billed exactly as written.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from apps.catalog.importers import table
from apps.catalog.importers.hours_text import read_hours
from apps.catalog.importers.place import read_position, zone_at
from apps.catalog.importers.records import (
    ASSUMED_KW,
    CLOSED,
    EvseRow,
    PlugRow,
    PriceRow,
    SkippedRow,
    StationRow,
    Unusable,
)
from apps.catalog.models import Connector, Station

NEEDED = {
    *("Fuel Type Code", "Station Name", "Street Address", "City", "State", "ZIP", "Station Phone"),
    *("Status Code", "Groups With Access Code", "Access Days Time", "EV Level1 EVSE Num"),
    *("EV Level2 EVSE Num", "EV DC Fast Count", "EV Network", "Latitude", "Longitude", "ID"),
    *("EV Connector Types", "Country", "Access Code", "EV Pricing", "Restricted Access"),
}
COUNTRIES = {"US": ("USA", "USD"), "CA": ("CAN", "CAD")}
MOST_POSTS = 500  # per level; a larger number is a slip of the pen

_AC, _DC = Connector.PowerType.AC_1_PHASE, Connector.PowerType.DC
_CABLE, _SOCKET = Connector.Format.CABLE, Connector.Format.SOCKET
_TESLA = ("TESLA_S", _CABLE)
PLUGS: dict[str, dict[str, tuple[str, Connector.Format]]] = {
    "L1": {
        "NEMA515": ("DOMESTIC_B", _SOCKET),
        "NEMA520": ("NEMA_5_20", _SOCKET),
        "J1772": ("IEC_62196_T1", _CABLE),
    },
    "L2": {
        "J1772": ("IEC_62196_T1", _CABLE),
        "NEMA1450": ("NEMA_14_50", _SOCKET),
        "TESLA": _TESLA,
    },
    "DC": {
        "J1772COMBO": ("IEC_62196_T1_COMBO", _CABLE),
        "CHADEMO": ("CHADEMO", _CABLE),
        "TESLA": _TESLA,
    },
}
COUNT_COLUMNS = {"L1": "EV Level1 EVSE Num", "L2": "EV Level2 EVSE Num", "DC": "EV DC Fast Count"}

_NOT_FOR_ALL = re.compile(
    r"\b(guests?|customers?|members?|employees?|students?|staff|residents?|vehicles?|rivian|nissan|use)\b"
    r"[^;.]*\bonly\b|\b(permission|permit) required\b",
    re.IGNORECASE,
)
_DOLLARS = r"\$\s?(\d+(?:\.\d{1,4})?)"
_PER_KWH = rf"{_DOLLARS}\s?(?:per|/)\s?kwh"
_PRICE = re.compile(rf"(?:{_DOLLARS}\s?per session[;,]\s*)?{_PER_KWH}(?: \+ tax)?", re.IGNORECASE)


def records(path: Path) -> Iterator[StationRow | SkippedRow]:
    seen: set[str] = set()
    for line, row in table.rows(path, needed=NEEDED):
        if isinstance(row, SkippedRow):
            yield row
            continue
        try:
            station = _station(line, row)
            if station.source_id in seen:
                raise Unusable("repeated ID")
            seen.add(station.source_id)
            yield station
        except Unusable as unusable:
            yield SkippedRow(line, row["ID"], *unusable.args)


def _station(line: int, row: table.Row) -> StationRow:
    if row["Fuel Type Code"].upper() != "ELEC":
        raise Unusable("not electric", row["Fuel Type Code"])
    if row["Status Code"].upper() not in ("E", "T"):
        raise Unusable("not open yet", f"status {row['Status Code'] or 'empty'}")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,18}", row["ID"]):
        raise Unusable("no usable ID", row["ID"][:40])
    if not row["Station Name"]:
        raise Unusable("no name")
    if row["Country"].upper() not in COUNTRIES:
        raise Unusable("unknown country", row["Country"][:40])
    country, currency = COUNTRIES[row["Country"].upper()]
    evses, notes = _evses(row)
    price = row["EV Pricing"]
    return StationRow(
        number=line,
        source_id=row["ID"],
        facts=_facts(row) | {"country": country},
        evses=evses,
        price=read_price(price, currency),
        is_free=price.lower().startswith("free"),
        closed_reason=CLOSED if row["Status Code"].upper() == "T" else "",
        notes=notes,
    )


def _facts(row: table.Row) -> dict[str, object]:
    lat, lon = read_position(row["Latitude"], row["Longitude"])
    return {
        "name": row["Station Name"][:200],
        "address": row["Street Address"][:300],
        "city": row["City"][:100],
        "region": row["State"][:100],
        "postcode": row["ZIP"][:20],
        "lat": lat,
        "lon": lon,
        "zone": zone_at(lat, lon),
        "hours": read_hours(row["Access Days Time"]),
        "hours_text": row["Access Days Time"][:300],
        "phone": re.split(r"\s{2,}|[;,/]", row["Station Phone"])[0][:40],
        "network_name": row["EV Network"][:80],
        "price_text": row["EV Pricing"][:200],
        "access": _access(row),
    }


def _access(row: table.Row) -> Station.Access:
    groups = row["Groups With Access Code"].lower()
    if row["Access Code"].lower() == "private" or groups.startswith("private"):
        return Station.Access.PRIVATE
    by_appointment = "call ahead" in groups or "card key" in groups
    if row["Restricted Access"].lower() == "true" or by_appointment:
        return Station.Access.RESTRICTED
    return (
        Station.Access.RESTRICTED if _NOT_FOR_ALL.search(row["Access Days Time"]) else Station.Access.PUBLIC
    )


def _evses(row: table.Row) -> tuple[tuple[EvseRow, ...], tuple[str, ...]]:
    types = set(row["EV Connector Types"].upper().split())
    counts = {level: _count(row[column], column) for level, column in COUNT_COLUMNS.items()}
    if not any(counts.values()):
        raise Unusable("no posts counted")
    evses: list[EvseRow] = []
    notes: list[str] = []
    for level, count in counts.items():
        plugs = _plugs(level, types - {"TESLA"} if level == "L2" and counts["DC"] else types)
        if plugs:
            evses += [EvseRow(f"{level} {number}", plugs) for number in range(1, count + 1)]
        elif count:
            notes.append(f"{count} {level} posts left out: no plug type that fits in {sorted(types)}")
    if not evses:
        raise Unusable("no known connector type", row["EV Connector Types"][:60])
    return tuple(evses), tuple(notes)


def _plugs(level: str, types: set[str]) -> tuple[PlugRow, ...]:
    power = _DC if level == "DC" else _AC
    fitting = [plug for name, plug in PLUGS[level].items() if name in types]
    if level == "L1" and len(fitting) > 1:
        fitting = fitting[:1]  # a household socket beside a J1772: the J1772 is the level 2 post's
    return tuple(PlugRow(standard, shape, power, ASSUMED_KW[level]) for standard, shape in fitting)


def _count(cell: str, column: str) -> int:
    if not cell:
        return 0
    if not re.fullmatch(r"\d{1,6}", cell) or int(cell) > MOST_POSTS:
        raise Unusable("count unreadable", f"{column}: {cell[:20]}")
    return int(cell)


def read_price(text: str, currency: str) -> PriceRow | None:
    """'$0.40 per kWh', '$1 per session; $0.39 per kWh'. With more words than that it cannot be billed."""
    match = _PRICE.fullmatch(text.strip())
    if not match:
        return None
    fee, rate = match.groups()
    return PriceRow(Decimal(rate), Decimal(fee or 0).quantize(Decimal("0.01")), currency)
