"""What the page of a station tells beside its plugs: tariffs, what drivers said, and what I want of it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase

from apps.accounts.models import User
from apps.discovery import favourites, watch_panel
from apps.discovery.models import Offer, OfferedStation
from apps.discovery.photo_policy import shown
from apps.discovery.photos import ToldPhoto
from apps.discovery.plugs import AMENITIES
from apps.discovery.selectors import StationView
from apps.discovery.tariffs import TariffLine, tariffs_of
from apps.discovery.watch_panel import WatchView
from apps.lib import wiring

# A car is here: it will leave. What is broken, closed or unknown promises nothing of the kind.
WATCHABLE = ("charging", "paused-by-car", "paused-by-station", "finishing", "reserved")


@dataclass(frozen=True)
class More:
    tariffs: list[TariffLine]
    is_kept: bool
    watches: list[WatchView]
    amenities: list[str]  # as people say it; what is not known is not there
    photos: list[ToldPhoto]  # that this portal may show
    said: Any  # ratings.selectors.Said, handed over by wiring; None while nobody rated
    may_watch_any: bool  # nothing is free, and several plugs may become so

    watchable = WATCHABLE

    @property
    def watched(self) -> set[int]:
        """Plugs that I watch now."""
        return {view.watch.offer_id for view in self.watches if view.word == "waiting"}

    @property
    def has_found(self) -> bool:
        """The panel of a watch has the primary button then."""
        return any(view.word == "free" for view in self.watches)


def more(user: User | AnonymousUser, session: SessionBase, told: StationView) -> More:
    station = told.station
    words = [card.word for card in told.plugs]
    return More(
        tariffs=tariffs_of([card.offer for card in told.plugs]),
        is_kept=favourites.is_kept(user, session, station),
        watches=watch_panel.views_at(user, station),
        amenities=[str(AMENITIES.get(word, word)) for word in station.amenities],
        photos=shown(station.photos),
        said=_said(station),
        may_watch_any="free" not in words and sum(word in WATCHABLE for word in words) > 1,
    )


def _said(station: OfferedStation) -> Any:
    """Ratings hang on orders, which this room may not know: asked by wiring."""
    said = wiring.handler("EVENTS", "station.rated")
    place = {"bpp_id": station.bpp_id, "provider_id": station.provider_id}
    return said(**place, lat=station.lat, lon=station.lon) if said else None


def station_by_code(code: UUID) -> OfferedStation | None:
    return OfferedStation.objects.filter(code=code).first()


def plug_of(station: OfferedStation, code: str) -> Offer | None:
    """The plug of this station with that code; None when there is none, or when `code` is no code."""
    try:
        return station.offers.filter(code=UUID(code)).first()
    except ValueError:
        return None
