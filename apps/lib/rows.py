"""Reading rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Field, Model, QuerySet

Row = TypeVar("Row", bound=Model)


def only_one(rows: QuerySet[Row]) -> Row | None:
    """The row of a unique key, or None. `first()` sorts, and to say so costs a third of the whole statement."""
    return next(iter(rows.order_by()), None)


@dataclass(frozen=True)
class _Compiled:
    """SELECT … FROM … of one model, and how its columns become the fields of a row."""

    model: type[Model]
    keys: list[Field]
    sql: str
    params: tuple[Any, ...]  # of annotations
    names: list[str]
    annotations: dict[str, int]
    convert: Callable[[tuple[Any, ...]], list[Any]]


class Lookup(Generic[Row]):
    """The row with these values in these columns, by a statement that is compiled once.

    Django compiles a statement anew each time it is run; for a wide model that costs several times what the database
    needs to answer. This is for the few reads that every meter reading makes. `rows` may have annotations, and nothing
    that needs a WHERE of its own. `locked`: FOR UPDATE, where the database locks rows at all.
    """

    def __init__(
        self, rows: Callable[[], QuerySet[Row]], *columns: str, newest: bool = False, locked: bool = False
    ):
        self._rows, self._columns, self._newest, self._locked = rows, columns, newest, locked
        self._compiled: dict[str, _Compiled] = {}  # by kind of database

    def find(self, *values: Any) -> Row | None:
        if connection.vendor not in self._compiled:
            self._compiled[connection.vendor] = self._compile()
        compiled = self._compiled[connection.vendor]
        params = [
            key.get_db_prep_value(value, connection) for key, value in zip(compiled.keys, values, strict=True)
        ]
        with connection.cursor() as cursor:
            cursor.execute(compiled.sql, [*compiled.params, *params])
            told = cursor.fetchone()
        return None if told is None else self._row(compiled, told)

    def _row(self, compiled: _Compiled, told: tuple[Any, ...]) -> Row:
        values = compiled.convert(told)
        count = len(compiled.names)
        row = compiled.model.from_db(DEFAULT_DB_ALIAS, compiled.names, values[:count])
        for name, place in compiled.annotations.items():
            setattr(row, name, values[place])
        return row

    def _compile(self) -> _Compiled:
        rows = self._rows().order_by()
        compiler = rows.query.get_compiler(using=DEFAULT_DB_ALIAS)
        select, params = compiler.as_sql()
        converters = compiler.get_converters([column for column, _sql, _alias in compiler.select])
        fields = [compiler.select[place][0].target.attname for place in compiler.klass_info["select_fields"]]
        keys = [rows.model._meta.get_field(column) for column in self._columns]
        return _Compiled(
            model=rows.model,
            keys=keys,
            sql=f"{select} {self._narrowed(rows.model, keys)}",
            params=params,
            names=fields,
            annotations=dict(compiler.annotation_col_map or {}),
            convert=lambda told: next(iter(compiler.apply_converters([told], converters))),
        )

    def _narrowed(self, model: type[Row], keys: list[Field]) -> str:
        quoted = connection.ops.quote_name
        table = quoted(model._meta.db_table)
        parts = ["WHERE", " AND ".join(f"{table}.{quoted(key.column)} = %s" for key in keys)]
        if self._newest:
            parts.append(f"ORDER BY {table}.{quoted(model._meta.pk.column)} DESC")
        parts.append("LIMIT 1")
        if self._locked and connection.features.has_select_for_update:
            parts.append(f"FOR UPDATE OF {table}")
        return " ".join(parts)
