"""Writes the demo network. What is there already is left as it is."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from simple_history.utils import bulk_create_with_history

from apps.accounts.services import make_demo_people
from apps.catalog.demo_data import (
    HOURS,
    KITS,
    OPERATORS,
    SLOT_POLICIES,
    STANDING_AT,
    STATIONS,
    DemoOperator,
    DemoPlug,
    DemoStation,
    DemoTariff,
)
from apps.catalog.labels import issue_for
from apps.catalog.models import Connector, Evse, Operator, Staff, Station, Tariff
from apps.catalog.services import (
    assign_staff,
    create_operator,
    create_slot_policy,
    free_letters,
    publish_tariff,
)

SOURCE = "demo"
ROLES = {
    "operator-viewer": Staff.Role.VIEWER,
    "operator-manager": Staff.Role.MANAGER,
    "operator-finance": Staff.Role.FINANCE,
}


@dataclass(frozen=True)
class Post:
    """Where a plug is: the letter painted there, and its number in the box."""

    letter: str
    connector_id: int


@dataclass
class Made:
    operators: int = 0
    stations: int = 0
    evses: int = 0
    connectors: int = 0


def make_demo_network() -> Made:
    """Idempotent, and the same on every machine."""
    made = Made()
    for operator in OPERATORS:
        with transaction.atomic():
            row = _operator(operator, made)
            known = set(row.stations.filter(source=SOURCE).values_list("source_id", flat=True))
            mine = [demo for demo in STATIONS if demo.operator == row.code and demo.slug not in known]
            _write(row, mine, _tariffs(row, operator), operator, made)
            _sell_slots(row)
    if settings.DEMO:
        _give_jobs(Operator.objects.get(code=OPERATORS[0].facts["code"]))
    return made


def _operator(operator: DemoOperator, made: Made) -> Operator:
    known = Operator.objects.filter(code=operator.facts["code"]).first()
    made.operators += known is None
    return known or create_operator(**operator.facts)


def _tariffs(row: Operator, operator: DemoOperator) -> dict[str, Tariff]:
    """The first version of each, or the newest where somebody has published a later one."""
    tariffs = {}
    own = [
        STANDING_AT[demo.slug] for demo in STATIONS if demo.operator == row.code and demo.slug in STANDING_AT
    ]
    for terms in (operator.slow, operator.fast, operator.fastest, *own):
        known = row.tariffs.filter(code=terms.code).order_by("-version").first()
        tariffs[terms.code] = known or publish_tariff(
            operator=row,
            code=terms.code,
            name=terms.name,
            energy_rate=terms.energy_rate,
            session_fee=terms.session_fee,
            **terms.more,
        )
    return tariffs


def _tariff_at(demo: DemoStation, plug: DemoPlug, operator: DemoOperator) -> DemoTariff:
    return STANDING_AT.get(demo.slug) or operator.tariff_for(plug)


def _sell_slots(row: Operator) -> None:
    rules = SLOT_POLICIES.get(row.code)
    if rules and not row.slot_policies.exists():
        create_slot_policy(operator=row, **rules)


def _write(
    row: Operator,
    demos: list[DemoStation],
    tariffs: dict[str, Tariff],
    operator: DemoOperator,
    made: Made,
) -> None:
    """In bulk, because `make run` waits for it: a test holds every row to the rules of the services."""
    stations = {demo.slug: _station(row, demo) for demo in demos}
    evses = {
        (demo.slug, number): _evse(stations[demo.slug], demo, number)
        for demo in demos
        for number in range(1, len(KITS[demo.kit]) + 1)
    }
    connectors = [
        _connector(evses[demo.slug, number], post, plug, tariffs[_tariff_at(demo, plug, operator).code], demo)
        for demo in demos
        for number, post, plug in _plugs(demo)
    ]
    bulk_create_with_history(list(stations.values()), Station)
    Evse.objects.bulk_create(evses.values())
    Connector.objects.bulk_create(connectors)
    issue_for(connectors, by=None)
    made.stations += len(stations)
    made.evses += len(evses)
    made.connectors += len(connectors)


def _plugs(demo: DemoStation) -> Iterator[tuple[int, Post, DemoPlug]]:
    """With the number of the EVSE. Letters go on through the whole station, connector numbers begin at each EVSE."""
    letters = free_letters(())
    for number, plugs in enumerate(KITS[demo.kit], start=1):
        for connector_id, plug in enumerate(plugs, start=1):
            yield number, Post(next(letters), connector_id), plug


def _station(row: Operator, demo: DemoStation) -> Station:
    return Station(
        operator=row,
        code=f"{row.code}-{demo.slug}",
        source=SOURCE,
        source_id=demo.slug,
        name=demo.name,
        address=demo.address,
        city=demo.city,
        region="Karnataka",
        postcode=demo.postcode,
        lat=demo.lat,
        lon=demo.lon,
        hours=HOURS[demo.hours],
        amenities=list(demo.amenities),
        is_accessible=demo.is_accessible,
        is_green=demo.is_green,
        closed_reason=demo.closed_reason,
        phone=row.phone,
    )


def _evse(station: Station, demo: DemoStation, number: int) -> Evse:
    code, box = f"{station.code}-{number}", f"{demo.slug}-{number}"
    return Evse(station=station, label=str(number), code=code, charge_point_id=box)


def _connector(evse: Evse, post: Post, plug: DemoPlug, tariff: Tariff, demo: DemoStation) -> Connector:
    """A faulted one is out of order from the beginning: attach_chargers gives its simulated box a fault."""
    is_faulted = str(demo.faulted) == evse.label
    return Connector(
        evse=evse,
        code=f"{evse.code}-{post.letter.lower()}",
        letter=post.letter,
        ocpp_connector_id=post.connector_id,
        standard=plug.standard,
        format=plug.format,
        power_type=plug.power_type,
        max_kw=plug.max_kw,
        vehicle_types=list(plug.vehicles),
        tariff=tariff,
        status=Connector.Status.FAULTED if is_faulted else Connector.Status.UNKNOWN,
        status_source=SOURCE if is_faulted else "",
    )


def _give_jobs(operator: Operator) -> None:
    for person in make_demo_people():
        role = ROLES.get(person.email.partition("@")[0])
        if role and not Staff.objects.filter(user=person).exists():
            assign_staff(user=person, operator=operator, role=role)
