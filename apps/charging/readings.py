"""Meter readings: stored as told, counted by the charger's own time, whatever order and however often they arrive."""

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import OuterRef, QuerySet, Subquery

from apps.catalog.models import Connector
from apps.charging import factors, metering
from apps.charging.models import MeterReading, Session
from apps.ocpp.events import Reading

FIGURES = ("power_w", "soc_percent", "current_a", "voltage_v")
# Beyond these a figure is noise and is left out; the places are those of the columns.
RANGES = {
    "register_wh": (Decimal(0), Decimal(10) ** 12, Decimal("0.001")),
    "power_w": (Decimal(-(10**8)), Decimal(10) ** 8, Decimal("0.1")),
    "soc_percent": (Decimal(0), Decimal(100), Decimal("0.1")),
    "current_a": (Decimal(-(10**5)), Decimal(10) ** 5, Decimal("0.01")),
    "voltage_v": (Decimal(-(10**5)), Decimal(10) ** 5, Decimal("0.01")),
}
# What a correction of the meter changes, and its column there.
CORRECTED = {"register_wh": "energy_factor", "power_w": "power_factor"}
# The car wants no more, or the charge is over and the plug not taken out. A pause of the station is not the driver's.
IDLE = (Connector.Status.SUSPENDED_EV, Connector.Status.FINISHING)
BEFORE_START = "before the start"
AFTER_NEXT_START = "belongs to the next session"
AFTER_CLOSE = "after the close"
AFTER_STOP = "after the stop"
MISPLACED = (BEFORE_START, AFTER_NEXT_START, AFTER_CLOSE, AFTER_STOP)
STOP_TAKES = timedelta(seconds=60)  # a charger may need so long; what flows later is not the driver's (AT-A2)


def record(session: Session, readings: Iterable[Reading], *, received_at: datetime) -> bool:
    """Store what is new and count it; False when all of it was known. Call it with `session` locked."""
    over = session.state in (Session.State.CLOSED, Session.State.FAILED)
    told = _one_per_moment(readings)
    known = _known(session, told)
    fresh = [_row(session, told[at], received_at) for at in sorted(told) if at not in known]
    corrected = [] if over else [row for at, row in known.items() if _take_smaller(row, told[at])]
    if not fresh and not corrected:
        return False
    next_start_at = _next_start_at(session)
    corrected_by = factors.of(session)
    for row in fresh:
        row.correction = corrected_by.at(session.real(row.at))
        row.note = AFTER_CLOSE if over else _misplaced(session, row, next_start_at)
    in_order = not corrected and (not session.last_reading_at or fresh[0].at > session.last_reading_at)
    if in_order and not over:
        _count(session, fresh)
    MeterReading.objects.bulk_create(fresh)
    for row in corrected:
        row.save(update_fields=["register_wh", *FIGURES])
    if not in_order and not over:
        count_again(session)
    return True


def _known(session: Session, told: Iterable[datetime]) -> dict[datetime, MeterReading]:
    """The rows of those moments. Of a running session nothing is newer than its last reading."""
    newest = session.last_reading_at if session.state in Session.LIVE else None
    if newest and all(at > newest for at in told):
        return {}
    return {row.at: row for row in session.readings.filter(at__in=told)}


def in_range(name: str, figure: Decimal | None) -> Decimal | None:
    """`figure` as its column keeps it, or None when no meter shows that."""
    lowest, highest, places = RANGES[name]
    sane = figure is not None and figure.is_finite() and lowest <= figure <= highest
    return figure.quantize(places) if sane else None


def _one_per_moment(readings: Iterable[Reading]) -> dict[datetime, Reading]:
    told: dict[datetime, Reading] = {}
    for reading in readings:
        reading = replace(reading, **{name: in_range(name, getattr(reading, name)) for name in RANGES})
        same = told.get(reading.at)
        told[reading.at] = _smaller(same, reading) if same else reading
    return told


def _smaller(one: Reading, other: Reading) -> Reading:
    """Two accounts of one moment: the smaller figure of each, so that the order of arrival does not matter."""
    pairs = {field.name: (getattr(one, field.name), getattr(other, field.name)) for field in fields(Reading)}
    return replace(
        one, **{name: min((v for v in pair if v is not None), default=None) for name, pair in pairs.items()}
    )


def _take_smaller(row: MeterReading, reading: Reading) -> bool:
    changed = False
    for name in ("register_wh", *FIGURES):
        was, told = getattr(row, name), getattr(reading, name)
        if told is not None and (was is None or told < was):
            setattr(row, name, told)
            changed = True
    return changed


def _row(session: Session, reading: Reading, received_at: datetime) -> MeterReading:
    figures = {name: getattr(reading, name) for name in ("register_wh", *FIGURES)}
    return MeterReading(
        session=session,
        at=reading.at,
        at_doubted=reading.at_doubted,
        received_at=received_at,
        is_idle=reading.power_w == 0 and session.connector.status in IDLE,
        **figures,
    )


def with_next_start() -> QuerySet[Session]:
    """Sessions that know when the next car began at their plug: from then on no reading is theirs (AT-D5)."""
    later = Session.objects.filter(
        charge_point_id=OuterRef("charge_point_id"),
        ocpp_connector_id=OuterRef("ocpp_connector_id"),
        started_at__gt=OuterRef("started_at"),
    ).exclude(state=Session.State.FAILED)
    return Session.objects.annotate(
        next_start_at=Subquery(later.order_by("started_at").values("started_at")[:1])
    )


