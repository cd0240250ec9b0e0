"""What the person at the terminal reads of an import, and the file of everything that was left out."""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

from apps.catalog.importers.records import SkippedRow
from apps.catalog.importers.run import Summary

MOST_NOTES = 5


def tell(summary: Summary, *, unit: str, write: Callable[[str], object]) -> None:
    for word in ("created", "updated", "unchanged"):
        write(f"{word:>12} {getattr(summary, word):6}")
    write(f"{'skipped':>12} {len(summary.skipped):6}")
    for reason, rows in sorted(_by_reason(summary).items(), key=lambda item: -len(item[1])):
        write(f"{'':12} {len(rows):6}  {reason} ({_few(unit, (row.number for row in rows))})")
    for number, note in summary.notes[:MOST_NOTES]:
        write(f"{unit} {number}: {note}")
    if len(summary.notes) > MOST_NOTES:
        write(f"… and {len(summary.notes) - MOST_NOTES} more remarks; --report writes all of them to a file")
    if summary.withdrawn:
        write(f"{summary.withdrawn} stations were withdrawn by the source: unpublished")
    if summary.gone:
        fate = "unpublished" if summary.removed else "still published; --remove-missing unpublishes them"
        write(f"{len(summary.gone)} stations are no longer in the file: {fate}")
    changes = summary.created or summary.updated or summary.removed or summary.withdrawn
    if summary.unchanged and not changes:
        write("Nothing to change: the catalog already says what this file says.")


def write_report(path: Path, summary: Summary) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["line", "id", "reason", "detail"])
        for row in summary.skipped:
            writer.writerow([row.number, *map(_plain, (row.source_id, row.reason, row.detail))])
        for number, note in summary.notes:
            writer.writerow([number, "", "imported, with a remark", _plain(note)])


def _by_reason(summary: Summary) -> dict[str, list[SkippedRow]]:
    reasons: dict[str, list[SkippedRow]] = defaultdict(list)
    for row in summary.skipped:
        reasons[row.reason].append(row)
    return reasons


def _few(unit: str, numbers: Iterable[int]) -> str:
    listed = list(numbers)
    units = {"line": "lines", "entry": "entries"}[unit]
    return f"{units} " + ", ".join(map(str, listed[:5])) + (", …" if len(listed) > 5 else "")


def _plain(text: str) -> str:
    """A cell that a spreadsheet will not run as a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
