"""What nobody repeats is forgotten: searches of yesterday, offers and stations of a month ago."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from apps.discovery.keeping import SHOWN, keep_facets, look_at_siblings
from apps.discovery.models import Offer, OfferedStation, SearchRun
from apps.lib import clock

RUNS_KEPT = timedelta(days=1)
STATIONS_A_ROUND = 500  # so that no round keeps the others waiting


def forget_old() -> int:
    """A round of the worker."""
    now = clock.now()
    before = now - timedelta(days=settings.DISCOVERY["OFFERS_KEPT_DAYS"])
    gone = SearchRun.objects.filter(asked_at__lt=now - RUNS_KEPT).delete()[0]
    gone += _forget_offers(before)
    lonely = OfferedStation.objects.filter(seen_at__lt=before, offers__isnull=True, favourites__isnull=True)
    some = lonely.order_by("pk").values("pk")[:STATIONS_A_ROUND]
    return gone + OfferedStation.objects.filter(pk__in=list(some.values_list("pk", flat=True))).delete()[0]


@transaction.atomic
def _forget_offers(before: datetime) -> int:
    """The plugs that stay say the rest of what is known of their station: its facets are made anew."""
    old = Offer.objects.filter(seen_at__lt=before)
    places = old.order_by().values_list("station", flat=True).distinct()[:STATIONS_A_ROUND]
    stations = list(OfferedStation.objects.filter(pk__in=list(places)).order_by("pk").select_for_update())
    if not stations:
        return 0
    gone = old.filter(station__in=stations).delete()[0]
    plugs: dict[int, list[Offer]] = {station.pk: [] for station in stations}
    for plug in Offer.objects.filter(station__in=stations):
        plugs[plug.station_id].append(plug)
    turned = [plug for some in plugs.values() for plug in look_at_siblings(some)]
    Offer.objects.bulk_update(turned, SHOWN, batch_size=STATIONS_A_ROUND)
    keep_facets(stations, plugs)
    return gone
