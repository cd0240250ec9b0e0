"""The portal as several processes behind one address: web processes and workers, each killed and started alone."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

from bench.balancer import Balancer
from tests.foreign.databases import scratch_database
from tests.foreign.portal import ROOT, WITH_US, Portal, free_port

READY_SECONDS = 90


class Process:
    """One of them. `hours_ahead`: what it takes the time to be."""

    def __init__(self, cluster: "Cluster", name: str, command: Sequence[str], port: int = 0):
        self.cluster, self.name, self.command, self.port = cluster, name, command, port
        self.hours_ahead = 0
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        return self._running.pid

    def start(self) -> None:
        wrapped = ("-m", "bench.later", str(self.hours_ahead)) if self.hours_ahead else ()
        with (self.cluster.portal.data_dir / f"{self.name}.log").open("ab") as log:
            self._running = subprocess.Popen(
                [*WITH_US, sys.executable, *wrapped, "manage.py", *self.command],
                cwd=ROOT,
                env=self.cluster.portal.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_alive(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while self.port:
            with suppress(requests.RequestException):
                if requests.get(f"http://127.0.0.1:{self.port}/healthz", timeout=5).status_code == 200:
                    return
            if self._running.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(
                    f"{self.name} does not run; its log is in {self.cluster.portal.data_dir}"
                )
            time.sleep(0.2)

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._running is None:
            return
        for attempt in (how, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self._running.pid, attempt)
            with suppress(subprocess.TimeoutExpired):
                self._running.wait(timeout=15)
                break
        self._running = None

    def kill9(self) -> None:
        self.end(signal.SIGKILL)


class Cluster:
    def __init__(self, portal: Portal, *, webs: int, workers: int):
        self.portal = portal
        ports = [free_port() for _ in range(webs)]
        self.webs = [
            Process(self, f"web-{number}", ("serve", "--port", str(port)), port)
            for number, port in enumerate(ports, 1)
        ]
        self.workers = [
            Process(self, f"worker-{number}", ("run_network",)) for number in range(1, workers + 1)
        ]
        self.balancer = Balancer(portal.port, ports)

    @property
    def processes(self) -> list[Process]:
        return [*self.webs, *self.workers]

    def start(self, *, hours_ahead: int = 0) -> None:
        for process in self.processes:
            process.hours_ahead = hours_ahead
            process.start()
        for process in self.processes:
            process.wait_until_alive()
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        """Database, channel layer and a worker are there, by the address in front of all."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            with suppress(requests.RequestException):
                if requests.get(f"{self.portal.url}/readyz", timeout=5).status_code == 200:
                    return
            if time.monotonic() > deadline:
                raise AssertionError(f"not ready in {READY_SECONDS} s; logs are in {self.portal.data_dir}")
            time.sleep(0.2)

    def stop(self) -> None:
        for process in self.processes:
            process.end()

    def logs(self) -> Iterator[tuple[str, str]]:
        for process in self.processes:
            file = self.portal.data_dir / f"{process.name}.log"
            yield process.name, file.read_text(errors="replace") if file.exists() else ""


@contextmanager
def running_cluster(
    folder: Path, *, server_url: str, redis_url: str, webs: int = 2, workers: int = 1, **env: str
) -> Iterator[Cluster]:
    """A demo network in a new database of that server; nobody charges there yet."""
    with scratch_database(server_url) as database_url:
        settings = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "WORKER_IN_SERVER": "0"}
        folder.mkdir()
        portal = Portal(folder, env=settings | env)
        portal.manage("migrate", "--verbosity", "0")
        portal.stock()
        cluster = Cluster(portal, webs=webs, workers=workers)
        try:
            cluster.start()
            yield cluster
        finally:
            portal.stop()  # its charge points
            cluster.stop()
            cluster.balancer.close()
