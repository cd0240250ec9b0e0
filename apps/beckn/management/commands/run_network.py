"""Run the network worker as a process of its own: deliver, work, walk the duties, until SIGTERM or Ctrl-C."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from apps.beckn import registry
from apps.beckn.worker import Worker
from apps.lib import heap


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        over = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: over.set())
        registry.ensure_own_subscribers()
        worker = Worker()
        heap.settle()
        worker.start()
        self.stdout.write(f"The network worker {worker.name} is running (Ctrl-C stops it).")
        self.stdout.flush()
        over.wait()
        worker.stop()
        self.stdout.write("Stopped.")
