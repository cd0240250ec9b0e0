"""manage.py import_vehicles FILE"""

import csv
from argparse import ArgumentParser
from collections import defaultdict
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from apps.accounts.importers import open_ev_data
from apps.accounts.importers.open_ev_data import SkippedRow, UnreadableFile
from apps.accounts.importers.run import Summary, write_vehicles


class Command(BaseCommand):
    help = (
        "Read known vehicles from an open-ev-data file (JSON). Running it twice changes nothing; an interrupted run "
        "can be repeated. Vehicles of the built-in list stay as they are."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--report", type=Path, help="write every skipped vehicle to this CSV file")

    def handle(self, *, file: Path, report: Path | None, **options) -> None:
        try:
            reading = open_ev_data.read(file)
        except UnreadableFile as fault:
            raise CommandError(f"{file}: {fault}") from fault
        self.summary = Summary()
        with tqdm(total=len(reading.entries), unit=" vehicles", disable=None) as bar:
            self._write(reading.entries, bar)
        self._tell(report)
        if reading.damage:
            raise CommandError(f"{file}: {reading.damage} What was read before it is kept.")
        if not self.summary.vehicles:
            raise CommandError("No vehicle could be imported from this file.")

    def _write(self, entries: list, bar: tqdm) -> None:
        records = open_ev_data.records(entries)
        try:
            write_vehicles(
                records=records, summary=self.summary, progress=lambda number: bar.update(number - bar.n)
            )
            bar.update(bar.total - bar.n)
        except KeyboardInterrupt:
            bar.close()
            self._tell(None)
            self.stderr.write(
                f"Interrupted after vehicle {self.summary.last}; everything up to there is kept. "
                "Run the same command again to finish."
            )
            raise SystemExit(130) from None

    # --- What the person at the terminal reads ----------------------------------------------------------

    def _tell(self, report: Path | None) -> None:
        summary = self.summary
        for word in ("created", "updated", "unchanged"):
            self.stdout.write(f"{word:>12} {getattr(summary, word):6}")
        self.stdout.write(f"{'skipped':>12} {len(summary.skipped):6}")
        for reason, rows in sorted(self._by_reason().items(), key=lambda item: -len(item[1])):
            self.stdout.write(f"{'':12} {len(rows):6}  {reason} ({_few(rows)})")
        for number, note in summary.notes[:5]:
            self.stdout.write(f"vehicle {number}: {note}")
        if len(summary.notes) > 5:
            self.stdout.write(f"… and {len(summary.notes) - 5} more like these")
        if summary.unchanged and not (summary.created or summary.updated):
            self.stdout.write("Nothing to change: the list already says what this file says.")
        if report:
            _write_report(report, summary.skipped)
            self.stdout.write(f"Skipped vehicles: {report}")

    def _by_reason(self) -> dict[str, list[SkippedRow]]:
        reasons: dict[str, list[SkippedRow]] = defaultdict(list)
        for row in self.summary.skipped:
            reasons[row.reason].append(row)
        return reasons


def _few(rows: list[SkippedRow]) -> str:
    listed = ", ".join(str(row.number) for row in rows[:5])
    return f"vehicles {listed}{', …' if len(rows) > 5 else ''}"


def _write_report(path: Path, skipped: list[SkippedRow]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["vehicle", "name", "reason", "detail"])
        for row in sorted(skipped, key=lambda row: row.number):
            writer.writerow([row.number, *map(_plain, (row.name, row.reason, row.detail))])


def _plain(text: str) -> str:
    """A cell that a spreadsheet will not run as a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
