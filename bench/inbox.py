"""Signed messages received per second by one process: verified, stored, acknowledged after the commit."""

import json
import subprocess
import sys
from pathlib import Path

from bench.figures import databases, milliseconds, percentile, scratch_folder, show
from tests.foreign.beckn import new_id
from tests.foreign.buyer import ForeignBuyer
from tests.foreign.portal import Portal, running_portal

MESSAGES, CONNECTIONS = 3000, 16


def run() -> None:
    rows = []
    for engine, env in databases().items():
        for worker in ("0", "1"):
            with (
                scratch_folder() as folder,
                running_portal(
                    folder / "portal", stations=False, env=env | {"WORKER_IN_SERVER": worker}
                ) as portal,
                ForeignBuyer() as buyer,
            ):
                portal.introduce(buyer)
                told = _fire(portal, buyer, folder)
            busy = "while the worker answers them" if worker == "1" else "only received"
            rows.append((f"{engine}, {busy}", told, "≥ 350 /s"))
    show(f"Signed message received, {CONNECTIONS} connections, {MESSAGES} messages", rows)


def _fire(portal: Portal, buyer: ForeignBuyer, folder: Path) -> str:
    """A process apart sends letters that were signed before, so that the sender costs little."""
    bpp, letters = portal.peer("bpp"), folder / "letters.jsonl"
    with letters.open("w") as file:
        for _ in range(MESSAGES):
            letter = buyer.letter("status", bpp, new_id(), {"order_id": "BK-NOSUCH01"})
            letter = letter.signed_by(buyer.keys)
            file.write(json.dumps([letter.url, letter.authorization, letter.body.decode()]) + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "bench.sender", str(letters), str(CONNECTIONS)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    told = json.loads(done.stdout)
    times = told["times"]
    return (
        f"{len(times) / told['seconds']:,.0f} /s, p50 {milliseconds(percentile(times, 0.5))}, "
        f"p95 {milliseconds(percentile(times, 0.95))}, answers {told['answers']}"
    )
