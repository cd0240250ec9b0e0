"""A driver at the web pages, without a browser: reads forms and presses buttons by what is written on them."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import requests

UNSEEN = {"script", "style", "template", "svg", "title"}


@dataclass
class Button:
    text: str = ""
    name: str = ""
    value: str = ""
    action: str = ""


@dataclass
class Form:
    action: str = ""
    method: str = "get"
    id: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)  # radio buttons and selects
    buttons: list[Button] = field(default_factory=list)


class _Reader(HTMLParser):
    """Collects forms, links and visible text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.words: list[str] = []
        self._form: Form | None = None
        self._button: Button | None = None
        self._select: str = ""
        self._textarea: str = ""
        self._link: list[str] | None = None
        self._unseen = 0
        self._later: list[tuple[str, Button]] = []  # buttons that name their form by id

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag in UNSEEN:
            self._unseen += 1
        elif tag == "form":
            action = given.get("action") or given.get("hx-post") or given.get("hx-get") or ""
            method = given.get("method") or ("post" if "hx-post" in given else "get")
            self._form = Form(action, method.lower(), given.get("id", ""))
            self.forms.append(self._form)
        elif tag == "a" and "href" in given:
            self._link = [given["href"], ""]
        elif tag == "button":
            self._open_button(given)
        elif self._form is not None:
            self._read_field(tag, given)

    def _open_button(self, given: dict[str, str]) -> None:
        self._button = Button(
            given.get("aria-label", ""),
            given.get("name", ""),
            given.get("value", ""),
            given.get("formaction", ""),
        )
        if given.get("type", "submit") != "submit":
            return
        if "form" in given:
            self._later.append((given["form"], self._button))
        elif self._form is not None:
            self._form.buttons.append(self._button)

    def _read_field(self, tag: str, given: dict[str, str]) -> None:
        name, kind = given.get("name", ""), given.get("type", "text")
        if tag == "input" and kind == "submit":
            self._form.buttons.append(Button(given.get("value", ""), name, given.get("value", "")))
        elif tag == "input" and kind in ("radio", "checkbox"):
            self._form.choices.setdefault(name, []).append(given.get("value", "on"))
            if "checked" in given:
                self._form.fields[name] = given.get("value", "on")
        elif tag == "input" and name:
            self._form.fields[name] = given.get("value", "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            values = self._form.choices.setdefault(self._select, [])
            values.append(given.get("value", ""))
            if len(values) == 1 or "selected" in given:
                self._form.fields[self._select] = given.get("value", "")
        elif tag == "textarea" and name:
            self._textarea = name
            self._form.fields[name] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag in UNSEEN:
            self._unseen -= 1
        elif tag == "form":
            self._form = None
        elif tag == "button":
            self._button = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""
        elif tag == "a" and self._link is not None:
            self.links.append((self._link[0], " ".join(self._link[1].split())))
            self._link = None

    def handle_data(self, data: str) -> None:
        if self._textarea and self._form is not None:
            self._form.fields[self._textarea] += data
        if self._unseen:
            return
        if self._button is not None:
            self._button.text += f" {data}"
        if self._link is not None:
            self._link[1] += data
        self.words.append(data)

    def settle(self) -> None:
        for form_id, button in self._later:
            for form in self.forms:
                if form.id == form_id:
                    form.buttons.append(button)


@dataclass
class Page:
    url: str
    status: int
    html: str
    forms: list[Form]
    links: list[tuple[str, str]]
    text: str

    @classmethod
    def of(cls, answer: requests.Response) -> "Page":
        reader = _Reader()
        reader.feed(answer.text)
        reader.close()
        reader.settle()
        text = " ".join(" ".join(reader.words).split())
        return cls(answer.url, answer.status_code, answer.text, reader.forms, reader.links, text)

    def has(self, pattern: str) -> bool:
        return re.search(pattern, self.text, re.I) is not None

    def form_with_button(self, pattern: str) -> tuple[Form, Button] | None:
        """By the words on the button, or by where it leads to: a form without action leads to its own page."""
        for form in self.forms:
            for button in form.buttons:
                leads_to = urljoin(self.url, button.action or form.action or self.url)
                if re.search(pattern, " ".join(button.text.split()), re.I) or re.search(pattern, leads_to):
                    return form, button
        return None

    def link(self, pattern: str) -> str | None:
        """The address of the first link whose text or address fits."""
        return next(
            (
                href
                for href, text in self.links
                if re.search(pattern, text, re.I) or re.search(pattern, href, re.I)
            ),
            None,
        )

    def summary(self) -> str:
        buttons = [
            f"{' '.join(button.text.split())} → {form.action}"
            for form in self.forms
            for button in form.buttons
        ]
        return f"{self.status} {self.url}\nbuttons: {buttons}\ntext: {self.text[:1500]}"


class DriverBrowser:
    def __init__(self, base_url: str):
        self.base_url = base_url
        self.session = requests.Session()
        self.session.headers["Accept-Language"] = "en"
        self.page: Page | None = None

    def close(self) -> None:
        self.session.close()

    def _came(self, answer: requests.Response) -> Page:
        self.page = Page.of(answer)
        if self.page.status >= 500:
            raise AssertionError(f"the page broke: {self.page.summary()}")
        return self.page

    def open(self, address: str) -> Page:
        return self._came(self.session.get(urljoin(self.base_url, address), timeout=20))

    def reload(self) -> Page:
        return self.open(self.page.url)

    def press(self, pattern: str, **fill: Any) -> Page:
        """Submit the form of the first button that reads like `pattern`, with these fields filled in."""
        found = self.page.form_with_button(pattern)
        if found is None:
            raise AssertionError(f"no button like {pattern!r} on {self.page.summary()}")
        form, button = found
        unknown = fill.keys() - form.fields.keys() - form.choices.keys()
        if unknown:
            raise AssertionError(f"no fields {unknown}, there are {form.fields.keys() | form.choices.keys()}")
        content = form.fields | {name: str(value) for name, value in fill.items()}
        if button.name:
            content[button.name] = button.value
        target = urljoin(self.page.url, button.action or form.action or self.page.url)
        if form.method == "post":
            headers = {"Referer": self.page.url}
            return self._came(self.session.post(target, data=content, headers=headers, timeout=20))
        return self._came(self.session.get(target, params=content, timeout=20))

    def press_repeatedly(self, pattern: str, times: int, **fill: Any) -> Page:
        """The same button of the same page again, as an impatient finger does."""
        page = self.page
        for _ in range(times):
            self.page = page
            self.press(pattern, **fill)
        return self.page

    def wait_for(
        self, what: str | Callable[[Page], object], *, timeout: float = 30, pause: float = 0.25
    ) -> Page:
        """Reload until the page says `what`, or until `what` holds for it."""
        fits = (lambda page: page.has(what)) if isinstance(what, str) else what
        deadline = time.monotonic() + timeout
        while True:
            try:
                page = self.reload()
            except requests.RequestException:
                page = None  # the server is just being started again
            if page and fits(page):
                return page
            if time.monotonic() > deadline:
                raise AssertionError(f"{what!r} did not come in {timeout} s: {self.page.summary()}")
            time.sleep(pause)

    # --- people ------------------------------------------------------------------------------------------
    def sign_up(self, email: str, password: str = "correct-horse-battery-9") -> Page:
        self.open("/accounts/signup/")
        self.press(r"sign up|create|register", email=email, password1=password)
        return self.page

    def carry(self, session_cookie: str) -> None:
        """Be the person of this session (tests/foreign/portal.py new_people)."""
        self.session.cookies.set("sessionid", session_cookie)

    def sign_in(self, email: str, password: str = "correct-horse-battery-9") -> Page:
        self.open("/accounts/login/")
        self.press(r"^\s*(sign|log) in", login=email, password=password)
        return self.page
