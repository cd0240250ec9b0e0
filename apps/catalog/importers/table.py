"""Reading somebody else's CSV: checked as a whole before its first row is used."""

import codecs
import csv
import re
from collections.abc import Iterator
from pathlib import Path

from apps.catalog.importers.records import SkippedRow, UnreadableFile

# A cell may be long, but a forgotten quotation mark must not end the whole reading.
_LONGEST_FIELD = 16_000_000
LONGEST_CELL = 5_000
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]+")

Row = dict[str, str]


def rows(path: Path, *, needed: set[str]) -> Iterator[tuple[int, Row | SkippedRow]]:
    """(line, row) for each row; a row that cannot be used is a SkippedRow. Cells are plain text, trimmed."""
    _check_text(path)
    usual_limit = csv.field_size_limit(_LONGEST_FIELD)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            _check_header(header, needed)
            for cells in reader:
                if any(cells):
                    yield reader.line_num, _row(reader.line_num, header, cells)
    except csv.Error as error:
        raise UnreadableFile(f"Line {reader.line_num} is not CSV: {error}.") from error
    finally:
        csv.field_size_limit(usual_limit)


def _row(line: int, header: list[str], cells: list[str]) -> Row | SkippedRow:
    longest = max(map(len, cells))
    if longest > LONGEST_CELL:
        return SkippedRow(line, "", "cell too long", f"a cell of {longest} characters")
    if len(cells) < len(header):
        return SkippedRow(line, "", "row cut off", f"{len(cells)} of {len(header)} columns")
    if len(cells) > len(header):
        return SkippedRow(line, "", "too many columns", f"{len(cells)} instead of {len(header)} columns")
    return {name: _CONTROLS.sub(" ", cell).strip() for name, cell in zip(header, cells, strict=True)}


def count_lines(path: Path) -> int:
    """Lines of the file, for a progress bar; a cell with line breaks counts more than once."""
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))


def _check_text(path: Path) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    read = 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                if not read and b"\x00" in chunk[:4096]:
                    raise UnreadableFile("This is not a text file. Download the stations as CSV.")
                decoder.decode(chunk)
                read += len(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        place = f"near byte {read + error.start}"
        raise UnreadableFile(f"The file is not UTF-8 ({place}). Save it as UTF-8 and try again.") from error
    except OSError as error:
        raise UnreadableFile(f"The file cannot be read: {error.strerror}.") from error
    if not read:
        raise UnreadableFile("The file is empty.")


def _check_header(header: list[str], needed: set[str]) -> None:
    missing = sorted(needed - set(header))
    if missing:
        names = ", ".join(missing[:5]) + (", …" if len(missing) > 5 else "")
        raise UnreadableFile(f"The first line is not the header of this format; missing: {names}.")
