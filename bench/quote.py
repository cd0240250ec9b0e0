"""Click "Get quote" → quote on the page: both sides in one process, every message signed and sent over HTTP."""

import time

from bench.figures import scratch_folder, show, spread
from bench.offers import open_offers
from tests.foreign.driver import DriverBrowser
from tests.foreign.portal import Portal, running_portal
from tests.journeys.walk import CHARGERS, Walk

ROUNDS, WARM_UP = 60, 5
POLL_SECONDS = 0.02


def run() -> None:
    with scratch_folder() as folder, running_portal(folder / "portal", chargers=CHARGERS) as portal:
        clicks, quotes = _measure(portal)
    show(
        f"Quote round trip, embedded, page polled every {POLL_SECONDS * 1000:.0f} ms",
        [
            ("click → page that waits", spread(clicks), ""),
            ("click → quote on the page", spread(quotes), "p95 ≤ 300 ms"),
        ],
    )


def _measure(portal: Portal) -> tuple[list[float], list[float]]:
    driver = DriverBrowser(portal.url)
    driver.carry(portal.new_people()[0])
    walk = Walk(portal, driver)
    offers = open_offers(portal, driver, at_least=1)
    clicks, quotes = [], []
    for number in range(WARM_UP + ROUNDS):
        walk.open_quote_form(f"/orders/new/{offers[number % len(offers)]}/")
        began = time.perf_counter()
        walk.press_get_quote()
        clicked = time.perf_counter() - began
        walk.wait_for_quote(pause=POLL_SECONDS)
        if number >= WARM_UP:
            clicks.append(clicked)
            quotes.append(time.perf_counter() - began)
    driver.close()
    return clicks, quotes
