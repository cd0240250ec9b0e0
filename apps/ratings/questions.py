"""The form of an operator, read as questions. Its HTML is never shown: we draw the kinds of questions that we know.

BECKN-007. What cannot be read (no form, a question of another kind, too much of it) raises Unreadable, and a link is
shown instead.
"""

from dataclasses import asdict, dataclass, field
from html.parser import HTMLParser
from typing import Any, Self
from urllib.parse import urljoin

MOST_QUESTIONS = 20
MOST_CHOICES = 30
LONGEST = 300
LONGEST_ANSWER = 1000
TEXTS = {
    "text": "text",
    "": "text",
    "search": "text",
    "textarea": "long",
    "number": "number",
    "range": "number",
}
IGNORED = {"submit", "button", "reset", "image"}
# Their content is neither question nor label.
SILENT = {"script", "style", "button", "template", "noscript", "iframe", "object", "svg"}


class Unreadable(ValueError):
    """Not a form that we can ask; the text says why."""


@dataclass
class Question:
    """kind: text, long, number, one (of the choices), many or hidden (sent back as it came)."""

    name: str
    kind: str
    label: str = ""
    is_required: bool = False
    choices: list[list[str]] = field(default_factory=list)  # [[value, words], …]
    value: str = ""

    @classmethod
    def read(cls, raw: dict[str, Any]) -> Self:
        return cls(**raw)


def read_form(html: str, url: str) -> tuple[list[Question], str]:
    """The questions of the first form, and where the answers go."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    if not reader.began:
        raise Unreadable("there is no form")
    questions = [_labelled(question, reader) for question in reader.questions]
    asked = [question for question in questions if question.kind != "hidden"]
    if not asked or len(questions) > MOST_QUESTIONS:
        raise Unreadable(f"{len(questions)} questions")
    if reader.method != "post":
        raise Unreadable("the answers are not to be posted")
    return questions, urljoin(url, reader.action)


def to_json(questions: list[Question]) -> list[dict[str, Any]]:
    return [asdict(question) for question in questions]


def _labelled(question: Question, reader: "_Reader") -> Question:
    question.label = question.label or reader.labels.get(reader.ids.get(question.name, ""), "")
    question.label = question.label or question.name.replace("_", " ").replace("-", " ").capitalize()
    return question


class _Reader(HTMLParser):
    """Only names, kinds, choices and words are taken; whatever else a form holds is not looked at."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.began = self.ended = False
        self.action, self.method = "", "get"
        self.questions: list[Question] = []
        self.labels: dict[str, str] = {}  # id → words
        self.ids: dict[str, str] = {}  # name of a question → id of its field
        self._silent = 0
        self._words: list[str] = []
        self._label: tuple[str, list[str], list[Question]] | None = None  # for, words, what is inside
        self._legend = ""
        self._select: Question | None = None
        self._option: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: (value or "")[:LONGEST] for name, value in attrs}
        if tag in SILENT:
            self._silent += 1
        if tag == "form" and not self.began:
            self.began, self.action, self.method = (
                True,
                said.get("action", ""),
                said.get("method", "get").lower(),
            )
        if not self.began or self.ended or self._silent:
            return
        if tag == "label":
            self._label = (said.get("for", ""), [], [])
        elif tag == "fieldset":
            self._legend = ""
        elif tag == "legend":
            self._words = []
        elif tag == "select":
            kind = "many" if "multiple" in said else "one"
            self._select = self._add(said, kind)
        elif tag == "option" and self._select is not None:
            self._end_option()
            self._option = []
            self._select.choices.append([said.get("value", "\0"), ""])
        elif tag in ("input", "textarea"):
            self._field(said, said.get("type", "").lower() if tag == "input" else "textarea")

    def _field(self, said: dict[str, str], kind: str) -> None:
        if kind in IGNORED:
            return
        if kind in ("radio", "checkbox"):
            return self._box(said, "one" if kind == "radio" else "many")
        if kind == "hidden":
            self._add(said, "hidden").value = said.get("value", "")
        elif kind in TEXTS:
            self._add(said, TEXTS[kind])
        else:
            raise Unreadable(f"a question of the kind {kind[:20]}")

    def _box(self, said: dict[str, str], kind: str) -> None:
        """Boxes of one name are one question, whose words are the legend before them."""
        known = next((one for one in self.questions if one.name == said.get("name")), None)
        question = known or self._add(said, kind)
        question.label = question.label or self._legend
        question.choices.append([said.get("value", "on"), ""])
        if said.get("id"):
            self.ids[f"{question.name}\0{len(question.choices) - 1}"] = said["id"]

    def _add(self, said: dict[str, str], kind: str) -> Question:
        if not said.get("name"):
            raise Unreadable("a question without a name")
        if len(self.questions) >= MOST_QUESTIONS:
            raise Unreadable("too many questions")
        question = Question(said["name"], kind, is_required="required" in said)
        self.questions.append(question)
        if said.get("id"):
            self.ids[question.name] = said["id"]
        if self._label is not None:
            self._label[2].append(question)
        return question

    def handle_endtag(self, tag: str) -> None:
        if tag in SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag == "form":
            self.ended = self.began
        elif tag == "label" and self._label is not None:
            self._end_label()
        elif tag == "legend":
            self._legend = _plain(self._words)
        elif tag in ("option", "select"):
            self._end_option()
            self._select = None if tag == "select" else self._select

    def _end_label(self) -> None:
        target, words, _inside = self._label
        self._label = None
        text = _plain(words)
        if target:
            self.labels[target] = text
        last = self.questions[-1] if self.questions else None
        if not target and last is not None:
            if last.choices and last.kind in ("one", "many") and not last.choices[-1][1]:
                last.choices[-1][1] = text
            else:
                last.label = last.label or text

    def _end_option(self) -> None:
        if self._option is None or self._select is None:
            return
        words = _plain(self._option)
        choice = self._select.choices[-1]
        choice[0] = words if choice[0] == "\0" else choice[0]
        choice[1] = words
        self._option = None

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        if self._option is not None:
            self._option.append(data)
        elif self._label is not None:
            self._label[1].append(data)
        else:
            self._words.append(data)

    def close(self) -> None:
        super().close()
        for question in self.questions:
            if len(question.choices) > MOST_CHOICES:
                raise Unreadable("too many choices")
            for number, choice in enumerate(question.choices):
                labelled = self.labels.get(self.ids.get(f"{question.name}\0{number}", ""), "")
                choice[1] = choice[1] or labelled or choice[0]


def _plain(words: list[str]) -> str:
    return " ".join("".join(words).split())[:LONGEST]
