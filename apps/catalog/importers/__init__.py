"""Sources of stations. A format is one module with `records(…)`; run.py writes whatever formats yield."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from apps.catalog.importers import afdc, entries, fetch, ocm, ocpi, ocpi_tariffs, table
from apps.catalog.importers.records import SkippedRow, StationRow


@dataclass(frozen=True)
class Format:
    records: Callable[..., Iterator[StationRow | SkippedRow]]  # of one file, or of the pages of an answer
    count: Callable[..., int]  # raises UnreadableFile for what is not whole
    unit: str  # what is counted, for people
    code_prefix: str = ""
    web: fetch.Door | None = None  # None: files only
    tariffs: Callable[..., ocpi_tariffs.ReadTariffs] | None = (
        None  # what connectors name, in a source of its own
    )


FORMATS: dict[str, Format] = {
    "afdc": Format(afdc.records, table.count_lines, "line"),
    "ocm": Format(ocm.records, entries.count, "entry", "ocm-", fetch.OPEN_CHARGE_MAP),
    "ocpi": Format(ocpi.records, entries.count, "entry", "ocpi-", fetch.OCPI, ocpi_tariffs.read),
}
