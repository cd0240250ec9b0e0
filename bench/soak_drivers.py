"""The drivers of the soak: each buys, charges a while, stops, and goes on to the next plug, whatever falls."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import psycopg
import requests

from tests.foreign.driver import DriverBrowser
from tests.foreign.portal import Portal
from tests.journeys.walk import SEE_TERMS, Walk

STEP_SECONDS = 60
WANTED_KWH = (Decimal(1), Decimal(5), Decimal(30))  # of the first some have enough
CHARGES_SECONDS = (30, 120)
FREE = """
    SELECT o.code FROM discovery_offer o
    JOIN catalog_connector c ON c.code = o.item_id
    JOIN catalog_evse e ON e.id = c.evse_id
    JOIN ocpp_chargepoint box ON box.id = e.charge_point_id AND box.connected
    WHERE c.status = 'Available'
"""


class Drivers:
    def __init__(self, portal: Portal, people: list[str], seed: int):
        self.portal, self.seed = portal, seed
        self.outcomes: Counter[str] = Counter()
        self.orders: list[str] = []
        self._over = threading.Event()
        self._taken: set[str] = set()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._live, args=(number, cookie), daemon=True)
            for number, cookie in enumerate(people)
        ]

    def start(self, *, within_seconds: float) -> None:
        """One after the other, as people come."""
        for thread in self._threads:
            thread.start()
            self._over.wait(within_seconds / len(self._threads))

    def stop(self) -> None:
        """Who charges stops; nobody begins anew."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _live(self, number: int, cookie: str) -> None:
        rng = random.Random(self.seed * 10_000 + number)
        while not self._over.is_set():
            offer = self._choose(rng)
            if offer is None:
                self._over.wait(2)
                continue
            driver = DriverBrowser(self.portal.url)
            driver.carry(cookie)
            try:
                outcome = self._charge(Walk(self.portal, driver), offer, rng)
            finally:
                driver.close()
                with self._lock:
                    self._taken.discard(offer)
            with self._lock:
                self.outcomes[outcome] += 1

    def _choose(self, rng: random.Random) -> str | None:
        with suppress(psycopg.Error):
            free = [str(code) for (code,) in self.portal.rows(FREE)]
            with self._lock:
                free = [code for code in free if code not in self._taken]
                if free:
                    chosen = rng.choice(free)
                    self._taken.add(chosen)
                    return chosen
        return None

    def _charge(self, walk: Walk, offer: str, rng: random.Random) -> str:
        """How far it came."""
        kwh = rng.choice(WANTED_KWH)
        stages: list[tuple[str, Callable[[], object]]] = [
            ("quote", lambda: self._ask(walk, offer, kwh)),
            ("terms", lambda: walk.wait_for_quote(timeout=STEP_SECONDS)),
            ("terms", lambda: _if_offered(walk, SEE_TERMS, walk.ask_terms)),
            ("payment", lambda: walk.wait_for_terms(timeout=STEP_SECONDS)),
            ("payment", walk.pay),
            ("confirm", lambda: walk.wait_until_confirmed(timeout=STEP_SECONDS)),
            ("start", walk.start),
            ("charge", lambda: walk.wait_until_charging(timeout=STEP_SECONDS)),
        ]
        for name, step in stages:
            if not self._patiently(walk, step):
                return f"walked away at: {name}"
        self._over.wait(rng.uniform(*CHARGES_SECONDS))
        if rng.random() < 0.2:
            return "left the stop to the car"
        if not self._patiently(walk, walk.stop):
            return "walked away at: stop"  # the car was full, or the ordered energy reached
        with suppress(AssertionError, requests.RequestException):
            walk.wait_until_settled(timeout=STEP_SECONDS)
            return "settled while the driver looked"
        return "stopped and left"

    def _ask(self, walk: Walk, offer: str, kwh: Decimal) -> None:
        walk.ask_quote(f"/orders/new/{offer}/", kwh)
        with self._lock:
            self.orders.append(walk.order_code)

    def _patiently(self, walk: Walk, step: Callable[[], object]) -> bool:
        """A page that does not come is loaded again; what was pressed may then be pressed a second time."""
        deadline = time.monotonic() + STEP_SECONDS
        while True:
            try:
                step()
                return True
            except (AssertionError, requests.RequestException, psycopg.Error, TypeError):
                if time.monotonic() > deadline or self._over.is_set():
                    return False
            self._over.wait(2)
            if walk.order_address:
                with suppress(AssertionError, requests.RequestException):
                    walk.driver.open(walk.order_address)


def _if_offered(walk: Walk, button: str, press: Callable[[], object]) -> None:
    if walk.page.form_with_button(button):
        press()
