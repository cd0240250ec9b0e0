"""Reserved times of EVSEs: what may be promised, what is gone, taking it and giving it back.

Whoever takes names a holder; the constraint on `TakenTime` decides races (law 7). Who may hold for how long is not
known here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import Min, Q
from django.utils.translation import gettext as _

from apps.catalog import slots
from apps.catalog.models import Connector, Evse, SlotPolicy, Station, TakenTime
from apps.catalog.network import Criteria, OfferedEvse
from apps.catalog.selectors import closes_next, open_now
from apps.catalog.slots import Rules, Slot
from apps.lib import clock
from apps.lib.errors import Refused

# What a policy may promise at most, and what one EVSE tells at most in one catalog.
MOST_AHEAD_DAYS = 14
MOST_SLOTS = 200
ABOUT_TO_BEGIN = timedelta(minutes=10)
BROKEN = (Connector.Status.FAULTED, Connector.Status.UNAVAILABLE)


class TimeTaken(Refused):
    code = "40000"

    def __init__(self) -> None:
        super().__init__(_("Somebody else has this time already."))


class NoSuchTime(Refused):
    """A time that is not for sale here; the words say which would be."""

    code = "40000"


# --- What is promised -----------------------------------------------------------------------------------


def rules_of(station: Station) -> Rules | None:
    """None where nothing can be reserved."""
    return rules_for([station]).get(station.pk)


def rules_for(stations: Iterable[Station]) -> dict[int, Rules]:
    """By station, in one query; those where nothing can be reserved are left out."""
    stations = list(stations)
    mine = Q(station__in=[station.pk for station in stations])
    operators = Q(station=None, operator__in={station.operator_id for station in stations})
    policies = list(SlotPolicy.objects.filter(mine | operators))
    own = {policy.station_id: policy for policy in policies if policy.station_id}
    general = {policy.operator_id: policy for policy in policies if policy.station_id is None}
    chosen = {station.pk: own.get(station.pk, general.get(station.operator_id)) for station in stations}
    return {pk: policy.rules for pk, policy in chosen.items() if policy and policy.is_reservable}


def slot_for(station: Station, rules: Rules, starts_at: datetime, ends_at: datetime | None) -> Slot:
    """The slot that was asked for. Raises NoSuchTime, with the reason."""
    now, slot = clock.now(), rules.slot_at(starts_at)
    if starts_at <= now:
        raise NoSuchTime(_("That time is over."))
    if starts_at < (first := now + timedelta(minutes=rules.least_ahead_minutes)):
        words = _("That is too soon: a time must be reserved {minutes} minutes ahead, so from {first} on.")
        raise NoSuchTime(words.format(minutes=rules.least_ahead_minutes, first=here(station, first)))
    if starts_at > now + timedelta(days=rules.most_ahead_days):
        words = _("That is too far: times can be reserved {days} days ahead.")
        raise NoSuchTime(words.format(days=rules.most_ahead_days))
    if starts_at not in slots.beginnings(rules, station.zone, starts_at, starts_at + slots.QUARTER):
        near = _near(station, rules, starts_at)
        raise NoSuchTime(_("No reserved time begins then. Near it: {times}.").format(times=near))
    if ends_at and ends_at != slot.ends_at:
        raise NoSuchTime(
            _("A reserved time here is {minutes} minutes long.").format(minutes=rules.slot_minutes)
        )
    if not _is_open(station, slot):
        raise NoSuchTime(_("The station is closed then."))
    return slot


def _near(station: Station, rules: Rules, at: datetime) -> str:
    reach = rules.length + rules.buffer
    around = slots.beginnings(rules, station.zone, at - reach, at + reach)
    return ", ".join(here(station, near) for near in around)


def here(station: Station, at: datetime) -> str:
    """In the station's zone, with its offset, so that the hour which comes twice has two names."""
    return f"{at.astimezone(ZoneInfo(station.zone)):%Y-%m-%d %H:%M (UTC%z)}"


def _is_open(station: Station, slot: Slot) -> bool:
    if open_now(station, slot.starts_at) is False:
        return False
    closes_at = closes_next(station, slot.starts_at)
    return closes_at is None or closes_at >= slot.ends_at


# --- What is free ---------------------------------------------------------------------------------------


