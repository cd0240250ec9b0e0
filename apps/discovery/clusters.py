"""Stations whose pins would cover each other on the map become one ball with their number. Pure geometry.

Whole numbers throughout: a map asks for hundreds of stations, and may ask for hundreds of thousands.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from apps.discovery.areas import Box, shrinking
from apps.discovery.facets import MICRO, micro_degrees

Point = tuple[int, int, int]  # key, millionths of a degree north, and east
Heap = tuple[int, int, int]  # number of stations, sum of their norths, and of their easts

ACROSS = 12  # balls side by side when there are too many stations to tell their pins
NEAR_PX = 40  # the width of a pin
PINS_FROM_ZOOM = 15  # so close to the ground every station has its pin, be it in the same yard


def gather(points: Iterable[Point], box: Box, zoom: int) -> list[list[Point]]:
    """Groups of points that the map draws nearer than NEAR_PX to the first of them."""
    if zoom >= PINS_FROM_ZOOM:
        return [[point] for point in points]
    across = 256 * 2**zoom  # pixels round the globe
    squeeze = int(shrinking((box.south + box.north) / 2) * 1000)
    groups: list[list[Point]] = []
    firsts: dict[tuple[int, int], list[tuple[int, int, list[Point]]]] = {}
    for point in points:
        _key, north, east = point
        x, y = east * across // (360 * MICRO), north * across * 1000 // (360 * MICRO * squeeze)
        group = _near(firsts, x, y)
        if group is None:
            group = []
            groups.append(group)
            firsts.setdefault((x // NEAR_PX, y // NEAR_PX), []).append((x, y, group))
        group.append(point)
    return groups


def _near(firsts: dict[tuple[int, int], list[tuple[int, int, list]]], x: int, y: int) -> list | None:
    around = [(x // NEAR_PX + aside, y // NEAR_PX + up) for aside in (-1, 0, 1) for up in (-1, 0, 1)]
    found = [
        (abs(x - at_x) + abs(y - at_y), number, group)
        for cell in around
        for number, (at_x, at_y, group) in enumerate(firsts.get(cell, ()))
        if max(abs(x - at_x), abs(y - at_y)) < NEAR_PX
    ]
    return min(found, key=lambda entry: entry[:2])[2] if found else None


def ball(points: list[Point], box: Box) -> dict[str, Any]:
    """In the middle of its stations."""
    _keys, norths, easts = zip(*points, strict=True)
    return _ball((len(points), sum(norths), sum(easts)), box)


def balls(heaps: Iterable[Heap], box: Box) -> list[dict[str, Any]]:
    """One per cell of a grid over what the map shows."""
    step, south, west = step_of(box), micro_degrees(box.south), micro_degrees(box.west)
    cells: dict[tuple[int, int], Heap] = {}
    for number, *sums in heaps:
        norths, easts = (int(total) for total in sums)  # PostgreSQL adds whole numbers up to a numeric
        cell = ((norths // number - south) // step, (easts // number - west) // step)
        so_far = cells.get(cell, (0, 0, 0))
        cells[cell] = (so_far[0] + number, so_far[1] + norths, so_far[2] + easts)
    return [_ball(heap, box) for _cell, heap in sorted(cells.items())]


def step_of(box: Box) -> int:
    return max(micro_degrees(box.east - box.west) // ACROSS, 100)


def _ball(heap: Heap, box: Box) -> dict[str, Any]:
    number, norths, easts = heap
    lat, lon = (Decimal(total // number).scaleb(-6) for total in (norths, easts))
    fine = Decimal("0.00001")
    return {"lat": str(lat.quantize(fine)), "lon": str(box.turned(lon).quantize(fine)), "count": number}
