"""Resident memory and processor time of the one embedded process, idle after start, simulator apart."""

import time
from pathlib import Path

from bench.figures import cpu_share, scratch_folder, show
from tests.foreign.portal import running_portal

IDLE_SECONDS = 20


def run() -> None:
    with (
        scratch_folder() as folder,
        running_portal(folder / "portal") as portal,
        cpu_share(portal.pid) as share,
    ):
        time.sleep(IDLE_SECONDS)
        told = Path(f"/proc/{portal.pid}/status").read_text()
    status = dict(line.split(":", 1) for line in told.splitlines())
    megabytes = {name: f"{int(status[name].split()[0]) / 1024:,.0f} MB" for name in ("VmRSS", "VmHWM")}
    show(
        f"Embedded and idle, {IDLE_SECONDS} s after start",
        [
            ("memory", megabytes["VmRSS"], "≤ 180 MB"),
            ("memory at most", megabytes["VmHWM"], ""),
            ("threads", status["Threads"].strip(), ""),
            ("processor", f"{share.percent:.1f} % of one core", ""),
        ],
    )
