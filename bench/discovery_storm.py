"""200 operators answer one search at once, one of them with 20 000 plugs in 40 pages and two with garbage.

While a thread takes their answers in, as the network worker does, the page and the map are opened again and again.
"""

import json
import random
import threading
import time
from datetime import datetime
from typing import Any

from bench.discovery_data import page_of_catalog
from bench.figures import milliseconds, show, spread

OPERATORS, PAGES, PLUGS = 200, 40, 20_000
GARBAGE = {"providers": [{"id": None}, 7, {"id": "x", "items": "all", "locations": [[]]}], "exp": []}
PAGE = "/?lat=12.97&lon=77.59&radius=25&free=on&sort=price"
PINS = "/stations/pins/?south=12.8&north=13.1&west=77.4&east=77.8&zoom=12"


def run(engine: str, now: datetime) -> None:
    """Within a process that has its settings and its tables."""
    from django.test import Client  # needs the settings

    answers, taking = _answers(), threading.Event()
    began, ended = time.perf_counter(), []

    def take() -> None:
        plugs = _take_in(answers, now)
        ended.append((time.perf_counter() - began, plugs))
        taking.set()

    worker = threading.Thread(target=take)
    worker.start()
    client, times = Client(SERVER_NAME="localhost"), {PAGE: [], PINS: []}
    while not taking.is_set():
        for address, told in times.items():
            start = time.perf_counter()
            assert client.get(address, headers={"HX-Request": "true"}).status_code == 200
            told.append(time.perf_counter() - start)
    worker.join()
    seconds, plugs = ended[0]
    rows = [
        (f"all {plugs:,} plugs taken in", milliseconds(seconds), ""),
        ("list meanwhile, free and cheapest first", spread(times[PAGE]), ""),
        ("map meanwhile", spread(times[PINS]), ""),
    ]
    show(f"{engine}: {OPERATORS} operators answer at once", rows)


def _answers() -> list[tuple[str, bytes]]:
    """(platform, body), in no order; all of one town."""
    dice = random.Random(11)

    def around() -> tuple[str, str]:
        return f"{dice.gauss(12.97, 0.1):.6f}", f"{dice.gauss(77.59, 0.1):.6f}"

    stations = PLUGS // PAGES // 3 + 1
    big = [
        page_of_catalog(1_000_000 + number, [around() for _ in range(stations)], dice)
        for number in range(PAGES)
    ]
    others = [page_of_catalog(2_000_000 + number, [around()], dice) for number in range(OPERATORS - 3)]
    told: list[tuple[str, Any]] = [("big.example", page) for page in big]
    told += [(f"bpp-{number}.example", page) for number, page in enumerate(others)]
    told += [("odd-1.example", GARBAGE), ("odd-2.example", GARBAGE)]
    dice.shuffle(told)
    return [(bpp_id, json.dumps(page).encode()) for bpp_id, page in told]


def _take_in(answers: list[tuple[str, bytes]], now: datetime) -> int:
    from django.db import connection  # needs the settings

    from apps.beckn.wire import v1_1 as wire
    from apps.discovery.models import SearchRun
    from apps.discovery.services import record_catalog

    ids = sorted({bpp_id for bpp_id, _body in answers})
    search = SearchRun.objects.create(area="storm", tick=1, asked_at=now, asked=ids)
    facts = {"transaction_id": search.transaction_id, "error": "", "received_at": now}
    plugs = 0
    for bpp_id, body in answers:
        catalog = wire.Catalog.read(json.loads(body))
        plugs += record_catalog(**facts, bpp_id=bpp_id, bpp_uri=f"https://{bpp_id}", catalog=catalog)
    assert search.answers.count() == OPERATORS
    connection.close()
    return plugs
