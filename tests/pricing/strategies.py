"""Random tariffs and sessions for the property tests."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any

from hypothesis import strategies as st

from apps.pricing import Phase, Reading, Tariff, read_tariff
from apps.pricing.tariff import DAYS

ZONES = ("Asia/Kolkata", "Europe/Copenhagen", "America/St_Johns", "UTC")
money = st.decimals(min_value=0, max_value=500, places=2).map(str)
clock = st.sampled_from(["00:00", "02:30", "06:15", "12:00", "22:00", "23:45"])


def kept(**fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Some of the fields, others left out."""
    return st.fixed_dictionaries({}, optional=fields)


def between(name: str, unit: st.SearchStrategy) -> st.SearchStrategy[dict[str, Any]]:
    pairs = st.lists(unit, min_size=2, max_size=2, unique=True).map(sorted)
    both = pairs.map(lambda pair: {f"min_{name}": pair[0], f"max_{name}": pair[1]})
    return st.one_of(
        both, unit.map(lambda least: {f"min_{name}": least}), unit.map(lambda most: {f"max_{name}": most + 1})
    )


hours = st.lists(clock, min_size=2, max_size=2, unique=True).map(
    lambda pair: {"start_time": pair[0], "end_time": pair[1]}
)
days = st.lists(st.sampled_from(DAYS), min_size=1, max_size=6, unique=True).map(
    lambda named: {"day_of_week": named}
)
wall = st.one_of(hours, days)
restrictions = st.one_of(
    st.just({}),
    wall,
    between("kwh", st.integers(1, 60)),
    between("power", st.integers(1, 100)),
    between("duration", st.integers(60, 7200)),
)


@st.composite
def components(draw, kinds: tuple[str, ...], steps: bool) -> list[dict[str, Any]]:
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4, unique=True))
    step = st.sampled_from([0, 1, 60, 300, 1000]) if steps else st.just(0)
    return [{"type": kind, "price": draw(money), "step_size": draw(step)} for kind in chosen]


@st.composite
def tariffs(
    draw,
    *,
    rules: st.SearchStrategy = restrictions,
    steps: bool = True,
    kinds: tuple[str, ...] = ("ENERGY", "TIME", "PARKING_TIME", "FLAT"),
) -> Tariff:
    elements = [
        {"price_components": draw(components(kinds, steps)), "restrictions": draw(rules)}
        for _ in range(draw(st.integers(1, 4)))
    ]
    taxes = [
        {"name": f"T{n}", "percent": str(draw(st.decimals(0, 30, places=2))), "compound": draw(st.booleans())}
        for n in range(draw(st.integers(0, 2)))
    ]
    bounds = {}
    if draw(st.booleans()):
        low, high = sorted(draw(st.tuples(st.integers(0, 100), st.integers(0, 2000))))
        bounds = {"min_price": low, "max_price": high}
    return read_tariff(
        {
            "currency": draw(st.sampled_from(["INR", "JPY", "KWD", "EUR"])),
            "zone": draw(st.sampled_from(ZONES)),
            "elements": elements,
            "taxes": taxes,
            "tax_included": draw(st.booleans()),
            "parking_grace": draw(st.sampled_from([0, 90, 600])),
            "parking_cap": draw(st.sampled_from([None, "0", "2.5", "40"])),
            **bounds,
        }
    )


begin = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 2)).map(  # noqa: DTZ001 - made aware here
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)


@st.composite
def sessions(draw) -> tuple[datetime, list[list[Reading]]]:
    """Straight legs, each as the row of its readings; only the last of a leg is needed to know it."""
    begins_at = draw(begin)
    leg = st.tuples(st.integers(1, 5), st.integers(1, 900), st.integers(0, 4000), st.integers(0, 2))
    legs, at, wh = [], begins_at, 0
    for pieces, seconds, more_wh, parks in draw(st.lists(leg, min_size=1, max_size=6)):
        phase = (Phase.CHARGING, Phase.PARKED, Phase.SPARED)[parks]
        step_wh = 0 if parks else more_wh
        whs = list(accumulate([step_wh] * pieces, initial=wh))[1:]
        row = [
            Reading(at + timedelta(seconds=seconds * (n + 1)), Decimal(whs[n]).scaleb(-3), phase)
            for n in range(pieces)
        ]
        legs.append(row)
        at, wh = row[-1].at, whs[-1]
    return begins_at, legs
