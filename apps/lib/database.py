"""From the socket's loop to the database and back."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.db import connection


def in_database(function: Callable[..., Any]) -> Callable[..., Any]:
    """Run `function` in a thread.

    SQLite has one writer, so one lane is right, and its connection stays open: closing the last one after each message
    would fold the write-ahead log back into the file each time. PostgreSQL's pool serves many lanes at once.
    """
    if connection.vendor == "sqlite":
        return sync_to_async(function, thread_sensitive=True)
    return database_sync_to_async(function, thread_sensitive=False)
