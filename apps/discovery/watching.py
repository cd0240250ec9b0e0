"""News comes in with a catalog: which of the watched plugs are free now. Part of the transaction that stores it."""

from collections.abc import Iterable
from datetime import datetime

from apps.discovery import words
from apps.discovery.models import Offer
from apps.discovery.wishes import Watch
from apps.lib import clock
from apps.lib.moves import StaleMove, move
from apps.live.push import changed_on_commit

LIVE = "watch"  # the panel of one station; its code is the station's


def notice(stations: Iterable[int]) -> int:
    """Move the watches whose plug is free to FREE, where their mail is due. How many.

    Call it in the transaction that wrote the offers of `stations` (primary keys). One query when nobody watches.
    """
    now = clock.now()
    waiting = Watch.objects.filter(
        state=Watch.State.WAITING, station__in=list(stations), expires_at__gt=now
    ).select_related("station")
    watches = list(waiting.order_by("pk"))
    free = free_plugs({watch.station_id for watch in watches}, now) if watches else {}
    return sum(
        _found(watch, plug, now)
        for watch in watches
        if (plug := first_match(watch, free.get(watch.station_id, [])))
    )


def free_plugs(stations: Iterable[int], now: datetime) -> dict[int, list[Offer]]:
    """Plugs that are free, freshly confirmed and behind an open gate, by station."""
    found: dict[int, list[Offer]] = {}
    # The row says more than its status (a car at the next plug, an old word): words.word_of decides.
    told = Offer.objects.filter(station__in=list(stations), status="Available").select_related("station")
    for offer in told.order_by("letter", "pk"):
        if words.word_of(offer, now, words.closing_of(offer.station, now)) == words.FREE:
            found.setdefault(offer.station_id, []).append(offer)
    return found


def first_match(watch: Watch, free: list[Offer]) -> Offer | None:
    return next((offer for offer in free if watch.offer_id in (None, offer.pk)), None)


def _found(watch: Watch, plug: Offer, now: datetime) -> bool:
    try:
        move(watch, Watch.State.FREE, why=f"{plug} is free", found=plug, found_at=now, act_at=now)
    except StaleMove:  # stopped by its person in this very moment
        return False
    changed_on_commit(LIVE, str(watch.station.code))
    return True
