"""What every format is turned into before anything is written."""

import hashlib
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

# The plugs of a site that a source can tell apart only by level. The kW are assumptions, made when a plug is
# first written and never again, so that an operator's correction stays.
ASSUMED_KW = {"L1": Decimal("1.4"), "L2": Decimal("7.2"), "DC": Decimal("50")}

# Why a station is closed when the source says so; a reason of the operator's own is another text.
CLOSED = "Temporarily out of service"


class UnreadableFile(Exception):
    """Nothing of this file can be used; the message says why and what to do."""


class Unusable(Exception):
    """(reason, detail) why an entry is skipped."""


class Withdrawn(Unusable):
    """The source itself says that this is not for the public, or not there: what we had of it is not offered."""


@dataclass(frozen=True)
class PlugRow:
    standard: str  # OCPI ConnectorType
    format: str  # Connector.Format
    power_type: str  # Connector.PowerType
    max_kw: Decimal
    is_stated: bool = False  # shape, current and kW are the source's own words: when it corrects them, we do
    tariffs: tuple[str, ...] = ()  # names of those that the source says it costs


@dataclass(frozen=True)
class EvseRow:
    label: str  # for people, given when the post is first written
    plugs: tuple[PlugRow, ...]
    name: str = ""  # of this very post in the source; else the label is stable and names it

    @property
    def code_part(self) -> str:
        """Without a dash: a station "a" with a post "b-c" is not a station "a-b" with a post "c"."""
        if not self.name:
            return self.label.replace(" ", "").lower()
        return mark_of(self.name) if "-" in self.name else fitting(self.name, 15)


@dataclass(frozen=True)
class PriceRow:
    """A price that can be billed exactly as the source states it, net."""

    energy_rate: Decimal
    session_fee: Decimal
    currency: str


@dataclass(frozen=True)
class TariffRow:
    """A tariff of the source with elements; `terms` are columns of Tariff."""

    source_id: str
    name: str
    kind: str  # OCPI TariffType
    terms: dict[str, Any]


@dataclass(frozen=True)
class PhotoRow:
    """A picture that stands elsewhere; it is linked, not copied."""

    link: str
    alt: str
    small_link: str = ""
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class StationRow:
    number: int  # of its line or entry, for people
    source_id: str
    facts: dict[str, Any]  # columns of Station
    evses: tuple[EvseRow, ...]
    price: PriceRow | None = None  # None: not stated, or stated in words that cannot be billed
    is_free: bool = False
    closed_reason: str = ""
    photos: tuple[PhotoRow, ...] | None = None  # None: the format has no photos
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class SkippedRow:
    number: int
    source_id: str
    reason: str  # one of few, so that they can be counted
    detail: str = ""
    is_withdrawn: bool = False


def fitting(name: str, longest: int) -> str:
    """`name` as a part of a code: itself when it is short and plain, else a mark that is always the same."""
    if len(name) <= longest and re.fullmatch(r"[A-Za-z0-9_-]+", name):
        return name
    return mark_of(name)[:longest]


def mark_of(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:15]
