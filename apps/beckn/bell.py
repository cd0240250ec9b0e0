"""Rung when a row is ready for the worker of this process; other processes find it by polling."""

import threading
from functools import partial

from django.db import transaction

INBOX, OUTBOX = "inbox", "outbox"
BOXES = frozenset({INBOX, OUTBOX})
_changed = threading.Condition()
_rung: set[str] = set()


def ring(*boxes: str) -> None:
    """Something is to be done in these boxes."""
    with _changed:
        _rung.update(boxes)
        _changed.notify_all()


def ring_on_commit(box: str) -> None:
    transaction.on_commit(partial(ring, box))


def wait(seconds: float) -> set[str]:
    """The boxes that were rung for; waits for the first one at most `seconds`."""
    with _changed:
        if not _rung:
            _changed.wait(seconds)
        rung = set(_rung)
        _rung.clear()
        return rung
