"""Hearts: a row for people who signed in, a list in the session for guests, who bring it along when they sign in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.discovery import words
from apps.discovery.models import Offer, OfferedStation
from apps.discovery.plugs import plug_name
from apps.discovery.prices import TypicalPrice, typical_price
from apps.discovery.wishes import Favourite
from apps.lib import clock
from apps.lib.errors import Refused

MOST = 50
IN_SESSION = "favourites"


class TooManyFavourites(Refused):
    pass


# --- Writing ----------------------------------------------------------------------------------------------


def keep(user: User | AnonymousUser, session: SessionBase, station: OfferedStation) -> None:
    """Pressing twice keeps it once."""
    if is_kept(user, session, station):
        return
    if not user.is_authenticated:
        codes = _codes(session)
        _refuse_beyond(len(codes))
        session[IN_SESSION] = [str(station.code), *codes]
        return
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # two presses at once must not pass the limit
        _refuse_beyond(Favourite.objects.filter(person=user).count())
        Favourite.objects.get_or_create(person=user, station=station)


def drop(user: User | AnonymousUser, session: SessionBase, station: OfferedStation) -> None:
    if user.is_authenticated:
        Favourite.objects.filter(person=user, station=station).delete()
    elif str(station.code) in _codes(session):
        session[IN_SESSION] = [code for code in _codes(session) if code != str(station.code)]


def adopt(*, request: Any, user: User, **_signal: Any) -> None:
    """A guest signed in: what they kept becomes theirs, as far as there is room."""
    codes = _codes(request.session)
    if not codes:
        return
    room = MOST - Favourite.objects.filter(person=user).count()
    stations = {str(row.code): row for row in OfferedStation.objects.filter(code__in=codes)}
    kept = [stations[code] for code in codes if code in stations][: max(room, 0)]
    rows = [Favourite(person=user, station=station) for station in reversed(kept)]
    Favourite.objects.bulk_create(rows, ignore_conflicts=True)
    del request.session[IN_SESSION]


def _refuse_beyond(count: int) -> None:
    if count >= MOST:
        raise TooManyFavourites(_("You have saved %(most)s stations, and more do not fit.") % {"most": MOST})


def _codes(session: SessionBase) -> list[str]:
    return list(session.get(IN_SESSION, ()))


# --- Reading ----------------------------------------------------------------------------------------------


def is_kept(user: User | AnonymousUser, session: SessionBase, station: OfferedStation) -> bool:
    if user.is_authenticated:
        return Favourite.objects.filter(person=user, station=station).exists()
    return str(station.code) in _codes(session)


@dataclass(frozen=True)
class SavedCard:
    station: OfferedStation
    counts: words.Counts
    price: TypicalPrice | None
    plugs: list[str]
    confirmed_at: datetime | None


def saved(user: User | AnonymousUser, session: SessionBase) -> list[SavedCard]:
    """The newest first, whatever the filters of the map are. At most two queries."""
    now = clock.now()
    return [_card(station, now) for station in _stations(user, session, now)]


def _stations(
    user: User | AnonymousUser, session: SessionBase, now: datetime
) -> QuerySet[OfferedStation] | list[OfferedStation]:
    since = now - timedelta(hours=settings.DISCOVERY["OFFERS_SHOWN_HOURS"])
    offers = Prefetch("offers", queryset=Offer.objects.filter(seen_at__gte=since), to_attr="shown_offers")
    rows = OfferedStation.objects.prefetch_related(offers)
    if user.is_authenticated:
        return rows.filter(favourites__person=user).order_by("-favourites__since", "-favourites__pk")
    order = {UUID(code): place for place, code in enumerate(_codes(session))}
    return sorted(rows.filter(code__in=order), key=lambda row: order[row.code]) if order else []


def _card(station: OfferedStation, now: datetime) -> SavedCard:
    offers = station.shown_offers
    prices = [price for offer in offers if (price := typical_price(offer))]
    return SavedCard(
        station=station,
        counts=words.counts_of(offers, now, words.closing_of(station, now)),
        price=min(prices, key=lambda price: price.amount, default=None),
        plugs=sorted({plug_name(offer.standard) for offer in offers if offer.standard}),
        confirmed_at=max((offer.confirmed_at for offer in offers), default=None),
    )
