"""The charge points' door: readings taken, counted and stored per second by one process, beside a server that stores
nothing and stands on the `ocpp` library alone, in the same run with the same boxes. And what a connection costs.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.figures import databases, memory_mb, milliseconds, percentile, scratch_folder, show
from bench.sites import widen
from tests.foreign.portal import CHARGERS_FILE, ROOT, WITH_US, free_port, running_portal

BOXES = int(os.environ.get("BENCH_BOXES", "50"))
SECONDS = os.environ.get("BENCH_SECONDS", "15")


def run() -> None:
    rows = []
    with scratch_folder() as folder:
        specs = folder / "boxes.json"
        for engine, env in databases().items():
            env = env | {"WORKER_IN_SERVER": "0"}
            with running_portal(folder / engine, env=env) as portal:
                widen(portal, BOXES)
                known = json.loads((portal.data_dir / CHARGERS_FILE).read_text())
                specs.write_text(json.dumps([spec for spec in known if spec["protocol"] == "1.6"][:BOXES]))
                before = memory_mb(portal.pid)
                told = _fire(specs, f"ws://127.0.0.1:{portal.port}/ocpp/")
                grown = memory_mb(portal.pid) - before
                stored = portal.rows("SELECT count(*) FROM charging_meterreading WHERE accepted")[0][0]
            rows.append((f"{engine}, everything stored", _rate(told), "≥ half of the bare server"))
            rows.append(("  of them stored and counted", f"{stored} of {told['answered']}", "all"))
            rows.append(("  memory more than before they came", f"{grown:.1f} MB", ""))
        bare = _bare(specs)
    rows.append(("bare server on the ocpp library, nothing stored", _rate(bare), ""))
    show(f"Meter readings at the door: {BOXES} charge points as fast as they are answered, {SECONDS} s", rows)


def _bare(specs: Path) -> dict[str, Any]:
    port = free_port()
    server = subprocess.Popen([*WITH_US, sys.executable, "-m", "bench.bare", str(port)], cwd=ROOT)
    try:
        time.sleep(2)
        return _fire(specs, f"ws://127.0.0.1:{port}/")
    finally:
        server.kill()
        server.wait()


def _fire(specs: Path, url: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.boxes", str(specs), url, SECONDS],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    if done.returncode:
        raise AssertionError(done.stderr[-1000:])
    return json.loads(done.stdout)


def _rate(told: dict[str, Any]) -> str:
    times = told["times"]
    return (
        f"{told['answered'] / told['seconds']:,.0f} /s, p50 {milliseconds(percentile(times, 0.5))}, "
        f"p95 {milliseconds(percentile(times, 0.95))}"
    )
