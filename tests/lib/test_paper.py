"""Papers: every letter of our fonts, Devanagari in its shapes, words that stay words, the same file every time."""

import io
import re
import subprocess
from datetime import UTC, datetime

import pytest
from django.utils import translation
from hypothesis import example, given
from hypothesis import strategies as st
from pypdf import PdfReader

from apps.lib.paper import Cell, Fact, Paper, Section, Table
from apps.lib.paper.text import COVERED, MISSING, printable

AT = datetime(2026, 11, 22, 6, 55, tzinfo=UTC)


def paper(*words: str, **more) -> Paper:
    facts = [Fact("Name", text) for text in words]
    rows = [(Cell("Energy", "16 kWh"), "₹296.00")]
    tables = [Table(("Line", "Amount"), rows, foot=("Total", "₹296.00"))]
    return Paper(
        title="Receipt 7", heading="Receipt", at=AT, sections=[Section("Between", facts, tables)], **more
    )


def read(pdf: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(pdf), strict=True)


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in read(pdf).pages)


def glyphs_of(pdf: bytes) -> set[str]:
    """What single glyphs of the file stand for, from the tables that make it searchable."""
    found = set()
    for page in read(pdf).pages:
        for font in page["/Resources"]["/Font"].values():
            table = font["/ToUnicode"].get_data().decode("latin-1")
            for unicode in re.findall(r"<[0-9A-F]+>\s*<([0-9A-F]+)>", table):
                found.add(bytes.fromhex(unicode).decode("utf-16-be"))
    return found


def test_it_says_what_it_was_given():
    text = text_of(paper("SparkDock", big="₹361.08", banners=["Careful"], foot="The rule").pdf())
    for words in ("Receipt", "Between", "SparkDock", "16 kWh", "₹296.00", "₹361.08", "Careful", "The rule"):
        assert words in text
    assert "1 / 1" in text


def test_the_same_paper_is_the_same_file():
    assert paper("SparkDock").pdf() == paper("SparkDock").pdf()
    assert read(paper("x").pdf()).metadata.creation_date == AT


@pytest.mark.parametrize("language", ["en", "hi"])
def test_it_can_be_read_aloud(language):
    """Tagged, with title and language: what PDF/UA asks of a file, which the library refuses to make otherwise."""
    with translation.override(language):
        root = read(paper("SparkDock").pdf()).trailer["/Root"]
    assert (root["/Lang"], root["/MarkInfo"]["/Marked"]) == (language, True)
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert b"pdfuaid:part" in root["/Metadata"].get_data()
    kinds = set(_kinds(root["/StructTreeRoot"]))
    assert {"/H1", "/H2", "/Table", "/TH", "/TD"} <= kinds


def _kinds(node):
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, list):
        for child in node:
            yield from _kinds(child)
    elif isinstance(node, dict):
        if "/S" in node:
            yield str(node["/S"])
        if "/K" in node:
            yield from _kinds(node["/K"])


def test_devanagari_is_shaped():
    """क्ष is one sign of three characters, and in शक्ति the vowel stands before its consonant."""
    glyphs = glyphs_of(paper("क्षेत्र शक्ति").pdf())
    assert any("क्ष" in glyph for glyph in glyphs)


def test_every_letter_of_the_fonts_can_be_printed():
    letters = "".join(chr(code) for first, last in COVERED for code in range(first, last + 1))
    kept = printable(letters)
    assert MISSING not in kept.replace(MISSING, "", 1)
    assert paper(kept).pdf().startswith(b"%PDF")


@given(st.text(max_size=200))
@example("#panic() *b* _i_ $x$ <a> @ref // `raw` \\ [x] #[y] http://a.b")
@example("\u202eevil \ud800 \x00 \x1b")
@example("தமிழ் 漢字 😀 ﷽")
@example("x" * 500)
def test_whatever_a_peer_says_is_printed_as_words(words):
    assert paper(words, f"{words}\n{words}", big=words, foot=words).pdf().startswith(b"%PDF")


def test_a_letter_that_is_not_there_would_be_an_error(monkeypatch):
    """So the test above would fail if COVERED promised too much."""
    monkeypatch.setattr("apps.lib.paper.printable", str)
    with pytest.raises(RuntimeError, match="font"):
        paper("தமிழ்").pdf()


def test_markup_is_not_obeyed():
    said = "<script>alert(1)</script> #panic() *bold* $x$ =Head"
    assert said in text_of(paper(said).pdf()).replace("\n", " ")


def test_what_turns_the_line_around_is_left_out():
    assert printable("safe\u202etxt.exe\u2066\x07") == "safetxt.exe"


def test_letters_that_are_missing_are_named():
    with_tamil = text_of(paper("தமிழ்").pdf())
    assert MISSING in with_tamil
    assert "no letter for" in with_tamil.replace("\n", " ")
    assert "no letter for" not in text_of(paper("Tamil").pdf())


def test_long_lists_go_on_over_pages_with_their_head():
    rows = [(f"{number}", "x") for number in range(300)]
    pages = read(
        Paper("List", "List", AT, sections=[Section("Rows", tables=[Table(("Number", "What"), rows)])]).pdf()
    ).pages
    assert len(pages) > 3
    assert all("Number" in page.extract_text() for page in pages)
    assert f"{len(pages)} / {len(pages)}" in pages[-1].extract_text()


def test_a_long_paper_is_drawn_apart_and_is_the_same(monkeypatch):
    long = paper(*[f"word {number}" for number in range(200)])
    near = long.pdf()
    monkeypatch.setattr("apps.lib.paper.LONG", 100)
    monkeypatch.setattr("apps.lib.paper.draw", None)
    assert long.pdf() == near


def test_one_that_takes_too_long_ends(monkeypatch):
    monkeypatch.setattr("apps.lib.paper.LONG", 0)
    monkeypatch.setattr("apps.lib.paper.MOST_SECONDS", 0.001)
    with pytest.raises(subprocess.TimeoutExpired):
        paper("x").pdf()


def test_columns_go_down_each_page():
    lines = [f"line{number} 42.00 kWh" for number in range(2000)]
    pages = read(Paper("List", "List", AT, sections=[Section("All", columns=lines)]).pdf()).pages
    found = re.findall(r"line(\d+) ", "\n".join(page.extract_text() for page in pages))
    assert [int(number) for number in found] == list(range(2000))
    assert len(pages) < 12
