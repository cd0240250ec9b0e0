"""The suite without browser and slow tests, as `make test` runs it."""

import subprocess
import sys
import time

from bench.figures import show
from tests.foreign.portal import ROOT


def run() -> None:
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "auto", "-m", "not browser and not slow"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - began
    outcome = (done.stdout.strip().splitlines() or ["nothing was said"])[-1].strip("= ")
    show("Suite without browser and slow tests", [("took", f"{seconds:.0f} s, {outcome}", "≤ 90 s")])
