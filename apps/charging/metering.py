"""How much energy a row of meter readings proves. Pure: the same readings prove the same energy.

The fold walks the readings by the charger's own time. `Proof` is what it remembers between two of them: the energy so
far, the last good reading (base), and a reading that did not fit (suspect) until the next one tells whether the meter
jumped for good or only hiccupped. Where two stories are possible the one that costs the driver less is taken (AT-D1,
AT-D2, AT-D4).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

TOLERANCE = Decimal("1.05")
SLACK_WH = Decimal(50)  # registers of many chargers step in tenths of a kWh
# Registers roll over at a power of ten or at 32 bits; within the last hundredth before it a drop is a rollover.
REGISTER_SIZES = (*(Decimal(10) ** digits for digits in range(6, 11)), Decimal(2) ** 32)

JUMP = "jump"
DROP = "drop"
ROLLOVER = "rollover"
REPLACED = "register replaced"


@dataclass(frozen=True)
class Mark:
    register_wh: Decimal
    at: datetime


@dataclass(frozen=True)
class Proof:
    energy_wh: Decimal
    base: Mark
    suspect: Mark | None = None


@dataclass(frozen=True)
class Verdict:
    accepted: bool
    note: str = ""


def begin(meter_start_wh: Decimal, at: datetime) -> Proof:
    return Proof(energy_wh=Decimal(0), base=Mark(meter_start_wh, at))


def step(proof: Proof, mark: Mark, rated_kw: Decimal) -> tuple[Proof, Verdict]:
    """`proof` after one more reading, and what became of that reading."""
    stories = []
    if (delta := _plausible_wh(proof.base, mark, rated_kw)) is not None:
        stories.append((delta, Verdict(True)))
    elif (delta := _rolled_over_wh(proof.base, mark, rated_kw)) is not None:
        stories.append((delta, Verdict(True, ROLLOVER)))
    if proof.suspect and (delta := _plausible_wh(proof.suspect, mark, rated_kw)) is not None:
        stories.append((delta, Verdict(True, REPLACED)))
    if not stories:
        note = DROP if mark.register_wh < proof.base.register_wh else JUMP
        return replace(proof, suspect=mark), Verdict(False, note)
    delta, verdict = min(stories, key=lambda story: story[0])
    return Proof(energy_wh=proof.energy_wh + delta, base=mark), verdict


def _most_wh(earlier: Mark, later: Mark, rated_kw: Decimal) -> Decimal:
    seconds = Decimal(max(0, int((later.at - earlier.at).total_seconds() * 1000))) / 1000
    return rated_kw * 1000 * seconds / 3600 * TOLERANCE + SLACK_WH


def _plausible_wh(earlier: Mark, later: Mark, rated_kw: Decimal) -> Decimal | None:
    delta = later.register_wh - earlier.register_wh
    return delta if 0 <= delta <= _most_wh(earlier, later, rated_kw) else None


def _rolled_over_wh(earlier: Mark, later: Mark, rated_kw: Decimal) -> Decimal | None:
    for size in REGISTER_SIZES:
        if size * Decimal("0.99") <= earlier.register_wh < size:
            delta = size - earlier.register_wh + later.register_wh
            if later.register_wh < earlier.register_wh and delta <= _most_wh(earlier, later, rated_kw):
                return delta
    return None
