"""How honest we are about a plug: the word to show, why it cannot be had, and what a station says in one glyph."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from apps.discovery.models import Offer, OfferedStation

UNKNOWN, FREE, CLOSED = "unknown", "free", "closed"
# OCPP 1.6 word → word of the portal's status tag. Everything else, as a box that lost its line, is not confirmed.
WORDS = {
    "Available": FREE,
    "Preparing": "preparing",
    "Charging": "charging",
    "SuspendedEV": "paused-by-car",
    "SuspendedEVSE": "paused-by-station",
    "Finishing": "finishing",
    "Reserved": "reserved",
    "Unavailable": "out",
    "Faulted": "fault",
}
BROKEN = ("Unavailable", "Faulted")
TAKEN = ("Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "Reserved")
WHY_NOT = {
    "charging": _("Another car is charging here. It will be free when that car has finished and left."),
    "paused-by-car": _("Another car is plugged in and is not drawing power just now."),
    "paused-by-station": _("Another car is plugged in; the station is holding its power back just now."),
    "finishing": _("The charge is over but the car is still plugged in."),
    "reserved": _("Somebody has reserved this plug."),
    "out": _("The operator has taken this plug out of service."),
    "fault": _("The charger reports a fault. The operator knows."),
}


# --- Closed now -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Closing:
    """A station that takes no cars now: why, and when it will, as far as that was told."""

    reason: str
    opens_at: datetime | None
    opens: str  # in the station's zone, '06:00 IST'

    @property
    def text(self) -> str:
        """Empty where the usual word of the status says it all."""
        return gettext("Closed, opens {time}").format(time=self.opens) if self.opens else ""

    @property
    def why(self) -> str:
        if self.opens:
            return gettext("The station is closed now and opens {time}.").format(time=self.opens)
        if self.reason:
            return gettext("The station is closed. The operator says: {reason}").format(reason=self.reason)
        return gettext("The station is closed now.")


def closing_of(station: OfferedStation, now: datetime) -> Closing | None:
    """None when it is open or nobody said that it is not. What was told goes on: a station opens and closes in time."""
    opens_at, closes_at = station.opens_at, station.closes_at
    is_shut = bool(station.closed_reason) and (opens_at is None or opens_at > now)
    if not is_shut and (closes_at is None or closes_at > now):
        return None
    ahead = opens_at if opens_at and opens_at > now else None
    return Closing(station.closed_reason, ahead, _moment_text(ahead, station, now) if ahead else "")


def closes_text(station: OfferedStation, now: datetime) -> str:
    """When an open station closes within a day, '23:00 IST'; empty when that is far off or unknown."""
    closes_at = station.closes_at
    is_soon = closes_at is not None and now < closes_at <= now + timedelta(days=1)
    return _moment_text(closes_at, station, now) if is_soon else ""


def _moment_text(at: datetime, station: OfferedStation, now: datetime) -> str:
    """In the station's zone: the clock alone within a day, then with the day of the week, then with the date."""
    moment = at.astimezone(ZoneInfo(station.zone or "UTC"))
    clock = f"{moment:%H:%M %Z}"
    if moment - now <= timedelta(days=1):
        return clock
    return f"{date_format(moment, 'D' if moment - now < timedelta(days=6) else 'j F Y')} {clock}"


# --- Fresh ------------------------------------------------------------------------------------------------


def fresh_for() -> timedelta:
    return timedelta(seconds=settings.DISCOVERY["FRESH_FOR_SECONDS"])


def is_fresh(offer: Offer, now: datetime) -> bool:
    return now - offer.confirmed_at <= fresh_for()


def word_of(offer: Offer, now: datetime, closing: Closing | None) -> str:
    """Stale is "Not confirmed" and a plug behind a closed gate is closed, never green."""
    if closing:
        return CLOSED
    return WORDS.get(offer.told_status, UNKNOWN) if is_fresh(offer, now) else UNKNOWN


def last_charge_text(offer: Offer, now: datetime) -> str:
    """'Last charge worked 2 h ago': the operator's word, with its age. Empty when it told none."""
    if offer.last_charge_at is None:
        return ""
    minutes = max(1, (now - offer.last_charge_at) // timedelta(minutes=1))
    hours, days = minutes // 60, minutes // (60 * 24)
    if days >= 2:
        age = ngettext("{count} day", "{count} days", days).format(count=days)
    else:
        age = gettext("{} h").format(hours) if hours else gettext("{} min").format(minutes)
    return gettext("Last charge worked {age} ago").format(age=age)


# --- What a station says ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Counts:
    """The places for cars at a station whose plugs match, by what is known of them. None is free when it is closed."""

    total: int
    free: int
    unknown: int
    broken: int
    reserved: int
    closing: Closing | None = None

    @property
    def word(self) -> str:
        if self.closing:
            return CLOSED
        if not self.total:
            return UNKNOWN
        if self.free:
            return "some-unknown" if self.unknown else FREE
        if self.unknown:
            return UNKNOWN  # some are taken, of the others nobody knows: no promise
        if self.broken == self.total:
            return "fault"
        return "reserved" if self.reserved == self.total else "busy"

    @property
    def text(self) -> str:
        """For people: '4 of 6 free'; empty where the usual word of the status says it all."""
        if self.closing:
            return self.closing.text
        if self.word in ("fault", "reserved") or self.unknown == self.total:
            return ""
        if self.unknown:
            return gettext("{free} of {total} free, {unknown} not confirmed").format(
                free=self.free, total=self.total, unknown=self.unknown
            )
        return gettext("{free} of {total} free").format(free=self.free, total=self.total)

    @property
    def pin_text(self) -> str:
        """What stands in the pin."""
        return {UNKNOWN: "?", "fault": "!", "reserved": "", CLOSED: ""}.get(self.word, str(self.free))


# What the place of one car says when its plugs say different things: the first of these.
_STRONGEST = (FREE, "preparing", "charging", "paused-by-car", "paused-by-station", "finishing", "reserved")
_ORDER = {word: place for place, word in enumerate((*_STRONGEST, UNKNOWN, "out", "fault", CLOSED))}


def counts_of(offers: Iterable[Offer], now: datetime, closing: Closing | None) -> Counts:
    """Cars, not plugs: those with one `evse_id` share a place."""
    said: dict[Any, str] = {}
    for offer in offers:
        place, word = offer.evse_id or offer.pk, word_of(offer, now, closing)
        said[place] = min(said.get(place, word), word, key=_ORDER.__getitem__)
    words = list(said.values())
    return Counts(
        total=len(words),
        free=words.count(FREE),
        unknown=words.count(UNKNOWN),
        broken=words.count("out") + words.count("fault"),
        reserved=words.count("reserved"),
        closing=closing,
    )


def shown_word(offer: Offer, siblings: Iterable[Offer]) -> tuple[str, datetime | None]:
    """Status of a plug and its moment, after a look at the other plugs of its EVSE: all turn busy together.

    A car told at a sibling counts unless that word is older than our own by more than words stay fresh; so the
    answer does not depend on when it is asked for.
    """
    own, at = offer.status, offer.status_seen_at or offer.seen_at
    if own in TAKEN or own in BROKEN:
        return own, at
    cars = [
        (other.status_seen_at or other.seen_at, other.status) for other in siblings if other.status in TAKEN
    ]
    told_at, car = max(cars, default=(None, ""))
    return (car, told_at) if told_at and told_at >= at - fresh_for() else (own, at)
