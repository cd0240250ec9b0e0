"""The open-ev-data format: a JSON list of vehicles (make, model, year, trim, battery, charge ports, charging).

A port is named by its connector and its kind: a `combo` takes AC and DC through one inlet, `ac_only` and `dc_only` one
of them. A vehicle without a year or without a known port is left out: nobody could find it, or be told what fits it.
What the file calls the base trim has no name with us, and the makes of our own list keep the names they have there.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from apps.accounts.models import VehicleModel

MOST_BYTES = 100_000_000
FIRST_YEAR, LAST_YEAR = 1990, 2100
SMALLEST, MOST_KWH, MOST_KW = Decimal("0.01"), Decimal(2_000), Decimal(4_000)

MAKES = {"Tata Motors": "Tata", "MG Motor": "MG"}
# Their connector → what it takes as AC, what it takes as DC.
CONNECTORS = {
    "ccs1": ("IEC_62196_T1", "IEC_62196_T1_COMBO"),
    "ccs2": ("IEC_62196_T2", "IEC_62196_T2_COMBO"),
    "type1": ("IEC_62196_T1", None),
    "type2": ("IEC_62196_T2", None),
    "nacs": ("TESLA_S", "TESLA_S"),
    "chademo": (None, "CHADEMO"),
    "gb_t_ac": ("GBT_AC", None),
    "gb_t_dc": ("GBT_AC", "GBT_DC"),
}
KINDS = {"combo": (True, True), "ac_only": (True, False), "dc_only": (False, True)}
_CATEGORY = VehicleModel.Category
CATEGORIES = {
    **dict.fromkeys(("passenger_car", "suv", "van", "pickup"), _CATEGORY.FOUR_WHEELER),
    **dict.fromkeys(("motorcycle", "scooter"), _CATEGORY.TWO_WHEELER),
    "bus": _CATEGORY.BUS,
    "truck": _CATEGORY.TRUCK,
}


class UnreadableFile(Exception):
    """Nothing of this file can be used; the message says why."""


@dataclass(frozen=True)
class VehicleRow:
    number: int  # the how-manieth vehicle of the file
    facts: dict[str, Any]  # columns of VehicleModel
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> tuple:
        return tuple(self.facts[name] for name in ("make", "model", "trim", "year_from"))


@dataclass(frozen=True)
class SkippedRow:
    number: int
    name: str
    reason: str  # one of few, so that they can be counted
    detail: str = ""


@dataclass(frozen=True)
class Reading:
    """Every whole vehicle of the file, and what broke it off."""

    entries: list[Any] = field(default_factory=list)
    damage: str = ""


class _Unusable(Exception):
    """(reason, detail) why a vehicle is skipped."""


# --- The file ------------------------------------------------------------------------------------------------


def read(path: Path) -> Reading:
    """A file that was cut gives what is whole in it."""
    text = _text(path).lstrip()
    if not text.startswith("["):
        raise UnreadableFile("This is no list of vehicles: the open-ev-data file begins with “[”.")
    decoder = json.JSONDecoder(parse_float=Decimal, parse_int=Decimal, parse_constant=str)
    entries: list[Any] = []
    place, end = _next(text, 1), len(text)
    while place < end and text[place] != "]":
        try:
            entry, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            return Reading(entries, _broken(text, place, len(entries)))
        place = _next(text, place)
        if place < end or isinstance(entry, dict):  # a number at the cut may be the half of one
            entries.append(entry)
        if place >= end or text[place] not in ",]":
            return Reading(entries, _broken(text, place, len(entries)))
        if text[place] == ",":
            place = _next(text, place + 1)
    return Reading(entries, "" if place < end else _broken(text, place, len(entries)))


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UnreadableFile("The file is larger than 100 MB; that is no list of vehicles.")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as fault:
        raise UnreadableFile(f"The file is not UTF-8 text (byte {fault.start}).") from fault
    except OSError as fault:
        raise UnreadableFile(fault.strerror or "The file cannot be read.") from fault


def _next(text: str, place: int) -> int:
    while place < len(text) and text[place] in " \t\r\n":
        place += 1
    return place


def _broken(text: str, place: int, whole: int) -> str:
    line = text.count("\n", 0, place) + 1
    return f"The file is cut off or damaged after vehicle {whole} (line {line})."


# --- One vehicle ---------------------------------------------------------------------------------------------


def records(entries: list[Any]) -> Iterator[VehicleRow | SkippedRow]:
    seen: set[tuple] = set()
    for number, entry in enumerate(entries, start=1):
        try:
            row = _vehicle(number, entry)
            if row.key in seen:
                raise _Unusable("repeated vehicle")
            seen.add(row.key)
            yield row
        except _Unusable as unusable:
            yield SkippedRow(number, _name_of(entry), *unusable.args)


def _vehicle(number: int, entry: Any) -> VehicleRow:
    if not isinstance(entry, dict):
        raise _Unusable("not a vehicle", type(entry).__name__)
    make = _name(entry, "make", 60)
    model = _name(entry, "model", 80)
    trim = _name(entry, "trim", 80) if entry.get("trim") is not None else ""
    ac, dc, notes = _ports(entry.get("charge_ports"))
    battery, charging = _dict(entry, "battery"), _dict(entry, "charging")
    year = _year(entry.get("year"))
    capacity = "pack_capacity_kwh_net" if battery.get("pack_capacity_kwh_net") else "pack_capacity_kwh_gross"
    return VehicleRow(
        number=number,
        notes=notes,
        facts={
            "make": MAKES.get(make, make),
            "model": model,
            "trim": "" if trim == "Base" else trim,
            "year_from": year,
            "year_to": year,
            "category": _category(entry.get("vehicle_type")),
            "battery_kwh": _number(battery.get(capacity), MOST_KWH),
            "ac_standards": ac,
            "max_ac_kw": _number(_dict(charging, "ac").get("max_power_kw"), MOST_KW) if ac else None,
            "dc_standards": dc,
            "max_dc_kw": _number(_dict(charging, "dc").get("max_power_kw"), MOST_KW) if dc else None,
        },
    )


def _name(entry: dict, part: str, longest: int) -> str:
    name = _dict(entry, part).get("name")
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise _Unusable(f"no usable {part}", str(name)[:40])
    if len(name.strip()) > longest:
        raise _Unusable(f"{part} too long", name[:40])
    return name.strip()


def _dict(entry: dict, part: str) -> dict:
    found = entry.get(part)
    if found is not None and not isinstance(found, dict):
        raise _Unusable("wrong type", f"{part} is {type(found).__name__}")
    return found or {}


def _year(said: Any) -> int:
    if said is None:
        raise _Unusable("no year")
    if not isinstance(said, Decimal) or not FIRST_YEAR <= said <= LAST_YEAR or said % 1:
        raise _Unusable("year unreadable", str(said)[:40])
    return int(said)


def _category(said: Any) -> str:
    if not isinstance(said, str) or said not in CATEGORIES:
        raise _Unusable("unknown kind of vehicle", str(said)[:40])
    return CATEGORIES[said]


def _number(said: Any, most: Decimal) -> Decimal | None:
    """None: not told. JSON knows neither NaN nor Infinity; some writers do, and they arrive as text."""
    if said is None:
        return None
    if not isinstance(said, Decimal) or not SMALLEST <= said <= most:
        raise _Unusable("number unreadable", str(said)[:40])
    return said.quantize(SMALLEST)


def _ports(said: Any) -> tuple[list[str], list[str], tuple[str, ...]]:
    """(AC standards, DC standards, what we did not know of them)"""
    if not said:
        raise _Unusable("no charge port")
    if not isinstance(said, list) or not all(isinstance(port, dict) for port in said):
        raise _Unusable("wrong type", "charge_ports")
    ac, dc, unknown = set(), set(), []
    for port in said:
        kind, connector = port.get("kind"), port.get("connector")
        if not _known(kind, KINDS) or not _known(connector, CONNECTORS):
            unknown.append(f"{kind} {connector}"[:60])
            continue
        for standards, takes, standard in zip((ac, dc), KINDS[kind], CONNECTORS[connector], strict=True):
            if takes and standard:
                standards.add(standard)
    if not ac and not dc:
        raise _Unusable("no known charge port", ", ".join(unknown)[:60])
    return sorted(ac), sorted(dc), tuple(f"left out an unknown port: {port}" for port in unknown)


def _known(word: Any, words: dict[str, Any]) -> bool:
    return isinstance(word, str) and word in words


def _name_of(entry: Any) -> str:
    """For people, of whatever stands there."""
    part: Callable[[str], Any] = lambda name: entry.get(name) if isinstance(entry, dict) else None  # noqa: E731
    names = [
        found.get("name") for found in (part("make"), part("model"), part("trim")) if isinstance(found, dict)
    ]
    year = part("year")
    return " ".join(str(word) for word in (*names, year) if word is not None)[:120]
