"""The engine is arithmetic: whoever imports it needs no Django, no settings and no database."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOOK = """
import sys
import apps.pricing
loaded = {name.split(".")[0] for name in sys.modules}
assert not loaded & {"django", "channels", "structlog"}, loaded
"""


def test_it_imports_without_django():
    found = subprocess.run(
        [sys.executable, "-c", LOOK], cwd=ROOT, env={}, capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stderr) == (0, "")
