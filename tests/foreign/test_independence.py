"""Foreign means foreign: these parties must not lean on the project's code."""

import ast
from pathlib import Path

FOLDER = Path(__file__).parent
OURS = {"apps", "evportal", "django", "nacl"}


def test_nothing_of_the_project_is_imported():
    imported = set()
    for file in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                imported |= {(file.name, alias.name.split(".")[0]) for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((file.name, (node.module or "").split(".")[0]))
    assert not {(file, module) for file, module in imported if module in OURS}
