"""What must hold for every tariff and every session (laws 1 and 2, AT-F1)."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from apps.lib.money import round_money
from apps.pricing import Kind, Limits, Meter, Reading, Tariff, price, read_tariff
from tests.pricing.strategies import between, sessions, tariffs, wall

STARTS = datetime(2026, 11, 25, 9, tzinfo=UTC)
ENDS = STARTS + timedelta(hours=1)
tiers = st.one_of(st.just({}), between("kwh", st.integers(1, 60)))


def flat(legs: list[list[Reading]]) -> list[Reading]:
    return [reading for leg in legs for reading in leg]


@given(tariffs(), sessions())
def test_lines_add_up_to_the_total_in_minor_units(rules, session):
    begins_at, legs = session
    bill = price(rules, begins_at, flat(legs)).bill()
    assert sum(line.amount for line in bill.lines) == bill.total >= 0
    assert all(line.amount == round_money(line.amount, rules.currency) for line in bill.lines)
    if rules.tax_included:
        assert sum(share.amount for share in bill.taxes) <= bill.total


@given(tariffs(), sessions(), st.data())
def test_readings_more_or_less_on_the_same_line_change_nothing(rules, session, data):
    begins_at, legs = session
    fewer = [
        reading
        for leg in legs
        for reading in leg
        if reading is leg[-1] or data.draw(st.booleans(), label=f"keep {reading.at}")
    ]
    assert price(rules, begins_at, fewer).bill() == price(rules, begins_at, flat(legs)).bill()


@given(tariffs(), sessions(), st.data())
def test_the_running_total_is_the_receipt(rules, session, data):
    """Told one by one, put away as JSON in between, by a process that never saw the tariff before."""
    begins_at, legs = session
    readings = flat(legs)
    meter = Meter(rules, begins_at)
    for number, reading in enumerate(readings, start=1):
        if data.draw(st.booleans(), label="put away"):
            frozen = read_tariff(json.loads(json.dumps(rules.to_json())))
            meter = Meter.from_json(json.loads(json.dumps(meter.to_json())), frozen)
        meter.read(reading)
        assert meter.bill() == price(rules, begins_at, readings[:number]).bill()


@given(
    tariffs(rules=tiers, steps=False, kinds=("ENERGY", "FLAT")), st.lists(st.integers(0, 90_000), min_size=2)
)
def test_more_energy_never_costs_less(rules, amounts):
    """Whatever the tiers: of two charges the larger is never the cheaper."""
    begins_at = STARTS
    totals = [
        price(rules, begins_at, [Reading(ENDS, Decimal(wh).scaleb(-3))]).bill().total
        for wh in sorted(amounts)
    ]
    assert totals == sorted(totals)


@given(tariffs(rules=st.one_of(st.just({}), wall), steps=False), sessions(), st.integers(1, 5))
def test_more_energy_at_the_same_times_never_costs_less(rules, session, times):
    begins_at, legs = session
    more = [reading._replace(kwh=reading.kwh * times) for reading in flat(legs)]
    assert price(rules, begins_at, flat(legs)).bill().total <= price(rules, begins_at, more).bill().total


@given(tariffs(), sessions(), st.decimals(0, 1000, places=2))
def test_a_limit_of_money_is_never_exceeded(rules, session, money):
    begins_at, legs = session
    meter = price(rules, begins_at, flat(legs), Limits(money=money))
    assert meter.bill().total <= money
    unlimited = price(rules, begins_at, flat(legs)).bill()
    assert (meter.reached is None) <= (meter.bill() == unlimited)


@given(tariffs(), sessions(), st.integers(1, 20_000), st.integers(1, 8_000), st.data())
def test_limits_cut_at_the_same_point_however_it_was_read(rules, session, wh, seconds, data):
    begins_at, legs = session
    limits = Limits(kwh=Decimal(wh).scaleb(-3), seconds=seconds)
    fewer = [r for leg in legs for r in leg if r is leg[-1] or data.draw(st.booleans())]
    one, other = (price(rules, begins_at, row, limits) for row in (fewer, flat(legs)))
    assert (one.at, one.kwh, one.reached, one.bill()) == (other.at, other.kwh, other.reached, other.bill())
    timed = [line.measured for line in one.bill().lines if line.component is Kind.TIME]
    assert one.kwh <= limits.kwh and sum(timed) <= seconds


@given(tariffs())
def test_a_tariff_survives_json(rules):
    again = read_tariff(json.loads(json.dumps(rules.to_json())))
    assert isinstance(again, Tariff) and again == rules


@given(tariffs(), sessions())
def test_without_need_of_the_course_two_points_are_enough(rules, session):
    begins_at, legs = session
    readings = flat(legs)
    if not rules.needs_course:
        only_the_last = price(rules, begins_at, readings[-1:]).bill()
        full = price(rules, begins_at, readings).bill()
        assert [(line.kind, line.amount) for line in only_the_last.lines] == [
            (line.kind, line.amount) for line in full.lines
        ]


@given(
    tariffs(),
    sessions(),
    st.decimals(0, 500, places=2),
    st.decimals(0, 100, places=2),
    st.integers(1, 9000),
    st.data(),
)
def test_the_most_is_never_exceeded_and_standing_is_counted_alike_however_it_was_read(
    rules, session, money, beyond, wh, data
):
    begins_at, legs = session
    limits = Limits(money=money, most=money + beyond, kwh=Decimal(wh).scaleb(-3))
    fewer = [r for leg in legs for r in leg if r is leg[-1] or data.draw(st.booleans())]
    one, other = (price(rules, begins_at, row, limits) for row in (fewer, flat(legs)))
    assert one.bill().total <= limits.most
    assert (one.kwh, one.reached, one.bill()) == (other.kwh, other.reached, other.bill())
    put_away = Meter(rules, begins_at, limits)
    for reading in flat(legs):
        put_away = Meter.from_json(json.loads(json.dumps(put_away.to_json())), rules, limits)
        put_away.read(reading)
    assert put_away.bill() == other.bill()
