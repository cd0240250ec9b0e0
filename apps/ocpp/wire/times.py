"""When something happened, for a speaker whose clock may be anything."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from apps.lib.clock import read_instant
from apps.ocpp.wire.plugs import Plugs

EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)  # older than OCPP 1.6 itself: a clock that was never set
AHEAD = timedelta(seconds=60)
LARGEST_SKEW = 10**9  # fits the column; a clock thirty years ahead is as wrong as one eight thousand ahead


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """Who speaks, and when we heard it."""

    charge_point_id: str
    received_at: datetime
    clock_skew_seconds: int = 0
    heartbeat_seconds: int = 60
    plugs: Plugs = field(default_factory=Plugs)

    def instant(self, text: str | None) -> tuple[datetime, bool]:
        """The charger's instant and False; or our own and True when the charger's cannot be."""
        told = read_charger_instant(text)
        if told is None or not EARLIEST <= told <= self.received_at + AHEAD:
            return self.received_at, True
        return told, False

    def skew_seconds(self, text: str | None) -> int | None:
        """How far the charger's clock is ahead of ours (negative: behind), where it tells a time at all."""
        told = read_charger_instant(text)
        if told is None or told < EARLIEST:
            return None
        return min(round((told - self.received_at).total_seconds()), LARGEST_SKEW)


def read_charger_instant(text: str | None) -> datetime | None:
    try:
        return read_instant(text or "")
    except (ValueError, OverflowError):  # OverflowError: year 1 or 9999 with an offset
        return None
