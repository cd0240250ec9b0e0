"""Every text has its Hindi. Read without gettext's programs: they are only needed to change the catalogue."""

import ast
import gettext
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import allauth
import django
from django.conf import settings
from django.utils.translation import template as templates

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "evportal" / "locale" / "hi" / "LC_MESSAGES"
# What makemessages finds, and how many of its first arguments are texts.
PLAIN = {"_", "gettext", "gettext_lazy", "gettext_noop"}
PLURAL = {"ngettext", "ngettext_lazy"}
WITH_CONTEXT = {"pgettext", "pgettext_lazy"}
CALL = re.compile(r"\b(gettext|ngettext|pgettext|_)\(")
LITERAL = re.compile(r"""\s*,?\s*(?:u|f)?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""", re.DOTALL)
PLACEHOLDER = re.compile(r"%\(\w+\)[sdr]|%[sd]|\{[\w:]*\}|</?\w+")
Key = tuple[str, str]  # context, text


@dataclass
class Entry:
    key: Key
    plural: str = ""
    said: list[str] = field(default_factory=list)
    is_fuzzy: bool = False


def read_po(file: Path) -> dict[Key, Entry]:
    blocks = re.split(r"\n{2,}", file.read_text(encoding="utf-8"))
    entries = [_entry(block) for block in blocks if re.search("^msgid ", block, re.MULTILINE)]
    return {entry.key: entry for entry in entries}


def read_mo() -> gettext.GNUTranslations:
    with (CATALOGUE / "django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def _entry(block: str) -> Entry:
    fields: dict[str, str] = {}
    name = ""
    for line in block.strip().splitlines():
        if line.startswith("#"):
            continue
        if not line.startswith('"'):
            name, _, line = line.partition(" ")
        fields[name] = fields.get(name, "") + ast.literal_eval(line)
    said = [text for name, text in fields.items() if name.startswith("msgstr")]
    is_fuzzy = any(line.startswith("#,") and "fuzzy" in line for line in block.splitlines())
    return Entry((fields.get("msgctxt", ""), fields["msgid"]), fields.get("msgid_plural", ""), said, is_fuzzy)


def texts_of_templates(folder: Path = ROOT / "templates") -> Iterator[tuple[Key, str]]:
    for file in sorted(file for file in folder.rglob("*") if file.suffix in (".html", ".txt")):
        code = templates.templatize(file.read_text(encoding="utf-8"))
        for call in CALL.finditer(code):
            yield _key(call[1], list(_literals(code, call.end()))), file.name


def _literals(code: str, at: int) -> Iterator[str]:
    while literal := LITERAL.match(code, at):
        yield ast.literal_eval(literal[1])
        at = literal.end()


def _key(function: str, texts: list[str]) -> Key:
    return (texts[0], texts[1]) if function in WITH_CONTEXT else ("", texts[0])


def code_files() -> list[Path]:
    found = [*(ROOT / "apps").rglob("*.py"), *(ROOT / "evportal").rglob("*.py")]
    return sorted(file for file in found if "migrations" not in file.parts)


def texts_of_code(files: list[Path] | None = None) -> Iterator[tuple[Key, str]]:
    for file in files or code_files():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                wanted = 2 if node.func.id in WITH_CONTEXT else 1
                first = [given.value for given in node.args[:wanted] if isinstance(given, ast.Constant)]
                if node.func.id in PLAIN | PLURAL | WITH_CONTEXT and len(first) == wanted:
                    yield _key(node.func.id, first), file.name


HINDI = read_po(CATALOGUE / "django.po")


def test_every_text_of_templates_and_code_has_its_hindi():
    used = [*texts_of_templates(), *texts_of_code()]
    assert len(used) > 900
    missing = {f"{place}: {key[1]}" for key, place in used if key not in HINDI or not all(HINDI[key].said)}
    assert not missing, "run `make texts`, translate, run it again:\n" + "\n".join(sorted(missing))


def test_nothing_is_guessed_and_nothing_is_left_over():
    used = {key for key, _place in (*texts_of_templates(), *texts_of_code())}
    assert not [entry.key for entry in HINDI.values() if entry.is_fuzzy]
    assert set(HINDI) - used == {("", "")}


def test_placeholders_and_markup_stay_whole():
    for (_context, text), entry in HINDI.items():
        wanted = {
            frozenset(Counter(PLACEHOLDER.findall(said)).items()) for said in (text, entry.plural or text)
        }
        for said in entry.said if text else []:
            assert frozenset(Counter(PLACEHOLDER.findall(said)).items()) in wanted, text
            assert (text[0] == "\n", text[-1] == "\n") == (said[0] == "\n", said[-1] == "\n"), text


def test_the_compiled_catalogue_is_the_written_one():
    compiled = read_mo()._catalog
    written = {}
    for (context, text), entry in HINDI.items():
        name = f"{context}\x04{text}" if context else text
        written |= (
            {(name, form): said for form, said in enumerate(entry.said)}
            if entry.plural
            else {name: entry.said[0]}
        )
    assert {name: said for name, said in compiled.items() if name} == {
        name: said for name, said in written.items() if name
    }


def test_a_text_function_keeps_the_name_by_which_makemessages_knows_it():
    for file in code_files():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
                renamed = {alias.asname for alias in node.names if "gettext" in alias.name} - {None, "_"}
                assert not renamed, f"{file}: makemessages does not find {renamed}"


def test_a_borrowed_text_is_still_what_its_library_says():
    home, lender = Path(allauth.__file__).parent, Path(django.__file__).parent
    places = (
        "forms/*.py",
        "core/validators.py",
        "utils/dates.py",
        "db/models/fields/*.py",
        "contrib/auth/*.py",
    )
    files = [file for place in places for file in lender.glob(place)]
    files += [file for room in ("account", "mfa") for file in (home / room).rglob("*.py")]
    known = {key for key, _place in (*texts_of_code(files), *texts_of_templates(home / "templates"))}
    borrowed = {key for key, place in texts_of_code() if place == "borrowed_texts.py"}
    assert len(borrowed) > 100
    assert borrowed - known == set()


def test_the_header_names_nobody():
    header = read_mo().info()
    assert set(header) <= {
        "project-id-version", "language", "mime-version", "content-type", "content-transfer-encoding",
        "plural-forms",
    }  # fmt: skip
    assert "hi" in dict(settings.LANGUAGES)
