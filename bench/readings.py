"""Meter reading sent by the charge point → pushed to the browser, with many charges at once."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial

from bench.figures import cpu_share, scratch_folder, show, spread
from bench.offers import open_offers
from bench.relay import Relay
from tests.foreign.driver import DriverBrowser
from tests.foreign.portal import Portal, running_portal
from tests.journeys.walk import Walk

SESSIONS = int(os.environ.get("BENCH_SESSIONS", "200"))
READINGS_EVERY = "5"
SETTLING_SECONDS, MEASURED_SECONDS, LAST_ONES_SECONDS = 10, 60, 5
START_SECONDS = 90
AT_ONCE = 4  # drivers who shop at the same time while the charges are set up
PLENTY_KWH = Decimal(60)  # far more than is charged while we measure
OPEN_ALL_NIGHT = (
    "from apps.catalog.hours import ALWAYS\n"
    "from apps.catalog.models import Station\n"
    "Station.objects.update(hours=ALWAYS, closed_reason='')"
)


# Order → the charge point that charges for it, of all charges that run.
RUNNING = (
    "from apps.charging.models import Session\n"
    "from apps.orders.models import Order\n"
    "boxes = dict(Session.objects.filter(state='ACTIVE').values_list('reference', 'charge_point_id'))\n"
    "for code, reference in Order.objects.filter(state='CHARGING').values_list('code', 'network_order_id'):\n"
    "    print(code, boxes[reference]) if reference in boxes else None"
)


def run() -> None:
    env = {"OCPP_METER_SECONDS": READINGS_EVERY}
    with scratch_folder() as folder, running_portal(folder / "portal", env=env) as portal:
        relay = Relay(portal.port)
        portal.shell(OPEN_ALL_NIGHT)
        portal.start_chargers(
            "--readings-every",
            READINGS_EVERY,
            "--no-walk-ins",
            url=f"ws://127.0.0.1:{relay.port}/ocpp/",
        )
        try:
            charging = _charge(portal, relay)
            time.sleep(SETTLING_SECONDS)
            with cpu_share(portal.pid) as share:
                relay.measuring = True
                time.sleep(MEASURED_SECONDS)
                relay.measuring = False
            time.sleep(LAST_ONES_SECONDS)
        finally:
            relay.close()
    show(
        f"Meter reading → browser: {charging} charges with a reading every {READINGS_EVERY} s, one browser each",
        [
            ("reading → browser", spread(relay.shown), "p95 ≤ 1,000 ms"),
            ("readings shown", f"{len(relay.shown)} of {relay.sent}", "all but the overtaken"),
            ("browser sockets lost", str(relay.browsers_lost), "0"),
            ("processor of the portal", f"{share.percent:.0f} % of one core", ""),
        ],
    )


def _charge(portal: Portal, relay: Relay) -> int:
    """Bring as many charges under way as wanted, or as there are free plugs. Returns how many are watched."""
    people = portal.new_people(SESSIONS + 1)
    looker = DriverBrowser(portal.url)
    looker.carry(people.pop())
    offers = open_offers(portal, looker, at_least=SESSIONS)[:SESSIONS]
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
