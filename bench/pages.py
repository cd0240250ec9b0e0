"""The first page in Chromium: what travels until nothing more does, and when a person can use it.

A portal of its own with the demo network and compressed files, as after `collectstatic`. Usable: the list stands there
with the search field, and the pins are on the map. Every visit is a new browser: nothing is cached.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Error, sync_playwright

from bench.figures import milliseconds, percentile, scratch_folder, show
from bench.servers import Missing
from tests.browser.conftest import ARGS, CHROMIUM, SIZES
from tests.foreign.portal import Portal, running_portal

VISITS = int(os.environ.get("BENCH_VISITS", "7"))
ADDRESS = "/?lat=12.9716&lon=77.5946"
USABLE = """() => document.querySelector('.station-card') && document.querySelector('.leaflet-marker-icon')
  && document.querySelector('[name=q]')"""
MOST_KB, MOST_SECONDS = 200, 1.5


def run() -> None:
    with scratch_folder() as folder, running_portal(folder, stations=False) as portal, _browser() as browser:
        portal.manage("demo_network")
        portal.manage("collectstatic", "--noinput", "--verbosity=0")
        portal.stop()
        portal.start()  # finds the compressed files only now
        for size in SIZES:
            _visit(browser, portal, size)  # fills what the server remembers, and asks the network
            visits = [_visit(browser, portal, size) for _number in range(VISITS)]
            _tell(size, visits)


@contextmanager
def _browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        except Error as error:
            raise Missing(f"Chromium: {error.message.splitlines()[0]}") from error
        yield browser
        browser.close()


def _visit(browser: Browser, portal: Portal, size: str) -> dict[str, float]:
    context = browser.new_context(viewport=SIZES[size])
    try:
        page = context.new_page()
        wire = context.new_cdp_session(page)
        weights: list[float] = []
        wire.send("Network.enable")
        wire.on("Network.loadingFinished", lambda event: weights.append(event["encodedDataLength"]))
        began = time.perf_counter()
        page.goto(portal.url + ADDRESS, wait_until="commit")
        page.wait_for_function(USABLE)
        usable = time.perf_counter() - began
        page.wait_for_load_state("load")
        page.wait_for_timeout(500)  # what comes late, the socket does not count
        first_byte = page.evaluate("performance.getEntriesByType('navigation')[0].responseStart / 1000")
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime / 1000")
        times = {"usable": usable, "first": first_byte, "paint": paint}
        return {"kb": sum(weights) / 1000, "files": len(weights), **times}
    finally:
        context.close()


def _tell(size: str, visits: list[dict[str, float]]) -> None:
    def times(name: str) -> str:
        told = [visit[name] for visit in visits]
        return f"p50 {milliseconds(percentile(told, 0.5))}, p95 {milliseconds(percentile(told, 0.95))} of {len(told)}"

    heaviest = max(visits, key=lambda visit: visit["kb"])
    rows = [
        (
            "weight on the wire",
            f"{heaviest['kb']:.0f} kB in {heaviest['files']:.0f} files",
            f"≤ {MOST_KB} kB",
        ),
        ("first byte", times("first"), ""),
        ("first paint", times("paint"), ""),
        ("usable", times("usable"), f"≤ {MOST_SECONDS} s"),
    ]
    show(f"first page, {size}, nothing cached", rows)
