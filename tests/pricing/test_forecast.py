"""Before the charge: what an amount costs, how long it takes, how far money reaches."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.pricing import Reading, Tariff, Tax, for_kwh, for_minutes, for_money, price
from apps.pricing.forecast import seconds_for
from tests.pricing.conftest import D, element, local, tariff
from tests.pricing.strategies import begin, between, tariffs

NOON = local("2026-11-25T12:00")
SIMPLE = Tariff.simple("INR", D("18.5"), D(10), Tax("GST", D(18)))
MOST = D(200)


def test_how_long_twenty_kilowatt_hours_take():
    assert seconds_for(D(20), D(60)) == 1200
    assert seconds_for(D(10), D(60)) == 600
    assert seconds_for(D(1), D(7)) == 515  # 514.28…, and never too few
    with pytest.raises(ValueError, match="without power"):
        seconds_for(D(1), D(0))


def test_an_amount_of_energy_is_priced_as_it_will_be_billed():
    found = for_kwh(SIMPLE, D(20), power_kw=D(60), begins_at=NOON)
    assert found.bill == price(SIMPLE, NOON, [Reading(NOON + timedelta(minutes=20), D(20))]).bill()
    assert (found.kwh, found.seconds) == (D(20), 1200)


def test_minutes_are_priced_at_full_power():
    rules = tariff(element(TIME="180", ENERGY="10"))
    found = for_minutes(rules, 45, power_kw=D("7.4"), begins_at=NOON)
    assert (found.kwh, found.seconds, found.bill.total) == (D("5.550"), 2700, D("190.50"))


def test_how_far_four_hundred_rupees_reach():
    found = for_money(SIMPLE, D(400), power_kw=D(60), begins_at=NOON, most_kwh=MOST)
    assert (found.kwh, found.bill.total) == (D("17.782"), D("399.98"))
    dearer = for_kwh(SIMPLE, found.kwh + D("0.001"), power_kw=D(60), begins_at=NOON)
    assert dearer.bill.total > 400


def test_money_reaches_further_where_power_is_higher_and_time_costs():
    rules = tariff(element(TIME="60"))
    slow, fast = (for_money(rules, D(30), power_kw=D(kw), begins_at=NOON, most_kwh=MOST) for kw in (7, 50))
    assert (slow.seconds, fast.seconds) == (1800, 1800)
    assert (slow.kwh, fast.kwh) == (D("3.500"), D(25))


def test_too_little_money_reaches_nowhere():
    found = for_money(SIMPLE, D(5), power_kw=D(60), begins_at=NOON, most_kwh=MOST)
    assert (found.kwh, found.bill.total) == (0, D("0.00"))


def test_what_is_free_reaches_as_far_as_is_sold():
    free = Tariff.simple("INR", D(0), D(0))
    assert for_money(free, D(1), power_kw=D(60), begins_at=NOON, most_kwh=MOST).kwh == MOST


@given(tariffs(), begin, st.decimals("0.01", 5000, places=2), st.integers(1, 350))
def test_a_quote_by_money_never_exceeds_the_money(rules, begins_at, money, kw):
    found = for_money(rules, money, power_kw=Decimal(kw), begins_at=begins_at, most_kwh=MOST)
    assert found.bill.total <= money
    assert 0 <= found.kwh <= MOST


@given(
    tariffs(rules=st.one_of(st.just({}), between("kwh", st.integers(1, 60))), steps=False, kinds=("ENERGY",)),
    st.decimals("0.01", 5000, places=2),
)
def test_a_quote_by_money_leaves_less_than_a_watt_hour_on_the_table(rules, money):
    found = for_money(rules, money, power_kw=D(50), begins_at=NOON, most_kwh=MOST)
    if found.kwh < MOST:
        more = for_kwh(rules, found.kwh + D("0.001"), power_kw=D(50), begins_at=NOON)
        assert more.bill.total > money
