"""Writes what a format yields: in batches of their own transactions, and only what differs.

A run that is interrupted has written whole batches; running it again finishes the rest. The source decides
the facts of a station; what only the operator knows (tariffs and kW set by hand, charge points, a station taken
off the network, a reason for closing) is left alone.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import chain, count

from django.db import transaction
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from apps.catalog.importers.prices import Priced
from apps.catalog.importers.records import (
    CLOSED,
    EvseRow,
    PlugRow,
    SkippedRow,
    StationRow,
    fitting,
)
from apps.catalog.models import Connector, Evse, Operator, Station, StationPhoto, Tariff
from apps.catalog.services import free_letters

BATCH = 200
IMPORTED_PHOTOS_FROM = 100  # places in the row: uploaded ones stand first
PHOTO_FACTS = ("small_link", "width", "height")
LONGEST_CODE = Station._meta.get_field("code").max_length
GONE = "No longer in the imported file"
WITHDRAWN = "Withdrawn by the imported source"
IMPORTED_REASONS = ("", CLOSED, GONE, WITHDRAWN)
# What makes a list unfit to say that a station is gone: who stood there is not known.
DAMAGES = {"row cut off", "cell too long", "too many columns", "not an object", "no usable ID"}
# Every column of Station that a source decides.
PLACE = ("name", "address", "city", "region", "postcode", "country", "lat", "lon", "zone")
FACTS = (*PLACE, "hours", "hours_text", "phone", "network_name", "price_text", "access", "amenities")

PriceOf = Callable[[PlugRow], Priced]


@dataclass(frozen=True)
class Target:
    """Whose stations these become, under which source, and at what price.

    `code_prefix` tells the codes of two sources apart that count their stations alike.
    """

    operator: Operator
    source: str
    price_of: Callable[[StationRow, PlugRow], Priced]
    code_prefix: str = ""

    def code_of(self, row: StationRow) -> str:
        start = f"{self.operator.code}-{self.code_prefix}"
        return start + fitting(row.source_id, LONGEST_CODE - len(start))


@dataclass
class Summary:
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: list[SkippedRow] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)
    seen_ids: set[str] = field(default_factory=set)
    last_line: int = 0
    gone: list[str] = field(default_factory=list)  # source ids
    removed: int = 0
    withdrawn: int = 0  # published stations that the source withdrew
    is_part: bool = False  # the source has more than it gave

    @property
    def stations(self) -> int:
        return self.created + self.updated + self.unchanged

    @property
    def is_whole(self) -> bool:
        """Can we trust that a station missing here is missing in the source?"""
        return not self.is_part and not any(row.reason in DAMAGES for row in self.skipped)


@dataclass
class _Batch:
    """Rows to write, collected while comparing; written in a few statements."""

    new_stations: list[Station] = field(default_factory=list)
    changed_stations: list[Station] = field(default_factory=list)
    new_evses: list[Evse] = field(default_factory=list)
    new_plugs: list[Connector] = field(default_factory=list)
    changed_plugs: list[Connector] = field(default_factory=list)
    new_photos: list[StationPhoto] = field(default_factory=list)
    changed_photos: list[StationPhoto] = field(default_factory=list)
    gone_photos: list[int] = field(default_factory=list)

    @property
    def size(self) -> tuple[int, ...]:
        """It grows with every change."""
        stations, posts = (self.new_stations, self.changed_stations), (self.new_evses, self.new_plugs)
        photos = (self.new_photos, self.changed_photos, self.gone_photos)
        return tuple(map(len, (*stations, *posts, self.changed_plugs, *photos)))


def write_stations(
    *,
    target: Target,
    records: Iterable[StationRow | SkippedRow],
    summary: Summary,
    limit: int | None = None,
    progress: Callable[[int], object] = lambda line: None,
) -> None:
    """Fill `summary` as batches are committed: it is right at whatever moment this is interrupted."""
    waiting: list[StationRow] = []
    withdrawn: list[str] = []
    for record in records:
        line = record.number
        if isinstance(record, SkippedRow):
            summary.skipped.append(record)
            summary.seen_ids.add(record.source_id)
            if record.is_withdrawn:
                withdrawn.append(record.source_id)
            if len(withdrawn) == BATCH:
                _withdraw(target, withdrawn, summary)
                withdrawn = []
            continue
        if limit is not None and summary.stations + len(waiting) >= limit:
            break
        waiting.append(record)
        if len(waiting) == BATCH:
            _write_batch(target, waiting, summary)
            waiting = []
            progress(line)
    if waiting:
        _write_batch(target, waiting, summary)
        progress(waiting[-1].number)
    _withdraw(target, withdrawn, summary)


def note_gone(*, operator: Operator, source: str, summary: Summary) -> None:
    """Which published stations of this source the whole file did not mention."""
    stations = Station.objects.filter(operator=operator, source=source, is_published=True)
    summary.gone = [pk for pk in stations.values_list("source_id", flat=True) if pk not in summary.seen_ids]


def unpublish_gone(*, operator: Operator, source: str, summary: Summary) -> None:
    for start in range(0, len(summary.gone), BATCH):
        ids = summary.gone[start : start + BATCH]
        summary.removed += _unpublish(operator, source, ids, GONE)


def _withdraw(target: Target, ids: list[str], summary: Summary) -> None:
    if ids:
        summary.withdrawn += _unpublish(target.operator, target.source, ids, WITHDRAWN)


def _unpublish(operator: Operator, source: str, ids: list[str], reason: str) -> int:
    with transaction.atomic():
        stations = list(
            Station.objects.filter(operator=operator, source=source, source_id__in=ids, is_published=True)
        )
        for station in stations:
            station.is_published, station.closed_reason = False, reason
        bulk_update_with_history(stations, Station, ["is_published", "closed_reason"])
    return len(stations)


def _write_batch(target: Target, rows: list[StationRow], summary: Summary) -> None:
    with transaction.atomic():
        known = Station.objects.filter(
            operator=target.operator, source=target.source, source_id__in=[row.source_id for row in rows]
        ).prefetch_related("evses__connectors__tariff", "photos")
        stations = {station.source_id: station for station in known}
        batch = _Batch()
        outcomes = Counter(_compare(target, row, stations.get(row.source_id), batch) for row in rows)
        _save(batch)
    summary.created += outcomes["created"]
    summary.updated += outcomes["updated"]
    summary.unchanged += outcomes["unchanged"]
    summary.seen_ids.update(row.source_id for row in rows)
    summary.notes += [(row.number, note) for row in rows for note in row.notes]
    summary.last_line = rows[-1].number


def _save(batch: _Batch) -> None:
    bulk_create_with_history(batch.new_stations, Station, batch_size=BATCH)
    if batch.changed_stations:
        columns = [*FACTS, "is_published", "closed_reason"]
        bulk_update_with_history(batch.changed_stations, Station, columns, batch_size=BATCH)
    Evse.objects.bulk_create(batch.new_evses, batch_size=BATCH)
    Connector.objects.bulk_create(batch.new_plugs, batch_size=BATCH)
    if batch.changed_plugs:
        columns = ["tariff", "is_published", "format", "power_type", "max_kw"]
        Connector.objects.bulk_update(batch.changed_plugs, columns, batch_size=BATCH)
    StationPhoto.objects.filter(pk__in=batch.gone_photos).delete()
    StationPhoto.objects.bulk_create(batch.new_photos, batch_size=BATCH)
    if batch.changed_photos:
        StationPhoto.objects.bulk_update(batch.changed_photos, PHOTO_FACTS, batch_size=BATCH)


def _compare(target: Target, row: StationRow, station: Station | None, batch: _Batch) -> str:
    price_of = partial(target.price_of, row)
    if station is None:
        _add_station(target, row, price_of, batch)
        return "created"
    before = batch.size
    _compare_facts(station, row, batch)
    _compare_evses(station, row, price_of, batch)
    _compare_photos(station, row, batch)
    return "unchanged" if before == batch.size else "updated"


def _compare_facts(station: Station, row: StationRow, batch: _Batch) -> None:
    wanted = dict(row.facts)
    if station.closed_reason in IMPORTED_REASONS:
        wanted["closed_reason"] = row.closed_reason
    if station.closed_reason in (GONE, WITHDRAWN):
        wanted["is_published"] = True  # it is back
    changes = {name: value for name, value in wanted.items() if getattr(station, name) != value}
    if changes:
        for name, value in changes.items():
            setattr(station, name, value)
        batch.changed_stations.append(station)


def _compare_photos(station: Station, row: StationRow, batch: _Batch) -> None:
    """Which links there are says the source; what the operator uploaded, and words they changed, are theirs."""
    if row.photos is None:
        return
    known = {photo.link: photo for photo in station.photos.all() if photo.link} if station.pk else {}
    for place, told in enumerate(row.photos, start=IMPORTED_PHOTOS_FROM):
        photo = known.pop(told.link, None)
        if photo is None:
            batch.new_photos.append(StationPhoto(station=station, position=place, **asdict(told)))
        elif any(getattr(photo, name) != getattr(told, name) for name in PHOTO_FACTS):
            for name in PHOTO_FACTS:
                setattr(photo, name, getattr(told, name))
            batch.changed_photos.append(photo)
    batch.gone_photos += [photo.pk for photo in known.values()]


def _compare_evses(station: Station, row: StationRow, price_of: PriceOf, batch: _Batch) -> None:
    """Add what is new; take off sale what is gone, and back on sale what has come back."""
    known = {evse.code: evse for evse in station.evses.all()}
    wanted = {f"{station.code}-{evse_row.code_part}": evse_row for evse_row in row.evses}
    letters = free_letters(plug.letter for evse in known.values() for plug in evse.connectors.all())
    labels = {evse.label for evse in known.values()}
    for code, evse_row in wanted.items():
        if code not in known:
            _add_evse(station, evse_row, labels, letters, price_of, batch)
    for code, evse in known.items():
        plugs = list(evse.connectors.all())
        pairs, new = _pairs(plugs, wanted[code].plugs if code in wanted else ())
        for plug, plug_row in pairs:
            price = price_of(plug_row) if plug_row else None
            reprice = price and price.is_told and _priced_by_import(plug, station)
            _compare_plug(plug, plug_row, price.tariff if reprice else plug.tariff, batch)
        _add_plugs(evse, new, len(plugs), letters, price_of, batch)


def _pairs(
    plugs: list[Connector], rows: Iterable[PlugRow]
) -> tuple[list[tuple[Connector, PlugRow | None]], list[PlugRow]]:
    """Each plug with what the source says of it now, and what is new: of one standard, the first is the first."""
    waiting = list(rows)
    pairs: list[tuple[Connector, PlugRow | None]] = []
    for plug in sorted(plugs, key=lambda plug: plug.ocpp_connector_id):
        row = next((row for row in waiting if row.standard == plug.standard), None)
        if row:
            waiting.remove(row)
        pairs.append((plug, row))
    return pairs, waiting


def _priced_by_import(plug: Connector, station: Station) -> bool:
    return plug.tariff is None or plug.tariff.code.startswith(f"{station.source}-")


def _compare_plug(plug: Connector, row: PlugRow | None, tariff: Tariff | None, batch: _Batch) -> None:
    wanted: dict[str, object] = {"is_published": row is not None, "tariff": tariff}
    if row and row.is_stated:
        wanted |= {"format": row.format, "power_type": row.power_type, "max_kw": row.max_kw}
    if any(getattr(plug, name) != value for name, value in wanted.items()):
        for name, value in wanted.items():
            setattr(plug, name, value)
        batch.changed_plugs.append(plug)


def _add_station(target: Target, row: StationRow, price_of: PriceOf, batch: _Batch) -> None:
    station = Station(
        operator=target.operator,
        source=target.source,
        source_id=row.source_id,
        code=target.code_of(row),
        closed_reason=row.closed_reason,
        **row.facts,
    )
    batch.new_stations.append(station)
    _compare_photos(station, row, batch)
    letters, labels = free_letters(()), set()
    for evse in row.evses:
        _add_evse(station, evse, labels, letters, price_of, batch)


def _add_evse(
    station: Station,
    row: EvseRow,
    labels: set[str],
    letters: Iterator[str],
    price_of: PriceOf,
    batch: _Batch,
) -> None:
    """`labels` are those of the whole station: a second "1" becomes "1 (2)"."""
    others = (f"{row.label[:13]} ({number})" for number in count(2))
    label = next(label for label in chain([row.label], others) if label not in labels)
    labels.add(label)
    evse = Evse(station=station, label=label, code=f"{station.code}-{row.code_part}")
    batch.new_evses.append(evse)
    _add_plugs(evse, row.plugs, 0, letters, price_of, batch)


def _add_plugs(
    evse: Evse,
    rows: Iterable[PlugRow],
    taken: int,
    letters: Iterator[str],
    price_of: PriceOf,
    batch: _Batch,
) -> None:
    """`letters` are those free in the whole station; connector numbers go on within the EVSE."""
    for connector_id, row in enumerate(rows, start=taken + 1):
        letter = next(letters)
        batch.new_plugs.append(
            Connector(
                evse=evse,
                code=f"{evse.code}-{letter.lower()}",
                letter=letter,
                ocpp_connector_id=connector_id,
                standard=row.standard,
                format=row.format,
                power_type=row.power_type,
                max_kw=row.max_kw,
                tariff=price_of(row).tariff,
            )
        )
