"""Orders through the whole way from the quote to the confirmation, by the driver's pages: how many a second.

Both sides are ours, every step is a signed message over HTTP. PostgreSQL and Redis of our own, two portal processes
(pages and worker in each). BENCH_BUYERS people (16) buy for BENCH_SECONDS (30), one order after the other.
"""

import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

import requests

from bench.cluster import Cluster, running_cluster
from bench.figures import cpu_share, scratch_folder, show, spread
from bench.servers import own_servers
from bench.sites import set_free, widen
from tests.foreign.driver import DriverBrowser
from tests.foreign.portal import Portal
from tests.journeys.walk import Walk

BUYERS = int(os.environ.get("BENCH_BUYERS", "16"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "30"))
PLUGS = int(os.environ.get("BENCH_PLUGS", "700"))
STEP_SECONDS, PAUSE = 20, 0.1
FREE = """  -- one plug of each place: the others are taken with it
    SELECT min(o.code::text) FROM discovery_offer o
    JOIN catalog_connector c ON c.code = o.item_id
    WHERE c.status = 'Available' GROUP BY c.evse_id
"""
CONFIRMED = "SELECT count(*) FROM orders_order WHERE state = 'CONFIRMED'"
BY_STATE = "SELECT state, count(*) FROM orders_order GROUP BY state"


@dataclass
class Bought:
    """What the buyers met: seconds of each step, of the whole way, and what went wrong."""

    steps: dict[str, list[float]] = field(default_factory=dict)
    whole: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def run() -> None:
    with scratch_folder() as folder, own_servers(folder) as (postgres, redis):
        where = {"server_url": postgres.url, "redis_url": redis.url}
        with running_cluster(folder / "portal", webs=2, workers=0, WORKER_IN_SERVER="1", **where) as cluster:
            widen(cluster.portal, PLUGS)
            set_free(cluster.portal)
            offers = _offers(cluster.portal)
            bought, seconds, shares = _buy(cluster, offers)
    rows = [
        ("orders confirmed", f"{len(bought.whole) / seconds:,.1f} /s ({len(bought.whole)})", "≥ 20 /s"),
        ("errors", f"{len(bought.errors)} {bought.errors[:3] or ''}", "0"),
        ("quote asked → confirmed", spread(bought.whole), ""),
        *((f"  {name}", spread(times), "") for name, times in bought.steps.items()),
        *((f"processor of {name}", f"{percent:.0f} % of one core", "") for name, percent in shares.items()),
    ]
    show(f"Orders: {BUYERS} buyers at once for {SECONDS:g} s, PostgreSQL + Redis, two portal processes", rows)


def _offers(portal: Portal) -> list[str]:
    browser = DriverBrowser(portal.url)
    deadline = time.monotonic() + 60
    found: list[str] = []
    while time.monotonic() < deadline and len(found) < PLUGS // 2:
        browser.open("/")
        time.sleep(2)
        found = [str(code) for (code,) in portal.rows(FREE)]
    browser.close()
    if not found:
        raise AssertionError("no offer is free")
    return found


def _buy(cluster: Cluster, offers: list[str]) -> tuple[Bought, float, dict[str, float]]:
    """Until the time or the plugs are over."""
    portal, bought = cluster.portal, Bought()
    until = time.monotonic() + SECONDS
    threads = [
        threading.Thread(target=_shop, args=(portal, cookie, offers, until, bought))
        for cookie in portal.new_people(BUYERS)
    ]
    began = time.monotonic()
    with ExitStack() as measured:
        shares = {web.name: measured.enter_context(cpu_share(web.pid)) for web in cluster.webs}
        shares["the buyers"] = measured.enter_context(cpu_share(os.getpid()))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    seconds = time.monotonic() - began
    if portal.rows(CONFIRMED)[0][0] < len(bought.whole):
        bought.errors.append(f"confirmed on the page, not in the rows: {portal.rows(BY_STATE)}")
    return bought, seconds, {name: share.percent for name, share in shares.items()}


def _shop(portal: Portal, cookie: str, offers: list[str], until: float, bought: Bought) -> None:
    driver = DriverBrowser(portal.url)
    driver.carry(cookie)
    while time.monotonic() < until:
        with bought.lock:
            if not offers:
                break
            offer = offers.pop()
        try:
            _order(Walk(portal, driver), offer, bought)
        except (AssertionError, requests.RequestException) as error:
            with bought.lock:
                bought.errors.append(f"{type(error).__name__}: {error}"[:200])
    driver.close()


def _order(walk: Walk, offer: str, bought: Bought) -> None:
    began = time.perf_counter()
    patient = {"timeout": STEP_SECONDS, "pause": PAUSE}
    steps: dict[str, list[Callable[[], object]]] = {
        "quote": [lambda: walk.ask_quote(f"/orders/new/{offer}/"), lambda: walk.wait_for_quote(**patient)],
        "terms": [walk.ask_terms, lambda: walk.wait_for_terms(**patient)],
        "payment and confirmation": [walk.pay, lambda: walk.wait_until_confirmed(**patient)],
    }
    for name, acts in steps.items():
        step_began = time.perf_counter()
        for act in acts:
            act()
        with bought.lock:
            bought.steps.setdefault(name, []).append(time.perf_counter() - step_began)
    with bought.lock:
        bought.whole.append(time.perf_counter() - began)
