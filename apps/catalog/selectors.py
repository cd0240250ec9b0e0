"""Reads of the catalog: what is fresh, what is open, what may be sold, and who may see whose rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Model, OuterRef, Prefetch, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from apps.accounts.models import User
from apps.catalog import hours
from apps.catalog.codes import grouped
from apps.catalog.models import (
    CodeReport,
    Connector,
    Evse,
    Operator,
    PlugCode,
    SlotPolicy,
    Staff,
    Station,
    StationPhoto,
    Tariff,
)
from apps.lib import wiring

FRESH_FOR = timedelta(minutes=15)

Status = Connector.Status
# A car stands there, or the place is kept for one.
TAKEN = frozenset(
    {
        Status.PREPARING,
        Status.CHARGING,
        Status.SUSPENDED_EV,
        Status.SUSPENDED_EVSE,
        Status.FINISHING,
        Status.RESERVED,
    }
)


def is_fresh(connector: Connector, now: datetime) -> bool:
    """Has the plug given a proof of life in the last 15 minutes?"""
    return connector.last_seen_at is not None and now - connector.last_seen_at <= FRESH_FOR


def shown_status(connector: Connector, now: datetime, siblings: Iterable[Connector] = ()) -> str:
    """The word to show: Unknown when stale, the sibling's when its car takes this one's place."""
    if connector.evse.station.closed_reason:
        return Status.UNAVAILABLE
    if not is_fresh(connector, now):
        return Status.UNKNOWN
    if connector.status == Status.AVAILABLE:
        taken = (plug.status for plug in siblings if plug.status in TAKEN and is_fresh(plug, now))
        return next(taken, Status.AVAILABLE)
    return connector.status


def open_now(station: Station, at: datetime) -> bool | None:
    """None when nobody told us the hours."""
    return False if station.closed_reason else hours.is_open(station.hours, station.zone, at)


def opens_next(station: Station, at: datetime) -> datetime | None:
    """The next opening in the station's zone; None when unknown or closed until further notice."""
    return None if station.closed_reason else hours.next_opening(station.hours, station.zone, at)


def closes_next(station: Station, at: datetime) -> datetime | None:
    """When an open station closes, in its zone; None when it is closed, never closes, or nobody told us."""
    return None if station.closed_reason else hours.next_closing(station.hours, station.zone, at)


# --- What is for sale -----------------------------------------------------------------------------------


def has_stations() -> bool:
    return Station.objects.exists()


def stations_on_the_network() -> QuerySet[Station]:
    return Station.objects.filter(is_published=True, access=Station.Access.PUBLIC)


def connectors_on_the_network() -> QuerySet[Connector]:
    return Connector.objects.filter(
        is_published=True, evse__station__is_published=True, evse__station__access=Station.Access.PUBLIC
    ).select_related("evse__station__operator", "tariff")


def connector_on_the_network(*, provider_id: str, item_id: str) -> Connector | None:
    """The plug that an order names by provider and item id, if it may still be sold."""
    plugs = connectors_on_the_network().filter(code=item_id, evse__station__operator__code=provider_id)
    return plugs.first()


def connector_at(*, charge_point_id: str, connector_id: int) -> Connector | None:
    """The plug that a charge point calls `connector_id`."""
    plugs = Connector.objects.select_related("evse__station__operator", "tariff")
    return plugs.filter(evse__charge_point_id=charge_point_id, ocpp_connector_id=connector_id).first()


def connector_lettered(station_id: int, letter: str) -> Connector | None:
    """The plug of a station that has this letter painted on it."""
    plugs = Connector.objects.select_related("evse").filter(evse__station=station_id, letter=letter)
    return plugs.first()


def connectors_at(*, charge_point_id: str) -> QuerySet[Connector]:
    """All plugs of a charge point; none for the empty id."""
    plugs = Connector.objects.select_related("evse__station__operator", "tariff")
    return plugs.filter(evse__charge_point_id=charge_point_id) if charge_point_id else plugs.none()


