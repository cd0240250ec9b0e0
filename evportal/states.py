"""The states of every noun as a document, drawn from the tables that the code obeys."""

from collections.abc import Iterator

from django.apps import apps
from django.db import models

HEAD = """# States

Drawn from the `MOVES` tables by `manage.py describe_states`; a test compares this file with them.
One function changes a state (`apps/lib/moves.py`; messages of the network have their own in
`apps/beckn/states.py`), and every move leaves a row that says why.
"""


def moving_models() -> list[type[models.Model]]:
    """Every model that has a table of moves, by room and name."""
    found = (model for model in apps.get_models() if hasattr(model, "MOVES"))
    return sorted(found, key=lambda model: model._meta.label)


def first_states(model: type[models.Model]) -> tuple[str, ...]:
    return tuple(str(state) for state in getattr(model, "FIRST", model.State.values[:1]))


def document() -> str:
    return "\n".join([HEAD, *(line for model in moving_models() for line in chapter(model))])


def chapter(model: type[models.Model]) -> Iterator[str]:
    yield f"## {model.__name__} (`apps/{model._meta.app_label}`)\n"
    yield "```mermaid"
    yield "stateDiagram-v2"
    states = [str(state) for state in model.State]
    yield from (f"    [*] --> {state}" for state in getattr(model, "FIRST", states[:1]))
    for was in states:
        targets = [state for state in states if state in model.MOVES[was]]
        yield from (f"    {was} --> {to}" for to in targets)
        if not targets:
            yield f"    {was} --> [*]"
    yield "```\n"
