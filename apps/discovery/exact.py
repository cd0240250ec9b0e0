"""One plug by its ids on the network: what the page behind a sticker shows of it. Reads only."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings

from apps.discovery.models import OfferedStation, SearchRun
from apps.discovery.selectors import PlugCard, StationView, station_view
from apps.discovery.tariffs import TariffLine, tariffs_of
from apps.discovery.words import FREE
from apps.lib import clock

# A platform may send its catalog in pages, and the plug may stand on a later one.
MORE_PAGES = timedelta(seconds=4)
PATIENCE_WITH_A_PAGE = timedelta(
    seconds=30
)  # somebody who reads how it ended, before reloading means asking anew


@dataclass(frozen=True)
class NetworkName:
    """How the network calls a plug, and where it is."""

    bpp_id: str
    provider_id: str
    location_id: str
    item_id: str
    lat: Decimal
    lon: Decimal

    @property
    def place(self) -> dict[str, Any]:
        """What `services.refresh_place` asks for."""
        return {
            "bpp_id": self.bpp_id,
            "provider_id": self.provider_id,
            "lat": self.lat,
            "lon": self.lon,
        }


@dataclass(frozen=True)
class PlugView:
    told: StationView
    card: PlugCard

    @property
    def age(self) -> timedelta:
        return max(clock.now() - self.card.offer.confirmed_at, timedelta(0))

    @property
    def tariffs(self) -> list[TariffLine]:
        return tariffs_of([self.card.offer])

    @property
    def free_beside_it(self) -> int:
        """How many other plugs of the station are free."""
        return sum(card.word == FREE and card != self.card for card in self.told.plugs)


def plug_view(name: NetworkName) -> PlugView | None:
    """None while no operator has offered this plug, or none has for a day. Three queries."""
    places = OfferedStation.objects.filter(
        bpp_id=name.bpp_id,
        provider_id=name.provider_id,
        location_id=name.location_id,
        offers__item_id=name.item_id,
    )
    code = places.values_list("code", flat=True).first()
    told = station_view(code) if code else None
    if told is None:
        return None
    card = next((card for card in told.plugs if card.offer.item_id == name.item_id), None)
    return PlugView(told, card) if card else None


def run_named(code: str) -> SearchRun | None:
    """The search that a waiting page asked for; None when it is none of ours, or one of a visit long ago."""
    try:
        runs = SearchRun.objects.filter(code=UUID(code))
    except ValueError:
        return None
    return runs.filter(asked_at__gt=clock.now() - PATIENCE_WITH_A_PAGE - _patience()).first()


def _patience() -> timedelta:
    return timedelta(seconds=settings.BECKN["TTL_SECONDS"])


@dataclass(frozen=True)
class Wait:
    """How the question about one place goes. `end` says in one word how it ended."""

    code: UUID | None
    is_running: bool
    end: str  # "" while it runs; "answered", "faulty", "silent", "not_asked"

    @property
    def query(self) -> str:
        """What a waiting page brings along when it looks again."""
        return f"?asked={self.code}" if self.is_running else ""


def wait_for(run: SearchRun | None) -> Wait:
    if run is None:
        return Wait(None, False, "not_asked")
    now, answers = clock.now(), list(run.answers.all())
    if answers:
        newest = max(answer.answered_at for answer in answers)
        is_running = now - newest < MORE_PAGES
        end = "faulty" if all(answer.error for answer in answers) else "answered"
    else:
        is_running = now - run.asked_at < _patience()
        end = "silent"
    return Wait(run.code, is_running, "" if is_running else end)
