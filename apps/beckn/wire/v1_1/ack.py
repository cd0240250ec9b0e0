"""The synchronous reply (fact sheet 1.4): what we say, and what a peer's answer means for us."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from apps.beckn.wire.v1_1.base import WireError
from apps.beckn.wire.v1_1.envelope import Error, find_error, read_json

WORTH_ANOTHER_TRY = frozenset({408, 429})


class Verdict(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    RETRY = "retry"


@dataclass(frozen=True)
class AckOutcome:
    verdict: Verdict
    error: Error | None = None


def ack() -> dict[str, Any]:
    return {"message": {"ack": {"status": "ACK"}}}


def nack(error: Error) -> dict[str, Any]:
    return {"message": {"ack": {"status": "NACK"}}, "error": error.to_wire()}


def read_ack(status_code: int, body: bytes) -> AckOutcome:
    """2xx: the words decide, silence is consent. 408, 429 and 5xx: later again. Anything else: refused."""
    parsed = _parsed(body)
    error = find_error(parsed)
    if status_code in WORTH_ANOTHER_TRY or status_code >= 500:
        return AckOutcome(Verdict.RETRY, error)
    if not 200 <= status_code < 300:
        return AckOutcome(Verdict.REFUSED, error)
    word = _status_word(parsed)
    refused = word == "NACK" or (word != "ACK" and error is not None)
    return AckOutcome(Verdict.REFUSED if refused else Verdict.ACCEPTED, error if refused else None)


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        parsed = read_json(body)
    except WireError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _status_word(parsed: dict[str, Any]) -> str:
    """`message.ack.status`, or one of the places where later versions put it."""
    message = parsed.get("message")
    message = message if isinstance(message, dict) else {}
    inner = message.get("ack")
    inner = inner if isinstance(inner, dict) else {}
    places = (inner.get("status"), message.get("status"), parsed.get("ack_status"), parsed.get("status"))
    return next((word.strip().upper() for word in places if isinstance(word, str)), "")
