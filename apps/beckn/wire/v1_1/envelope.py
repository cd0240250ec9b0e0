"""Bytes in, context and message out. Nothing that is not JSON of a sane shape comes past here."""

import json
from dataclasses import dataclass
from typing import Any, Self

from apps.beckn.wire import numbers
from apps.beckn.wire.v1_1.base import Model, WireError
from apps.beckn.wire.v1_1.context import Context

DEEPEST = 48


class Error(Model):
    code: str | None = None
    paths: str | None = None
    message: str | None = None

    @classmethod
    def read(cls, raw: Any, path: str = "error") -> Self:
        """Also integer codes, `path`, `details.path`, and errorCode and errorMessage of later versions."""
        if isinstance(raw, str):
            return cls(message=raw)
        if not isinstance(raw, dict):
            raise WireError(path, "not an object")
        details = raw.get("details")
        inner_path = details.get("path") if isinstance(details, dict) else None
        known = {
            "code": raw.get("code", raw.get("errorCode")),
            "message": raw.get("message", raw.get("errorMessage")),
            "paths": raw.get("paths", raw.get("path", inner_path)),
        }
        return super().read(
            {**raw, **{key: value for key, value in known.items() if value is not None}}, path
        )


@dataclass(frozen=True)
class Envelope:
    context: Context
    message: dict[str, Any] | None
    error: Error | None

    def to_wire(self) -> dict[str, Any]:
        body: dict[str, Any] = {"context": self.context.to_wire()}
        if self.message is not None:
            body["message"] = self.message
        if self.error is not None:
            body["error"] = self.error.to_wire()
        return body


def read_json(raw_body: bytes) -> Any:
    """Decimal numbers; duplicate keys, NaN, NUL, broken text and bottomless nesting are refused."""
    try:
        parsed = json.loads(
            raw_body.decode("utf-8-sig"),
            parse_float=numbers.json_decimal,
            parse_int=numbers.json_integer,
            parse_constant=numbers.json_constant,
            object_pairs_hook=_unique_keys,
        )
    except (ValueError, RecursionError) as error:
        raise WireError("body", "not readable as JSON") from error
    _check_depth(parsed)
    _check_text(raw_body, parsed)
    return parsed


def read_envelope(raw_body: bytes) -> Envelope:
    body = read_json(raw_body)
    if not isinstance(body, dict):
        raise WireError("body", "not an object")
    context = Context.read(body.get("context"))
    message = body.get("message")
    if message is not None and not isinstance(message, dict):
        raise WireError("message", "not an object")
    return Envelope(context, message, find_error(body))


def find_error(body: dict[str, Any]) -> Error | None:
    """The error at the top or inside `message`; `{}` means none (pitfall 9)."""
    message = body.get("message")
    for place in (body, message if isinstance(message, dict) else {}):
        raw = place.get("error")
        raw = raw[0] if isinstance(raw, list) and raw else raw
        if raw and isinstance(raw, dict | str):
            return Error.read(raw)
    return None


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _check_depth(parsed: Any) -> None:
    level = [parsed]
    for _depth in range(DEEPEST):
        level = [
            part
            for value in level
            if isinstance(value, dict | list)
            for part in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return
    raise WireError("body", "nested too deeply")


def _check_text(raw_body: bytes, parsed: Any) -> None:
    """NUL and lone surrogates are legal JSON, but no database and no file takes them. Both need an escape."""
    if b"\\u" not in raw_body:
        return
    try:
        text = json.dumps(parsed, ensure_ascii=False, default=str)
        text.encode()
    except UnicodeEncodeError as error:
        raise WireError("body", "broken text") from error
    if "\\u0000" in text.replace("\\\\", ""):
        raise WireError("body", "NUL character")