def _next_start_at(session: Session) -> datetime | None:
    """Known already where the session was fetched for its readings."""
    if not hasattr(session, "next_start_at"):
        session.next_start_at = with_next_start().get(pk=session.pk).next_start_at
    return session.next_start_at


def _misplaced(session: Session, row: MeterReading, next_start_at: datetime | None) -> str:
    if row.at < session.started_at:
        return BEFORE_START
    if next_start_at and row.at > next_start_at:
        return AFTER_NEXT_START
    return AFTER_STOP if _is_after_stop(session, row) else ""


def _is_after_stop(session: Session, row: MeterReading) -> bool:
    """By both clocks: the charger's may be wrong, and ours only knows when it came."""
    if session.stop_asked_at is None:
        return False
    until = session.stop_asked_at + STOP_TAKES
    return row.received_at > until and session.real(row.at) > until


def count_again(session: Session) -> None:
    """From the start: something became known that belongs before what was already counted."""
    session.energy_wh, session.register_wh, session.register_at = Decimal(0), None, None
    session.suspect_wh, session.suspect_at, session.last_reading_at = None, None, None
    session.recounts += 1
    for name in FIGURES:
        setattr(session, name, None)
    rows = list(session.readings.order_by("at"))
    before = [_counted(row) for row in rows]
    next_start_at = _next_start_at(session)
    corrected_by = factors.of(session)
    for row in rows:
        row.correction = corrected_by.at(session.real(row.at))
        if row.note != AFTER_CLOSE:
            row.note = _misplaced(session, row, next_start_at)
    _count(session, rows)
    changed = [row for row, was in zip(rows, before, strict=True) if _counted(row) != was]
    MeterReading.objects.bulk_update(changed, ["accepted", "note", "energy_wh", "correction"])


def _counted(row: MeterReading) -> tuple[bool, str, Decimal | None, int | None]:
    return row.accepted, row.note, row.energy_wh, row.correction_id


def as_counted(row: MeterReading, name: str) -> Decimal | None:
    """A figure of `row` as it is counted and shown: what the meter told, put right where the meter is wrong."""
    value = getattr(row, name)
    if row.correction_id is None or name not in CORRECTED:
        return value
    return in_range(name, value and value * getattr(row.correction, CORRECTED[name]))


def _count(session: Session, rows: list[MeterReading]) -> None:
    """Walk `rows`, all later than what was counted, and write what they prove to the session."""
    proof = _proof_of(session)
    for row in rows:
        session.last_reading_at = row.at
        row.accepted, row.energy_wh = not row.note, None
        if row.note:
            continue
        if (register_wh := as_counted(row, "register_wh")) is not None:
            mark = metering.Mark(register_wh, row.at)
            # AT-D4: a charger that did not tell its register at the start began with the first that it tells.
            proof = proof or metering.begin(mark.register_wh, mark.at)
            proof, verdict = metering.step(proof, mark, session.rated_kw)
            row.accepted, row.note = verdict.accepted, verdict.note
            row.energy_wh = proof.energy_wh if verdict.accepted else None
        for name in FIGURES:
            if (figure := as_counted(row, name)) is not None:
                setattr(session, name, figure)
    if proof is not None:
        session.energy_wh = proof.energy_wh
        session.register_wh, session.register_at = proof.base.register_wh, proof.base.at
        session.suspect_wh = proof.suspect and proof.suspect.register_wh
        session.suspect_at = proof.suspect and proof.suspect.at
    session.save(
        update_fields=[
            *("energy_wh", "register_wh", "register_at", "suspect_wh", "suspect_at", "last_reading_at"),
            *("recounts", "counted_start_wh"),
            *FIGURES,
        ]
    )


def _proof_of(session: Session) -> metering.Proof | None:
    """None while no register is known."""
    if session.register_at is None:
        proof = _start_of(session, factors.of(session))
        session.counted_start_wh = proof and proof.base.register_wh
        return proof
    suspect = session.suspect_at and metering.Mark(session.suspect_wh, session.suspect_at)
    return metering.Proof(session.energy_wh, metering.Mark(session.register_wh, session.register_at), suspect)


def counted_anew(session: Session) -> Iterator[tuple[datetime, Decimal, bool | None]]:
    """(at, energy proved, was it idle) by the corrections of today; of a closed session this changes nothing."""
    corrected_by = factors.of(session)
    proof = _start_of(session, corrected_by)
    for row in session.readings.exclude(note__in=MISPLACED).order_by("at"):
        row.correction = corrected_by.at(session.real(row.at))
        register_wh = as_counted(row, "register_wh")
        if register_wh is None:
            continue
        mark = metering.Mark(register_wh, row.at)
        proof, verdict = metering.step(proof or metering.begin(register_wh, row.at), mark, session.rated_kw)
        if verdict.accepted:
            yield row.at, proof.energy_wh, None if row.power_w is None else row.is_idle


def _start_of(session: Session, corrected_by: factors.Factors) -> metering.Proof | None:
    """None where the charger did not tell its register at the start."""
    if session.meter_start_wh is None:
        return None
    correction = corrected_by.at(session.real(session.started_at))
    factor = correction.energy_factor if correction else factors.ONE
    start_wh = in_range("register_wh", session.meter_start_wh * factor)
    return None if start_wh is None else metering.begin(start_wh, session.started_at)
