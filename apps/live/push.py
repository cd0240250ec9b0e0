"""Tell open pages that a row changed. The push says only *what* changed; each socket reads it anew (consumers.py)."""

from django.db import transaction

from apps.lib.channel import group_send_soon


def changed_on_commit(kind: str, code: str, part: str = "") -> None:
    """After the running transaction commits, tell every page that shows `kind` `code`. Cheap, never raises.

    `part` names the only part of the panel that is not as it was; the table LIVE says who draws `kind.part`.
    """
    transaction.on_commit(lambda: push(kind, code, part), robust=True)


def push(kind: str, code: str, part: str = "") -> None:
    """Tell them now. Losing one costs a page a few seconds, never truth."""
    group_send_soon(group_name(kind, code), {"type": "panel.changed", "part": part})


def group_name(kind: str, code: str) -> str:
    return f"live.{kind}.{code}"
