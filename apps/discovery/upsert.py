"""Many rows in one statement, the new and the known alike.

PostgreSQL gets them as one JSON document: to quote each value of each row costs it and us more than the rows themselves
(half of the whole work with a catalog). SQLite takes values as they are, and there Django's own way is as quick.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import connection, models

BATCH = 500


def upsert(
    model: type[models.Model], rows: Sequence[models.Model], key: tuple[str, ...], facts: tuple[str, ...]
) -> None:
    """Insert `rows`; of those whose `key` is there already, change `facts`. All know their primary key afterwards.

    What a known row has beside key and facts (its `code`) stays as it is in the database, not as it is in `rows`.
    """
    if connection.vendor != "postgresql":
        model._default_manager.bulk_create(
            rows, batch_size=BATCH, update_conflicts=True, unique_fields=key, update_fields=facts
        )
        return
    statement, names, values = _statement(model, key, facts)
    with connection.cursor() as cursor:
        for start in range(0, len(rows), BATCH):
            some = rows[start : start + BATCH]
            told = [dict(zip(names, values(row), strict=True)) for row in some]
            cursor.execute(statement, [json.dumps(told, default=_as_text, ensure_ascii=False)])
            for row, (pk,) in zip(some, cursor.fetchall(), strict=True):
                row.pk = pk


@cache
def _statement(
    model: type[models.Model], key: tuple[str, ...], facts: tuple[str, ...]
) -> tuple[str, Any, Any]:
    """The SQL, how the document calls its columns, and what takes their values from a row."""
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]
    quoted = connection.ops.quote_name
    listed = ", ".join(quoted(field.column) for field in fields)
    names = [f"c{number}" for number in range(len(fields))]  # short, because every row repeats them
    typed = ", ".join(f"{name} {_type_of(field)}" for name, field in zip(names, fields, strict=True))
    unique = ", ".join(quoted(model._meta.get_field(name).column) for name in key)
    changed = (quoted(model._meta.get_field(name).column) for name in facts)
    changes = ", ".join(f"{column} = EXCLUDED.{column}" for column in changed)
    statement = (
        f"INSERT INTO {quoted(model._meta.db_table)} ({listed}) "
        f"SELECT {', '.join(names)} FROM json_to_recordset(%s::json) AS told ({typed}) "
        f"ON CONFLICT ({unique}) DO UPDATE SET {changes} RETURNING {quoted(model._meta.pk.column)}"
    )
    return statement, names, attrgetter(*(field.attname for field in fields))


def _type_of(field: models.Field) -> str:
    """As the column; the length of a text is checked where it is stored."""
    return "text" if isinstance(field, models.CharField) else field.db_type(connection)


def _as_text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    raise TypeError(f"no way to say {value!r}")
