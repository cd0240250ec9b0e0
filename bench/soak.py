"""The soak: many charge points, faults at random, processes and servers that fall and rise; then the account.

BENCH_POINTS charge points (500) for BENCH_MINUTES (10); BENCH_DRIVERS people order (a fifth as many), other cars come
with cards. In the end everybody leaves, days go by, and then everything must have ended and every watt-hour be
accounted for.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import time_machine

from bench.cluster import Cluster, running_cluster
from bench.figures import scratch_folder, show
from bench.servers import Postgres, Redis, own_servers
from bench.sites import widen
from bench.soak_account import Account, draw_up
from bench.soak_drivers import Drivers
from tests.foreign.driver import DriverBrowser
from tests.foreign.portal import CHARGERS_FILE, ROOT, WITH_US
from tests.journeys import laws

POINTS = int(os.environ.get("BENCH_POINTS", "500"))
MINUTES = float(os.environ.get("BENCH_MINUTES", "10"))
DRIVERS = int(os.environ.get("BENCH_DRIVERS", str(max(4, POINTS // 5))))
SEED = int(os.environ.get("BENCH_SEED", "1"))
WEBS, WORKERS = 3, 2
KILL_EVERY_SECONDS = (15, 40)
SETTLING_SECONDS, LEAVING_SECONDS, REST_SECONDS = 30, 150, 300
NEXT_DAY_HOURS, MOST_DAYS = 25, 3

STILL_OPEN = {
    "session": "SELECT code, state FROM charging_session WHERE state NOT IN ('CLOSED', 'FAILED')",
    "hold of a plug": "SELECT code, state FROM bookings_booking WHERE state IN ('HELD', 'CONFIRMED', 'IN_SESSION')",
    "hold of money": "SELECT code, state FROM payments_payment WHERE state IN ('REQUESTED', 'AUTHORISED')",
    "order": (
        "SELECT code, state FROM orders_order WHERE state NOT IN"
        " ('SETTLED', 'EXPIRED', 'REFUSED', 'CANCELLED', 'NO_SHOW', 'FAILED')"
    ),
    "command": "SELECT unique_id, state FROM ocpp_command WHERE state IN ('QUEUED', 'SENT')",
}
ENDS = "SELECT state, count(*) FROM {} GROUP BY state ORDER BY state"


def run() -> None:
    with scratch_folder() as folder, own_servers(folder) as (postgres, redis):
        where = {"server_url": postgres.url, "redis_url": redis.url}
        with running_cluster(
            folder / "portal", webs=WEBS, workers=WORKERS, LOG_FORMAT="json", **where
        ) as cluster:
            widen(cluster.portal, POINTS)
            _play(cluster, postgres, redis)


def _play(cluster: Cluster, postgres: Postgres, redis: Redis) -> None:
    portal = cluster.portal
    drivers = Drivers(portal, portal.new_people(DRIVERS), SEED)
    with charge_points(cluster) as account_file:
        _search_now_and_then(cluster, drivers)
        portal.wait_for_chargers(POINTS * 9 // 10, timeout=300)
        over_at = time.monotonic() + 60 * MINUTES
        falls = _Falls(cluster, postgres, redis)
        falling = threading.Thread(target=falls.go_on_until, args=(over_at,))
        falling.start()
        drivers.start(within_seconds=min(60, 15 * MINUTES))
        falling.join()
        drivers.stop()
    days = _days_go_by(cluster)
    told = json.loads(account_file.read_text())
    account = draw_up(portal, told["charges"])
    faults = account.faults + _left_open(cluster)
    _show(cluster, account, drivers, falls, told["boxes"], days, faults)
    if faults:
        raise AssertionError(f"the account does not balance: {len(faults)} faults, the first: {faults[0]}")


@contextmanager
def charge_points(cluster: Cluster) -> Iterator[Path]:
    """They run meanwhile; in the end every car leaves and they write their account."""
    portal = cluster.portal
    specs = portal.data_dir / CHARGERS_FILE
    specs.write_text(json.dumps(json.loads(specs.read_text())[:POINTS]))
    account = portal.data_dir / "delivered.json"
    address = f"ws://127.0.0.1:{portal.port}/ocpp/"
    command = [sys.executable, "-m", "bench.soak_chargers", str(specs), address, str(account), str(SEED)]
    with (portal.data_dir / "chargers.log").open("ab") as log:
        process = subprocess.Popen([*WITH_US, *command], cwd=ROOT, env=portal.env, stdout=log, stderr=log)
        try:
            yield account
            process.send_signal(signal.SIGTERM)
            process.wait(LEAVING_SECONDS)
        finally:
            process.kill()
            process.wait()
    if not account.exists():
        raise AssertionError(f"the charge points ended badly: {_tail(portal.data_dir / 'chargers.log')}")


def _search_now_and_then(cluster: Cluster, drivers: Drivers) -> None:
    """The landing page asks the network; what it hears can be ordered."""
    browser = DriverBrowser(cluster.portal.url)
    for _time in range(3):
        browser.open("/")
        time.sleep(5)
    browser.close()


class _Falls:
    """What falls, and rises again."""

    def __init__(self, cluster: Cluster, postgres: Postgres, redis: Redis):
        self.cluster, self.postgres, self.redis = cluster, postgres, redis
        self.fallen: Counter[str] = Counter()
        self._rng = random.Random(SEED)

    def go_on_until(self, over_at: float) -> None:
        began = time.monotonic()
        whole = over_at - began
        servers = [
            (began + whole * 0.35, "PostgreSQL", self.postgres, 4),
            (began + whole * 0.6, "Redis", self.redis, 10),
        ]
        while time.monotonic() < over_at - 5:
            self._pause(min(self._rng.uniform(*KILL_EVERY_SECONDS), over_at - time.monotonic()))
            if servers and time.monotonic() >= servers[0][0]:
                _at, name, server, away = servers.pop(0)
                self._fall(name, server.crash, server.start, away)
            else:
                process = self._rng.choice(self.cluster.processes)
                self._fall(process.name, process.kill9, process.start, self._rng.uniform(1, 8))

    def _fall(self, name: str, fall: Callable[[], None], rise: Callable[[], None], away: float) -> None:
        fall()
        self.fallen[name.split("-")[0]] += 1
        self._pause(away)
        rise()

    def _pause(self, seconds: float) -> None:
        time.sleep(max(0, seconds))


def _days_go_by(cluster: Cluster) -> int:
    """Everything is switched off, and on again a day later, without charge points; once more while something waits, for
    what was given up on one day may have something to wait for after that. How many days."""
    time.sleep(SETTLING_SECONDS)
    for day in range(1, MOST_DAYS + 1):
        hours = day * NEXT_DAY_HOURS
        cluster.stop()
        cluster.start(hours_ahead=hours)
        with time_machine.travel(time.time() + timedelta(hours=hours).total_seconds(), tick=True):
            laws.check(cluster.portal, timeout=REST_SECONDS)
        if not _left_open(cluster):
            break
    return day


def _left_open(cluster: Cluster) -> list[str]:
    return [
        f"still open: {kind} {row}"
        for kind, query in STILL_OPEN.items()
        for row in cluster.portal.rows(query)
    ]


def _errors(cluster: Cluster) -> Counter[str]:
    """What was logged as an error: with the database and Redis away there must be some."""
    counted: Counter[str] = Counter()
    for _name, log in cluster.logs():
        for line in log.splitlines():
            if '"level": "error"' in line:
                with suppress(ValueError):
                    counted[json.loads(line)["event"]] += 1
    return counted


def _tail(file: Path) -> str:
    return "\n".join(file.read_text(errors="replace").splitlines()[-20:]) if file.exists() else ""


def _show(
    cluster: Cluster,
    account: Account,
    drivers: Drivers,
    falls: _Falls,
    boxes: dict[str, int],
    days: int,
    faults: list[str],
) -> None:
    rows = cluster.portal.rows
    kwh = {"delivered": account.delivered_wh, "billed": account.billed_wh}
    given = [
        (f"  {reason}", f"{wh / 1000:,.3f} kWh in {account.cases[reason]} charges", "")
        for reason, wh in sorted(account.given_away_wh.items(), key=lambda item: -item[1])
    ]
    show(
        f"Soak: {POINTS} charge points, {MINUTES:g} min, {WEBS} web processes, {WORKERS} workers, PostgreSQL + Redis",
        [
            ("charge points", _counted(boxes), ""),
            ("fell and rose", _counted(falls.fallen), ""),
            ("drivers", _counted(drivers.outcomes), ""),
            ("orders", _counted(dict(rows(ENDS.format("orders_order")))), ""),
            ("sessions", _counted(dict(rows(ENDS.format("charging_session")))), "all closed or failed"),
            ("payments", _counted(dict(rows(ENDS.format("payments_payment")))), "none open"),
            ("days until all had ended", str(days), ""),
            ("charges", str(len(account.charges)), ""),
            *((name, f"{wh / 1000:,.3f} kWh", "") for name, wh in kwh.items()),
            ("given away", f"{(account.delivered_wh - account.billed_wh) / 1000:,.3f} kWh, of it", ""),
            *given,
            ("errors logged", _counted(_errors(cluster)) or "none", ""),
            ("faults", str(len(faults)), "0"),
        ],
    )
    for fault in faults[:20]:
        print(f"  ! {fault[:600]}")


def _counted(what: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(what.items(), key=lambda item: -item[1]))
