"""Which plugs a driver could order now."""

import time

from tests.foreign.driver import DriverBrowser
from tests.foreign.portal import Portal

FREE = (
    "from apps.discovery.models import Offer\n"
    "seen = {(o.station_id, o.evse_id or o.item_id): str(o.code)"
    " for o in Offer.objects.filter(status='Available')}\n"
    "print(*seen.values())"
)


def open_offers(portal: Portal, driver: DriverBrowser, *, at_least: int, timeout: float = 60) -> list[str]:
    """Codes of free offers, one per car's place; the landing page has the network searched."""
    deadline = time.monotonic() + timeout
    while True:
        driver.open("/")
        codes = portal.shell(FREE).split()
        if len(codes) >= at_least or time.monotonic() > deadline:
            if not codes:
                raise AssertionError("no offer is free")
            return codes
        time.sleep(1)
