"""Which plugs a search finds. Reads only."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast

from apps.catalog import geo
from apps.catalog.models import Connector, Evse, Station
from apps.catalog.network import Criteria, OfferedEvse
from apps.catalog.reserving import with_slots
from apps.catalog.selectors import open_now, shown_status, stations_on_the_network, with_plugs

# A circle round the world is no reason to say the whole catalog: the nearest are what somebody can drive to.
MOST_STATIONS = 1000
AT_ONCE = 50
SEARCHED = ("name", "address", "city", "postcode", "network_name", "operator__name")
AC_TYPES = (Connector.PowerType.AC_1_PHASE, Connector.PowerType.AC_3_PHASE)
POWER_TYPES = {"AC": AC_TYPES, "DC": (Connector.PowerType.DC,)}


def find(criteria: Criteria, now: datetime) -> Iterator[OfferedEvse]:
    """EVSEs with a matching plug, station by station, the nearest first. A few queries per fifty stations."""
    if criteria.matches_nothing:
        return
    found = _nearest_first(criteria, _stations(criteria))[:MOST_STATIONS]
    for start in range(0, len(found), AT_ONCE):
        some = found[start : start + AT_ONCE]
        rows = with_plugs(Station.objects.filter(pk__in=some)).in_bulk()
        stations = [rows[pk] for pk in some]
        offers = [
            offer
            for station in stations
            for evse in station.evses.all()
            for offer in _offered(criteria, station, evse, now)
        ]
        yield from with_slots(offers, stations, criteria, now)


def _stations(criteria: Criteria) -> QuerySet[Station]:
    stations = stations_on_the_network().filter(Exists(_plugs(criteria)))
    if criteria.provider_id:
        stations = stations.filter(operator__code=criteria.provider_id)
    if criteria.green:
        stations = stations.filter(is_green=True)
    if criteria.provider_name:
        stations = stations.filter(operator__name__icontains=criteria.provider_name)
    for word in criteria.words:
        stations = stations.filter(_any_column_has(word))
    return stations


def _any_column_has(word: str) -> Q:
    anywhere = Q()
    for column in SEARCHED:
        anywhere |= Q(**{f"{column}__icontains": word})
    return anywhere


def _plugs(criteria: Criteria) -> QuerySet[Connector]:
    plugs = Connector.objects.filter(evse__station=OuterRef("pk"), is_published=True)
    if criteria.standards is not None:
        plugs = plugs.filter(standard__in=criteria.standards)
    if criteria.charger_types is not None:
        plugs = plugs.filter(power_type__in=_power_types(criteria.charger_types))
    if criteria.min_kw is not None:
        plugs = plugs.filter(max_kw__gte=criteria.min_kw)
    if criteria.vehicle_types is not None:
        plugs = plugs.alias(vehicles=Cast("vehicle_types", TextField())).filter(
            _names_one(criteria.vehicle_types)
        )
    return plugs


def _names_one(vehicle_types: frozenset[str]) -> Q:
    """JSON as text, because SQLite cannot look into a list; a word stands in quotes there."""
    any_of = Q()
    for vehicle in sorted(vehicle_types):
        any_of |= Q(vehicles__contains=f'"{vehicle}"')
    return any_of


def _power_types(charger_types: frozenset[str]) -> list[str]:
    return [power for charger in charger_types for power in POWER_TYPES[charger]]


def _nearest_first(criteria: Criteria, stations: QuerySet[Station]) -> list[int]:
    """Keys of the stations in the place that was asked for; the index on (lat, lon) narrows, the globe decides."""
    if criteria.polygon:
        places = _in_box(stations, geo.box_of(criteria.polygon))
        return [pk for pk, *point in places if geo.is_inside(tuple(point), criteria.polygon)]
    if criteria.circle is None:
        return list(stations.values_list("pk", flat=True))
    circle = criteria.circle
    centre = (circle.lat, circle.lon)
    away = {
        pk: geo.distance_km(centre, tuple(point)) for pk, *point in _in_box(stations, geo.box_around(circle))
    }
    return sorted((pk for pk in away if away[pk] <= circle.radius_km), key=away.__getitem__)


def _in_box(stations: QuerySet[Station], box: geo.Box):
    sides = Q()
    for west, east in box.spans:
        sides |= Q(lon__gte=west, lon__lte=east)
    in_box = stations.filter(sides, lat__gte=box.south, lat__lte=box.north)
    return in_box.values_list("pk", "lat", "lon")


def _offered(criteria: Criteria, station: Station, evse: Evse, now: datetime) -> Iterator[OfferedEvse]:
    siblings = tuple(evse.connectors.all())
    plugs = tuple(plug for plug in siblings if _matches(criteria, plug, siblings, now))
    if plugs:
        yield OfferedEvse(evse=evse, plugs=plugs, siblings=siblings)


def _matches(criteria: Criteria, plug: Connector, siblings: tuple[Connector, ...], now: datetime) -> bool:
    if criteria.standards is not None and plug.standard not in criteria.standards:
        return False
    if criteria.charger_types is not None and plug.power_type not in _power_types(criteria.charger_types):
        return False
    if criteria.min_kw is not None and plug.max_kw < criteria.min_kw:
        return False
    if criteria.vehicle_types is not None and not criteria.vehicle_types.intersection(plug.vehicle_types):
        return False
    return criteria.statuses is None or _is_in(criteria.statuses, plug, siblings, now)


def _is_in(statuses: frozenset[str], plug: Connector, siblings: tuple[Connector, ...], now: datetime) -> bool:
    """Available now means that a car may come now: not behind a closed gate."""
    status = shown_status(plug, now, siblings)
    shut = status == Connector.Status.AVAILABLE and open_now(plug.evse.station, now) is False
    return status in statuses and not shut
