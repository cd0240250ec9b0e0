"""What the benches share: places to run in, percentiles, a small table."""

import math
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

POSTGRES = os.environ.get("BENCH_DATABASE_URL", "postgres://postgres@127.0.0.1/postgres")


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all values do not exceed; nan without values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def show(title: str, rows: Sequence[tuple[str, str, str]]) -> None:
    """A small table: what, the figure, and beside it what it must reach; below, how busy the machine was."""
    names = max(len(name) for name, _figure, _target in rows)
    figures = max((len(figure) for _name, figure, target in rows if target), default=0)
    print(f"\n{title}")
    for name, figure, target in rows:
        print(f"  {name:<{names}}  {figure:<{figures}}" + (f"   target {target}" if target else ""))
    load = "  ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"  machine: {os.cpu_count()} cores, load {load}", flush=True)


@dataclass
class Share:
    percent: float = math.nan


@contextmanager
def cpu_share(pid: int) -> Iterator[Share]:
    """How much of one core that process used meanwhile."""
    share = Share()
    began, used = time.monotonic(), _cpu_seconds(pid)
    yield share
    share.percent = 100 * (_cpu_seconds(pid) - used) / (time.monotonic() - began)


def _cpu_seconds(pid: int) -> float:
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Resident memory of that process."""
    status = Path(f"/proc/{pid}/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(resident.split()[1]) / 1024


def milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:,.0f} ms"


def spread(times: Sequence[float]) -> str:
    return (
        ", ".join(
            f"p{share * 100:.0f} {milliseconds(percentile(times, share))}" for share in (0.5, 0.95, 0.99)
        )
        + f" of {len(times)}"
    )


@contextmanager
def scratch_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="evportal-bench-") as folder:
        yield Path(folder)


def databases() -> dict[str, dict[str, str]]:
    """The engines at hand and the settings that choose them: the one of DATABASE_URL, or both."""
    if chosen := os.environ.get("DATABASE_URL"):
        return {urlsplit(chosen).scheme: {"DATABASE_URL": chosen}}
    found = {"SQLite": {"DATABASE_URL": ""}}
    try:
        psycopg.connect(POSTGRES, connect_timeout=2).close()
    except psycopg.OperationalError:
        print("PostgreSQL does not answer (BENCH_DATABASE_URL); measured without it")
    else:
        found["PostgreSQL"] = {"DATABASE_URL": POSTGRES}
    return found
