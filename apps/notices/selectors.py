"""Reads for the page of notices."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.lib import clock
from apps.notices import wording
from apps.notices.models import Channel, Happening, Notice
from apps.orders.models import Order
from apps.orders.panel import zone_of

SHOWN = 50


@dataclass(frozen=True)
class Line:
    notice: Notice
    title: str
    sentence: str
    zone: str
    not_sent: bool  # a way beside the page failed


def lines_for(person: User) -> list[Line]:
    """The newest first, each once, with what became of its mail."""
    mine = list(of(person).filter(channel=Channel.PAGE).select_related("order")[:SHOWN])
    since = min((notice.happened_at for notice in mine), default=clock.now())
    failed = {notice.key for notice in of(person).filter(state=Notice.State.GIVEN_UP, happened_at__gte=since)}
    return [
        Line(
            notice,
            wording.title_of(notice),
            wording.sentence_of(notice),
            zone_of(notice.order) if notice.order else notice.facts.get("zone", "UTC"),
            notice.key in failed,
        )
        for notice in mine
    ]


def told_of(order: Order) -> list[tuple[datetime, str, str]]:
    """Every notice of one charge, for the desk: when, which, by what way, and what became of it."""
    rows = Notice.objects.filter(order=order).exclude(channel=Channel.PAGE).order_by("happened_at", "pk")
    return [(row.told_at or row.happened_at, str(row), _became(row)) for row in rows]


def standing_was_untold(order: Order, *, until: datetime | None, at_least: timedelta) -> bool:
    """By no way that the driver wants had our word arrived `until` then; `at_least` so long it may take."""
    told = Notice.objects.filter(order=order, happening=Happening.IDLE_STARTED).exclude(channel=Channel.PAGE)
    rows = list(told.exclude(state=Notice.State.DROPPED))
    if not rows:
        return False
    last = max(filter(None, (until, rows[0].happened_at + at_least)))
    return clock.now() > last and all(row.told_at is None or row.told_at > last for row in rows)


def _became(row: Notice) -> str:
    return " · ".join(part for part in (str(row.get_state_display()), row.last_error) if part)


def of(person: User) -> QuerySet[Notice]:
    return Notice.objects.filter(person=person)
