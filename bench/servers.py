"""PostgreSQL and Redis of our own, in a folder that goes away: to be stopped and started in the middle of the work."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import redis

from tests.foreign.portal import free_port

DEBIAN_BINARIES = Path("/usr/lib/postgresql")  # <version>/bin; not on the path
PATIENCE_SECONDS = 60


class Missing(Exception):
    """A program that is needed is not installed: there is nothing to measure, and nothing failed."""


def _program(name: str) -> str:
    newest_first = sorted(DEBIAN_BINARIES.glob(f"*/bin/{name}"), reverse=True)
    found = next((str(path) for path in newest_first), None) or shutil.which(name)
    if found is None:
        raise Missing(f"{name} is not installed (Debian: postgresql, redis-server)")
    return found


def _as_nobody_special(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root: then it runs as `postgres`, whom the folder is given to."""
    if os.geteuid() != 0:
        return []
    shutil.chown(folder, "postgres", "postgres")
    folder.parent.chmod(0o755)
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]


class Postgres:
    """Safe settings as Debian ships them; only room for more connections, since every process has a pool."""

    def __init__(self, folder: Path):
        self.folder, self.port = folder / "postgres", free_port()
        self.folder.mkdir()
        self._who = _as_nobody_special(self.folder)
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        self._run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-instructions")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._who, _program(program), "--pgdata", str(self.folder / "data"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=PATIENCE_SECONDS)
        if done.returncode:
            raise OSError(f"{program}: {done.stderr.strip()[-500:]}")

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c max_connections=300"
        log = str(self.folder / "log")
        self._run("pg_ctl", "start", "--wait", "--log", log, "--options", options)
        _until_answers(lambda: psycopg.connect(self.url, connect_timeout=2).close(), psycopg.Error)

    def crash(self) -> None:
        """Without a goodbye: the next start replays the log."""
        self._run("pg_ctl", "stop", "--mode", "immediate")

    stop = crash


class Redis:
    """Keeps nothing: what it held is gone after a restart, as with a cache."""

    def __init__(self, folder: Path):
        self.folder, self.port = folder / "redis", free_port()
        self.folder.mkdir()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        quiet = ("--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--dir", str(self.folder))
        command = [_program("redis-server"), "--port", str(self.port), *quiet]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        with redis.Redis.from_url(self.url) as client:
            _until_answers(client.ping, redis.RedisError)

    def crash(self) -> None:
        if self._process:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait(PATIENCE_SECONDS)
            self._process = None

    stop = crash


def _until_answers(ask, failure: type[Exception]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            ask()
            return
        except failure:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@contextmanager
def own_servers(folder: Path) -> Iterator[tuple[Postgres, Redis]]:
    """Both, running. Raises Missing where a program is not installed."""
    for program in ("initdb", "pg_ctl", "postgres", "redis-server"):
        _program(program)
    postgres, cache = Postgres(folder), Redis(folder)
    try:
        postgres.start()
        cache.start()
        yield postgres, cache
    finally:
        cache.stop()
        with suppress(OSError):
            postgres.stop()
