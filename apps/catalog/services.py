"""Everything that writes the catalog. Pages, admin, imports and charge points come here."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.beckn import outbox
from apps.beckn.inbox import Inbound
from apps.beckn.wire import v1_1 as wire
from apps.catalog import network
from apps.catalog.faults import field_of, words_of
from apps.catalog.models import Connector, Evse, Operator, SlotPolicy, Staff, Station, Tariff
from apps.catalog.rules import dearest
from apps.catalog.search import find
from apps.catalog.selectors import operator_of_reference, place_of_reference
from apps.lib import clock, wiring
from apps.lib.codes import new_code
from apps.lib.errors import Refused
from apps.pricing import Kind, TariffFault

# A charger without a set clock tells times of its factory; no real report is kept back that long.
CLOCK_IS_NOT_SET = timedelta(days=365)

Row = TypeVar("Row", bound=models.Model)


class UnknownReference(Refused):
    code = "30010"
    status = 404


class NobodyToCall(Refused):
    code = "50004"


class PlacedElsewhere(Refused):
    """Two EVSEs cannot be the same connector of one charge point."""


def create_operator(*, name: str, code: str = "", **facts: Any) -> Operator:
    operator = Operator(name=name, code=code or slugify(name)[:40] or new_code("OP").lower(), **facts)
    return _checked_and_saved(operator)


def create_station(*, operator: Operator, name: str, lat: Decimal, lon: Decimal, **facts: Any) -> Station:
    facts.setdefault("code", f"{operator.code[:40]}-{new_code('LOC')}")
    return _checked_and_saved(Station(operator=operator, name=name, lat=lat, lon=lon, **facts))


def create_evse(*, station: Station, label: str, charge_point_id: str = "") -> Evse:
    evse = Evse(station=station, label=label, code=f"{station.code}-{slugify(label) or new_code('E')}")
    with transaction.atomic():
        _checked_and_saved(evse)
        if charge_point_id:
            set_charge_point(evse=evse, charge_point_id=charge_point_id)
    return evse


def create_connector(
    *, evse: Evse, standard: str, power_type: str, max_kw: Decimal, tariff: Tariff | None = None, **facts: Any
) -> Connector:
    """The next plug of this EVSE: next free letter of the station, next OCPP number of the EVSE."""
    painted = Connector.objects.filter(evse__station=evse.station_id).values_list("letter", flat=True)
    facts.setdefault("letter", next(free_letters(painted)))
    facts.setdefault("ocpp_connector_id", evse.connectors.count() + 1)
    facts.setdefault("code", f"{evse.code}-{facts['letter'].lower()}")
    connector = Connector(
        evse=evse, standard=standard, power_type=power_type, max_kw=max_kw, tariff=tariff, **facts
    )
    return _checked_and_saved(connector)


def letter_of(position: int) -> str:
    """0 → A, 25 → Z, 26 → AA, 702 → AAA; enough for 18 278 plugs."""
    before, last = divmod(position, 26)
    return (letter_of(before - 1) if before else "") + chr(65 + last)


def free_letters(painted: Iterable[str]) -> Iterator[str]:
    """The letters that no plug of a station has, one after the other."""
    taken = set(painted)
    return (letter for letter in map(letter_of, count()) if letter not in taken)


def update_operator(*, operator: Operator, **changes: Any) -> Operator:
    return _changed(operator, changes)


def update_station(*, station: Station, **changes: Any) -> Station:
    return _changed(station, changes)


def update_evse(*, evse: Evse, label: str) -> Evse:
    return _changed(evse, {"label": label})


def update_connector(*, connector: Connector, **changes: Any) -> Connector:
    return _changed(connector, changes)


@transaction.atomic
def set_charge_point(*, evse: Evse, charge_point_id: str) -> Evse:
    """Say which box this EVSE sits in. Several EVSEs may share a box if their connector numbers differ."""
    _changed(evse, {"charge_point_id": charge_point_id})
    numbers = evse.connectors.values("ocpp_connector_id")
    others = Connector.objects.filter(evse__charge_point_id=charge_point_id).exclude(evse=evse)
    if charge_point_id and others.filter(ocpp_connector_id__in=numbers).exists():
        raise PlacedElsewhere(_("Another EVSE already has this connector of the charge point."))
    return evse


def assign_staff(*, user: User, operator: Operator, role: str) -> Staff:
    """One person works for one operator; assigning again moves them or changes the role."""
    staff = Staff.objects.filter(user=user).first() or Staff(user=user)
    staff.operator, staff.role = operator, role
    return _checked_and_saved(staff)


def dismiss_staff(*, staff: Staff) -> None:
    staff.delete()


@transaction.atomic
def publish_tariff(
    *, operator: Operator, code: str, name: str, energy_rate: Decimal | None = None, **terms: Any
) -> Tariff:
    """A new version; plugs that had an older one get it. Saying the same terms again changes nothing.

    With `elements` the simple prices are taken from them.
    """
    # One publisher at a time, so that versions do not race.
    Operator.objects.select_for_update().get(pk=operator.pk)
    newest = Tariff.objects.filter(operator=operator, code=code).order_by("-version").first()
    version = newest.version + 1 if newest else 1
    terms.setdefault("currency", operator.currency)
    tariff = Tariff(
        operator=operator, code=code, version=version, name=name, energy_rate=energy_rate, **terms
    )
    if tariff.elements:
        _tell_dearest(tariff)
    tariff.full_clean()
    if newest and _says_the_same(newest, tariff):
        return newest
    tariff.save()
    Connector.objects.filter(tariff__operator=operator, tariff__code=code).update(tariff=tariff)
    return tariff


def _tell_dearest(tariff: Tariff) -> None:
    """Who reads only one price per kWh and one fee must not be told less than they may have to pay."""
    try:
        rules = tariff.rules("UTC")
    except TariffFault as fault:
        raise ValidationError({field_of(fault): words_of(fault)}) from fault

    tariff.energy_rate, tariff.session_fee = dearest(rules, Kind.ENERGY), dearest(rules, Kind.FLAT)


def create_slot_policy(*, operator: Operator, station: Station | None = None, **rules: Any) -> SlotPolicy:
    """What may be reserved at this station, or at all of the operator's that have no policy of their own."""
    return _checked_and_saved(SlotPolicy(operator=operator, station=station, **rules))


