"""OCPP-J framing, the same for every version: `[2, id, action, {}]`, `[3, id, {}]`, `[4, id, code, text, {}]`.

Whatever arrives, `read` gives a frame whose strings can be stored and whose numbers are exact, or raises Malformed
with the CALLERROR that is due.
"""

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

from ocpp.exceptions import FormationViolationError, OCPPError, ProtocolError
from ocpp.messages import Call, CallError, CallResult

Frame = Call | CallResult | CallError

MAX_CHARACTERS = 500_000  # a stop that carries every reading of a long charge stays below
NO_ID = "-1"  # what OCPP 2.0.1 prescribes and 1.6 leaves open: the answer to a frame without a readable id
_HEAD = re.compile(r'\s*\[\s*([234])\s*,\s*"([^"\\]{1,36})"')
_LENGTHS = {2: (4, 4), 3: (3, 3), 4: (3, 5)}


@dataclass
class Malformed(Exception):
    """This is not a frame. `answer` is the CALLERROR to send back; None when it was itself an answer."""

    reason: str
    answer: CallError | None


def read(text: str) -> Frame:
    if len(text) > MAX_CHARACTERS:
        _refuse(text, FormationViolationError, f"longer than {MAX_CHARACTERS} characters")
    try:
        array = json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError):  # ValueError also for numbers of thousands of digits
        _refuse(text, FormationViolationError, "not JSON")
    if not _storable(array):
        _refuse(text, FormationViolationError, "a text holds characters that cannot be stored")
    if not isinstance(array, list) or not array or type(array[0]) is not int or array[0] not in _LENGTHS:
        _refuse(text, ProtocolError, "not an array that begins with 2, 3 or 4")
    shortest, longest = _LENGTHS[array[0]]
    if not shortest <= len(array) <= longest:
        _refuse(text, ProtocolError, "an array of the wrong length")
    return _frame(text, *array)


def _frame(text: str, kind: int, unique_id: Any, *rest: Any) -> Frame:
    if not isinstance(unique_id, str) or not 1 <= len(unique_id) <= 36:
        _refuse(text, FormationViolationError, "the unique id is not a text of 1 to 36 characters")
    if kind == 2 and not isinstance(rest[0], str):
        _refuse(text, FormationViolationError, "the action is not a text")
    if kind == 4:
        code, description, details = (*rest, "", {})[:3]
        return CallError(unique_id, str(code), str(description), details)
    if not isinstance(rest[-1], dict):
        _refuse(text, FormationViolationError, "the payload is not an object")
    return Call(unique_id, *rest) if kind == 2 else CallResult(unique_id, *rest)


def error(unique_id: str, problem: OCPPError) -> CallError:
    """The CALLERROR for `problem`. The library would put the whole message into it; we say one sentence."""
    cause = problem.details.get("cause") if isinstance(problem.details, dict) else None
    return CallError(unique_id, problem.code, str(cause or problem.description)[:255], {})


def result(call: Call, payload: dict[str, Any]) -> CallResult:
    return CallResult(call.unique_id, payload, action=call.action)


def storable_text(text: str) -> str:
    """`text` as every database takes it."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def _refuse(text: str, problem: type[OCPPError], reason: str) -> NoReturn:
    """Answer under the frame's own id where its first characters still show one."""
    head = _HEAD.match(text[:200])
    kind, unique_id = head.groups() if head and _storable(head.group(2)) else ("2", NO_ID)
    raise Malformed(reason, error(unique_id, problem(details={"cause": reason})) if kind == "2" else None)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _storable(value: Any) -> bool:
    """No NUL and no half of a surrogate pair in any text: PostgreSQL takes neither."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            if "\x00" in part or any("\ud800" <= letter <= "\udfff" for letter in part):
                return False
        elif isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            waiting += [*part, *part.values()]
    return True
