"""Server time of the map and the list over 50 000 and 300 000 stations, and how fast catalogs come home.

Real positions from ../shared/data/us-charging-points.csv, three connectors each, every facet filled; the large country
is made of copies moved a little. The requests go through Django's test client, middleware and JSON included.
"""

import csv
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from apps.lib.heap import settle
from bench import discovery_storm
from bench.discovery_data import copies, page_of_catalog
from bench.figures import databases, percentile, scratch_folder, show
from tests.foreign.databases import scratch_database

ROOT = Path(__file__).resolve().parent.parent
STATIONS_A_PAGE = 50
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "60"))
SIZES = [int(size) for size in os.environ.get("BENCH_STATIONS", "50000,300000").split(",")]
COUNTRY = {"south": "24.5", "north": "49.5", "west": "-125", "east": "-66.5", "zoom": "4"}
FILTERS = (
    "plug=IEC_62196_T2_COMBO&kw=50",
    "current=DC&free=on",
    "plug=IEC_62196_T2&plug=CHADEMO&amenity=food",
    "speed=ultra&free=on&open=on",
    "vehicle=4-WHEELER&green=on&accessible=on",
    "operator=Operator 7&free=on",
)


def run() -> None:
    """Each database in a process of its own, because settings are read once."""
    for engine, env in databases().items():
        with ExitStack() as stack:
            folder = stack.enter_context(scratch_folder())
            if url := env["DATABASE_URL"]:
                env = {"DATABASE_URL": stack.enter_context(scratch_database(url))}
            env = {name: value for name, value in {**os.environ, **env}.items() if value}
            env |= {"EVPORTAL_DATA_DIR": str(folder), "EVPORTAL_EMBEDDED": "1", "LOG_LEVEL": "ERROR"}
            env["DJANGO_SETTINGS_MODULE"] = "evportal.settings"
            subprocess.run([sys.executable, "-m", "bench.discovery", engine], cwd=ROOT, env=env, check=True)


def _positions() -> list[tuple[str, str]]:
    for above in ROOT.parents:
        file = above / "shared" / "data" / "us-charging-points.csv"
        if file.exists():
            with file.open(encoding="utf-8-sig", newline="") as rows:
                found = [(row["latitude"], row["longitude"]) for row in csv.DictReader(rows)]
            return [point for point in found if all(point)]
    print("us-charging-points.csv is not beside the repository: positions are made up")
    dice = random.Random(1)
    towns = [(dice.uniform(26, 48), dice.uniform(-122, -68)) for _town in range(300)]
    picked = (dice.choice(towns) for _number in range(50_000))
    return [(f"{dice.gauss(lat, 0.2):.6f}", f"{dice.gauss(lon, 0.25):.6f}") for lat, lon in picked]


