"""What every wire model is: frozen, strict when we build it, tolerant when we read it."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError, ValidationInfo

from apps.beckn.wire import numbers
from apps.lib import clock

REPAIR_ROUNDS = 8


class WireError(Exception):
    """This message cannot be used. `path` says where ('message.order.id'), `reason` why."""

    def __init__(self, path: str, reason: str):
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def _reading(info: ValidationInfo) -> bool:
    return bool(info.context and info.context.get("reading"))


def strictly(check: Callable[[str], Any]) -> AfterValidator:
    """Hold our own values to `check`; take the text of others as it is."""

    def validate(value: str, info: ValidationInfo) -> str:
        if not _reading(info) and check(value) is False:
            raise ValueError(f"not allowed: {value!r}")
        return value

    return AfterValidator(validate)


def one_of(*allowed: str) -> AfterValidator:
    return strictly(lambda value: value in allowed)


def _number_text(value: Any, info: ValidationInfo) -> str:
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return numbers.plain(value)
    if isinstance(value, str) and (_reading(info) or numbers.read_quantity(value)[1] == ""):
        return value
    raise ValueError("not a decimal number")


def _instant_text(value: Any, info: ValidationInfo) -> str:
    if isinstance(value, datetime):
        return clock.utc_text(value)
    if isinstance(value, str) and (_reading(info) or clock.read_instant(value)):
        return value
    raise ValueError("not a time")


def _tag_text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _is_duration(text: str) -> bool:
    return text.startswith("P") and clock.read_duration(text) is not None


def _is_gps(text: str) -> bool:
    return bool(numbers.read_gps(text))


def _is_uri(text: str) -> bool:
    return ":" in text and " " not in text


Number = Annotated[str, BeforeValidator(_number_text)]
Instant = Annotated[str, BeforeValidator(_instant_text)]
Lasting = Annotated[str, strictly(_is_duration)]
Gps = Annotated[str, strictly(_is_gps)]
Uri = Annotated[str, strictly(_is_uri)]
UuidText = Annotated[
    str, BeforeValidator(lambda value: str(value) if isinstance(value, UUID) else value), strictly(UUID)
]
TagText = Annotated[str, BeforeValidator(_tag_text)]


class Model(BaseModel):
    """Build with keywords: what is unknown or wrong is an error. Read the words of others with `read`."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        coerce_numbers_to_str=True,
        protected_namespaces=(),
        validate_by_name=True,
        validate_by_alias=True,
    )

    @classmethod
    def read(cls, raw: Any, path: str = "message") -> Self:
        """Take what can be used of `raw`: unknown keys are kept, unusable optional parts are left out."""
        return _read(cls, raw, path)

    @property
    def unknown(self) -> dict[str, Any]:
        """Keys of the peer that our schema has no field for."""
        return self.model_extra or {}

    def to_wire(self, *, unknown: bool = False) -> dict[str, Any]:
        """What was set, never None. `unknown=True` adds what the peer sent beside the schema."""
        if unknown:
            return _dump(self)
        return self.model_dump(mode="json", exclude_none=True, exclude_unset=True, by_alias=True)

    def but(self, **changes: Any) -> Self:
        """A copy with `changes`, held to the same rules as one built from scratch."""
        kept = {
            name: getattr(self, name) for name in self.model_fields_set if name in type(self).model_fields
        }
        return type(self)(**{**kept, **changes})


def _read(cls: type[Model], raw: Any, path: str) -> Any:
    try:
        return _read_with_repairs(cls, raw, path)
    except RecursionError as error:
        raise WireError(path, "nested too deeply") from error


def _read_with_repairs(cls: type[Model], raw: Any, path: str) -> Any:
    reason = ""
    for _round in range(REPAIR_ROUNDS):
        if not isinstance(raw, dict):
            raise WireError(path, "not an object")
        try:
            return cls.model_validate(raw, extra="allow", context={"reading": True})
        except ValidationError as error:
            faults = error.errors(include_url=False, include_context=False, include_input=False)
        reason = reason or faults[0]["msg"]
        raw = _without(raw, [fault["loc"] for fault in faults], path)
    raise WireError(path, reason)


def _without(raw: dict, places: list[tuple], path: str) -> dict:
    """`raw` less the values at `places`; where a needed key is missing, less the object that misses it."""
    copy = _copied(raw)
    cuts = {_reachable(copy, place) for place in places}
    if () in cuts:
        needed = next(place for place in places if not _reachable(copy, place))
        raise WireError(".".join([path, *map(str, needed)]), "missing or unusable")
    # Longest and last first, so that no cut moves the target of another.
    for cut in sorted(cuts, reverse=True, key=lambda cut: [(isinstance(step, str), step) for step in cut]):
        parent = copy
        for step in cut[:-1]:
            parent = parent[step]
        del parent[cut[-1]]
    return copy


def _reachable(raw: Any, place: tuple) -> tuple:
    """The longest beginning of `place` that exists in `raw`."""
    for depth, step in enumerate(place):
        inside = (isinstance(raw, dict) and step in raw) or (
            isinstance(raw, list) and isinstance(step, int) and step < len(raw)
        )
        if not inside:
            return place[:depth]
        raw = raw[step]
    return place


def _copied(raw: Any) -> Any:
    if isinstance(raw, dict):
        return {key: _copied(value) for key, value in raw.items()}
    return [_copied(value) for value in raw] if isinstance(raw, list) else raw


def _dump(value: Any) -> Any:
    if isinstance(value, Model):
        known = ((name, getattr(value, name)) for name in value.model_fields_set - set(value.unknown))
        return {name: _dump(part) for name, part in [*known, *value.unknown.items()] if part is not None}
    if isinstance(value, tuple | list):
        return [_dump(part) for part in value]
    return value


def read_instant(text: str | None) -> datetime | None:
    """The time a peer meant, or None: RFC 3339 with any offset, and the colon form '2025:09:24:10:00:00'."""
    if not text:
        return None
    parts = text.strip().split(":")
    if len(parts) == 6:
        text = f"{'-'.join(parts[:3])}T{':'.join(parts[3:])}"
    try:
        return clock.read_instant(text)
    except (ValueError, OverflowError):
        return None