def evses_to_attach(
    stations: list[str] | None = None, operator: str | None = None, *, everything: bool = False
) -> QuerySet[Evse]:
    """The EVSEs of these stations or this operator, or all; unasked, those that name a charge point already."""
    evses = Evse.objects.select_related("station").prefetch_related("connectors__tariff").order_by("pk")
    if stations:
        return evses.filter(station__code__in=stations)
    if operator:
        return evses.filter(station__operator__code=operator)
    return evses if everything else evses.exclude(charge_point_id="")


def operator_of_reference(reference: str) -> Operator | None:
    """Whose operator, station, EVSE or connector this code names; the only operator, if there is just one."""
    owners = Operator.objects.filter(
        Q(code=reference)
        | Q(stations__code=reference)
        | Q(stations__evses__code=reference)
        | Q(stations__evses__connectors__code=reference)
    ).distinct()
    return next(iter([*owners[:1], *_the_only_operator()]), None)


def place_of_reference(reference: str) -> dict[str, str]:
    """Where a station, EVSE or connector of this code stands; {} when there is none."""
    plug = Connector.objects.filter(Q(code=reference) | Q(evse__code=reference)).order_by("pk")
    plug = plug.select_related("evse__station").first()
    station = plug.evse.station if plug else Station.objects.filter(code=reference).first()
    return place_words(station, plug) if station else {}


def place_words(station: Station, plug: Connector | None) -> dict[str, str]:
    """A place as the desk tells it."""
    plug_words = f"{plug.letter} · {plug.standard}" if plug else ""
    return {"station_name": station.name, "station_zone": station.zone, "plug": plug_words}


def _the_only_operator() -> list[Operator]:
    operators = list(Operator.objects.all()[:2])
    return operators if len(operators) == 1 else []


def with_plugs(stations: QuerySet[Station]) -> QuerySet[Station]:
    """The stations with operator, photos, EVSEs, published plugs and tariffs, in five queries."""
    plugs = Connector.objects.filter(is_published=True).select_related("tariff")
    evses = Evse.objects.prefetch_related(Prefetch("connectors", queryset=plugs.order_by("letter")))
    return stations.select_related("operator").prefetch_related("photos", Prefetch("evses", queryset=evses))


# --- Codes on the plugs ---------------------------------------------------------------------------------


def plug_code_named(code: str) -> PlugCode | None:
    """The code with its plug, valid or withdrawn, in one query."""
    codes = PlugCode.objects.select_related("connector__evse__station__operator", "connector__tariff")
    return codes.filter(code=code).first()


@dataclass(frozen=True)
class Label:
    """A plug and what is printed on its sticker; `plug_code` is None while it has none."""

    plug: Connector
    plug_code: PlugCode | None
    reports: list[CodeReport]  # that nobody has dealt with

    @property
    def text(self) -> str:
        return grouped(self.plug_code.code) if self.plug_code else ""


def labels_of(station: Station) -> list[Label]:
    """The plugs on the posts of a station, by letter. Three queries."""
    still_open = Prefetch("reports", CodeReport.objects.filter(settled_at=None), to_attr="open_reports")
    valid = PlugCode.objects.filter(revoked_at=None).prefetch_related(still_open)
    plugs = Connector.objects.filter(evse__station=station, is_published=True).select_related("evse")
    plugs = plugs.prefetch_related(Prefetch("plug_codes", queryset=valid, to_attr="valid_codes"))
    labels = [_label(plug, next(iter(plug.valid_codes), None)) for plug in plugs]
    return sorted(labels, key=lambda label: (len(label.plug.letter), label.plug.letter))


def _label(plug: Connector, plug_code: PlugCode | None) -> Label:
    return Label(plug, plug_code, plug_code.open_reports if plug_code else [])


# --- Who may see whose rows (law 11) --------------------------------------------------------------------

# From each table to the operator that owns the row.
OWNER = {
    Operator: "pk",
    Staff: "operator",
    Tariff: "operator",
    Station: "operator",
    Evse: "station__operator",
    Connector: "evse__station__operator",
    SlotPolicy: "operator",
    PlugCode: "connector__evse__station__operator",
    CodeReport: "plug_code__connector__evse__station__operator",
    StationPhoto: "station__operator",
}


