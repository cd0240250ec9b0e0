"""What an operator tells of how the charge went: tag groups `session-ledger` and `session-facts`, if it has them. Pure.

They are an extension of ours (docs/use-cases.md). Of an operator that knows none of it, the word of the plug is all
there is: a mark is then made when that word changes.
"""

from collections.abc import Iterable
from datetime import datetime

from apps.beckn.wire import v1_1 as wire
from apps.orders.told import Facts, Mark

LEDGER, FACTS, OTHER_PLUG = "session-ledger", "session-facts", "other-plug"
STAGES = {
    "start-asked",
    "start-accepted",
    "plugged-in",
    "other-plug",
    "start-failed",
    "charging",
    "paused-by-car",
    "paused-by-station",
    "fault",
    "site-offline",
    "stop-asked",
    "stop-accepted",
    "stopped",
    "meter-awaited",
    "meter-final",
    "meter-estimated",
}
PARTIES = {"driver", "car", "station", "grid", "operator"}
MOST_MARKS = 60
# The OCPP 1.6 word of a plug → what it says of the charge, and whose doing that is.
OF_WORD = {
    "Charging": ("charging", "station"),
    "SuspendedEV": ("paused-by-car", "car"),
    "SuspendedEVSE": ("paused-by-station", "station"),
    "Faulted": ("fault", "station"),
    "Offline": ("site-offline", "station"),
}


def read_marks(groups: Iterable[wire.TagGroup]) -> tuple[Mark, ...]:
    """Lines that cannot be read, or that we know no word for, are left out."""
    tags = [tag for group in groups if _code(group.descriptor) == LEDGER for tag in group.list]
    return tuple(mark for tag in tags[-MOST_MARKS:] if (mark := _mark(tag)))


def _mark(tag: wire.Tag) -> Mark | None:
    stage, at = _code(tag.descriptor), wire.read_instant(tag.value or "")
    if stage not in STAGES or at is None:
        return None
    by = (tag.descriptor.name or "").strip().lower()
    return Mark(stage, by if by in PARTIES else "", at, (tag.descriptor.short_desc or "").strip()[:20])


def read_facts(groups: Iterable[wire.TagGroup]) -> Facts:
    groups = list(groups)
    said = _pairs(groups, FACTS)
    return Facts(
        plug_in_by=wire.read_instant(said.get("plug-in-by", "")),
        closes_by=wire.read_instant(said.get("closes-by", "")),
        free_until=wire.read_instant(said.get("free-until", "")),
        is_estimated=said.get("meter-estimated", "").strip().lower() == "true",
        not_my_car_until=wire.read_instant(said.get("not-my-car-until", "")),
        other_plug=_other_plug(_pairs(groups, OTHER_PLUG)),
    )


def _pairs(groups: Iterable[wire.TagGroup], wanted: str) -> dict[str, str]:
    return {
        _code(tag.descriptor): tag.value or ""
        for group in groups
        if _code(group.descriptor) == wanted
        for tag in group.list
    }


def _other_plug(said: dict[str, str]) -> dict[str, str]:
    """Only one that can be named to the operator is worth asking the driver about."""
    if not said.get("item-id", "").strip():
        return {}
    return {
        "item_id": said["item-id"].strip()[:255],
        "fulfillment_id": said.get("fulfillment-id", "").strip()[:255],
        "letter": said.get("letter", "").strip()[:10],
    }


def mark_of_word(word: str, at: datetime) -> Mark | None:
    stage, by = OF_WORD.get(word, ("", ""))
    return Mark(stage, by, at) if stage else None


def _code(descriptor: wire.Descriptor | None) -> str:
    return wire.tag_code(descriptor.code or "") if descriptor else ""
