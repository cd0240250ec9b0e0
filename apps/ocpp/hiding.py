"""What a message may not show: passwords to nobody, cards to those who need not know them.

Passwords never reach the log (`without_passwords`). Cards do, because a dispute may need them; who looks at the log
without the right `ocpp.see_tokens` sees their last characters (`without_tokens`). Both also work on what is no JSON:
a frame that was cut, or refused for its form.
"""

import json
import re
from typing import Any

HIDDEN = "•••"
PASSWORD_NAMES = ("authorizationkey", "basicauthpassword")  # OCPP 1.6 and 2.0.1; written as anybody likes
# A token is the value of one of these, in 2.0.1 inside an object of the same name; it may stand in a text of JSON
# inside the JSON (DataTransfer), and the end of a frame that was cut may fall into it.
_TOKEN = re.compile(
    r'(\\*"(?:idTag|parentIdTag|idToken|id_token|token)\\*"\s*:\s*)(?:(\\*")([^"\\]*)|(-?\d[\d.eE+-]*))'
)
_VALUE = re.compile(r'(\\*"(?:value|attributeValue|password)\\*"\s*:\s*\\*")[^"]*')


def without_tokens(text: str) -> str:
    return _TOKEN.sub(_masked, text)


def end_of(token: str) -> str:
    """The last characters, so that two cards can be told apart: four, but never more than half."""
    shown = min(4, len(token) // 2)
    return HIDDEN + token[len(token) - shown :] if token else ""


def without_passwords(text: str) -> str:
    """Nearly every frame names none and is returned as it is."""
    if not names_password(text):
        return text
    try:
        return json.dumps(_hide_values(json.loads(text)), ensure_ascii=False)
    except (ValueError, RecursionError):
        return _VALUE.sub(rf"\g<1>{HIDDEN}", text)


def names_password(text: str) -> bool:
    text = text.lower()
    return any(name in text for name in PASSWORD_NAMES)


def hidden_settings(told: dict[str, Any] | None) -> dict[str, Any] | None:
    """Settings as a charge point told them, by name; its password, should it tell it, is not kept."""
    if told is None:
        return None
    return {
        name: {**entry, "value": HIDDEN} if names_password(name) and isinstance(entry, dict) else entry
        for name, entry in told.items()
    }


def _masked(found: re.Match[str]) -> str:
    name, quote, text, number = found.groups()
    return f'{name}"{end_of(number)}"' if number else f"{name}{quote}{end_of(text)}"


def _hide_values(part: Any) -> Any:
    """Of every object that names a password, all its values."""
    if isinstance(part, list):
        return [_hide_values(entry) for entry in part]
    if not isinstance(part, dict):
        return part
    if _is_of_password(part):
        return json.loads(_VALUE.sub(rf"\g<1>{HIDDEN}", json.dumps(part)))
    return {name: _hide_values(entry) for name, entry in part.items()}


def _is_of_password(part: dict[str, Any]) -> bool:
    variable = part.get("variable")
    name = variable.get("name") if isinstance(variable, dict) else part.get("key")
    return isinstance(name, str) and names_password(name)
