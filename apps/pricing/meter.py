"""The running bill: takes one reading after the other and remembers only what the rest of the bill needs.

Between two readings energy flows evenly. Where a restriction begins or ceases to apply between them the stretch is cut
there, exactly: cut instants are whole microseconds, cut energies whole billionths of a kWh, both rounded down from the
exact point, so that a reading more or less on the same straight line changes nothing.

A reading that passes no mark of the tariff costs three comparisons.
"""

from bisect import bisect_right
from collections.abc import Iterable
from copy import copy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, Self

from apps.pricing.bill import Bill, Key, Stretch, make
from apps.pricing.readings import MICROSECOND, NO_LIMITS, Backwards, Limit, Limits, Line, Phase, Reading
from apps.pricing.tariff import Element, Kind, Reserves, Tariff
from apps.pricing.wall import NEVER, next_mark

MICROSECONDS_PER_HOUR = Decimal(3_600_000_000)
NOBODY_MEASURED = Decimal("Infinity")
ZERO = Decimal(0)


class _Conditions(NamedTuple):
    """What restrictions ask of a stretch besides time and energy; power and current as the mark they have passed."""

    phase: Phase
    power: Decimal
    current: Decimal | None


class Meter:
    """Not for two threads. `copy.copy` is a second meter that goes its own way from here."""

    __slots__ = (
        *("tariff", "limits", "begins_at", "at", "kwh", "reached"),
        *("_conditions", "_since_at", "_since_kwh", "_active", "_used", "_last"),
        *("_origin", "_turned_at", "_grace", "_until_at", "_until_kwh", "_is_watched", "_bill"),
        *("_spared_until", "is_full", "_counts_money"),
    )

    def __init__(self, tariff: Tariff, begins_at: datetime, limits: Limits = NO_LIMITS) -> None:
        begins_at = begins_at.astimezone(UTC)
        self.tariff, self.limits = tariff, limits
        self.begins_at = self.at = self._origin = self._turned_at = self._since_at = begins_at
        self.kwh = self._since_kwh = ZERO
        self.reached: Limit | None = None
        self._conditions: _Conditions | None = None
        self._active: tuple[Key, ...] = ()
        self._used: dict[Key, Stretch] = {}
        self._last: dict[Kind, Key] = {}
        self._grace = timedelta(seconds=tariff.parking_grace)
        # After the end: how far nothing is to be paid; and whether nothing at all counts any more.
        self._spared_until: datetime | None = None
        self.is_full = False
        self._prepare()

    def _prepare(self) -> None:
        self._bill: Bill | None = None
        marks = self.tariff.thresholds
        self._counts_money = self.limits.money is not None or self.limits.most is not None
        self._is_watched = bool(marks.powers or marks.currents or self._counts_money)
        self._until_at, self._until_kwh = self.at, self.kwh

    def __copy__(self) -> Self:
        twin = object.__new__(type(self))
        for name in self.__slots__:
            setattr(twin, name, getattr(self, name))
        twin._used, twin._last = dict(self._used), dict(self._last)
        return twin

    @property
    def phase(self) -> Phase | None:
        """Of the last stretch."""
        return self._conditions and self._conditions.phase

    @property
    def charge_began_at(self) -> datetime:
        """After what was reserved before it."""
        return self.at if self.phase is None or _is_before(self.phase) else self._origin

    def read(self, reading: Reading) -> None:
        """One reading more. After a limit was reached only parking counts."""
        at, kwh = reading.at, reading.kwh
        if self.reached is not None:
            return self._read_after_end(reading)
        if at.tzinfo is not UTC:
            at = at.astimezone(UTC)
            reading = reading._replace(at=at)
        if at < self.at or kwh < self.kwh:
            raise Backwards(f"{at} {kwh} kWh after {self.at} {self.kwh} kWh")
        if (
            at < self._until_at
            and kwh < self._until_kwh
            and not self._is_watched
            and self._conditions is not None
            and reading.phase is self._conditions.phase
        ):
            self.at, self.kwh, self._bill = at, kwh, None
        else:
            self._read_closely(reading)

    def _read_after_end(self, reading: Reading) -> None:
        """What flows after the end is nobody's; a car that stands on, stands on."""
        at = reading.at.astimezone(UTC)
        if at <= (spared_until := self._spared_until or self.at) or self.is_full:
            return
        if reading.phase is not Phase.PARKED:
            self._spared_until = at
            return
        if spared_until > self.at:
            self._read_closely(Reading(spared_until, self.kwh, Phase.SPARED))
        self._spared_until = None
        self._read_closely(Reading(at, self.kwh, Phase.PARKED))

    def _read_closely(self, reading: Reading) -> None:
        was_over = self.reached is not None
        before = copy(self) if self._counts_money else None
        self._walk(reading)
        if before is not None and self._is_too_dear():
            self._become(before._most_within(reading))
        if (
            self.reached is not None and not was_over
        ):  # inside this stretch: the rest of it comes after the end
            self._read_after_end(reading)

    def _is_too_dear(self) -> bool:
        most, money = self.limits.most, self.limits.money
        if most is None:
            return money is not None and self.bill().total > money
        return self.bill().total > most or (money is not None and self._without_parking() > money)

    def _without_parking(self) -> Decimal:
        used, last = self._so_far()
        if Kind.PARKING_TIME not in last:
            return self.bill().total
        used = {key: stretch for key, stretch in used.items() if key.kind is not Kind.PARKING_TIME}
        del last[Kind.PARKING_TIME]
        return make(self.tariff, used, last, delivered=self.kwh > 0).total

    def _most_within(self, reading: Reading) -> Self:
        """The state at the last instant before `reading` that is not too dear."""
        best, low = self, 0
        high = (reading.at - self.at) // MICROSECOND
        while high - low > 1:
            middle = (low + high) // 2
            probe = copy(self)
            probe._walk(reading, stop_at=self.at + middle * MICROSECOND)
            if probe._is_too_dear():
                high = middle
            else:
                best, low = probe, middle
        # Once the charge was over, it was the parking that used up the last of it.
        best.is_full = self.reached is not None
        best.reached = best.reached or Limit.MONEY
        return best

    def _become(self, other: Self) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(other, name))

    # --- Cutting a stretch where something changes -----------------------------------------------------

    def _walk(self, reading: Reading, stop_at: datetime | None = None) -> None:
        self._bill = None
        if reading.at == self.at and reading.kwh == self.kwh and not _is_before(reading.phase):
            return
        was_over = self.reached is not None
        line = Line(self.at, self.kwh, reading)
        conditions = self._conditions_of(reading)
        if conditions != self._conditions:
            self._turn(conditions)
        end = (reading.at, reading.kwh) if stop_at is None else (stop_at, line.kwh_at(stop_at))
        while (was_over or self.reached is None) and (cut := self._next_cut(line, *end)):
            self.at, self.kwh = cut
            self._turn(conditions)
        if was_over or self.reached is None:
            self.at, self.kwh = end
            self._look_at_limits()

    def _conditions_of(self, reading: Reading) -> _Conditions:
        marks = self.tariff.thresholds
        power, current = ZERO, reading.current_a
        if marks.powers:
            passed = reading.kwh - self.kwh
            spent = (reading.at - self.at) // MICROSECOND
            power = _newest(
                [mark for mark in marks.powers if passed * MICROSECONDS_PER_HOUR >= mark * spent and passed]
            )
        if current is not None:
            current = _newest(marks.currents[: bisect_right(marks.currents, current)])
        return _Conditions(reading.phase, power, current if marks.currents else None)

    def _next_cut(self, line: Line, at: datetime, kwh: Decimal) -> tuple[datetime, Decimal] | None:
        """The first mark on `line` before the point (at, kwh); who applies may change there."""
        if at > self._until_at and (then_kwh := line.kwh_at(self._until_at)) <= self._until_kwh:
            return self._until_at, then_kwh
        if kwh > self._until_kwh:
            return line.reaches(self._until_kwh), self._until_kwh
        return None

    def _turn(self, conditions: _Conditions) -> None:
        """Here and now another set of components may begin to apply."""
        if self.phase is Phase.PARKED:
            self._grace = max(timedelta(0), self._grace - (self.at - self._turned_at))
        if self._conditions is None or _is_before(self._conditions.phase) != _is_before(conditions.phase):
            self._origin = self.at
        self._conditions, self._turned_at = conditions, self.at
        active = tuple(self._applying())
        if active != self._active:
            self._close()
            self._active, self._since_at, self._since_kwh = active, self.at, self.kwh
        self._look_ahead()
        self._look_at_limits()

    def _applying(self) -> Iterable[Key]:
        phase = self._conditions.phase
        kinds = [Kind.FLAT] if phase is Phase.EXPIRED else [Kind.TIME, Kind.FLAT]
        if not _is_before(phase):
            of_time = {Phase.SPARED: [], Phase.PARKED: [] if self._grace else [Kind.PARKING_TIME]}
            kinds = [Kind.ENERGY, *of_time.get(phase, [Kind.TIME]), Kind.FLAT]
        fitting = [(n, element) for n, element in enumerate(self.tariff.elements) if self._fits(element)]
        for kind in kinds:
            number = next((n for n, element in fitting if kind in element.by_kind), None)
            if number is None:
                continue
            if kind is Kind.FLAT:
                self._owe_once(Key(number, kind))
            else:
                yield Key(number, kind)

    def _owe_once(self, key: Key) -> None:
        """Each fee once; of fees that differ by the wall clock only, that of the beginning."""
        rule = self.tariff.elements[key.element].restrictions
        same_sort = (
            found
            for found in self._used
            if found.kind is Kind.FLAT
            and self.tariff.elements[found.element].restrictions.reservation == rule.reservation
            and not self.tariff.elements[found.element].restrictions.comes_later
        )
        if key not in self._used and (rule.comes_later or not any(same_sort)):
            self._used[key] = Stretch(Decimal(1), self.at, self.at)

    def _fits(self, element: Element) -> bool:
        rule, found = element.restrictions, self._conditions
        wanted = {Phase.RESERVED: Reserves.RESERVATION, Phase.EXPIRED: Reserves.EXPIRES}.get(found.phase)
        if rule.reservation != wanted:
            return False
        lasted = (self.at - self._origin) // MICROSECOND
        return (
            _within(rule.min_kwh, self.kwh, rule.max_kwh)
            and _within(rule.min_power, found.power, rule.max_power)
            and _within(rule.min_current, found.current, rule.max_current)
            and _within(rule.min_duration, lasted / Decimal(1_000_000), rule.max_duration)
            and (not rule.has_wall_clock or rule.allow_wall(self.at.astimezone(self.tariff.tz)))
        )

    def _close(self) -> None:
        for key, stretch in self._open():
            before = self._used.get(key)
            self._used[key] = before.then(stretch) if before else stretch
            self._last[key.kind] = key

    def _open(self) -> Iterable[tuple[Key, Stretch]]:
        """What the components that apply now have been used for since they began to."""
        seconds = Decimal((self.at - self._since_at) // MICROSECOND).scaleb(-6)
        for key in self._active:
            volume = self.kwh - self._since_kwh if key.kind is Kind.ENERGY else seconds
            if volume:
                yield key, Stretch(volume, self._since_at, self.at)

    def _look_ahead(self) -> None:
        """Until when and up to which energy nothing can change."""
        marks, limits = self.tariff.thresholds, self.limits
        ends = [next_mark(self.at, marks.clock, self.tariff.zone)]
        ends += [self._origin + mark for mark in marks.durations]
        if limits.seconds is not None and not _is_before(self._conditions.phase):
            ends.append(self._origin + timedelta(seconds=limits.seconds))
        if self.phase is Phase.PARKED and self._grace:
            ends.append(self.at + self._grace)
        steps = [*marks.kwh, *([] if limits.kwh is None else [limits.kwh])]
        self._until_at = min((end for end in ends if end > self.at), default=NEVER)
        self._until_kwh = min((step for step in steps if step > self.kwh), default=NOBODY_MEASURED)

    def _look_at_limits(self) -> None:
        if self.reached is not None:
            return
        limits, begun = self.limits, self._conditions and not _is_before(self._conditions.phase)
        if limits.kwh is not None and self.kwh >= limits.kwh:
            self.reached = Limit.ENERGY
        elif (
            begun
            and limits.seconds is not None
            and self.at >= self._origin + timedelta(seconds=limits.seconds)
        ):
            self.reached = Limit.TIME

    # --- What it costs, and remembering it -----------------------------------------------------------------

    def bill(self) -> Bill:
        """So far. Costs the same however many readings there were."""
        if self._bill is None:
            self._bill = self._make_bill()
        return self._bill

    def _make_bill(self) -> Bill:
        used, last = self._so_far()
        return make(self.tariff, used, last, delivered=self.kwh > 0)

    def _so_far(self) -> tuple[dict[Key, Stretch], dict[Kind, Key]]:
        used, last = dict(self._used), dict(self._last)
        for key, stretch in self._open():
            before = used.get(key)
            used[key] = before.then(stretch) if before else stretch
            last[key.kind] = key
        return used, last

    def to_json(self) -> dict[str, Any]:
        """All that a process that never saw the readings needs to go on; without the tariff and the limits."""
        conditions = self._conditions
        return {
            "begins_at": self.begins_at.isoformat(),
            "at": self.at.isoformat(),
            "kwh": str(self.kwh),
            "reached": self.reached,
            "after_end": [self._spared_until and self._spared_until.isoformat(), self.is_full],
            "conditions": conditions and [*map(_text, conditions)],
            "since": [self._since_at.isoformat(), str(self._since_kwh)],
            "active": [list(key) for key in self._active],
            "used": [[*key, *stretch.to_json()] for key, stretch in self._used.items()],
            "last": [list(key) for key in self._last.values()],
            "origin": self._origin.isoformat(),
            "turned_at": self._turned_at.isoformat(),
            "grace_us": self._grace // MICROSECOND,
            # Not to be found again from the rest: a reading may stand exactly on a mark that is still to be turned at.
            "until": [self._until_at.isoformat(), str(self._until_kwh)],
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any], tariff: Tariff, limits: Limits = NO_LIMITS) -> Self:
        meter = cls(tariff, datetime.fromisoformat(kept["begins_at"]), limits)
        meter.at, meter.kwh = datetime.fromisoformat(kept["at"]), Decimal(kept["kwh"])
        meter.reached = Limit(kept["reached"]) if kept["reached"] else None
        spared_until, meter.is_full = kept.get("after_end", (None, False))
        meter._spared_until = spared_until and datetime.fromisoformat(spared_until)
        meter._since_at = datetime.fromisoformat(kept["since"][0])
        meter._since_kwh = Decimal(kept["since"][1])
        meter._active = tuple(_key(pair) for pair in kept["active"])
        meter._used = {_key(row[:2]): Stretch.from_json(row[2:]) for row in kept["used"]}
        meter._last = {Kind(pair[1]): _key(pair) for pair in kept["last"]}
        meter._origin = datetime.fromisoformat(kept["origin"])
        meter._turned_at = datetime.fromisoformat(kept["turned_at"])
        meter._grace = kept["grace_us"] * MICROSECOND
        meter._until_at = datetime.fromisoformat(kept["until"][0])
        meter._until_kwh = Decimal(kept["until"][1])
        if kept["conditions"]:
            phase, power, current = kept["conditions"]
            meter._conditions = _Conditions(
                Phase(phase), Decimal(power), None if current is None else Decimal(current)
            )
        return meter


def price(
    tariff: Tariff, begins_at: datetime, readings: Iterable[Reading], limits: Limits = NO_LIMITS
) -> Meter:
    """The meter after all `readings`: the batch is the running total, told at once."""
    meter = Meter(tariff, begins_at, limits)
    for reading in readings:
        meter.read(reading)
    return meter


def _is_before(phase: Phase) -> bool:
    """Of the time before the car."""
    return phase in (Phase.RESERVED, Phase.EXPIRED)


def _within(least: Any, found: Any, most: Any) -> bool:
    if least is None and most is None:
        return True
    return found is not None and (least is None or least <= found) and (most is None or found < most)


def _newest(passed: Any) -> Decimal:
    return passed[-1] if passed else ZERO


def _text(said: Phase | Decimal | None) -> str | None:
    return None if said is None else str(said)


def _key(pair: list[Any]) -> Key:
    return Key(pair[0], Kind(pair[1]))
