"""Where we ask. Neighbours share a question: centres are moved to a grid, and the circle grows by as much."""

import hashlib
import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

GRID_DEGREES = Decimal("0.05")  # 5.6 km
RADII_KM = (10, 20, 40, 80, 160)
PLACE_KM = Decimal("0.5")
KM_PER_DEGREE = Decimal("111.32")


@dataclass(frozen=True)
class Area:
    """A circle, or words, or the circle of one provider of one BPP. `name` is equal for equal questions."""

    lat: Decimal | None
    lon: Decimal | None
    radius_km: Decimal | None
    words: str = ""
    bpp_id: str = ""
    provider_id: str = ""

    @property
    def name(self) -> str:
        if self.words:
            return f"words-{_short(self.words.casefold())}"
        if self.bpp_id:
            return f"place-{_short(repr((self.bpp_id, self.provider_id, self.lat, self.lon)))}"
        return f"{self.lat:.2f}_{self.lon:.2f}_{self.radius_km:.0f}"


def area_around(lat: Decimal, lon: Decimal, radius_km: Decimal) -> Area:
    """The grid circle that covers the wanted one, as far as the largest radius reaches."""
    moved_km = GRID_DEGREES * KM_PER_DEGREE  # half a cell in both directions is at most this far
    wanted = radius_km + moved_km
    radius = next((step for step in RADII_KM if step >= wanted), RADII_KM[-1])
    return Area(_on_grid(lat), _on_grid(lon), Decimal(radius))


def area_of_place(*, bpp_id: str, provider_id: str, lat: Decimal, lon: Decimal) -> Area:
    """One station: small and exact, so that the answer is short even where a thousand others stand."""
    return Area(lat, lon, PLACE_KM, bpp_id=bpp_id, provider_id=provider_id)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def area_of_words(words: str) -> Area:
    return Area(None, None, None, " ".join(words.split())[:100])


def _on_grid(degrees: Decimal) -> Decimal:
    return (degrees / GRID_DEGREES).quantize(Decimal(1), ROUND_HALF_UP) * GRID_DEGREES + 0


def shrinking(lat: Decimal) -> Decimal:
    """How much shorter a degree of longitude is at this latitude."""
    return Decimal(str(max(0.01, math.cos(math.radians(lat)))))


def distance_km(lat: Decimal, lon: Decimal, to_lat: Decimal, to_lon: Decimal) -> Decimal:
    """Along the great circle, to 100 m."""
    here, there = math.radians(lat), math.radians(to_lat)
    half = (
        math.sin((there - here) / 2) ** 2
        + math.cos(here) * math.cos(there) * math.sin(math.radians(to_lon - lon) / 2) ** 2
    )
    return Decimal(str(2 * 6371.0 * math.asin(min(1, math.sqrt(half))))).quantize(Decimal("0.1"))


@dataclass(frozen=True)
class Box:
    """What a map shows. East of the date line its longitudes may go on counting, and beyond the poles is nothing."""

    south: Decimal
    west: Decimal
    north: Decimal
    east: Decimal

    @property
    def spans(self) -> tuple[tuple[Decimal, Decimal], ...]:
        """The same longitudes, between -180 and 180."""
        width = self.east - self.west
        if width < 0:
            return ()
        if width >= 360:
            return ((Decimal(-180), Decimal(180)),)
        west = (self.west + 180) % 360
        west = (west + 360 if west < 0 else west) - 180
        east = west + width
        return ((west, east),) if east <= 180 else ((west, Decimal(180)), (Decimal(-180), east - 360))

    def turned(self, lon: Decimal) -> Decimal:
        """The same longitude as the box counts it: 185 for -175 on a map that shows 170 to 190."""
        aside = (lon - self.west) % 360
        there = self.west + (aside + 360 if aside < 0 else aside)
        return there if there <= self.east else lon


def box_around(lat: Decimal, lon: Decimal, radius_km: Decimal) -> Box:
    up = radius_km / KM_PER_DEGREE
    south, north = max(lat - up, Decimal(-90)), min(lat + up, Decimal(90))
    if south == -90 or north == 90:  # round a pole all longitudes are near
        return Box(south, Decimal(-180), north, Decimal(180))
    aside = min(up / shrinking(lat), Decimal(180))
    return Box(south, lon - aside, north, lon + aside)
