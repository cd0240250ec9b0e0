"""Leases of the dead, on SQLite: its workers share one machine, so a lock on a file tells whether another one lives.

Each worker holds the lock, shared, for life; the system takes it back when the process dies, however it dies.
Who can have it alone at its start is the only worker, and whatever is leased was leased by somebody dead.
Elsewhere leases simply run out.
"""

from contextlib import suppress
from pathlib import Path
from typing import IO

from django.db import connection

from apps.beckn.models import Message
from apps.lib import clock

try:
    import fcntl
except ImportError:  # not on Windows; leases run out there too
    fcntl = None

LEASED = (Message.State.WORKING, Message.State.SENDING)


def take_part() -> IO[bytes] | None:
    """To be called before anything is claimed, and the answer kept open for as long as the worker works."""
    database = Path(str(connection.settings_dict["NAME"]))
    if fcntl is None or connection.vendor != "sqlite" or not database.is_file():
        return None
    lock = database.with_name(f"{database.name}.workers").open("ab")
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        void_all()
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


def void_all() -> int:
    now = clock.now()
    return Message.objects.filter(state__in=LEASED, lease_until__gt=now).update(lease_until=now)
