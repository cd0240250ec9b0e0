"""Writes the known vehicles that a format yields: in batches of their own transactions, and only what differs.

A run that is interrupted has written whole batches; running it again finishes the rest. Rows of our own list are never
touched, and what left the file stays: drivers may have chosen it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.db import transaction

from apps.accounts.importers.open_ev_data import SkippedRow, VehicleRow
from apps.accounts.models import VehicleModel

BATCH = 200
SOURCE = VehicleModel.Source.OPEN_EV_DATA


@dataclass
class Summary:
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: list[SkippedRow] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)
    last: int = 0  # the vehicle up to which all is kept

    @property
    def vehicles(self) -> int:
        return self.created + self.updated + self.unchanged


def write_vehicles(
    *,
    records: Iterable[VehicleRow | SkippedRow],
    summary: Summary,
    progress: Callable[[int], object] = lambda number: None,
) -> None:
    """Fill `summary` as batches are committed: it is right at whatever moment this is interrupted."""
    waiting: list[VehicleRow] = []
    for record in records:
        if isinstance(record, SkippedRow):
            summary.skipped.append(record)
        else:
            waiting.append(record)
        if len(waiting) == BATCH:
            _write_batch(waiting, summary)
            waiting = []
            progress(record.number)
    if waiting:
        _write_batch(waiting, summary)


def _write_batch(rows: list[VehicleRow], summary: Summary) -> None:
    new: list[VehicleModel] = []
    changed: list[VehicleModel] = []
    ours: list[SkippedRow] = []
    with transaction.atomic():
        makes = {row.facts["make"] for row in rows}
        near = list(VehicleModel.objects.filter(make__in=makes))
        known = {_key(model): model for model in near if model.source == SOURCE}
        built_in = {
            (*_key(model)[:3], year) for model in near if model.source != SOURCE for year in model.years
        }
        for row in rows:
            if row.key in built_in:
                ours.append(
                    SkippedRow(row.number, " ".join(map(str, row.key)), "in the built-in list already")
                )
            elif row.key not in known:
                new.append(VehicleModel(source=SOURCE, **row.facts))
            elif _differs(known[row.key], row):
                changed.append(known[row.key])
        VehicleModel.objects.bulk_create(new, batch_size=BATCH)
        if changed:
            VehicleModel.objects.bulk_update(changed, list(rows[0].facts), batch_size=BATCH)
    summary.created += len(new)
    summary.updated += len(changed)
    summary.unchanged += len(rows) - len(new) - len(changed) - len(ours)
    summary.skipped += ours
    summary.notes += [(row.number, note) for row in rows for note in row.notes]
    summary.last = rows[-1].number


def _key(model: VehicleModel) -> tuple:
    return model.make, model.model, model.trim, model.year_from


def _differs(model: VehicleModel, row: VehicleRow) -> bool:
    changes = {name: value for name, value in row.facts.items() if getattr(model, name) != value}
    for name, value in changes.items():
        setattr(model, name, value)
    return bool(changes)
