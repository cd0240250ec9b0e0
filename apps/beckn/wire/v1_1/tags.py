"""Tag groups: the part of Beckn where networks keep what the schema has no field for (fact sheet 4.0)."""

import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

from apps.beckn.wire import numbers
from apps.beckn.wire.v1_1.common import Descriptor, Tag, TagGroup

Value = str | int | Decimal | None
Tags = dict[str, dict[str, list[str]]]


@lru_cache(maxsize=2048)  # a catalog says the same few codes for every plug
def tag_code(text: str) -> str:
    """'Connector_Type', 'connector type', 'CONNECTOR-TYPE' → 'connector-type'."""
    return re.sub(r"[\s_-]+", "-", text.strip().lower())


def group(code: str, name: str = "", /, **pairs: Value | Iterable[Value]) -> TagGroup:
    """group("charging-options", "Charging Options", charging_by="AMOUNT", charging_limit=Decimal(400)).

    A list of values repeats the tag; None leaves it out.
    """
    tags = [
        Tag(descriptor=Descriptor(code=tag_code(key)), value=_text(value))
        for key, values in pairs.items()
        for value in (values if isinstance(values, list | tuple) else [values])
        if value is not None
    ]
    return TagGroup(descriptor=Descriptor(code=code, **({"name": name} if name else {})), list=tags)


def _text(value: Value) -> str:
    return value if isinstance(value, str) else numbers.plain(value)


def read_tags(groups: Iterable[TagGroup]) -> Tags:
    """group → code → values. Groups and tags of equal code are joined; a group without a name is ''."""
    found: Tags = {}
    for tag_group in groups:
        codes = found.setdefault(_code(tag_group.descriptor), {})
        for tag in tag_group.list:
            code = _code(tag.descriptor)
            if code and tag.value is not None:
                codes.setdefault(code, []).append(tag.value.strip())
    return found


def all_tags(groups: Iterable[TagGroup]) -> dict[str, list[str]]:
    """code → values over all groups: peers do not agree on the names of groups."""
    found: dict[str, list[str]] = {}
    for tag_group in groups:
        for tag in tag_group.list:
            code = _code(tag.descriptor)
            if code and tag.value is not None:
                found.setdefault(code, []).append(tag.value.strip())
    return found


def first_tag(groups: Iterable[TagGroup], *codes: str) -> str:
    """The first value of the first of `codes` that is there, in any group; '' when none is."""
    found = all_tags(groups)
    return next((found[code][0] for code in codes if found.get(code)), "")


def group_code(tag_group: TagGroup) -> str:
    """What a group calls itself; '' when it has no name."""
    return _code(tag_group.descriptor)


def _code(descriptor: Descriptor | None) -> str:
    return tag_code((descriptor.code or descriptor.name or "") if descriptor else "")
