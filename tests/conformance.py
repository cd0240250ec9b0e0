"""Does a message we send conform to the closed layer-2 specification of the network? (fact sheet 9)

The specification lies beside the repository in ../shared/reference/specs; without it these checks skip.
"""

from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

LAYER_2 = "uei-ev-charging-1.1.0-layer2-closed.openapi30.yaml"
# Verbs that no Beckn core version knows: their order must still be an order anybody can read.
READ_AS = {"on_refund": "on_update"}
# The meta calls and the extensions have no path in layer 2: their parts are held to its components.
PARTS = {"cancellation_reasons": ("cancellation_reasons", "Option")}


class _Loader(yaml.SafeLoader):
    """Leaves timestamps as the text they are."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def specification() -> dict[str, Any]:
    path = _specs() / LAYER_2
    if not path.exists():
        pytest.skip(f"{LAYER_2} is not beside this repository (shared/reference/specs)")
    return _loaded(path)


def _specs() -> Path:
    """Beside the repository, or beside the folder that holds its worktrees."""
    above = Path(__file__).resolve().parents[2:4]
    places = [folder / "shared" / "reference" / "specs" for folder in above]
    return next((place for place in places if place.exists()), places[0])


@cache
def _loaded(path: Path) -> dict[str, Any]:
    return _plain_refs(yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader))


def _plain_refs(value: Any) -> Any:
    """OpenAPI 3.0 ignores what stands beside a $ref; JSON Schema would not."""
    if isinstance(value, dict):
        if "$ref" in value:
            return {"$ref": value["$ref"]}
        return {key: _plain_refs(part) for key, part in value.items()}
    return [_plain_refs(part) for part in value] if isinstance(value, list) else value


@cache
def _validator(pointer: str) -> Any:
    resource = "urn:layer2"
    registry = jsonschema_rs.Registry([(resource, {**specification(), "$id": resource})])
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": f"{resource}#{pointer}",
    }
    return jsonschema_rs.Draft202012Validator(schema, registry=registry, validate_formats=True)


def _faults(pointer: str, value: Any) -> list[str]:
    return [
        f"{'.'.join(map(str, error.instance_path))}: {error.message}"
        for error in _validator(pointer).iter_errors(value)
    ]


def assert_conforms(action: str, envelope: dict[str, Any]) -> None:
    """Fail unless `envelope` ({context, message?, error?}) is what layer 2 allows for `action`."""
    paths = specification()["paths"]
    known_as = READ_AS.get(action, action)
    if f"/{known_as}" in paths:
        context = {**envelope["context"], "action": known_as} if known_as != action else envelope["context"]
        pointer = f"/paths/~1{known_as}/post/requestBody/content/application~1json/schema"
        faults = _faults(pointer, {**envelope, "context": context})
    else:
        faults = _faults("/components/schemas/Context", envelope["context"])
        if action in PARTS and "message" in envelope:
            name, component = PARTS[action]
            for part in envelope["message"][name]:
                faults += _faults(f"/components/schemas/{component}", part)
    assert envelope["context"]["action"] == action
    assert not faults, f"{action}: " + "; ".join(faults)