def update_slot_policy(*, policy: SlotPolicy, **changes: Any) -> SlotPolicy:
    """For what is reserved from now on: each deal keeps the rules it began with."""
    return _changed(policy, changes)


def _says_the_same(one: Tariff, other: Tariff) -> bool:
    return one.name == other.name and one.rules("UTC") == other.rules("UTC")


@transaction.atomic
def record_connector_status(
    *, connector: Connector, status: str, at: datetime, source: str, seen_at: datetime
) -> bool:
    """What was told of a plug for the moment `at`, heard at `seen_at`. True when its status really changed.

    A report for an earlier moment than the newest one is only a proof of life.
    """
    at = _believable(at, seen_at)
    plug = Connector.objects.filter(pk=connector.pk)
    _saw(plug, seen_at)
    news = plug.filter(Q(status_told_at__isnull=True) | Q(status_told_at__lte=at))
    told = {"status_told_at": at, "status_source": source}
    changed = news.exclude(status=status).update(
        status=Connector.Status(status), status_changed_at=at, **told
    )
    if not changed:
        news.filter(status=status).update(**told)
    connector.refresh_from_db(
        fields=["status", "status_changed_at", "status_told_at", "status_source", "last_seen_at"]
    )
    return bool(changed)


def _believable(at: datetime, heard_at: datetime) -> datetime:
    """A clock that is ahead or was never set tells nothing: then the moment we heard it counts."""
    return heard_at if at > heard_at or heard_at - at > CLOCK_IS_NOT_SET else at


def record_charge(*, connector: Connector, energy_kwh: Decimal, ended_at: datetime) -> bool:
    """A charge at this plug is over. True when it is the newest that brought energy; one without proves nothing."""
    if energy_kwh <= 0:
        return False
    at = _believable(ended_at, clock.now())
    plug = Connector.objects.filter(pk=connector.pk)
    news = plug.filter(Q(last_charge_at__isnull=True) | Q(last_charge_at__lt=at))
    return bool(news.update(last_charge_at=at))


def record_contact(*, charge_point_id: str, seen_at: datetime) -> int:
    """The box is alive, and so are its plugs. Number of plugs that this was news for."""
    if not charge_point_id:
        return 0
    return _saw(Connector.objects.filter(evse__charge_point_id=charge_point_id), seen_at)


def _saw(plugs: models.QuerySet[Connector], seen_at: datetime) -> int:
    return plugs.filter(Q(last_seen_at__isnull=True) | Q(last_seen_at__lt=seen_at)).update(
        last_seen_at=seen_at
    )


# --- What the network asks --------------------------------------------------------------------------


def answer_search(*, inbound: Inbound) -> int:
    """One or several on_search, all with the message_id of the search; an empty one when nothing matches."""
    now = clock.now()
    found = find(network.read_criteria(inbound.body.intent, now), now)
    pages = 0
    for catalog in network.catalogs(found, now):
        outbox.reply(inbound, "on_search", wire.OnSearchMessage(catalog=catalog))
        pages += 1
    return pages


def answer_rating_categories(*, inbound: Inbound) -> None:
    categories = wire.RatingCategoriesMessage(rating_categories=network.RATING_CATEGORIES)
    outbox.reply(inbound, "rating_categories", categories)


def answer_support(
    *, inbound: Inbound, operator: Operator | None = None, place: dict[str, str] | None = None
) -> None:
    """Contacts of `operator`, else of the one that the reference belongs to; the reference is echoed byte for byte.

    What is about an order (then `place` says where) or a place of ours opens a ticket, whose link goes along.
    """
    ref_id = inbound.body.support.ref_id or ""
    operator = operator or operator_of_reference(ref_id)
    if operator is None:
        raise UnknownReference(_("No order, station or plug of ours has this reference."))
    contact = {name: text for name in ("phone", "email") if (text := getattr(operator, name))}
    place = place or place_of_reference(ref_id)
    if place:
        contact["url"] = _open_ticket(inbound, ref_id, operator, dict(contact), place)
    if not contact:
        raise NobodyToCall(_("There is no support contact for this reference."))
    outbox.reply(inbound, "on_support", wire.OnSupportMessage(support=wire.Support(ref_id=ref_id, **contact)))


def _open_ticket(
    inbound: Inbound, ref_id: str, operator: Operator, contact: dict[str, str], place: dict[str, str]
) -> str:
    """Tickets serve both wings and belong to neither: the desk is told by wiring, and answers with a link."""
    return wiring.handler("EVENTS", "help.asked")(
        inbound=inbound,
        reference=ref_id,
        operator_code=operator.code,
        operator_name=operator.name,
        contact=contact,
        place=place,
    )


def _changed(row: Row, changes: dict[str, Any]) -> Row:
    for field, value in changes.items():
        setattr(row, field, value)
    row.full_clean()
    row.save(update_fields=list(changes))
    return row


def _checked_and_saved(row: Row) -> Row:
    row.full_clean()
    row.save()
    return row