def taken_by_evse(evses: Iterable[int], start: datetime, end: datetime) -> dict[int, set[int]]:
    rows = TakenTime.objects.filter(
        evse__in=list(evses),
        quarter__gte=slots.quarter_of(start),
        quarter__lte=slots.quarter_of(end) + slots.DAY_MINUTES // 15,
    )
    found: dict[int, set[int]] = {}
    for evse, quarter in rows.order_by().values_list("evse", "quarter"):
        found.setdefault(evse, set()).add(quarter)
    return found


def free_slots(
    station: Station, rules: Rules, taken: set[int], now: datetime, *, until: datetime | None = None
) -> list[Slot]:
    """Those that can still be reserved, before `until` where that is said."""
    first = now + timedelta(minutes=rules.least_ahead_minutes)
    last = now + timedelta(days=rules.most_ahead_days)
    begin = slots.beginnings(rules, station.zone, first, min(last, until) if until else last)
    offered = (slot for at in begin if _is_open(station, slot := rules.slot_at(at)))
    return slots.free(rules, offered, taken)


def with_slots(
    offers: list[OfferedEvse], stations: list[Station], criteria: Criteria, now: datetime
) -> Iterator[OfferedEvse]:
    """Say which can be reserved, which are kept just now and, for a search that names a time, when they are free."""
    rules, window = rules_for(stations), criteria.window
    evses = [offer.evse.pk for offer in offers if offer.evse.station_id in rules]
    kept = kept_now(evses, now)
    taken: dict[int, set[int]] = {}
    if window and rules:
        taken = taken_by_evse(evses, now, min(window[1], now + timedelta(days=MOST_AHEAD_DAYS)))
    for offer in offers:
        told, is_kept = rules.get(offer.evse.station_id), offer.evse.pk in kept
        found = (
            _in_window(offer, told, taken.get(offer.evse.pk, set()), window, now) if told and window else []
        )
        is_full = told and window and criteria.free_in_window and not found
        wanted_free = criteria.statuses is not None and Connector.Status.RESERVED not in criteria.statuses
        if not is_full and not (is_kept and wanted_free):
            yield replace(offer, is_reservable=told is not None, is_reserved_now=is_kept, slots=tuple(found))


def kept_now(evses: Iterable[int], now: datetime) -> set[int]:
    """EVSEs whose reserved time runs or is about to begin."""
    quarters = {slots.quarter_of(now), slots.quarter_of(now + ABOUT_TO_BEGIN)}
    rows = TakenTime.objects.filter(evse__in=list(evses), quarter__in=quarters, is_reserved=True)
    return set(rows.order_by().values_list("evse", flat=True))


def _in_window(
    offer: OfferedEvse, rules: Rules, taken: set[int], window: tuple[datetime, datetime], now: datetime
) -> list[Slot]:
    """Those that lie in the window with their whole length."""
    start, end = window
    if offer.evse.station.closed_reason or all(plug.status in BROKEN for plug in offer.siblings):
        return []
    free = free_slots(offer.evse.station, rules, taken, now, until=end)
    return [slot for slot in free if slot.starts_at >= start and slot.ends_at <= end][:MOST_SLOTS]


def is_taken(evse: Evse, quarters: range, *, besides: str = "") -> bool:
    rows = TakenTime.objects.filter(evse=evse, quarter__gte=quarters.start, quarter__lt=quarters.stop)
    return rows.exclude(holder=besides).exists()


def next_taken(evse: Evse, after: datetime, *, besides: str = "") -> datetime | None:
    """When the next time that somebody else has begins; the present quarter counts."""
    ahead = TakenTime.objects.filter(evse=evse, quarter__gte=slots.quarter_of(after)).exclude(holder=besides)
    quarter = ahead.aggregate(first=Min("quarter"))["first"]
    return None if quarter is None else slots.begin_of(quarter)


# --- Taking ---------------------------------------------------------------------------------------------


def take(evse: Evse, quarters: range, *, holder: str, is_reserved: bool) -> None:
    """All of them or none. Raises TimeTaken. In order, so that two who overlap cannot wait for each other."""
    rows = [
        TakenTime(evse=evse, quarter=quarter, holder=holder, is_reserved=is_reserved) for quarter in quarters
    ]
    try:
        with transaction.atomic():
            TakenTime.objects.bulk_create(rows)
    except IntegrityError as lost:
        raise TimeTaken from lost


def give_back(holder: str) -> int:
    return TakenTime.objects.filter(holder=holder).delete()[0]
