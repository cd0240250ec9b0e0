"""A list of JSON, read entry by entry: whole, in pieces, cut off, or no list at all."""

import json
from decimal import Decimal

import pytest

from apps.catalog.importers import entries
from apps.catalog.importers.records import UnreadableFile
from tests.catalog.sources import FOLDER


@pytest.fixture
def write(tmp_path):
    def written(content: str | bytes):
        path = tmp_path / "list.json"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written


def read(*paths) -> list:
    return [entry for _number, entry in entries.entries(*paths)]


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 1 << 20])
def test_entries_are_the_same_however_the_file_falls_into_pieces(write, monkeypatch, chunk):
    monkeypatch.setattr(entries, "CHUNK", chunk)
    for text in (
        '[{"a": 1.50, "b": "x\\"]"}, 12, [1, 2], "é€", null]',
        ' {"status_code": 1000, "data" : [ {"a": [{}]} , {"data": []} ], "timestamp": "now"} ',
        '\ufeff[\n{"n": 12345678901234567890123}\n]\n',
        "[]",
        '{"data": []}',
    ):
        whole = json.loads(text.lstrip("\ufeff"), parse_float=Decimal)
        assert read(write(text)) == (whole if isinstance(whole, list) else whole["data"])


def test_entries_are_counted_through_all_pages(write, tmp_path):
    first, second = tmp_path / "1.json", tmp_path / "2.json"
    first.write_text("[1, 2]")
    second.write_text('{"data": [3]}')
    assert list(entries.entries(first, second)) == [(1, 1), (2, 2), (3, 3)]
    assert entries.count(first, second) == 3


def test_a_file_cut_anywhere_is_refused(write):
    """Cut before the last bracket, at every place: never a list, never a silent end."""
    for name in ("ocpi_locations.json", "ocm_pois.json"):
        whole = (FOLDER / name).read_bytes().rstrip()
        for end in range(1, len(whole), 5):
            with pytest.raises(UnreadableFile, match=r"cut off|not UTF-8"):
                entries.count(write(whole[:end]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"<html>504</html>", "begins with '<html>504"),
        (b"ID,Name\n1,x", "not JSON"),
        (b"PK\x03\x04\xff\xfe", "not UTF-8"),
        (b'[{"a": "M\xfcnchen"}]', "not UTF-8"),
        (b'[{"a": 1} {"a": 2}]' + b" " * 20, "after entry 1: , was expected"),
        (b'[{"a": 1,, "bbbbbbbbbbbbbbb": 2}]', "after entry 0: "),
        (b"[1] [2]", "something follows"),
        (b'{"error": "no"}', "without a list"),
        (b'{"data": {"id": 1}}', "without a list"),
        (
            b'{"status_code": 2001, "status_message": "Bad\\u0000 token", "data": []}',
            "status 2001: Bad  token",
        ),
        (b"[" * 100_000, "nested too deep|cut off"),
        (b'[{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]", "nested too deep"),
    ],
)
def test_what_is_no_list_is_refused_with_words(write, content, message):
    with pytest.raises(UnreadableFile, match=message):
        entries.count(write(content))


def test_a_list_that_never_ends_an_entry_does_not_fill_the_memory(write, monkeypatch):
    monkeypatch.setattr(entries, "CHUNK", 1_000)
    monkeypatch.setattr(entries, "LONGEST_ENTRY", 5_000)
    with pytest.raises(UnreadableFile):
        entries.count(write('["' + "x" * 50_000 + '"]'))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (" a\n\x00b ", "a b"),
        ("\ud800x", "x"),
        (5, "5"),
        (Decimal("1.50"), "1.50"),
        (True, ""),
        (None, ""),
        ({"a": 1}, ""),
        (["a"], ""),
        ("<script>alert('x')</script>", "<script>alert('x')</script>"),
    ],
)
def test_texts_become_one_line_that_every_database_takes(value, text):
    assert entries.plain(value) == text


def test_numbers_beyond_all_measure_are_no_numbers(write):
    odd = read(write("[1e999999999999999999999, NaN, -Infinity, 1e400, 99999999999999999999999]"))
    assert [entries.number(value) for value in odd] == [None] * 5
    assert entries.number("22.5") == Decimal("22.5")
