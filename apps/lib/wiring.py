"""Hand-overs against the import arrows.

`evportal/wiring.py` holds the tables; this module looks functions up by name. A system check imports every entry, so a
typo fails `manage.py check`.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from django.core import checks
from django.utils.module_loading import import_string

TABLES = ("BECKN_BAP", "BECKN_BPP", "OCPP", "EVENTS", "LIVE", "DUTIES")
_tables: dict[str, ModuleType] = {}


def load(module: str) -> None:
    """Remember the module that holds the tables."""
    _tables["module"] = import_module(module)


def table(name: str) -> dict[str, str]:
    return getattr(_tables["module"], name)


@cache
def _function(path: str) -> Callable[..., Any]:
    return import_string(path)


def handler(table_name: str, key: str) -> Callable[..., Any] | None:
    """The function that takes `key` in that table, or None when nobody does."""
    path = table(table_name).get(key)
    return _function(path) if path else None


def announce(event: str, *args: Any, **kwargs: Any) -> None:
    """Call the function listed for `event`, at once and in the same transaction."""
    _function(table("EVENTS")[event])(*args, **kwargs)


def duties() -> dict[str, Callable[[], int]]:
    """The rounds the worker walks again and again: each returns how many rows it dealt with."""
    return {name: _function(path) for name, path in table("DUTIES").items()}


@checks.register()
def every_entry_is_a_function(app_configs, **kwargs) -> list[checks.CheckMessage]:
    faults = []
    for name in TABLES:
        for key, path in table(name).items():
            try:
                known = callable(import_string(path))
            except ImportError as error:
                known, path = False, f"{path} ({error})"
            if not known:
                faults.append(
                    checks.Error(
                        f"evportal/wiring.py {name}[{key!r}] names no function: {path}", id="evportal.E001"
                    )
                )
    return faults
