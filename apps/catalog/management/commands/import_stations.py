"""manage.py import_stations FILE-OR-URL --format afdc|ocm|ocpi --operator NAME

The token of a URL comes from a file or from the environment, never from the command line: that is shown to everybody
who may list the processes of the machine.
"""

import os
from argparse import ArgumentParser
from contextlib import ExitStack
from decimal import Decimal, InvalidOperation
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q
from tqdm import tqdm

from apps.catalog.importers import FORMATS, fetch
from apps.catalog.importers.ocpi_tariffs import ReadTariffs
from apps.catalog.importers.prices import ImportPrices
from apps.catalog.importers.records import UnreadableFile
from apps.catalog.importers.run import Summary, Target, note_gone, unpublish_gone, write_stations
from apps.catalog.importers.telling import tell, write_report
from apps.catalog.models import Operator
from apps.catalog.services import create_operator

TOKEN = "EVPORTAL_IMPORT_TOKEN"


def decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(text) from None
    if not number.is_finite() or number < 0:
        raise ValueError(text)
    return number


class Command(BaseCommand):
    help = (
        "Read stations from a source. Running it twice changes nothing; an interrupted run can be repeated."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", help="a file, or for ocm and ocpi a URL")
        parser.add_argument("--format", choices=sorted(FORMATS), required=True)
        parser.add_argument("--operator", required=True, help="name or code; created when new")
        parser.add_argument("--token-file", type=Path, help=f"holds the token of the URL; else {TOKEN} does")
        parser.add_argument(
            "--tariffs", help="of ocpi: a file or a URL with the tariffs that connectors name"
        )
        parser.add_argument("--limit", type=int, help="stop after so many stations")
        parser.add_argument("--energy-rate", type=decimal, help="net price per kWh where the source has none")
        parser.add_argument("--currency", default="USD")
        parser.add_argument("--tax-percent", type=decimal, default=Decimal(0))
        parser.add_argument("--tax-name", default="Sales tax")
        parser.add_argument("--remove-missing", action="store_true", help="unpublish what the source lost")
        parser.add_argument("--report", type=Path, help="write every skipped row to this CSV file")

    def handle(self, *, source: str, operator: str, format: str, **options: Any) -> None:
        self.name, self.format = format, FORMATS[format]
        self.summary, self.secrets = Summary(), []
        reading = source
        with ExitStack() as stack:
            # The sources are checked as a whole: nothing is created for one that cannot be read.
            try:
                tariffs = None
                if options["tariffs"]:
                    reading = options["tariffs"]
                    tariffs = self._tariffs(reading, source, options["token_file"], stack)
                reading = source
                pages = self._pages(source, options["token_file"], stack)
                records = self.format.records(*pages)
                first = next(records, None)
                total = self.format.count(*pages)
            except UnreadableFile as fault:
                words = f"{fetch.shown(reading)}: {self._without_token(fault)} Nothing was imported."
                raise CommandError(words) from fault
            except KeyboardInterrupt:
                self.stderr.write("Interrupted; nothing was changed.")
                raise SystemExit(130) from None
            self.summary.is_part = self._is_part(source, total)
            self.operator = self._operator(operator, options["currency"])
            bar = stack.enter_context(tqdm(total=total, unit=" rows", disable=None))
            self._write(records, first, bar, tariffs, options)
        self._look_for_gone(options)
        self._tell(options["report"])
        if not self.summary.stations and not self.summary.withdrawn:
            raise CommandError("No station could be imported from this file.")

    # --- Where it comes from ----------------------------------------------------------------------------

    def _tariffs(self, source: str, stations: str, token_file: Path | None, stack: ExitStack) -> ReadTariffs:
        if self.format.tariffs is None:
            raise UnreadableFile("This format knows no tariffs.")
        if fetch.is_url(source) and fetch.is_url(stations) and not fetch.is_same_host(source, stations):
            raise UnreadableFile(
                "The token goes to one host only, and the stations are on another one. Download the tariffs first."
            )
        pages = self._pages(source, token_file, stack)
        read = self.format.tariffs(*pages)
        if self.stated is not None and len(read.by_name) + len(read.skipped) < self.stated:
            self.stderr.write(f"The other side has {self.stated} tariffs and gave fewer.")
        self.summary.skipped += read.skipped
        return read

    def _pages(self, source: str, token_file: Path | None, stack: ExitStack) -> list[Path]:
        self.stated: int | None = None
        if not fetch.is_url(source):
            return [Path(source)]
        if self.format.web is None:
            raise UnreadableFile("This format is read from files only. Download it first.")
        token = self._token(token_file)
        headers = self.format.web.headers(token)
        self.secrets = [word for value in (token, *headers.values()) for word in value.split()[-1:]]
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="evportal-import-")))
        with tqdm(unit="B", unit_scale=True, desc="download", disable=None) as bar:
            answer = fetch.get(source, headers=headers, folder=folder, progress=bar.update)
        self.stated = answer.stated
        return answer.pages

    def _token(self, file: Path | None) -> str:
        if file is None:
            return fetch.check_token(os.environ.get(TOKEN, "").strip())
        try:
            if file.stat().st_mode & 0o077:
                self.stderr.write(f"Others may read {file}: chmod 600 it.")
            return fetch.check_token(file.read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError) as error:
            raise UnreadableFile(f"The token cannot be read from {file}.") from error

    def _without_token(self, fault: UnreadableFile) -> str:
        """The other side may have put it into its answer."""
        words = str(fault)
        for secret in self.secrets:
            words = words.replace(secret, "…")
        return words

    def _is_part(self, source: str, total: int) -> bool:
        """Whether there is more than we got, so that what is missing here may be there."""
        web = self.format.web
        if not fetch.is_url(source) or web is None:
            return False
        short = self.stated is not None and total < self.stated
        if short:
            self.stderr.write(f"The other side has {self.stated} entries and gave {total}.")
        return short or web.is_part(fetch.query_of(source), total)

    # --- What is written --------------------------------------------------------------------------------

    def _operator(self, name: str, currency: str) -> Operator:
        known = Operator.objects.filter(Q(code=name) | Q(name__iexact=name)).first()
        return known or create_operator(name=name, currency=currency)

    def _write(self, records, first, bar: tqdm, tariffs: ReadTariffs | None, options: dict[str, Any]) -> None:
        prices = ImportPrices(
            operator=self.operator,
            source=self.name,
            energy_rate=options["energy_rate"],
            currency=options["currency"],
            tax_percent=options["tax_percent"],
            tax_name=options["tax_name"],
            tariffs=tariffs,
            remark=lambda number, words: self.summary.notes.append((number, words)),
        )
        rows = (row for part in ([first] if first else [], records) for row in part)
        try:
            write_stations(
                target=Target(self.operator, self.name, prices.price_of, self.format.code_prefix),
                records=rows,
                summary=self.summary,
                limit=options["limit"],
                progress=lambda number: bar.update(number - bar.n),
            )
        except UnreadableFile as fault:
            self._tell(options["report"])
            raise CommandError(f"{fault} What was read before it is kept.") from fault
        except KeyboardInterrupt:
            bar.close()
            self._tell(options["report"])
            self.stderr.write(
                f"Interrupted after {self.format.unit} {self.summary.last_line}; everything up to there is kept. "
                "Run the same command again to finish."
            )
            raise SystemExit(130) from None

    def _look_for_gone(self, options: dict[str, Any]) -> None:
        if options["limit"] is not None or not self.summary.stations:
            return
        note_gone(operator=self.operator, source=self.name, summary=self.summary)
        if self.summary.gone and options["remove_missing"]:
            if not self.summary.is_whole:
                what = "Only a part was read" if self.summary.is_part else "The file is damaged"
                self.stderr.write(f"{what}, so missing stations are not removed.")
                return
            unpublish_gone(operator=self.operator, source=self.name, summary=self.summary)

    def _tell(self, report: Path | None) -> None:
        tell(self.summary, unit=self.format.unit, write=self.stdout.write)
        if report:
            write_report(report, self.summary)
            self.stdout.write(f"Skipped rows: {report}")
