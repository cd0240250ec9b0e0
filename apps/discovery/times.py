"""When a plug can be reserved, as its operator told it last: the calendar of a plug."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import models

from apps.discovery.network import ToldOffer
from apps.discovery.upsert import upsert
from apps.lib import clock


class OfferedTimes(models.Model):
    """Free times of one plug. They grow old quickly: what counts is the operator's answer to the quote."""

    offer = models.OneToOneField("discovery.Offer", on_delete=models.CASCADE, related_name="times")
    slots = models.JSONField(default=list)  # [begin, end], RFC 3339
    told_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "offered times"

    def __str__(self) -> str:
        return f"{len(self.slots)} free times of {self.offer_id}"


def keep(
    told: list[ToldOffer],
    offers: Mapping[tuple[int, str], Any],
    stations: Mapping[tuple[str, str], Any],
    *,
    was_asked: bool,
    told_at: datetime,
) -> None:
    """An answer without times says that there are none only when times were asked for."""
    rows = []
    for plug in told:
        station = stations[plug.station.provider_id, plug.station.location_id]
        offer = offers.get((station.pk, plug.item_id))
        if offer is not None and (plug.slots or was_asked):
            slots = [[clock.utc_text(begins), clock.utc_text(ends)] for begins, ends in plug.slots]
            rows.append(OfferedTimes(offer_id=offer.pk, slots=slots, told_at=told_at))
    upsert(OfferedTimes, rows, ("offer",), ("slots", "told_at"))


# --- Reading ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FreeTime:
    begins: datetime  # at the station
    ends: datetime
    is_twice: bool  # another one begins at the same time of the clock: it is the night the clocks go back

    @property
    def value(self) -> str:
        return f"{clock.utc_text(self.begins)}/{clock.utc_text(self.ends)}"


@dataclass(frozen=True)
class Day:
    date: date
    times: list[FreeTime]


def calendar(offer: Any, zone: str) -> tuple[list[Day], datetime | None]:
    """The free times that are still to come, by day at the station, and when they were told; None: never."""
    row = OfferedTimes.objects.filter(offer=offer).first()
    if row is None:
        return [], None
    here, now = ZoneInfo(zone), clock.now()
    read = [(clock.read_instant(begins), clock.read_instant(ends)) for begins, ends in row.slots]
    ahead = [(begins.astimezone(here), ends.astimezone(here)) for begins, ends in read if begins > now]
    walls = [begins.replace(fold=0, tzinfo=None) for begins, _ends in ahead]
    days: dict[date, list[FreeTime]] = {}
    for (begins, ends), wall in zip(ahead, walls, strict=True):
        days.setdefault(wall.date(), []).append(FreeTime(begins, ends, walls.count(wall) > 1))
    return [Day(day, times) for day, times in days.items()], row.told_at
