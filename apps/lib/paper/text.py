"""What of a text can be printed: the letters of our fonts, and nothing that turns the line around or hides in it."""

import re
import unicodedata
from bisect import bisect_right

MISSING = "\ufffd"
# First and last character of what the fonts beside this file hold (README.md).
COVERED = (
    (0x20, 0x7E),
    (0xA0, 0x24F),
    (0x2B0, 0x377),
    (0x37A, 0x37F),
    (0x384, 0x38A),
    (0x38C, 0x38C),
    (0x38E, 0x3A1),
    (0x3A3, 0x3E1),
    (0x3F0, 0x45F),
    (0x900, 0x97F),
    (0x1E00, 0x1EFF),
    (0x2000, 0x200B),
    (0x2010, 0x2027),
    (0x2030, 0x205F),
    (0x2070, 0x2071),
    (0x2074, 0x208E),
    (0x2090, 0x209C),
    (0x20A0, 0x20C0),
    (0x2100, 0x214F),
    (0x2212, 0x2212),
    (0x25CC, 0x25CC),
    (0xFFFD, 0xFFFD),
)
JOINERS = "\u200c\u200d"  # Devanagari spells with them
# Signs of our own pages that the fonts lack.
INSTEAD = str.maketrans({"→": "›", "←": "‹", "≤": "<=", "≥": ">=", "\t": " ", "\u2028": "\n", "\u2029": "\n"})
TOO_LONG = re.compile(r"(\S{40})(?=\S)")  # a word that no column holds may break here
# Control characters, lone surrogates, and marks that only direct others (right-to-left overrides among them).
UNSEEN = {"Cc", "Cf", "Cs"}
_STARTS = [first for first, _last in COVERED]


def printable(text: str) -> str:
    """`text` as it can be printed; what has no letter becomes MISSING."""
    composed = unicodedata.normalize("NFC", text).replace("\r\n", "\n").translate(INSTEAD)
    seen = "".join(_seen(character) for character in composed)
    return TOO_LONG.sub("\\1\u200b", seen)


def _seen(character: str) -> str:
    if character == "\n" or character in JOINERS:
        return character
    if unicodedata.category(character) in UNSEEN:
        return ""
    place = bisect_right(_STARTS, ord(character)) - 1
    return character if place >= 0 and ord(character) <= COVERED[place][1] else MISSING
