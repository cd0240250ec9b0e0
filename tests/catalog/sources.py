"""Sources of stations for tests: entries of our own making, each the usual one with changes, and an import of them."""

import copy
import json
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command

FOLDER = Path(__file__).parent
LOCATION: dict[str, Any] = json.loads((FOLDER / "ocpi_locations.json").read_text(encoding="utf-8"))["data"][0]
POI: dict[str, Any] = json.loads((FOLDER / "ocm_pois.json").read_text(encoding="utf-8"))[0]


def location(id: str = "LOC1", **changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(LOCATION), "id": id, **changes}


def with_evse(evse: dict[str, Any] | None = None, **connector: Any) -> dict[str, Any]:
    """The usual location with one EVSE of one plug, changed."""
    first = copy.deepcopy(LOCATION["evses"][0])
    plug = {**first["connectors"][0], **connector}
    return location(evses=[{**first, "connectors": [plug], **(evse or {})}])


def poi(id: Any = 900001, *, address: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    usual = copy.deepcopy(POI)
    return {**usual, "ID": id, "AddressInfo": {**usual["AddressInfo"], **(address or {})}, **changes}


def kept(folder: Path, *entries: Any) -> Path:
    path = folder / "source.json"
    path.write_text(json.dumps(entries), encoding="utf-8")
    return path


def load(source: Path | str, format: str, **options: Any) -> str:
    out = StringIO()
    said = {"format": format, "operator": "Empire", "stdout": out, "stderr": out, **options}
    call_command("import_stations", source, **said)
    return out.getvalue()
