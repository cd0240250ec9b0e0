"""Open Charge Map: a list of POIs, with the objects written out (verbose) or by their numbers (compact).

Volunteers write it: kinds of equipment with a quantity, not posts. Our rule: AC and DC stand apart, and among each
there are as many EVSEs (cars) as the most frequent plug, up to one per plug when `NumberOfPoints` says that there are
more. So no more cars are promised than the entry knows of. Prices are told in words and never billed. A status is no
proof of life; planned and removed sites are not offered, and neither is what nobody says is public.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from apps.catalog.importers import entries, pictures
from apps.catalog.importers.entries import Entry, cut, listed, part, plain
from apps.catalog.importers.hours_text import read_hours
from apps.catalog.importers.place import read_country, read_position, zone_at
from apps.catalog.importers.power import credible, from_current
from apps.catalog.importers.records import (
    ASSUMED_KW,
    CLOSED,
    EvseRow,
    PlugRow,
    SkippedRow,
    StationRow,
    Unusable,
    Withdrawn,
)
from apps.catalog.models import Connector, Station

MOST_POSTS = 500  # of one connection; a larger number is a slip of the pen
LONGEST_COMMENT = 5_000  # a longer one is a story, not opening hours

_CABLE, _SOCKET = Connector.Format.CABLE, Connector.Format.SOCKET
_POWER = Connector.PowerType
# Numbers of the reference lists of Open Charge Map.
CURRENTS = {10: _POWER.AC_1_PHASE, 20: _POWER.AC_3_PHASE, 30: _POWER.DC}
PLUGS = {
    **{1: ("IEC_62196_T1", _CABLE), 32: ("IEC_62196_T1_COMBO", _CABLE)},
    **{25: ("IEC_62196_T2", _SOCKET), 1036: ("IEC_62196_T2", _CABLE), 33: ("IEC_62196_T2_COMBO", _CABLE)},
    **{36: ("IEC_62196_T3A", _SOCKET), 26: ("IEC_62196_T3C", _SOCKET), 2: ("CHADEMO", _CABLE)},
    **{1038: ("GBT_AC", _SOCKET), 1039: ("GBT_AC", _CABLE), 1040: ("GBT_DC", _CABLE)},
    **{30: ("TESLA_S", _CABLE), 27: ("TESLA_S", _CABLE), 8: ("TESLA_R", _CABLE)},
    **{4: ("IEC_60309_2_single_16", _SOCKET), 16: ("IEC_60309_2_single_16", _SOCKET)},
    **{34: ("IEC_60309_2_single_16", _SOCKET), 17: ("IEC_60309_2_three_16", _SOCKET)},
    **{35: ("IEC_60309_2_three_16", _SOCKET), 13: ("DOMESTIC_C", _SOCKET), 23: ("DOMESTIC_E", _SOCKET)},
    **{28: ("DOMESTIC_F", _SOCKET), 3: ("DOMESTIC_G", _SOCKET), 29: ("DOMESTIC_I", _SOCKET)},
    **{1037: ("DOMESTIC_J", _SOCKET), 22: ("DOMESTIC_B", _SOCKET), 9: ("NEMA_5_20", _SOCKET)},
    **{10: ("NEMA_14_30", _SOCKET), 11: ("NEMA_14_50", _SOCKET)},
}
# Unknown, inductive, battery swap, and plugs that OCPI has no word for.
WITHOUT_A_WORD = {0, 5, 6, 7, 14, 15, 18, 21, 24, 31, 1041, 1042}
_ONLY_DC = {2, 27, 32, 33, 1040}
_ONLY_ONE_PHASE = {1, 3, 4, 9, 10, 11, 13, 16, 22, 23, 28, 29, 34, 36, 1037}
_THREE_PHASE_SOCKETS = {17, 35}

NOT_THERE = {150: "planned", 200: "removed", 210: "removed: listed twice"}
OUT_OF_ORDER = {30, 100}
PASSING = {0, 10, 20, 50, 75}
LIVE_ENTRIES = {100, 200}
ACCESS = {
    **{1: Station.Access.PUBLIC, 5: Station.Access.PUBLIC},
    **{3: Station.Access.RESTRICTED, 4: Station.Access.RESTRICTED, 7: Station.Access.RESTRICTED},
    **{2: Station.Access.PRIVATE, 6: Station.Access.PRIVATE},
}


@dataclass(frozen=True)
class _Kind:
    """One connection: so many plugs of one kind."""

    plug: PlugRow
    quantity: int
    is_broken: bool


def records(*pages: Path) -> Iterator[StationRow | SkippedRow]:
    return entries.rows(*pages, id_of=_id, read=_station)


def _id(poi: Entry) -> str:
    name = plain(poi.get("ID"))
    if not name.isdecimal() or not name.isascii() or len(name) > 12 or int(name) == 0:
        raise Unusable("no usable ID", name[:40])
    return name


def _station(number: int, source_id: str, poi: Entry) -> StationRow:
    status = _reference(poi, "StatusType")
    _check_offered(poi, status)
    notes: list[str] = []
    kinds = [kind for one in listed(poi.get("Connections")) if (kind := _kind(one, notes))]
    if not kinds:
        raise Withdrawn("no plug to offer", "; ".join(notes[:2]))
    is_broken = status in OUT_OF_ORDER or all(kind.is_broken for kind in kinds)
    if not is_broken and any(kind.is_broken for kind in kinds):
        notes.append("some plugs said to be out of order: shown as not confirmed")
    facts = _facts(poi, notes)
    return StationRow(
        number=number,
        source_id=source_id,
        facts=facts,
        photos=pictures.of_map(poi, facts["name"], notes),
        evses=_evses(kinds, entries.number(poi.get("NumberOfPoints"))),
        is_free=plain(poi.get("UsageCost")).lower().startswith("free"),
        closed_reason=CLOSED if is_broken else "",
        notes=tuple(notes),
    )


def _check_offered(poi: Entry, status: int | None) -> None:
    if status in NOT_THERE:
        raise Withdrawn("not there", NOT_THERE[status])
    if status is not None and status not in OUT_OF_ORDER | PASSING:
        raise Withdrawn("unknown status", f"StatusType {status}")
    entry = _reference(poi, "SubmissionStatus", "SubmissionStatusTypeID")
    if entry is not None and entry not in LIVE_ENTRIES:
        raise Withdrawn("not published", f"SubmissionStatusType {entry}")


def _reference(owner: Entry, name: str, id_name: str = "") -> int | None:
    """The number of a reference: beside the object, or in it. -1 is a number that nobody has."""
    said = owner.get(id_name or f"{name}ID")
    said = part(owner, name).get("ID") if said is None else said
    if said is None:
        return None
    read = entries.number(said)
    return int(read) if read is not None and read == int(read) else -1


def _facts(poi: Entry, notes: list[str]) -> dict[str, Any]:
    place = part(poi, "AddressInfo")
    lat, lon = read_position(plain(place.get("Latitude")), plain(place.get("Longitude")))
    name = cut(place, "Title", 200, notes)
    if not name:
        raise Unusable("no name")
    zone = zone_at(lat, lon)
    comments = plain(place.get("AccessComments"))
    lines = (cut(place, line, 300, notes) for line in ("AddressLine1", "AddressLine2"))
    brand = cut(part(poi, "OperatorInfo"), "Title", 80, notes)
    return {
        "name": name,
        "address": ", ".join(filter(None, lines))[:300],
        "city": cut(place, "Town", 100, notes),
        "region": cut(place, "StateOrProvince", 100, notes),
        "postcode": cut(place, "Postcode", 20, notes),
        "country": read_country(plain(part(place, "Country").get("ISOCode")), zone),
        "lat": lat,
        "lon": lon,
        "zone": zone,
        "hours": read_hours(comments) if len(comments) <= LONGEST_COMMENT else [],
        "hours_text": cut(place, "AccessComments", 300, notes),
        "phone": cut(place, "ContactTelephone1", 40, notes),
        "network_name": "" if brand.startswith("(") else brand,  # "(Unknown Operator)" is nobody
        "price_text": cut(poi, "UsageCost", 200, notes),
        "access": _access(poi, notes),
    }


def _access(poi: Entry, notes: list[str]) -> Station.Access:
    usage = _reference(poi, "UsageType")
    if usage not in ACCESS:
        notes.append("nobody says that it is public: not offered to all")
    return ACCESS.get(usage, Station.Access.RESTRICTED)


# --- Posts and plugs ------------------------------------------------------------------------------------


def _kind(connection: Any, notes: list[str]) -> _Kind | None:
    if not isinstance(connection, dict):
        return None
    kind, status = _reference(connection, "ConnectionType"), _reference(connection, "StatusType")
    stated = connection.get("Quantity")
    quantity = Decimal(1) if stated is None else entries.number(stated)
    fault = ""
    if kind not in PLUGS:
        fault = "type not stated" if kind is None else f"type {kind} is no plug we know"
    elif status in NOT_THERE:
        fault = NOT_THERE[status]
    elif status is not None and status not in OUT_OF_ORDER | PASSING:
        fault = f"unknown status {status}"
    elif quantity is None or quantity != int(quantity) or not 1 <= quantity <= MOST_POSTS:
        fault = f"quantity {plain(stated)[:20]}"
    if fault:
        notes.append(f"connection left out: {fault}")
        return None
    return _Kind(_plug(connection, kind), int(quantity), status in OUT_OF_ORDER)


def _plug(connection: Entry, kind: int) -> PlugRow:
    standard, shape = PLUGS[kind]
    amps = entries.number(connection.get("Amps"))
    if kind in _THREE_PHASE_SOCKETS and amps and amps >= 32:
        standard = "IEC_60309_2_three_64" if amps >= 63 else "IEC_60309_2_three_32"
    power = _power_type(connection, kind)
    stated_kw = credible(entries.number(connection.get("PowerKW")))
    computed = from_current(power, entries.number(connection.get("Voltage")), amps)
    kw = stated_kw or computed
    return PlugRow(standard, shape, power, kw or _assumed_kw(connection, power, standard), bool(kw))


def _power_type(connection: Entry, kind: int) -> Connector.PowerType:
    """The plug decides where it can be only one; else what is said; unsaid, the weakest."""
    if kind in _ONLY_DC:
        return _POWER.DC
    if kind in _ONLY_ONE_PHASE:
        return _POWER.AC_1_PHASE
    if kind in _THREE_PHASE_SOCKETS:
        return _POWER.AC_3_PHASE
    return CURRENTS.get(_reference(connection, "CurrentType"), _POWER.AC_1_PHASE)


def _assumed_kw(connection: Entry, power: str, standard: str) -> Decimal:
    if power == _POWER.DC:
        return ASSUMED_KW["DC"]
    level = _reference(connection, "Level")
    if standard.startswith("DOMESTIC") or level == 1:
        return ASSUMED_KW["L1"]
    return ASSUMED_KW["L2"]


def _evses(kinds: list[_Kind], points: Decimal | None) -> tuple[EvseRow, ...]:
    """Plugs of one standard are cars of their own; those of several standards may share a post."""
    groups = {
        "DC": [kind for kind in kinds if kind.plug.power_type == _POWER.DC],
        "AC": [kind for kind in kinds if kind.plug.power_type != _POWER.DC],
    }
    fewest = {name: _largest_standard(group) for name, group in groups.items()}
    more = max(0, int(points or 0) - sum(fewest.values()))
    evses: list[EvseRow] = []
    for name, group in groups.items():
        group.sort(key=lambda kind: (kind.plug.standard, -kind.plug.max_kw))
        plugs = [kind.plug for kind in group for _number in range(kind.quantity)]
        count = min(len(plugs), fewest[name] + more)
        more -= count - fewest[name]
        evses += [EvseRow(f"{name} {at + 1}", tuple(plugs[at::count])) for at in range(count)]
    return tuple(evses)


def _largest_standard(group: list[_Kind]) -> int:
    counted: Counter[str] = Counter()
    for kind in group:
        counted[kind.plug.standard] += kind.quantity
    return max(counted.values(), default=0)
