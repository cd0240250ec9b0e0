"""Draws a paper with Typst; also a program of its own, for long ones: words on stdin, PDF on stdout.

Typst keeps what it reckoned for the last papers in memory. Of a receipt that is little, of 5,000 readings 60 MB each
time, which a process of its own gives back.
"""

import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import typst

HERE = Path(__file__).resolve().parent
STANDARDS = ["a-2a", "ua-1"]  # to be kept for years, and read aloud
MOST_MEMORY = 2 << 30  # bytes of address space of the program


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[HERE / "fonts"])


def draw(words: str, at: int) -> bytes:
    """`words`: the paper as JSON; `at`: the date of the file in seconds since 1970."""
    compiler = typst.Compiler(
        HERE / "paper.typ",
        root=HERE,
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"paper": words},
    )
    return compiler.compile(format="pdf", pdf_standards=STANDARDS, timestamp=datetime.fromtimestamp(at, UTC))


def main() -> None:
    import resource  # not on every system; only the program needs it

    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    sys.stdout.buffer.write(draw(sys.stdin.buffer.read().decode(), int(sys.argv[1])))


if __name__ == "__main__":
    main()
