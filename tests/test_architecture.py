"""The house rules that a machine can check: who imports whom, who writes, who may see a float."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ROOT / "apps"

MAY_IMPORT: dict[str, set[str]] = {
    "lib": set(),
    "live": {"lib"},
    "beckn": {"lib"},
    "ocpp": {"lib"},
    "accounts": {"lib"},
    "payments": {"lib", "accounts"},
    "catalog": {"lib", "accounts", "beckn", "pricing"},
    "pricing": {"lib"},
    "charging": {"lib", "catalog", "ocpp", "live"},
    "bookings": {"lib", "accounts", "catalog", "charging", "payments", "pricing", "beckn", "live"},
    "discovery": {"lib", "accounts", "pricing", "beckn", "live"},
    "orders": {"lib", "accounts", "discovery", "payments", "pricing", "beckn", "live"},
    "ratings": {"lib", "accounts", "orders", "beckn", "live"},
    "notices": {"lib", "accounts", "orders", "payments", "beckn"},
    "support": {"lib", "accounts", "discovery", "orders", "payments", "beckn", "live"},
}
DRIVER_WING, OPERATOR_WING = {"orders", "discovery"}, {"catalog", "bookings", "charging"}
EDGES = {"views.py", "handlers.py", "consumers.py", "gateway.py"}
MAY_USE_FLOAT = ("apps/beckn/wire/numbers.py", "apps/ocpp/wire/")


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(), filename=str(file))


def code_of(room: str) -> list[Path]:
    return [file for file in sorted((APPS / room).rglob("*.py")) if "migrations" not in file.parts]


def all_code() -> list[Path]:
    return [file for room in MAY_IMPORT for file in code_of(room)] + sorted((ROOT / "evportal").rglob("*.py"))


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def rooms_imported_by(file: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.ImportFrom):
            full = node.module or ""
            modules = [f"apps.{alias.name}" for alias in node.names] if full == "apps" else [full]
            if node.level:
                above = file.relative_to(ROOT).parts[: -node.level]
                modules = [".".join([*above, full])]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            continue
        for module in modules:
            if module.startswith("apps."):
                yield module.split(".")[1]
            elif module.split(".")[0] == "evportal":
                yield "evportal"


def test_every_room_has_its_arrows():
    rooms = {folder.name for folder in APPS.iterdir() if (folder / "__init__.py").exists()}
    assert rooms == set(MAY_IMPORT)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_room_follows_the_arrows(room):
    strays = {(name_of(file), other) for file in code_of(room) for other in rooms_imported_by(file)}
    assert not {(file, other) for file, other in strays if other not in MAY_IMPORT[room] | {room}}


def test_the_wings_never_meet():
    for room in DRIVER_WING:
        assert not MAY_IMPORT[room] & OPERATOR_WING
    for room in OPERATOR_WING:
        assert not MAY_IMPORT[room] & DRIVER_WING


def test_edges_ask_selectors_and_services_for_rows():
    direct = {
        f"{name_of(file)}:{node.lineno}"
        for file in all_code()
        if file.name in EDGES or "templatetags" in file.parts
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.Attribute) and node.attr in {"objects", "_base_manager", "_default_manager"}
    }
    assert not direct


def writes_state(node: ast.AST) -> bool:
    """`x.state = …`, `.update(state=…)` and `setattr(x, "state", …)`."""
    if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return any(isinstance(target, ast.Attribute) and target.attr == "state" for target in targets)
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in {"update", "update_or_create", "bulk_update"}:
            return any(keyword.arg == "state" for keyword in node.keywords)
        return called == "setattr" and any(
            isinstance(a, ast.Constant) and a.value == "state" for a in node.args
        )
    return False


def test_states_change_only_by_move():
    allowed = {"apps/lib/moves.py", "apps/beckn/states.py"}  # the second: apps/beckn/README.md says why
    strays = {
        f"{name_of(file)}:{node.lineno}"
        for file in all_code()
        if name_of(file) not in allowed
        for node in ast.walk(tree_of(file))
        if writes_state(node)
    }
    assert not strays


def test_no_float_near_money_or_energy():
    strays = set()
    for file in all_code():
        if name_of(file).startswith(MAY_USE_FLOAT):
            continue
        for node in ast.walk(tree_of(file)):
            called = (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float"
            )
            column = isinstance(node, ast.Attribute) and node.attr == "FloatField"
            if called or column:
                strays.add(f"{name_of(file)}:{node.lineno}")
    assert not strays


def test_imports_stand_at_the_top():
    """An import inside a function hides an arrow; a needed one (a heavy library) says why on its line."""
    hidden = set()
    for file in all_code():
        lines = file.read_text().splitlines()
        for function in ast.walk(tree_of(file)):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom) and "#" not in lines[node.lineno - 1]:
                    hidden.add(f"{name_of(file)}:{node.lineno}")
    assert not hidden


def test_migrations_import_no_application_code():
    strays = {
        (name_of(file), room)
        for file in APPS.rglob("migrations/*.py")
        for room in rooms_imported_by(file)
        if not name_of(file).startswith(f"apps/{room}/")
    }
    assert not strays


def test_functions_and_files_keep_their_size():
    """Past 80 lines a function, past 400 a file, is two things under one name."""
    long = set()
    for file in all_code():
        if len(file.read_text().splitlines()) > 400 and file.name not in {"settings.py", "taxonomy.py"}:
            long.add(name_of(file))
        for node in ast.walk(tree_of(file)):
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and node.end_lineno - node.lineno >= 80
            ):
                long.add(f"{name_of(file)}:{node.name}")
    assert not long
