"""The real portal as processes of their own, to be bought from, sold to, and killed."""

import atexit
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import requests

from tests.foreign.beckn import Peer
from tests.foreign.databases import copied_folder, read, scratch_database
from tests.foreign.party import Party

ROOT = Path(__file__).resolve().parent.parent.parent
BAP_ID, BPP_ID = "bap.localhost", "bpp.localhost"
CHARGERS_FILE = "charge-points.json"  # written by `manage.py attach_chargers`
PEOPLE_FILE = "people.json"  # session cookies of drivers that nobody was yet
ENOUGH_CHARGERS = 24
ENOUGH_PEOPLE = 120
OPEN_ALWAYS = (
    "from apps.catalog.hours import ALWAYS\n"
    "from apps.catalog.models import Station\n"
    "Station.objects.update(hours=ALWAYS)"
)
# Who is killed takes its portals along, whatever way it goes.
WITH_US = ("setpriv", "--pdeathsig", "KILL", "--") if shutil.which("setpriv") else ()
OURS = ("EVPORTAL_", "DJANGO_", "BECKN_", "OCPP_", "PORT", "PUBLIC_URL")


class PortalFailed(AssertionError):
    pass


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Portal:
    """`manage.py serve` in its own process group, with its own data folder and its own database.

    `env` overrides settings. The database is SQLite in the data folder unless `env` or our own environment names a
    DATABASE_URL; for tests use `running_portal`, which makes a scratch database on that server.
    """

    def __init__(self, data_dir: Path, *, port: int | None = None, env: dict[str, str] | None = None):
        self.data_dir = data_dir
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        self.env = kept | {
            "EVPORTAL_DATA_DIR": str(data_dir),
            "EVPORTAL_DEMO": "1",
            "EVPORTAL_EMBEDDED": "1",
            "PORT": str(self.port),
            "PUBLIC_URL": self.url,
            "BECKN_BAP_ID": BAP_ID,
            "BECKN_BPP_ID": BPP_ID,
            "REDIS_PREFIX": f"portal{self.port}",
            "WORKER_IN_SERVER": "1",
            "PYTHONUNBUFFERED": "1",
        }
        self.env |= env or {}
        self.env = {name: value for name, value in self.env.items() if value or name != "DATABASE_URL"}
        self.log_file = data_dir / "portal.log"
        self._server: subprocess.Popen[bytes] | None = None
        self._chargers: list[subprocess.Popen[bytes]] = []

    # --- management commands -----------------------------------------------------------------------------
    def manage(self, *arguments: str, timeout: float = 300) -> str:
        """What the command printed. Raises when it failed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if done.returncode:
            raise PortalFailed(f"manage.py {' '.join(arguments)}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def prepare(self) -> None:
        """Database and drivers."""
        self.manage("migrate", "--verbosity", "0")
        (self.data_dir / PEOPLE_FILE).write_text(json.dumps(self.new_people(ENOUGH_PEOPLE)))

    def stock(self) -> None:
        """The demo network with a charge point behind every plug; open at whatever hour the tests run."""
        self.manage("demo_network")
        self.shell(OPEN_ALWAYS)
        self.manage("attach_chargers", "--protocol", "mixed")

    def introduce(self, party: Party) -> None:
        """Write a foreign party into the built-in registry, and tell it who we are."""
        card = party.card
        key_id, public_key = next(iter(card.public_keys.items()))
        self.manage(
            "subscribers",
            "add",
            *("--id", card.subscriber_id),
            *("--url", card.uri),
            *("--type", party.role),
            *("--key-id", key_id),
            *("--public-key", public_key),
            *("--domain", "ev-charging:uei"),
        )
        for side in ("bap", "bpp"):
            party.meet(self.peer(side))

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the database holds, for what no page and no message tells. Also of a portal that is dead."""
        return read(self.database_url, self.data_dir, query, values)

    @property
    def database_url(self) -> str:
        return self.env.get("DATABASE_URL", "")

    @property
    def is_on_postgres(self) -> bool:
        return self.database_url.startswith("postgres")

    def somebody(self) -> str:
        """The session cookie of a driver who was prepared and is nobody else's."""
        people = self.data_dir / PEOPLE_FILE
        cookie, *others = json.loads(people.read_text())
        people.write_text(json.dumps(others))
        return cookie

    def shell(self, code: str) -> str:
        """Answers of the project itself; slow, so only where a plain look at the rows does not do."""
        return self.manage("shell", "--verbosity", "0", "--command", code).strip()

    def new_people(self, count: int = 1) -> list[str]:
        """Session cookies of new drivers, without the sign-up page and its limits."""
        told = self.shell(
            "from django.contrib.auth import get_user_model\n"
            "from django.test import Client\n"
            f"for email in {[f'{secrets.token_hex(6)}@drivers.example' for _ in range(count)]!r}:\n"
            "    browser = Client()\n"
            "    browser.force_login(get_user_model().objects.create_user(email=email))\n"
            "    print(browser.cookies['sessionid'].value)"
        )
        return told.split()[-count:]

    # --- the server --------------------------------------------------------------------------------------
    def start(self, *, simulate: bool = False, timeout: float = 60) -> None:
        command = [sys.executable, "manage.py", "serve", "--port", str(self.port)]
        self._server = self._spawn(command + (["--simulate"] if simulate else []))
        self.wait_until_ready(timeout=timeout)

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        with self.log_file.open("ab") as log:
            return subprocess.Popen(
                [*WITH_US, *command],
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self, *, timeout: float = 60) -> None:
        probe = "readyz" if self.env["WORKER_IN_SERVER"] == "1" else "healthz"  # without a worker it never is
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self._server.poll() is not None:
                raise PortalFailed(f"serve ended with {self._server.returncode}\n{self.log_tail()}")
            try:
                if requests.get(f"{self.url}/{probe}", timeout=5).status_code == 200:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.1)
        raise PortalFailed(f"not ready in {timeout} s\n{self.log_tail()}")

    def start_chargers(self, *options: str, url: str = "", first: int = 0) -> None:
        """Simulated charge points as a process apart: they outlive a killed server and connect again.

        `first` of them are enough for a journey; the others stay silent and so are not for sale.
        """
        url = url or f"ws://127.0.0.1:{self.port}/ocpp/"
        if first:
            few = self.data_dir / "few-charge-points.json"
            few.write_text(json.dumps(json.loads((self.data_dir / CHARGERS_FILE).read_text())[:first]))
            options += ("--file", str(few))
        command = [sys.executable, "manage.py", "simulate_chargers", "--url", url, *options]
        self._chargers.append(self._spawn(command))

    def wait_for_chargers(self, count: int, *, timeout: float = 120) -> None:
        """They connect one by one and then tell the state of their plugs; a search before that finds none free."""
        told = (
            "SELECT count(DISTINCT evse.charge_point_id) FROM catalog_connector connector"
            " JOIN catalog_evse evse ON evse.id = connector.evse_id"
            " JOIN ocpp_chargepoint box ON box.id = evse.charge_point_id"
            " WHERE box.connected AND connector.status <> 'UNKNOWN'"
        )
        deadline = time.monotonic() + timeout
        while self.rows(told)[0][0] < count:
            if time.monotonic() > deadline:
                raise PortalFailed(f"not all of {count} chargers came in {timeout} s\n{self.log_tail()}")
            time.sleep(0.2)

    @property
    def pid(self) -> int:
        return self._server.pid

    def kill9(self) -> None:
        """No goodbye: the whole process group of the server, at once."""
        self._end(self._server, signal.SIGKILL)

    def restart(self) -> None:
        self.start()

    def stop(self) -> None:
        for process in [*self._chargers, self._server]:
            if process is not None:
                self._end(process, signal.SIGTERM)
        self._chargers, self._server = [], None

    def _end(self, process: subprocess.Popen[bytes], how: signal.Signals) -> None:
        for attempt in (how, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, attempt)
            try:
                process.wait(timeout=10)
                break
            except subprocess.TimeoutExpired:
                continue

    # --- looking at it -----------------------------------------------------------------------------------
    def log_text(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def log_tail(self, lines: int = 60) -> str:
        return "\n".join(self.log_text().splitlines()[-lines:])

    def lookup(self, subscriber_id: str) -> dict[str, str]:
        found = requests.post(
            f"{self.url}/beckn/registry/lookup", json={"subscriber_id": subscriber_id}, timeout=10
        )
        found.raise_for_status()
        return found.json()[0]

    def public_key(self, side: str) -> str:
        return self.lookup({"bap": BAP_ID, "bpp": BPP_ID}[side])["signing_public_key"]

    def peer(self, side: str) -> Peer:
        entry = self.lookup({"bap": BAP_ID, "bpp": BPP_ID}[side])
        return Peer(
            entry["subscriber_id"], entry["url"], {entry.get("key_id", "*"): entry["signing_public_key"]}
        )


class Prepared:
    """A portal that never ran: migrated, peopled, stocked. Others are copies of it."""

    def __init__(self, data_dir: Path, server_url: str, database_url: str):
        self.data_dir, self.server_url, self.database_url = data_dir, server_url, database_url

    @contextmanager
    def copied(self, data_dir: Path) -> Iterator[dict[str, str]]:
        """Its folder and its database once more; gives the settings that name the database."""
        copied_folder(self.data_dir, data_dir)
        if not self.server_url:
            yield {"DATABASE_URL": ""}
            return
        with scratch_database(self.server_url, like=self.database_url) as database_url:
            yield {"DATABASE_URL": database_url}


@cache
def prepared(server_url: str, *, stations: bool) -> Prepared:
    """Made once per process and kept until it ends."""
    kept = ExitStack()
    atexit.register(kept.close)
    data_dir = Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="ev-portal-prepared-")))
    if stations:
        database = kept.enter_context(prepared(server_url, stations=False).copied(data_dir))
        Portal(data_dir, env=database).stock()
    else:
        database = {"DATABASE_URL": kept.enter_context(scratch_database(server_url)) if server_url else ""}
        Portal(data_dir, env=database).prepare()
    return Prepared(data_dir, server_url, database["DATABASE_URL"])


@contextmanager
def running_portal(
    data_dir: Path,
    *,
    stations: bool = True,
    chargers: tuple[str, ...] | None = None,
    env: dict[str, str] | None = None,
) -> Iterator[Portal]:
    """A portal with its own database, prepared and ready. `chargers`: options of the simulator, if it shall run."""
    env = env or {}
    named = env.get("DATABASE_URL", os.environ.get("DATABASE_URL", ""))
    server_url = named if named.startswith("postgres") else ""
    with prepared(server_url, stations=stations).copied(data_dir) as database:
        portal = Portal(data_dir, env=env | database)
        try:
            portal.start()
            if chargers is not None:
                portal.start_chargers(*chargers, first=ENOUGH_CHARGERS)
                portal.wait_for_chargers(ENOUGH_CHARGERS)
            yield portal
        finally:
            portal.stop()