def staff_for(user: User | AnonymousUser) -> Staff | None:
    """The job of this person; None for everybody who has none or may no longer sign in."""
    if not user.is_authenticated or not user.is_active:
        return None
    return Staff.objects.select_related("operator").filter(user=user).first()


def job_of(user: User | AnonymousUser) -> tuple[str, str] | None:
    """(code of the operator, role) of this person, for rooms that may not know the catalog."""
    staff = staff_for(user)
    return (staff.operator.code, staff.role) if staff else None


def operator_for(user: User | AnonymousUser) -> Operator | None:
    staff = staff_for(user)
    return staff.operator if staff else None


def rows_for(user: User | AnonymousUser, model: type[Model]) -> QuerySet:
    """The rows of the operator this person works for; none when they work for nobody."""
    operator = operator_for(user)
    rows = model._default_manager.all()
    return rows.filter(**{OWNER[model]: operator.pk}) if operator else rows.none()


def stations_for(user: User | AnonymousUser) -> QuerySet[Station]:
    return rows_for(user, Station)


def _rows_to_label(user: User | AnonymousUser, model: type[Model]) -> QuerySet:
    """Of the operator this person works for; an administrator may print for everybody."""
    return model._default_manager.all() if user.is_superuser else rows_for(user, model)


def stations_to_label(user: User | AnonymousUser, words: str = "") -> QuerySet[Station]:
    """With the numbers of plugs on the posts, of those that have a code, and of reports nobody dealt with."""
    stations = _rows_to_label(user, Station).select_related("operator")
    for word in words.split()[:8]:
        stations = stations.filter(
            Q(name__icontains=word) | Q(city__icontains=word) | Q(address__icontains=word)
        )
    plugs = Connector.objects.filter(is_published=True, evse__station=OuterRef("pk"))
    reports = CodeReport.objects.filter(
        settled_at=None, plug_code__revoked_at=None, plug_code__connector__evse__station=OuterRef("pk")
    )
    return stations.annotate(
        plugs=_number_of(plugs),
        coded=_number_of(plugs.filter(plug_codes__in=PlugCode.objects.filter(revoked_at=None))),
        reports=_number_of(reports),
    ).order_by("name", "pk")


def with_ratings(stations: list[Station]) -> list[Station]:
    """With what drivers of all apps said of them, as `received`. Another room keeps that: asked by wiring, at once."""
    received = wiring.handler("EVENTS", "stations.received")
    found = received([station.code for station in stations]) if received else {}
    for station in stations:
        station.received = found.get(station.code)
    return stations


def _number_of(rows: QuerySet) -> Coalesce:
    counted = rows.order_by().annotate(one=Value(1)).values("one").annotate(number=Count("pk"))
    return Coalesce(Subquery(counted.values("number")), 0)


def station_to_label(user: User | AnonymousUser, code: str) -> Station | None:
    return _rows_to_label(user, Station).select_related("operator").filter(code=code).first()


def plug_code_to_label(user: User | AnonymousUser, code: str) -> PlugCode | None:
    codes = _rows_to_label(user, PlugCode).select_related("connector__evse__station")
    return codes.filter(code=code).first()


def connectors_for(user: User | AnonymousUser) -> QuerySet[Connector]:
    return rows_for(user, Connector).select_related("evse__station", "tariff")


def tariffs_for(user: User | AnonymousUser) -> QuerySet[Tariff]:
    return rows_for(user, Tariff)


def may_edit(user: User | AnonymousUser) -> bool:
    """Managers change stations and tariffs; viewers and finance read."""
    staff = staff_for(user)
    return staff is not None and staff.role == Staff.Role.MANAGER


def may_see_labels(user: User | AnonymousUser) -> bool:
    """Viewers, managers and finance alike."""
    return user.is_active and (user.is_superuser or staff_for(user) is not None)


def may_label(user: User | AnonymousUser) -> bool:
    """Who may make and withdraw the codes of the stations they see."""
    return user.is_active and (user.is_superuser or may_edit(user))
