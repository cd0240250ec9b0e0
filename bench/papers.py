"""Receipts as PDF, the evidence of a long deal as PDF, and a table of many charges: server time and memory."""

import os
import resource
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

from bench.figures import databases, scratch_folder, show, spread
from tests.foreign.databases import scratch_database

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "20"))
ROWS = int(os.environ.get("BENCH_ROWS", "100000"))
READINGS, MESSAGES = 5000, 300


def run() -> None:
    """Each database in a process of its own, because settings are read once."""
    for engine, env in databases().items():
        with ExitStack() as stack:
            folder = stack.enter_context(scratch_folder())
            if url := env["DATABASE_URL"]:
                env = {"DATABASE_URL": stack.enter_context(scratch_database(url))}
            env = {name: value for name, value in {**os.environ, **env}.items() if value}
            env |= {"EVPORTAL_DATA_DIR": str(folder), "EVPORTAL_EMBEDDED": "1", "LOG_LEVEL": "ERROR"}
            env["DJANGO_SETTINGS_MODULE"] = "evportal.settings"
            subprocess.run([sys.executable, "-m", "bench.papers", engine], cwd=ROOT, env=env, check=True)


def _measure(engine: str) -> None:
    import django  # settings are those of this process, and the parent has none

    django.setup()
    from django.core.management import call_command  # needs the settings

    call_command("migrate", verbosity=0)
    from apps.accounts.models import User  # needs the settings
    from apps.orders import papers, selectors  # needs the settings
    from apps.support import pack, services  # needs the settings
    from tests.orders import test_history as charges  # needs the settings
    from tests.orders.stage import Stage  # needs the settings
    from tests.support import test_export as deals  # needs the settings

    driver = User.objects.create_user("asha@example.org", name="Asha Rao")
    agent = User.objects.create_superuser("lata@example.org")
    stage = Stage(driver)
    stage.until("SETTLED")
    ticket = services.open_about_order(
        driver=driver, order=stage.order, what="stopped-early", text="It went dark.", press_key=uuid4()
    )
    deals.add_readings(stage.order, READINGS)
    deals.add_messages(stage.order, MESSAGES)
    receipts = _times(lambda: papers.of_receipt(stage.order).pdf())
    evidence = _times(lambda: pack.paper_of(ticket, agent).pdf())
    drawing = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    for _part in range(ROWS // 10_000):
        charges.add(stage.order, 10_000, created_at=charges.NEW_YEAR)
    page = _times(lambda: selectors.history(driver, "1", {}))
    began = time.monotonic()
    rows = sum(1 for _line in selectors.history_table(driver, {})) - 1
    took = time.monotonic() - began
    tracemalloc.start()
    sum(1 for _line in selectors.history_table(driver, {}))
    peak = tracemalloc.get_traced_memory()[1]
    show(
        f"Papers on {engine}",
        [
            ("receipt as PDF", spread(receipts), ""),
            (f"evidence as PDF, {READINGS:,} readings, {MESSAGES} messages", spread(evidence), ""),
            ("memory of its drawing, given back", f"{drawing} MB", ""),
            (f"history page of {rows:,} charges", spread(page), ""),
            (f"CSV of {rows:,} charges", f"{took:.1f} s, {rows / took:,.0f} rows a second", ""),
            ("memory of the CSV at most", f"{peak / 1e6:.1f} MB", ""),
        ],
    )


def _times(deed: Callable[[], Any]) -> list[float]:
    times = []
    for _round in range(ROUNDS):
        began = time.monotonic()
        deed()
        times.append(time.monotonic() - began)
    return times


if __name__ == "__main__":
    _measure(sys.argv[1])
