"""“Tell me when it is free”: starting and stopping a watch, asking the network while it lasts, and the one mail.

The news itself is noticed where catalogs are stored (watching.py). The mail is sent outside every transaction: the
row says TELLING before and TOLD after. Who dies in between is given up after a while and the mail is tried again,
with the same Message-ID, by which mailboxes know a letter they have: lost never, seen twice hardly ever.
"""

from datetime import timedelta
from decimal import Decimal
from smtplib import SMTPException
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.discovery import mails, services
from apps.discovery.models import Offer, OfferedStation, SearchRun
from apps.discovery.watching import LIVE, first_match, free_plugs
from apps.discovery.wishes import UNFINISHED, Watch
from apps.lib import clock
from apps.lib.errors import Refused
from apps.lib.moves import StaleMove, may_move, move
from apps.live.push import changed_on_commit

log = structlog.get_logger(__name__)

LASTS = timedelta(hours=2)
MOST = 5
AROUND_KM = Decimal(2)
AREAS_A_ROUND = 10
MAILS_A_ROUND = 3
ROWS_A_ROUND = 100
SENDER_LEASE = timedelta(minutes=2)
RETRY_AFTER = timedelta(seconds=30)

S = Watch.State


class TooManyWatches(Refused):
    pass


class FreeAlready(Refused):
    pass


# --- Starting and stopping --------------------------------------------------------------------------------


@transaction.atomic
def start(person: User, station: OfferedStation, offer: Offer | None = None) -> Watch:
    """The watch of this plug, or of any plug here; a second press finds the first one's."""
    User.objects.select_for_update().get(pk=person.pk)  # two presses at once must not pass the limit
    waiting = Watch.objects.filter(person=person, state=S.WAITING)
    mine = waiting.filter(station=station, offer=offer).first()
    if mine:
        return mine
    now = clock.now()
    if waiting.count() >= MOST:
        raise TooManyWatches(_("You watch %(most)s plugs already. Stop one of them first.") % {"most": MOST})
    times = {"started_at": now, "act_at": now, "expires_at": now + LASTS}
    watch = Watch(person=person, station=station, offer=offer, **times)
    if first_match(watch, free_plugs([station.pk], now).get(station.pk, [])):
        raise FreeAlready(_("It is free now: you can charge at once."))
    watch.save(force_insert=True)
    changed_on_commit(LIVE, str(station.code))
    return watch


def stop(watch: Watch) -> None:
    """Its person wants no more of it, be it running or over. A mail on its way cannot be called back."""
    if may_move(watch, S.STOPPED):
        _go(watch, S.STOPPED, why="stopped by its person")


# --- Rounds of the worker ---------------------------------------------------------------------------------


def ask_again() -> int:
    """Duty: where somebody waits, the network is asked again. Neighbours share a search (services.refresh).

    Watches may use half of all searches, so that people who look at the map always get theirs.
    """
    now = clock.now()
    every = timedelta(seconds=settings.DISCOVERY["SEARCH_EVERY_SECONDS"])
    due = Watch.objects.filter(state=S.WAITING, act_at__lte=now, expires_at__gt=now)
    asked = 0
    for watch in due.select_related("station").order_by("act_at")[:AREAS_A_ROUND]:
        lately = SearchRun.objects.filter(asked_at__gt=now - every).count()
        if lately * 2 >= settings.DISCOVERY["SEARCHES_AT_ONCE"]:
            break
        place = watch.station
        services.refresh(lat=place.lat, lon=place.lon, radius_km=AROUND_KM)
        asked += Watch.objects.filter(pk=watch.pk, act_at=watch.act_at).update(act_at=now + every)
    return asked


def move_overdue() -> int:
    """Duty: watches whose time is up, and mails whose sender died."""
    now = clock.now()
    over = Watch.objects.filter(state__in=(S.WAITING, S.FREE), expires_at__lte=now)
    dead = Watch.objects.filter(state=S.TELLING, act_at__lte=now)
    moved = [_go(watch, S.EXPIRED, why="its time is up") for watch in _some(over)]
    moved += [_go(watch, S.FREE, why="the sender of the mail died", act_at=now) for watch in _some(dead)]
    return sum(moved)


def tell() -> int:
    """Duty: send the mails that are due, outside every transaction. A mail server that fails ends the round."""
    due = Watch.objects.filter(state=S.FREE, act_at__lte=clock.now())
    told = 0
    for watch in list(due.select_related("person", "station", "found").order_by("act_at")[:MAILS_A_ROUND]):
        # Whoever moves it sends it; the others lose the move.
        if _go(watch, S.TELLING, why="sending the mail", act_at=clock.now() + SENDER_LEASE):
            if not _send(watch):
                break
            told += 1
    return told


def _send(watch: Watch) -> bool:
    try:
        mails.send_free(watch)
    except (SMTPException, OSError) as trouble:
        log.warning("the mail of a watch was not sent", watch=str(watch.code), why=str(trouble))
        later = clock.now() + RETRY_AFTER * 2 ** min(watch.tries, 6)
        _go(watch, S.FREE, why=f"the mail was not sent: {trouble}", act_at=later, tries=watch.tries + 1)
        return False
    _go(watch, S.TOLD, why="told by mail", told_at=clock.now())
    return True


def _some(rows: QuerySet[Watch]) -> list[Watch]:
    return list(rows.select_related("station").order_by("pk")[:ROWS_A_ROUND])


@transaction.atomic
def _go(watch: Watch, to: str, *, why: str, **changes: Any) -> bool:
    """False when somebody else moved it first."""
    try:
        move(watch, to, why=why, **changes)
    except StaleMove:
        return False
    changed_on_commit(LIVE, str(watch.station.code))
    return True


def forget_old() -> int:
    """Duty: finished watches of last week. Their stations and plugs go by rules of their own."""
    old = Watch.objects.filter(expires_at__lt=clock.now() - timedelta(days=7)).exclude(state__in=UNFINISHED)
    return old.delete()[0]