def _measure(engine: str) -> None:
    import django  # settings are those of this process, and the parent has none

    django.setup()
    from django.core.management import call_command  # needs the settings

    call_command("migrate", verbosity=0)
    settle()
    points = _positions()
    now = datetime.now().astimezone()
    with patch("apps.lib.clock.now", lambda: now):
        for size in SIZES:
            if size == SIZES[0]:
                _ingest(engine, points[:size], now)
            else:
                copies(size // SIZES[0])
            _tidy()
            _questions(engine, size, points)
        discovery_storm.run(engine, now)


def _ingest(engine: str, points: list[tuple[str, str]], now: datetime) -> None:
    """As a handler gets it: bytes of an on_search, read, merged, committed; then the same again, one minute on."""
    from apps.beckn.wire import v1_1 as wire  # needs the settings
    from apps.discovery.services import record_catalog

    rows, dice = [], random.Random(7)
    pages = [points[start : start + STATIONS_A_PAGE] for start in range(0, len(points), STATIONS_A_PAGE)]
    bodies = [json.dumps(page_of_catalog(number, page, dice)).encode() for number, page in enumerate(pages)]
    for name, some, at in (("new", bodies, now - timedelta(minutes=1)), ("known", bodies[:200], now)):
        plugs, began = 0, time.perf_counter()
        for body in some:
            catalog = wire.Catalog.read(json.loads(body))
            facts = {"transaction_id": uuid4(), "bpp_id": "bench", "bpp_uri": "https://bench", "error": ""}
            plugs += record_catalog(**facts, catalog=catalog, received_at=at)
        speed = plugs / (time.perf_counter() - began)
        rows.append((f"{name} items, {plugs:,}", f"{speed:,.0f} /s", "≥ 2 000 /s"))
    show(f"{engine}: catalogs come home, {STATIONS_A_PAGE} stations a page", rows)


def _tidy() -> None:
    """What PostgreSQL does by itself within a minute of such a load."""
    from django.db import connection  # needs the settings

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def _questions(engine: str, size: int, points: list[tuple[str, str]]) -> None:
    from django.test import Client  # needs the settings

    client, small = Client(SERVER_NAME="localhost"), size == SIZES[0]
    rows = []
    for name, limit, address in _addresses(points):
        times = _times(address, lambda url: _page(client, url))
        rows.append((name, _spread(times), f"p95 ≤ {limit if small else 2 * limit} ms" if limit else ""))
    rows += [(f"bare SQL, {name}", _spread(_times(ask, _bare)), "") for name, ask in _bare_questions(points)]
    show(f"{engine}: {size:,} stations, {3 * size:,} connectors", rows)


def _page(client: Any, url: str) -> None:
    status = client.get(url, headers={"HX-Request": "true"}).status_code
    assert status == 200, f"{url}: {status}"


def _times(addresses: Callable[[], Iterator], act: Callable) -> list[float]:
    times = []
    for number, what in enumerate(addresses()):
        began = time.perf_counter()
        act(what)
        if number >= 3:  # the first fill caches of the process
            times.append(time.perf_counter() - began)
    return times


def _spread(times: list[float]) -> str:
    return f"p50 {1000 * percentile(times, 0.5):,.1f} ms, p95 {1000 * percentile(times, 0.95):,.1f} ms of {len(times)}"


def _viewports(points: list[tuple[str, str]]) -> Iterator[dict[str, str]]:
    """A window of 1280 × 800 pixels over some station, at the zoom of a city or a quarter."""
    dice = random.Random(3)
    for _number in range(ROUNDS + 3):
        (lat, lon), zoom = dice.choice(points), dice.choice((11, 12, 13))
        wide = 1280 * 360 / 256 / 2**zoom
        y, x = float(lat), float(lon)
        yield {
            **{"south": f"{y - wide / 4:.5f}", "north": f"{y + wide / 4:.5f}"},
            **{"west": f"{x - wide / 2:.5f}", "east": f"{x + wide / 2:.5f}", "zoom": str(zoom)},
        }


def _query(box: dict[str, str], filters: str = "") -> str:
    return "/stations/pins/?" + "&".join([f"{key}={value}" for key, value in box.items()]) + f"&{filters}"


def _addresses(points: list[tuple[str, str]]) -> Iterator[tuple[str, int, Callable[[], Iterator[str]]]]:
    def filtered(boxes: Iterator[dict[str, str]]) -> Iterator[str]:
        return (_query(box, FILTERS[number % len(FILTERS)]) for number, box in enumerate(boxes))

    def lists(more: str = "", *, is_filtered: bool = True) -> Iterator[str]:
        for number, box in enumerate(_viewports(points)):
            lat, lon = (float(box["south"]) + float(box["north"])) / 2, float(box["west"])
            narrowed = FILTERS[number % len(FILTERS)] if is_filtered else ""
            yield f"/?lat={lat:.5f}&lon={lon:.5f}&radius=25&{narrowed}&{more}"

    countries = [COUNTRY] * (ROUNDS // 2 + 3)
    yield "viewport", 40, lambda: (_query(box) for box in _viewports(points))
    yield "viewport, filtered", 40, lambda: filtered(_viewports(points))
    yield "country, clusters", 100, lambda: (_query(box) for box in countries)
    yield "country, filtered", 100, lambda: filtered(iter(countries))
    yield "country, at most ₹ 300", 100, lambda: (_query(box, "max_price=300") for box in countries)
    yield "list of 25 km, a page of 30", 0, lambda: lists(is_filtered=False)
    yield "list, cheapest first", 0, lambda: lists("sort=price", is_filtered=False)
    yield "list, filtered, cheapest first", 0, lambda: lists("sort=price")


def _bare_questions(points: list[tuple[str, str]]) -> Iterator[tuple[str, Callable[[], Iterator[tuple]]]]:
    """The same questions as plain SQL by hand over the one index: no form, no plugs, no JSON."""
    kinds = "SELECT station_id, y, x FROM discovery_facets WHERE y BETWEEN %s AND %s AND x BETWEEN %s AND %s"

    def boxes() -> Iterator[tuple[str, list[int]]]:
        for box in _viewports(points):
            south, north, west, east = (
                int(float(box[key]) * 1_000_000) for key in ("south", "north", "west", "east")
            )
            rows, columns = (
                range((low + add) * 2 // 1_000_000, (high + add) * 2 // 1_000_000 + 1)
                for low, high, add in ((south, north, 90_000_000), (west, east, 180_000_000))
            )
            tiles = ",".join(str(row * 1024 + column) for row in rows for column in columns)
            yield f"{kinds} AND tile IN ({tiles}) AND dc_free > 0 LIMIT 401", [south, north, west, east]

    country = "SELECT tile, count(*), sum(y), sum(x) FROM discovery_facets WHERE dc_free > 0 GROUP BY tile"
    yield "viewport, free DC", boxes
    yield "country, free DC", lambda: iter([(country, [])] * (ROUNDS // 2 + 3))


def _bare(question: tuple[str, list[int]]) -> None:
    from django.db import connection  # needs the settings

    with connection.cursor() as cursor:
        cursor.execute(*question)
        cursor.fetchall()


if __name__ == "__main__":
    _measure(sys.argv[1])
