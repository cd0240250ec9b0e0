"""Reading somebody else's JSON entry by entry, so that a large file needs little memory.

The list is the file itself, or `data` of an OCPI answer. `count` reads all of it before its first entry is used: a
file that is cut off or no JSON is refused as a whole, and nothing of it is imported.
"""

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TextIO

from apps.catalog.importers.records import SkippedRow, StationRow, UnreadableFile, Unusable, Withdrawn

CHUNK = 1 << 20
LONGEST_ENTRY = 16_000_000  # characters; a list that was never closed must not fill the memory
_SPACE = re.compile(r"[ \t\r\n]*")
# Control characters and halves of characters, which no database takes.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")

Entry = dict[str, Any]


def rows(
    *paths: Path,
    id_of: Callable[[Entry], str],
    read: Callable[[int, str, Entry], StationRow],
) -> Iterator[StationRow | SkippedRow]:
    """What `read` makes of each entry; of several with one id the first that can be used counts."""
    seen: set[str] = set()
    for number, entry in entries(*paths):
        source_id = ""
        try:
            if not isinstance(entry, dict):
                raise Unusable("not an object", str(entry)[:60])
            source_id = id_of(entry)
            if source_id.casefold() in seen:
                raise Unusable("repeated ID")
            station = read(number, source_id, entry)
        except Unusable as unusable:
            withdrawn = isinstance(unusable, Withdrawn)
            if withdrawn:
                seen.add(source_id.casefold())
            yield SkippedRow(number, source_id, *unusable.args, is_withdrawn=withdrawn)
            continue
        seen.add(source_id.casefold())
        yield station


def count(*paths: Path) -> int:
    """How many entries there are. Raises UnreadableFile unless every page is whole."""
    return sum(1 for _entry in entries(*paths))


def entries(*paths: Path) -> Iterator[tuple[int, Any]]:
    """(number, entry), counted through all pages."""
    number = 0
    for path in paths:
        for entry in _page(path):
            number += 1
            yield number, entry


# --- What the values mean ---------------------------------------------------------------------------------


def plain(value: Any) -> str:
    """A text or number as one trimmed line; "" for everything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return ""
    return _UNPRINTABLE.sub(" ", str(value)).strip()


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def part(entry: Entry, name: str) -> Entry:
    """The object under `name`; empty when there is none."""
    value = entry.get(name)
    return value if isinstance(value, dict) else {}


def number(value: Any) -> Decimal | None:
    try:
        read = Decimal(plain(value) or "NaN")
    except InvalidOperation:
        return None
    return read if read.is_finite() and read.adjusted() < 15 else None


def cut(entry: Entry, name: str, longest: int, notes: list[str]) -> str:
    """The text under `name` as the column takes it; what is lost is noted."""
    text = plain(entry.get(name))
    if len(text) > longest:
        notes.append(f"{name} cut to {longest} characters")
    return text[:longest].strip()


# --- The list itself --------------------------------------------------------------------------------------


class _Text:
    """A file as text, of which only what is being read is in memory."""

    def __init__(self, file: TextIO):
        self.file, self.buffer, self.at, self.entry = file, "", 0, 0

    def more(self) -> bool:
        chunk = self.file.read(CHUNK)
        self.buffer, self.at = self.buffer[self.at :] + chunk, 0
        return bool(chunk)

    def next(self) -> str:
        """The next character that is not white space, without passing it; "" at the end."""
        while True:
            self.at = _SPACE.match(self.buffer, self.at).end()
            if self.at < len(self.buffer):
                return self.buffer[self.at]
            if not self.more():
                return ""

    def passes(self, wanted: str) -> bool:
        if self.next() != wanted:
            return False
        self.at += 1
        return True

    def expect(self, wanted: str) -> None:
        if not self.passes(wanted):
            raise self.fault("" if not self.next() else f"{wanted} was expected")

    def value(self) -> Any:
        self.next()
        while True:
            try:
                value, end = _DECODER.raw_decode(self.buffer, self.at)
            except json.JSONDecodeError as error:
                if len(self.buffer) - self.at < LONGEST_ENTRY and self.more():
                    continue
                is_cut = error.msg.startswith("Unterminated") or error.pos >= len(self.buffer) - 6
                raise self.fault("" if is_cut else error.msg) from None
            except RecursionError:
                raise self.fault("nested too deep") from None
            if end == len(self.buffer) and self.more():
                continue  # a number may go on
            self.at = end
            return value

    def fault(self, words: str) -> UnreadableFile:
        if words:
            return UnreadableFile(f"This is not JSON after entry {self.entry}: {words}.")
        return UnreadableFile(f"The file is cut off after entry {self.entry}. Get it again.")


def _page(path: Path) -> Iterator[Any]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _list(_Text(file))
    except UnicodeDecodeError as error:
        raise UnreadableFile("The file is not UTF-8. Save it as UTF-8 and try again.") from error
    except OSError as error:
        raise UnreadableFile(f"The file cannot be read: {error.strerror}.") from error


def _list(text: _Text) -> Iterator[Any]:
    start = text.next()
    if not start:
        raise UnreadableFile("The file is empty.")
    if start == "[":
        yield from _elements(text)
    elif start == "{":
        yield from _envelope(text)
    else:
        raise UnreadableFile(f"This is not JSON: it begins with {text.buffer[text.at :][:20]!r}.")
    if text.next():
        raise text.fault("something follows the list")


def _elements(text: _Text) -> Iterator[Any]:
    text.expect("[")
    if text.passes("]"):
        return
    while True:
        value = text.value()
        text.entry += 1
        yield value
        if text.passes("]"):
            return
        text.expect(",")


def _envelope(text: _Text) -> Iterator[Any]:
    """{"data": […], "status_code": 1000, …}, in whatever order."""
    text.expect("{")
    told: Entry = {}
    while not text.passes("}"):
        if told:
            text.expect(",")
        name = plain(text.value())
        text.expect(":")
        if name == "data" and text.next() == "[":
            told[name] = []
            yield from _elements(text)
        else:
            told[name] = text.value()
    _check_told(told)


def _check_told(told: Entry) -> None:
    code = number(told.get("status_code"))
    if code is not None and code >= 2000:
        words = plain(told.get("status_message"))[:200]
        raise UnreadableFile(f"The other side answered with status {code}{words and ': '}{words}.")
    if not isinstance(told.get("data"), list):
        raise UnreadableFile("This is a JSON object without a list of stations (data).")


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond all numbers
        return None


def _whole(text: str) -> int | Decimal:
    return int(text) if len(text) < 19 else Decimal(text)


_DECODER = json.JSONDecoder(parse_float=_decimal, parse_int=_whole, parse_constant=lambda _name: None)
