"""`make run` without make: what starts, what stops, what is found again."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.foreign.portal import free_port

pytestmark = pytest.mark.slow


def bare_environment(data_dir: Path, port: int) -> dict[str, str]:
    """As on a machine that has nothing set: the defaults decide."""
    ours = re.compile("(EVPORTAL|BECKN|OCPP|DATABASE|REDIS|DJANGO_SETTINGS)")
    kept = {name: value for name, value in os.environ.items() if not ours.match(name)}
    return kept | {"EVPORTAL_DATA_DIR": str(data_dir), "PORT": str(port), "EVPORTAL_DEMO": "1"}


def start_demo(env: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "run_demo"],
        cwd=settings.BASE_DIR,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def said_until(process: subprocess.Popen[str], words: str) -> list[str]:
    """The lines up to the one with `words`."""
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        if words in line:
            return said
    raise AssertionError("ended early:\n" + "".join(said))


@pytest.fixture
def demo(tmp_path) -> Iterator:
    running: list[subprocess.Popen[str]] = []
    env = bare_environment(tmp_path / "data", free_port())

    def start() -> tuple[subprocess.Popen[str], list[str]]:
        running.append(start_demo(env))
        limit = threading.Timer(120, running[-1].kill)
        limit.start()
        try:
            return running[-1], said_until(running[-1], "EV Portal is ready")
        finally:
            limit.cancel()

    yield start
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.stdout.close()
        process.wait()


def test_ctrl_c_stops_everything_and_a_second_start_finds_its_data(demo):
    first, said = demo()
    assert any("Made 4 operators" in line for line in said)
    os.killpg(first.pid, signal.SIGINT)
    assert first.wait(timeout=30) == 0
    with pytest.raises(ProcessLookupError):
        os.killpg(first.pid, 0)  # nobody of the group is left, the simulator neither
    second, said = demo()
    assert any("0 of them new" in line for line in said)
    assert not any("Made 4 operators" in line for line in said)
    os.killpg(second.pid, signal.SIGTERM)
    assert second.wait(timeout=30) == 0


def test_a_taken_port_stops_the_start_and_says_what_to_do(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        env = bare_environment(tmp_path, port)
        ended = subprocess.run(
            [sys.executable, "manage.py", "run_demo"],
            cwd=settings.BASE_DIR,
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert ended.returncode == 1
    assert f"PORT={port + 1} make run" in ended.stderr
