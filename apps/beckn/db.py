"""Database connections of our own threads. Django only looks after those of its requests."""

from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, InterfaceError, connection


def release() -> None:
    """Give the connection of this thread back to the pool. SQLite keeps its file open: opening is the dear part."""
    if connection.vendor != "sqlite" and not connection.in_atomic_block:
        connection.close()


def released_after(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, for a thread of ours: a broken connection is dropped, a sound one given back."""

    def with_release(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (DatabaseError, InterfaceError):
            if not connection.in_atomic_block:
                connection.close()
            raise
        finally:
            release()

    return with_release
