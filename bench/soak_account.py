"""What was delivered, counted and billed, charge by charge. Every watt-hour that was not billed has a named reason.

A charge is what one token did at one box: the simulators know what truly flowed, the portal's rows what became of it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.foreign.portal import Portal

DISPLAY_WH = Decimal(1)  # a meter shows full watt-hours: its start and its end are each cut off
ROUNDING = "below a watt-hour, at the display and on the bill"
UNEXPLAINED = "UNEXPLAINED"
OVERCHARGED = "BILLED MORE THAN DELIVERED"

COLUMNS = {
    "id": "s.id",
    "box": "s.charge_point_id",
    "token": "s.token",
    "state": "s.state",
    "energy_wh": "s.energy_wh",
    "reference": "s.reference",
    "is_free": "s.is_free",
    "is_estimated": "s.is_estimated",
    "booking": "b.state",
    "delivered_kwh": "b.delivered_kwh",
    "ended_by": "b.ended_by",
}
SESSIONS = "FROM charging_session s LEFT JOIN bookings_booking b ON b.code = s.reference"
NOTES = "SELECT session_id, note FROM charging_meterreading WHERE note <> '' GROUP BY session_id, note"
ORPHANS = "SELECT charge_point_id, token, transaction_id, why FROM charging_orphan"
# Why a reading was kept and not counted (apps/charging/readings.py, metering.py), in the words of this account.
OF_NOTE = {
    "after the stop": "flowed more than a minute after the stop (AT-A2)",
    "after the close": "told after the bill was final",
    "belongs to the next session": "told of a time when the next car was there (AT-D5)",
    "before the start": "told of a time before the start",
    "register replaced": "the meter jumped (AT-D2)",
    "jump": "the meter jumped (AT-D2)",
    "drop": "the meter ran backwards (AT-D1)",
}


@dataclass
class Charge:
    box: str
    token: str
    scenario: str = ""
    delivered_wh: Decimal = Decimal(0)
    unsaid: int = 0
    counted_wh: Decimal = Decimal(0)
    billed_wh: Decimal = Decimal(0)
    sessions: list[dict[str, Any]] = field(default_factory=list)
    notes: set[str] = field(default_factory=set)
    orphaned: str = ""

    @property
    def is_ordered(self) -> bool:
        return any(session["reference"] for session in self.sessions)


@dataclass
class Account:
    charges: list[Charge]
    given_away_wh: dict[str, Decimal]
    cases: Counter[str]
    faults: list[str]

    @property
    def delivered_wh(self) -> Decimal:
        return sum((charge.delivered_wh for charge in self.charges), Decimal(0))

    @property
    def billed_wh(self) -> Decimal:
        return sum((charge.billed_wh for charge in self.charges), Decimal(0))


def draw_up(portal: Portal, told: Iterable[dict[str, Any]]) -> Account:
    charges = list(_gather(portal, told).values())
    given_away: dict[str, Decimal] = defaultdict(Decimal)
    cases: Counter[str] = Counter()
    faults = []
    for charge in charges:
        for reason, wh in _reasons(charge):
            given_away[reason] += wh
            cases[reason] += 1
            if reason in (UNEXPLAINED, OVERCHARGED):
                faults.append(f"{reason}: {wh} Wh: {charge}")
    return Account(charges, dict(given_away), cases, faults)


def _gather(portal: Portal, told: Iterable[dict[str, Any]]) -> dict[tuple[str, str], Charge]:
    charges: dict[tuple[str, str], Charge] = {}

    def of(box: str, token: str) -> Charge:
        return charges.setdefault((box, token), Charge(box, token))

    for one in told:
        charge = of(one["box"], one["token"])
        charge.scenario, charge.unsaid = one["scenario"], one["unsaid"]
        charge.delivered_wh += Decimal(one["delivered_wh"])
    by_id = {}
    for row in portal.rows(f"SELECT {', '.join(COLUMNS.values())} {SESSIONS}"):
        session = dict(zip(COLUMNS, row, strict=True))
        charge = by_id[session["id"]] = of(session["box"], session["token"])
        charge.sessions.append(session)
        charge.counted_wh += session["energy_wh"]
    for charge in charges.values():
        bills = {s["reference"]: s["delivered_kwh"] or 0 for s in charge.sessions if s["reference"]}
        charge.billed_wh = Decimal(1000) * sum(bills.values())
    for session_id, note in portal.rows(NOTES):
        by_id[session_id].notes.add(note)
    for box, token, transaction_id, why in portal.rows(ORPHANS):
        charge = by_id.get(transaction_id) or charges.get((box, token))
        if charge is not None:
            charge.orphaned = why
    return charges


def _reasons(charge: Charge) -> Iterable[tuple[str, Decimal]]:
    """Delivered to counted, counted to billed."""
    if charge.billed_wh > charge.delivered_wh + DISPLAY_WH:
        yield OVERCHARGED, charge.delivered_wh - charge.billed_wh
        return
    lost = charge.delivered_wh - charge.counted_wh
    if abs(lost) > DISPLAY_WH:
        yield _why_not_counted(charge), lost
    else:
        yield ROUNDING, lost
    unbilled = charge.counted_wh - charge.billed_wh
    if unbilled:
        yield _why_not_billed(charge, unbilled), unbilled


def _why_not_counted(charge: Charge) -> str:
    states = {session["state"] for session in charge.sessions}
    if not charge.sessions:
        return f"nobody's: {charge.orphaned}" if charge.orphaned else _never_told(charge)
    for note, reason in OF_NOTE.items():
        if note in charge.notes:
            return reason
    if states == {"FAILED"}:
        return "began after it was given up, and was refused (AT-B2)"
    if any(session["is_estimated"] for session in charge.sessions):
        return "its end was never told: the last good reading counts (AT-D4)"
    return _never_told(charge)


def _never_told(charge: Charge) -> str:
    return "the box could not say it" if charge.unsaid else UNEXPLAINED


def _why_not_billed(charge: Charge, unbilled: Decimal) -> str:
    if not charge.is_ordered:
        return "a card at the charger: no bill"
    if unbilled < DISPLAY_WH:
        return ROUNDING
    if any(session["is_free"] for session in charge.sessions):
        return "a late start that the driver stopped within a minute (AT-B2)"
    if any(session["ended_by"] for session in charge.sessions):
        return "beyond what was ordered"
    if all(session["booking"] in ("CANCELLED", "NO_SHOW", "FAILED") for session in charge.sessions):
        return "its order had ended"
    return UNEXPLAINED
