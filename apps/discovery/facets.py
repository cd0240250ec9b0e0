"""What the map asks of a station, as whole numbers: kinds of plugs and traits are bits, instants are microseconds.

A question reads one narrow row per station. Where that row cannot know ("one plug is new and one is old, which of
them is the CCS2?") it says so, and only then the plugs themselves are asked: `finding.py`. Pure functions, no rows.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import product
from typing import Any

from apps.discovery.plugs import AMENITIES, VEHICLES

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEVER, FOR_EVER = 0, 2**62
TILES_PER_DEGREE = 2
TILES_ROUND = 1024  # more than fit round the globe, so that row and column of a tile make one number
MICRO = 1_000_000
NO_MONEY, SEVERAL_MONEYS = 0, -1

# A kind of plug is a standard and a step of power. 9 × 7 bits fill a signed column of 64; the last bit of the
# second column is every plug with a standard or a current that is in neither row: those are asked themselves.
STEPS_KW = (7, 22, 50, 100, 150)
_POWERS = len(STEPS_KW) + 2  # unknown, less than the first step, then from each step on
FAMILIES = {
    "AC": (
        *("IEC_62196_T2", "IEC_62196_T1", "GBT_AC", "IS_17017", "IEC_60309_2_single_16", "DOMESTIC_D"),
        *("NEMA_5_20", "NEMA_14_50", "TESLA_S"),
    ),
    "DC": ("IEC_62196_T2_COMBO", "IEC_62196_T1_COMBO", "CHADEMO", "GBT_DC", "TESLA_S", "IS_17017"),
}
ODD = 1 << 62
ALL_KINDS = (1 << 63) - 1

_FLAGS = ("accessible", "reservable", "green", "hours")
TRAITS = {name: 1 << number for number, name in enumerate((*_FLAGS, *VEHICLES, *AMENITIES))}

# What is asked of one and the same plug beside its kind: a vehicle or any, reservable or not asked, green or not asked.
# A station has the bit of each such wish that one of its plugs fulfils.
Wish = tuple[str, bool, bool]
WISHES: dict[Wish, int] = {
    wish: 1 << number for number, wish in enumerate(product(("", *VEHICLES), (False, True), (False, True)))
}


def micros(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def micro_degrees(degrees: Decimal) -> int:
    return int(degrees * MICRO)


def tile_of(y: int, x: int) -> int:
    return tile_row(y) * TILES_ROUND + tile_column(x)


def tile_row(y: int) -> int:
    return (y + 90 * MICRO) * TILES_PER_DEGREE // MICRO


def tile_column(x: int) -> int:
    return (x + 180 * MICRO) * TILES_PER_DEGREE // MICRO


def seller_mark(name: str) -> int:
    """A number for a name, however it is capitalised: an index of numbers is narrow."""
    return int.from_bytes(hashlib.blake2b(name.casefold().encode(), digest_size=8).digest()) >> 1


@lru_cache(maxsize=256)
def money_mark(currency: str) -> int:
    """'INR' as a number."""
    return int.from_bytes(currency.encode()[:3])


def trait_bits(names: Iterable[str]) -> int:
    bits = 0
    for name in names:
        bits |= TRAITS.get(name, 0)
    return bits


def needs_of(wish: Wish) -> int:
    """The traits that a plug needs to fulfil a wish."""
    vehicle, reservable, green = wish
    flags = (("reservable", reservable), ("green", green))
    return trait_bits([vehicle, *(name for name, asked in flags if asked)])


_NEEDS = [(needs_of(wish), bit) for wish, bit in WISHES.items()]
_OF_PLUGS = needs_of(("", True, True)) | trait_bits(VEHICLES)


def fit_bits(traits: int) -> int:
    """The wishes that a plug with these traits fulfils."""
    return _fit_bits(traits & _OF_PLUGS)


@lru_cache(maxsize=256)  # there are no more than 128
def _fit_bits(traits: int) -> int:
    return sum(bit for needed, bit in _NEEDS if traits & needed == needed)


# --- Kinds ------------------------------------------------------------------------------------------------


def power_step(max_kw: Decimal | None) -> int:
    return 0 if max_kw is None else 1 + sum(max_kw >= step for step in STEPS_KW)


def kind_bits(standard: str, power_type: str, max_kw: Decimal | None) -> tuple[int, int]:
    """The bit of a plug in the columns for AC and for DC."""
    families = FAMILIES.get(power_type, ())
    if standard not in families:
        return 0, ODD
    bit = 1 << (families.index(standard) * _POWERS + power_step(max_kw))
    return (bit, 0) if power_type == "AC" else (0, bit)


@dataclass(frozen=True)
class Kinds:
    """The kinds that a question wants. `is_exact`: the bits alone can say yes."""

    ac: int
    dc: int
    is_exact: bool = True

    @property
    def others(self) -> tuple[int, int]:
        """The bits of all other kinds, the odd one included."""
        return ALL_KINDS & ~self.ac, ALL_KINDS & ~self.dc


def wanted_kinds(
    *, current: str, standards: Iterable[str] | None, from_kw: Decimal | None, below_kw
) -> Kinds:
    steps = [step for step in range(_POWERS) if _may_hold(step, from_kw, below_kw)]
    exact = all(edge is None or edge in STEPS_KW for edge in (from_kw, below_kw))
    masks = {}
    for power_type, families in FAMILIES.items():
        wanted = families if standards is None else [name for name in families if name in standards]
        masks[power_type] = sum(
            1 << (families.index(name) * _POWERS + step)
            for name in (wanted if current in ("", power_type) else ())
            for step in steps
        )
    return Kinds(masks["AC"], masks["DC"], exact)


def _may_hold(step: int, from_kw: Decimal | None, below_kw: Decimal | None) -> bool:
    """Can a plug of this step lie in [from_kw, below_kw)? An unknown power lies nowhere but everywhere."""
    if step == 0:
        return from_kw is None and below_kw is None
    edges = (0, *STEPS_KW, FOR_EVER)
    low, high = edges[step - 1], edges[step]
    return (from_kw is None or high > from_kw) and (below_kw is None or low < below_kw)


# --- The row ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PlugTold:
    standard: str
    power_type: str
    max_kw: Decimal | None
    traits: int
    is_free: bool  # as told; whether that is fresh is a question of the moment
    shown_at: datetime | None
    seen_at: datetime
    currency: str
    usual_cents: int | None

    @classmethod
    def of(cls, offer: Any) -> "PlugTold":
        free = offer.shown_status == "Available"
        kind = (offer.standard, offer.power_type, offer.max_kw)
        price = (offer.currency, offer.usual_cents)
        return cls(*kind, offer.traits, free, offer.shown_seen_at, offer.seen_at, *price)


def of_plugs(plugs: list[PlugTold], station_traits: int) -> dict[str, int]:
    """What the plugs of a station have in common, and what one of them has."""
    some, every = 0, -1
    masks = {"ac": 0, "dc": 0, "fits": 0, "ac_free": 0, "dc_free": 0, "fits_free": 0}
    for plug in plugs:
        ac, dc = kind_bits(plug.standard, plug.power_type, plug.max_kw)
        fits = fit_bits(plug.traits)
        masks["ac"] |= ac
        masks["dc"] |= dc
        masks["fits"] |= fits
        if plug.is_free:
            masks["ac_free"] |= ac
            masks["dc_free"] |= dc
            masks["fits_free"] |= fits
        some |= plug.traits
        every &= plug.traits
    free = [micros(plug.shown_at) for plug in plugs if plug.is_free and plug.shown_at]
    seen = [micros(plug.seen_at) for plug in plugs]
    return {
        **masks,
        "some_traits": some | station_traits,
        "all_traits": (every if plugs else 0) | station_traits,
        "free_from": min(free, default=NEVER),
        "free_to": max(free, default=NEVER),
        "seen_from": min(seen, default=NEVER),
        "seen_to": max(seen, default=NEVER),
        **_prices(plugs),
    }


def _prices(plugs: list[PlugTold]) -> dict[str, int]:
    told = [plug for plug in plugs if plug.currency and plug.usual_cents is not None]
    moneys = {money_mark(plug.currency) for plug in told}
    dearest = max((plug.usual_cents for plug in told), default=FOR_EVER)
    return {
        "price_from": min((plug.usual_cents for plug in told), default=FOR_EVER),
        "price_to": dearest if len(told) == len(plugs) else FOR_EVER,
        "money": moneys.pop() if len(moneys) == 1 else SEVERAL_MONEYS if moneys else NO_MONEY,
    }


def of_place(station: Any) -> dict[str, int]:
    """Position, seller and opening of a row of OfferedStation."""
    y, x = micro_degrees(station.lat), micro_degrees(station.lon)
    opens = FOR_EVER if station.opens_at is None else micros(station.opens_at)
    return {
        "tile": tile_of(y, x),
        "y": y,
        "x": x,
        "seller": seller_mark(station.provider_name),
        "open_from": opens if station.closed_reason else NEVER,
        "open_until": FOR_EVER if station.closes_at is None else micros(station.closes_at),
    }


def station_traits(station: Any) -> int:
    return trait_bits(_station_words(station))


def _station_words(station: Any) -> Iterator[str]:
    yield from (name for name in station.amenities if name in AMENITIES)
    if station.is_accessible:
        yield "accessible"
    if station.hours_text or station.closed_reason or station.closes_at:
        yield "hours"
