"""Distances and boxes on the globe, poles and date line included."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

EARTH_KM = 6371.0088
Point = tuple[Decimal, Decimal]  # (latitude, longitude)


@dataclass(frozen=True)
class Circle:
    lat: Decimal
    lon: Decimal
    radius_km: Decimal


@dataclass(frozen=True)
class Box:
    """All points with south ≤ lat ≤ north and a longitude in one of the spans."""

    south: Decimal
    north: Decimal
    spans: tuple[tuple[Decimal, Decimal], ...]


def distance_km(one: Point, other: Point):
    """Great circle distance (haversine): for comparing and sorting, not for money."""
    lat1, lon1, lat2, lon2 = (math.radians(degrees) for degrees in (*one, *other))
    half = math.sin((lat2 - lat1) / 2) ** 2
    half += math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_KM * math.asin(min(1, math.sqrt(half)))


def box_around(circle: Circle) -> Box:
    """A box that holds the circle; a little larger, so that rounding loses nobody."""
    angle = circle.radius_km / Decimal(EARTH_KM)  # in radians
    reach = _degrees(angle)
    south, north = circle.lat - reach, circle.lat + reach
    if south <= -90 or north >= 90:
        return Box(max(south, Decimal(-90)), min(north, Decimal(90)), ((Decimal(-180), Decimal(180)),))
    side = _degrees(math.asin(min(1, math.sin(angle) / math.cos(math.radians(circle.lat)))))
    return Box(south, north, _spans(circle.lon - side, circle.lon + side))


def box_of(polygon: Sequence[Point]) -> Box:
    corners = _unrolled(polygon)
    lats, lons = [lat for lat, _lon in corners], [lon for _lat, lon in corners]
    return Box(min(lats), max(lats), _spans(min(lons), max(lons)))


def is_inside(point: Point, polygon: Sequence[Point]) -> bool:
    """Even-odd rule on the flat map."""
    corners = _unrolled(polygon)
    lat, lon = point
    if lon < 0 and max(lon for _lat, lon in corners) > 180:
        lon += 360
    inside = False
    for (lat1, lon1), (lat2, lon2) in zip(corners, [*corners[1:], corners[0]], strict=True):
        crosses = (lat1 > lat) != (lat2 > lat)
        if crosses and lon < lon1 + (lat - lat1) / (lat2 - lat1) * (lon2 - lon1):
            inside = not inside
    return inside


def _unrolled(polygon: Sequence[Point]) -> Sequence[Point]:
    """A polygon wider than half the globe lies across the date line: its east goes on counting."""
    lons = [lon for _lat, lon in polygon]
    if max(lons) - min(lons) <= 180:
        return polygon
    return [(lat, lon + 360 if lon < 0 else lon) for lat, lon in polygon]


def _degrees(radians) -> Decimal:
    return Decimal(math.degrees(radians)).quantize(Decimal("1e-6")) + Decimal("1e-5")


def _spans(west: Decimal, east: Decimal) -> tuple[tuple[Decimal, Decimal], ...]:
    if west < -180:
        return (west + 360, Decimal(180)), (Decimal(-180), east)
    if east > 180:
        return (west, Decimal(180)), (Decimal(-180), east - 360)
    return ((west, east),)
