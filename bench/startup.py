"""`make run` of a fresh clone → first page; the first run fills the package cache, the second is the figure."""

import os
import signal
import subprocess
import time
from pathlib import Path

import requests

from bench.figures import scratch_folder, show
from tests.foreign.portal import ROOT, free_port

GIVE_UP_SECONDS = 600


def run() -> None:
    rows = []
    for name in ("to fill the cache", "packages cached"):
        with scratch_folder() as folder:
            target = "≤ 60 s" if name == "packages cached" else ""
            rows.append((name, f"{_seconds_to_first_page(folder):.1f} s", target))
    show("make run: clone → first page", rows)


def _seconds_to_first_page(folder: Path) -> float:
    clone, log = folder / "clone", folder / "log"
    port = free_port()
    env = os.environ | {"PORT": str(port), "EVPORTAL_DATA_DIR": str(folder / "data"), "VIRTUAL_ENV": ""}
    began = time.perf_counter()
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    with log.open("wb") as output:
        make = subprocess.Popen(
            ["make", "run"],
            cwd=clone,
            env=env,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while not _answers(f"http://127.0.0.1:{port}/"):
            if make.poll() is not None or time.perf_counter() - began > GIVE_UP_SECONDS:
                raise AssertionError(f"make run gave no page\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.1)
        return time.perf_counter() - began
    finally:
        if make.poll() is None:
            os.killpg(make.pid, signal.SIGTERM)
            make.wait(timeout=20)


def _answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=5).status_code == 200
    except requests.RequestException:
        return False
