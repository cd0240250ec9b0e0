"""What a catalog says of one plug beside the schema, in tags (fact sheet 4.2, 6.1–6.3).

Group `connector-specifications` stands on the item; older catalogs have it on the fulfillment, so both are read.
Beyond the guide our own catalogs say evse-id, status-changed-at, last-seen-at, last-charge-at, and the groups
`price-components` and `station-details` (closed, opens-at, closes-at, photo-alt and more).
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.beckn.wire import numbers
from apps.beckn.wire.v1_1 import taxonomy
from apps.beckn.wire.v1_1.base import read_instant
from apps.beckn.wire.v1_1.catalog import Item
from apps.beckn.wire.v1_1.fulfillment import Fulfillment
from apps.beckn.wire.v1_1.tags import all_tags, group_code, read_tags, tag_code

UNKNOWN = "Unknown"
_NO = frozenset({"no", "false", "0", "open"})
_TRUTH = {
    "yes": True,
    "true": True,
    "1": True,
    "y": True,
    "no": False,
    "false": False,
    "0": False,
    "n": False,
}
GREEN_SERVICES = frozenset({"green-energy-certified", "go-eu", "rego-uk", "i-rec"})


@dataclass(frozen=True, kw_only=True)
class PlugFacts:
    """None and "" mean: not said."""

    connector_id: str = ""
    letter: str = ""
    connector_type: str = ""  # OCPI constant, or the sender's own word
    charger_type: str = ""  # AC or DC
    connector_format: str = ""  # CABLE or SOCKET
    power_kw: Decimal | None = None
    availability: str = UNKNOWN  # OCPP 1.6 word, Offline or Unknown
    status_changed_at: datetime | None = None
    last_seen_at: datetime | None = None  # the last proof of life that stands behind `availability`
    last_charge_at: datetime | None = None  # a charge last ended here with energy in the car
    evse_id: str = ""  # plugs of one EVSE serve one car at a time
    time_zone: str = ""  # of the station, IANA
    opening_hours: str = ""  # of the station, in words
    closed: str = ""  # the station is closed now: why, in words
    opens_at: datetime | None = None  # the next opening of a closed station
    closes_at: datetime | None = None
    photo_alts: tuple[str, ...] = ()  # what the images of the station show, in their order
    vehicle_types: tuple[str, ...] = ()  # taxonomy.VEHICLE_CATEGORIES
    amenities: tuple[str, ...] = ()  # of the station, lower case
    is_accessible: bool | None = None  # the bay, for a wheelchair
    is_reservable: bool | None = None
    is_green: bool | None = None
    # Net amounts in the currency of the price; the tax is a percentage of everything.
    energy_rate: Decimal | None = None  # per kWh, where the price has more than two places
    session_fee: Decimal | None = None
    tax_name: str = ""
    tax_percent: Decimal | None = None
    tariff: str = ""  # the whole tariff as JSON in the shape of OCPI, as the sender wrote it


def read_plug(item: Item, fulfillment: Fulfillment | None = None) -> PlugFacts:
    """The plug that `item` offers; what the item does not say is looked for on its charging point."""
    said = _Said(item, fulfillment)
    charger = taxonomy.charger_type(said("charger-type")) or taxonomy.charger_type(said("power-type"))
    word = said("connector-type")
    return PlugFacts(
        connector_id=said("connector-id"),
        letter=said("connector-letter") or _letter(said("connector-id")),
        connector_type=taxonomy.connector_type(word, charger) or word,
        charger_type=charger or "",
        connector_format=said("connector-format").upper(),
        power_kw=_or_none(numbers.read_power_kw, said("power-rating", "max-power", "max-power-kw")),
        availability=_availability(said, fulfillment),
        status_changed_at=read_instant(said("status-changed-at")),
        last_seen_at=read_instant(said("last-seen-at")),
        last_charge_at=read_instant(said("last-charge-at")),
        evse_id=said("evse-id"),
        time_zone=said("time-zone"),
        opening_hours=said("opening-hours"),
        closed="" if said("closed").strip().lower() in _NO else said("closed"),
        opens_at=read_instant(said("opens-at")),
        closes_at=read_instant(said("closes-at")),
        photo_alts=tuple(said.all("photo-alt")),
        vehicle_types=_vehicle_types(said),
        amenities=_amenities(said),
        is_accessible=_truth(said("accessible", "wheelchair-access")),
        is_reservable=_truth(said("reservable", "is-reservable")),
        is_green=_is_green(said),
        energy_rate=_or_none(numbers.read_number, said("energy-rate")),
        session_fee=_or_none(numbers.read_number, said("session-fee", "service-charge")),
        tax_name=said("tax-name"),
        tax_percent=_or_none(numbers.read_number, said("tax-percent")),
        tariff=said("ocpi-tariff"),
    )


class _Said:
    """Tags of the item first, then those of the charging point that are about its plug."""

    def __init__(self, item: Item, fulfillment: Fulfillment | None):
        self.tags = all_tags(item.tags)
        if fulfillment and fulfillment.tags:
            about_plug = (one for one in fulfillment.tags if not group_code(one).startswith("charging-point"))
            self.tags = all_tags(about_plug) | self.tags

    def __call__(self, *codes: str) -> str:
        for code in codes:
            if code in self.tags:
                return self.tags[code][0]
        return ""

    def all(self, code: str) -> list[str]:
        return self.tags.get(code, [])


def _availability(said: _Said, fulfillment: Fulfillment | None) -> str:
    """A plug on a charging point that is off line is off line, whatever its own tag still says."""
    point = read_tags(fulfillment.tags) if fulfillment and fulfillment.tags else {}
    words = [
        codes.get("availability", []) for name, codes in point.items() if name.startswith("charging-point")
    ]
    if any(taxonomy.availability(word) == "Offline" for values in words for word in values):
        return "Offline"
    word = said("availability", "unavailability", "status")
    if not word and any(words):
        word = next(value for values in words for value in values)
    return taxonomy.availability(word) or UNKNOWN


def _vehicle_types(said: "_Said") -> tuple[str, ...]:
    known = (taxonomy.vehicle_category(word) for text in said.all("vehicle-type") for word in text.split(","))
    return tuple(dict.fromkeys(word for word in known if word))


def _amenities(said: "_Said") -> tuple[str, ...]:
    texts = (*said.all("amenity"), *said.all("amenities"))
    words = (" ".join(word.lower().split())[:30] for text in texts for word in text.split(","))
    return tuple(dict.fromkeys(word for word in words if word))[:20]


def _is_green(said: "_Said") -> bool | None:
    services = {tag_code(word) for code in ("service", "services") for word in said.all(code)}
    return True if services & GREEN_SERVICES else _truth(said("green-energy", "green-tariff"))


def _truth(text: str) -> bool | None:
    return _TRUTH.get(text.strip().lower())


def _letter(connector_id: str) -> str:
    """Some number their connectors, some paint letters."""
    return connector_id.upper() if connector_id.isalpha() and len(connector_id) <= 2 else ""


def _or_none(read, text: str) -> Decimal | None:
    try:
        number = read(text)
    except numbers.NumberError:
        return None
    return number if number >= 0 else None
