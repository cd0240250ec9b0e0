"""Databases of portals: each made once, copied for every test, and read without asking the portal.

Nothing here knows the project's models: whoever reads names tables and columns.
"""

import re
import secrets
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import psycopg

SQLITE_FILE = "evportal.sqlite3"  # in the data folder


def read(database_url: str, data_dir: Path, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """The rows of one SELECT with %s where values stand. Never waits for the portal, never changes anything."""
    if database_url.startswith("postgres"):
        with psycopg.connect(database_url, options="-c default_transaction_read_only=on") as connection:
            return connection.execute(query, values).fetchall()
    connection = sqlite3.connect(f"file:{data_dir / SQLITE_FILE}?mode=ro", uri=True, timeout=20)
    try:
        return connection.execute(
            query.replace("%s", "?"), [_as_sqlite(value) for value in values]
        ).fetchall()
    finally:
        connection.close()


def _as_sqlite(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    return value


def copied_folder(source: Path, target: Path) -> None:
    shutil.copytree(source, target, dirs_exist_ok=True)


@contextmanager
def scratch_database(server_url: str, *, like: str = "") -> Iterator[str]:
    """The URL of a new PostgreSQL database on that server, a copy of `like`; dropped afterwards, whoever uses it."""
    name = f"ev_portal_{secrets.token_hex(5)}"
    template = f' TEMPLATE "{name_in(like)}"' if like else ""
    _on_server(server_url, f'CREATE DATABASE "{name}"{template}')
    try:
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    finally:
        _on_server(server_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def name_in(database_url: str) -> str:
    name = urlsplit(database_url).path.lstrip("/")
    assert re.fullmatch(r"\w+", name), name
    return name


def _on_server(server_url: str, statement: str) -> None:
    with psycopg.connect(server_url, dbname="postgres", autocommit=True) as connection:
        connection.execute(statement)
