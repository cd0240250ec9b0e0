"""Meter reading sent by the charge point → number in the browser, with many charges at once.

BENCH_SESSIONS names how many, "200" or "50,200,1000"; BENCH_PLACES where: "embedded" (SQLite, one process) and
"cluster" (PostgreSQL and Redis of our own, two processes of pages and worker each).
"""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path

from bench.cluster import running_cluster
from bench.figures import cpu_share, memory_mb, scratch_folder, show, spread
from bench.offers import open_offers
from bench.relay import Relay
from bench.servers import own_servers
from bench.sites import widen
from tests.foreign.driver import DriverBrowser
from tests.foreign.portal import Portal, running_portal
from tests.journeys.walk import Walk

SESSIONS = [int(count) for count in os.environ.get("BENCH_SESSIONS", "200").split(",")]
READINGS_EVERY = "5"
SETTLING_SECONDS, MEASURED_SECONDS, LAST_ONES_SECONDS = 10, 60, 5
START_SECONDS = 120
AT_ONCE = 4  # drivers who shop at the same time while the charges are set up
PLENTY_KWH = Decimal(60)  # far more than is charged while we measure
SPARE_PLUGS = 60  # a few are faulted, or hold two places

# Order → the charge point that charges for it, of all charges that run.
RUNNING = (
    "from apps.charging.models import Session\n"
    "from apps.orders.models import Order\n"
    "boxes = dict(Session.objects.filter(state='ACTIVE').values_list('reference', 'charge_point_id'))\n"
    "for code, reference in Order.objects.filter(state='CHARGING').values_list('code', 'network_order_id'):\n"
    "    print(code, boxes[reference]) if reference in boxes else None"
)


@contextmanager
def embedded(folder: Path, env: dict[str, str]) -> Iterator[tuple[Portal, dict[str, int]]]:
    with running_portal(folder / "portal", env=env) as portal:
        yield portal, {"the process": portal.pid}


@contextmanager
def cluster(folder: Path, env: dict[str, str]) -> Iterator[tuple[Portal, dict[str, int]]]:
    with own_servers(folder) as (postgres, redis):
        where = {"server_url": postgres.url, "redis_url": redis.url, "WORKER_IN_SERVER": "1"}
        with running_cluster(folder / "portal", webs=2, workers=0, **where, **env) as running:
            yield running.portal, {web.name: web.pid for web in running.webs}


PLACES = {"embedded": embedded, "cluster": cluster}
WORDS = {"embedded": "embedded, SQLite", "cluster": "PostgreSQL + Redis, two processes"}


def run() -> None:
    for sessions in SESSIONS:
        for place in os.environ.get("BENCH_PLACES", "embedded,cluster").split(","):
            with (
                scratch_folder() as folder,
                PLACES[place](folder, {"OCPP_METER_SECONDS": READINGS_EVERY}) as (portal, processes),
            ):
                _measure(portal, processes, sessions, WORDS[place])


def _measure(portal: Portal, processes: dict[str, int], sessions: int, place: str) -> None:
    relay = Relay(portal.port)
    before = {name: memory_mb(pid) for name, pid in processes.items()}
    widen(portal, sessions + SPARE_PLUGS)
    portal.start_chargers(
        "--readings-every",
        READINGS_EVERY,
        "--no-walk-ins",
        url=f"ws://127.0.0.1:{relay.port}/ocpp/",
    )
    try:
        charging = _charge(portal, relay, sessions)
        time.sleep(SETTLING_SECONDS)
        with ExitStack() as measured:
            shares = {name: measured.enter_context(cpu_share(pid)) for name, pid in processes.items()}
            relay.measuring = True
            time.sleep(MEASURED_SECONDS)
            relay.measuring = False
        time.sleep(LAST_ONES_SECONDS)
        connected = portal.rows("SELECT count(*) FROM ocpp_chargepoint WHERE connected")[0][0]
    finally:
        relay.close()
    after = {name: memory_mb(pid) for name, pid in processes.items()}
    show(
        f"Meter reading → browser, {place}: {charging} charges, a reading every {READINGS_EVERY} s, a browser each",
        [
            ("reading → browser", spread(relay.shown), "p95 ≤ 1,000 ms"),
            ("readings shown", f"{len(relay.shown)} of {relay.sent}", "all but the overtaken"),
            ("browser sockets lost", str(relay.browsers_lost), "0"),
            ("charge points connected", str(connected), ""),
            *(
                (f"processor of {name}", f"{share.percent:.0f} % of one core", "")
                for name, share in shares.items()
            ),
            *((f"memory of {name}", f"{before[name]:.0f} → {after[name]:.0f} MB", "") for name in processes),
        ],
    )


def _charge(portal: Portal, relay: Relay, sessions: int) -> int:
    """Bring as many charges under way as wanted, or as there are free plugs. Returns how many are watched."""
    people = portal.new_people(sessions + 1)
    looker = DriverBrowser(portal.url)
    looker.carry(people.pop())
    offers = open_offers(portal, looker, at_least=sessions)[:sessions]
    looker.close()
    with ThreadPoolExecutor(
        AT_ONCE
    ) as pool:  # all buy before the first one charges: shopping is not measured
        walks = list(pool.map(partial(_buy, portal), people, offers))
        list(pool.map(_start, walks))
    cookies = {walk.order_code: cookie for walk, cookie in zip(walks, people, strict=False)}
    running = _wait_until_running(portal, len(cookies))
    for code, charge_point in running.items():
        relay.watch(f"/live/order/{code}/", cookies[code], charge_point)
    return len(running)


def _buy(portal: Portal, cookie: str, offer: str) -> Walk:
    driver = DriverBrowser(portal.url)
    driver.carry(cookie)
    walk = Walk(portal, driver)
    walk.buy(f"/orders/new/{offer}/", kwh=PLENTY_KWH)
    return walk


def _start(walk: Walk) -> None:
    walk.start()
    walk.driver.close()


def _wait_until_running(portal: Portal, wanted: int) -> dict[str, str]:
    deadline = time.monotonic() + START_SECONDS
    while True:
        running = dict(line.split() for line in portal.shell(RUNNING).splitlines())
        if len(running) >= wanted or time.monotonic() > deadline:
            return running
        time.sleep(2)
