"""Papers: what a room has to say, as a PDF that looks the same everywhere and that a screen reader can read.

A room fills a `Paper` with words; one template (paper.typ) draws them all, with Typst, which shapes Devanagari, tags
headings and tables (PDF/UA-1) and takes every text as data, never as markup. The same paper makes the same bytes.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils.translation import get_language, gettext

from apps.lib.paper.draw import draw
from apps.lib.paper.text import MISSING, printable

DRAW = str(Path(__file__).with_name("draw.py"))
LONG = 50_000  # characters; a receipt has 3,000
MOST_SECONDS = 60


@dataclass(frozen=True)
class Fact:
    """A name and what it is; `more` is printed smaller below."""

    name: str
    text: str
    more: str = ""


@dataclass(frozen=True)
class Cell:
    text: str
    more: str = ""


Row = Sequence[Cell | str]


@dataclass(frozen=True)
class Table:
    """The first column takes what the others leave. `is_dense`: long lists, in small print."""

    head: Sequence[str]
    rows: Sequence[Row]
    foot: Row = ()
    numbers: Sequence[int] = (-1,)  # columns of figures, flush right
    wide: int = 0  # the column that takes the room that is left
    is_dense: bool = False


@dataclass(frozen=True)
class Section:
    title: str
    facts: Sequence[Fact] = ()
    tables: Sequence[Table] = ()
    columns: Sequence[str] = ()  # many short lines in small print, three columns down each page
    notes: Sequence[str] = ()
    on_new_page: bool = False


@dataclass(frozen=True)
class Paper:
    """`title` names the file for its reader, `heading` stands on the page. In the language that is active."""

    title: str
    heading: str
    at: datetime  # printed nowhere: the date of the file, so that it is the same at every try
    big: str = ""
    under: str = ""
    banners: Sequence[str] = ()
    sections: Sequence[Section] = field(default_factory=tuple)
    foot: str = ""

    def pdf(self) -> bytes:
        said = _printable(asdict(self) | {"at": ""})
        if any(MISSING in text for text in _texts(said)):
            said["foot"] = " ".join((said["foot"], _missing_words())).strip()
        said |= {"lang": (get_language() or "en").split("-")[0], "page": gettext("page")}
        words, at = json.dumps(said), int(self.at.timestamp())
        return draw(words, at) if len(words) < LONG else _draw_apart(words, at)


def _draw_apart(words: str, at: int) -> bytes:
    """In a process of its own (draw.py). Raises subprocess.SubprocessError when it does not end well, or in time."""
    program = [sys.executable, "-I", DRAW, str(at)]
    done = subprocess.run(
        program, input=words.encode(), capture_output=True, timeout=MOST_SECONDS, check=True
    )
    return done.stdout


def _missing_words() -> str:
    return gettext(
        "{sign}: a character that these papers have no letter for; the page on the screen shows it."
    ).format(sign=MISSING)


def _printable(said: Any) -> Any:
    if isinstance(said, dict):
        return {name: _printable(value) for name, value in said.items()}
    if isinstance(said, list | tuple):
        return [_printable(value) for value in said]
    return said if said is None or isinstance(said, bool | int) else printable(str(said))


def _texts(said: Any) -> Iterator[str]:
    if isinstance(said, str):
        yield said
    elif isinstance(said, dict | list):
        for value in said.values() if isinstance(said, dict) else said:
            yield from _texts(value)
