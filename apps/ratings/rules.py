"""Which words wait for a look before others read them. A rule that errs costs a driver some hours, never the words."""

import re
import unicodedata
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext_lazy as _

DOUBTS = {
    "link": _("has a link"),
    "address": _("has an e-mail or payment address"),
    "phone": _("has a phone number"),
    "markup": _("has markup"),
    "abuse": _("has a word of the list"),
}
ENDINGS = "com|in|net|org|io|co|app|xyz|info|me|ly|shop|online|site|ru|cn"
PATTERNS = {
    "link": re.compile(rf"(?:https?|ftp)\s*:\s*//|\bwww\.|(?<!@)\b[\w-]{{2,}}\.(?:{ENDINGS})\b"),
    "address": re.compile(r"[\w.+-]+\s*@\s*\w{2,}"),
    "phone": re.compile(r"(?:\d[\s().+/-]*){9,}"),
    "markup": re.compile(r"<\s*[a-z/!?]|&#|javascript\s*:"),
}
# A few that leave no doubt, in the languages of the portal; a site adds its own (RATING_HELD_WORDS).
ABUSE = frozenset(Path(__file__).with_name("held_words.txt").read_text(encoding="utf-8").split())
# Written so that a rule does not see it: 5h1t, b.i.t.c.h
LOOKALIKES = str.maketrans("013457@$", "oieastas")


def doubts_of(words: str) -> list[str]:
    """Keys of DOUBTS, none for words that anybody may read at once."""
    plain = plain_text(words)
    found = [name for name, pattern in PATTERNS.items() if pattern.search(plain)]
    return found + (["abuse"] if _has_abuse(plain) else [])


def plain_text(words: str) -> str:
    """Small letters, wide and styled ones as plain ones, without what is not seen."""
    folded = unicodedata.normalize("NFKC", words).casefold()
    return "".join(sign for sign in folded if unicodedata.category(sign) != "Cf")


def _has_abuse(plain: str) -> bool:
    listed = {plain_text(word) for word in ABUSE | set(settings.RATING_HELD_WORDS)}
    said = set(_tokens(plain)) | set(_tokens(plain.translate(LOOKALIKES)))
    spelled = re.sub(r"\b(\w)(?:[\s.*_-]+(?=\w\b))", r"\1", plain)
    return bool(listed & (said | set(_tokens(spelled))))


def _tokens(text: str) -> list[str]:
    """Words with their vowel signs: \\w knows no Devanagari ones."""
    return re.findall(r"[\w\u0900-\u097f]+", text)
