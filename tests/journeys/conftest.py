"""A running portal, the people and the foreign parties around it."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.foreign.buyer import ForeignBuyer
from tests.foreign.driver import DriverBrowser
from tests.foreign.portal import Portal, running_portal
from tests.journeys import laws
from tests.journeys.walk import CHARGERS, Walk


@pytest.fixture(scope="session", autouse=True)
def stopped_in_order() -> Iterator[None]:
    """Whoever ends the tests with SIGTERM gets the same clearing up as with Ctrl-C."""
    before = signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", returncode=143))
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("portal")


@pytest.fixture(scope="module")
def selling_portal(data_dir: Path) -> Iterator[Portal]:
    """Sells charges of simulated charge points, which are processes apart and outlive a killed server."""
    with running_portal(data_dir / "selling", chargers=CHARGERS, env={"STATUS_EVERY_SECONDS": "1"}) as portal:
        yield portal
        laws.check(portal)


@pytest.fixture(scope="module")
def buying_portal(data_dir: Path, request: pytest.FixtureRequest) -> Iterator[Portal]:
    """Has no station of its own: whatever its drivers find is foreign. A module may set its TTL_SECONDS."""
    ttl = str(getattr(request.module, "TTL_SECONDS", 30))
    with running_portal(data_dir / "buying", stations=False, env={"BECKN_TTL_SECONDS": ttl}) as portal:
        yield portal


@pytest.fixture(scope="module")
def buyer(selling_portal: Portal) -> Iterator[ForeignBuyer]:
    with ForeignBuyer() as buyer:
        selling_portal.introduce(buyer)
        yield buyer


@pytest.fixture
def walk(buying_portal: Portal) -> Iterator[Walk]:
    """A new driver at the pages of `buying_portal`."""
    driver = DriverBrowser(buying_portal.url)
    driver.carry(buying_portal.somebody())
    yield Walk(buying_portal, driver)
    driver.close()
    laws.check(buying_portal)
