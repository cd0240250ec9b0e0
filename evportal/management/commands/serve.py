"""Serve pages, browser sockets, charge points and the network from one process."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import structlog
from daphne.endpoints import build_endpoint_description_strings
from daphne.server import Server
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.beckn import registry
from apps.beckn.worker import Worker
from apps.lib import heap

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument("--simulate", action="store_true", help="also run simulated charge points")

    def handle(self, *args: Any, host: str, port: int, simulate: bool, **options: Any) -> None:
        registry.ensure_own_subscribers()
        worker = Worker() if settings.WORKER_IN_SERVER else None
        chargers: list[subprocess.Popen[bytes]] = []

        def begin() -> None:
            heap.settle()
            if worker:
                worker.start()
            if simulate:
                chargers.append(start_simulator(port))
            self.say(self.style.SUCCESS(f"EV Portal is ready at {settings.PUBLIC_URL} (Ctrl-C stops it)"))

        run_daphne(host, port, begin)
        for process in chargers:
            process.terminate()
        if worker:
            worker.stop()
        for process in chargers:
            wait_for_end(process)
        self.say("Stopped.")
        # Daphne leaves threads that wait for a loop which has ended (requests in flight at the signal).
        # Everything durable is in the database by now, so leave without waiting for them.
        os._exit(0)

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def run_daphne(host: str, port: int, begin: Callable[[], None]) -> None:
    """Run Daphne's server until SIGINT or SIGTERM; `begin` is called once it listens."""
    from twisted.internet import reactor  # only now: importing it earlier would settle which reactor runs

    from evportal.asgi import application  # only now: other commands need no web application

    server = Server(
        application=application,
        endpoints=build_endpoint_description_strings(host=host, port=port),
        signal_handlers=False,
        ready_callable=begin,
        websocket_timeout=-1,
        # When many charge points come back at once they wait for each other; patience costs less than dialling anew.
        websocket_handshake_timeout=60,
        websocket_connect_timeout=60,
        application_close_timeout=60,
        verbosity=0,
    )

    def stop(signum: int, _frame: Any) -> None:
        log.info("stopping", signal=signal.Signals(signum).name)
        reactor.callFromThread(reactor.stop)
        deadline = threading.Timer(8, os._exit, args=(0,))  # a shutdown that hangs must still end
        deadline.daemon = True
        deadline.start()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    server.run()
    if server.abort_start:
        raise CommandError(f"Port {port} is taken. Choose another one: PORT={port + 1} make run")


def wait_for_end(process: subprocess.Popen[bytes]) -> None:
    """So that who waited for us finds nobody left, on a busy machine too."""
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def start_simulator(port: int) -> subprocess.Popen[bytes]:
    """Charge points as a process of their own, as they would be outside; it ends when this one does."""
    command = [sys.executable, "manage.py", "simulate_chargers", "--exit-with-parent"]
    command += [
        "--url",
        f"ws://127.0.0.1:{port}/ocpp/",
        "--readings-every",
        str(settings.OCPP["METER_SECONDS"]),
    ]
    return subprocess.Popen(command, cwd=settings.BASE_DIR)
