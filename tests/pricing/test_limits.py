"""What was ordered ends the bill: the first of energy, time and money, to the point where it was reached."""

import json
from copy import copy
from datetime import timedelta

import pytest

from apps.pricing import Backwards, Limit, Limits, Meter, Phase, Reading, price
from tests.pricing.conftest import D, element, even, local, tariff

NOON = local("2026-11-25T12:00")
RULES = tariff(element(ENERGY="10", TIME="60"))
HOUR = even(NOON, minutes=60, kwh=30)  # ₹300 and ₹60


def test_energy_ends_it():
    meter = price(RULES, NOON, HOUR, Limits(kwh=D(10), seconds=3000, money=D(200)))
    assert (meter.reached, meter.kwh, meter.at) == (Limit.ENERGY, D(10), NOON + timedelta(minutes=20))
    assert meter.bill().total == D("120.00")


def test_time_ends_it():
    meter = price(RULES, NOON, HOUR, Limits(kwh=D(25), seconds=600, money=D(200)))
    assert (meter.reached, meter.kwh, meter.bill().total) == (Limit.TIME, D(5), D("60.00"))


def test_money_ends_it_before_the_first_paisa_too_much():
    meter = price(RULES, NOON, HOUR, Limits(kwh=D(25), seconds=3000, money=D(90)))
    assert (meter.reached, meter.bill().total) == (Limit.MONEY, D("90.00"))
    assert timedelta(minutes=15) <= meter.at - NOON < timedelta(minutes=15, seconds=1)


def test_a_limit_that_is_just_met_is_reached():
    for limits, reached in [
        (Limits(kwh=D(30)), Limit.ENERGY),
        (Limits(seconds=3600), Limit.TIME),
        (Limits(money=D(360)), None),
    ]:
        meter = price(RULES, NOON, HOUR, limits)
        assert (meter.reached, meter.bill().total) == (reached, D("360.00"))


def test_after_a_limit_nothing_counts():
    meter = price(RULES, NOON, HOUR, Limits(kwh=D(10)))
    before = meter.bill()
    meter.read(Reading(NOON + timedelta(hours=5), D(50), Phase.PARKED))
    assert meter.bill() == before


def test_a_fee_that_is_more_than_the_money_is_not_owed():
    meter = price(tariff(element(FLAT="50", ENERGY="1")), NOON, HOUR, Limits(money=D(20)))
    assert (meter.reached, meter.bill().total) == (Limit.MONEY, D("0.00"))


def test_energy_that_came_in_no_time_is_all_or_nothing():
    meter = Meter(tariff(element(ENERGY="10")), NOON, Limits(money=D(20)))
    meter.read(Reading(NOON, D(3)))
    assert (meter.reached, meter.bill().total) == (Limit.MONEY, D("0.00"))


def test_a_limit_survives_being_put_away():
    meter = price(RULES, NOON, HOUR, Limits(seconds=600))
    again = Meter.from_json(meter.to_json(), RULES, Limits(seconds=600))
    assert (again.reached, again.bill()) == (Limit.TIME, meter.bill())


@pytest.mark.parametrize("minutes", [5, 10, 20])
def test_put_away_before_on_and_after_a_mark(minutes):
    """A reading exactly on a mark has not passed it: who wakes up there must still turn."""
    rules = tariff(element({"max_duration": 600}, ENERGY="10"), element(ENERGY="20", PARKING_TIME="60"))
    meter = price(rules, NOON, even(NOON, minutes=minutes, kwh=minutes))
    again = Meter.from_json(json.loads(json.dumps(meter.to_json())), rules)
    again.read(Reading(NOON + timedelta(minutes=30), D(30)))
    assert again.bill() == price(rules, NOON, even(NOON, minutes=30, kwh=30)).bill()
    assert again.bill().total == D("500.00")


@pytest.mark.parametrize("minutes", [5, 10, 20])
def test_put_away_during_the_grace_of_parking(minutes):
    rules = tariff(element(ENERGY="10", PARKING_TIME="60"), parking_grace=600)
    charged = even(NOON, minutes=10, kwh=1)
    meter = price(
        rules, NOON, [*charged, Reading(NOON + timedelta(minutes=10 + minutes), D(1), Phase.PARKED)]
    )
    again = Meter.from_json(json.loads(json.dumps(meter.to_json())), rules)
    again.read(Reading(NOON + timedelta(minutes=40), D(1), Phase.PARKED))
    assert again.bill().total == D("30.00")


@pytest.mark.parametrize(("minutes", "kwh"), [(9, 5), (12, "4.999")])
def test_readings_do_not_run_backwards(minutes, kwh):
    meter = price(RULES, NOON, even(NOON, minutes=10, kwh=5))
    with pytest.raises(Backwards):
        meter.read(Reading(NOON + timedelta(minutes=minutes), D(kwh)))


def test_the_same_reading_again_changes_nothing():
    (reading,) = HOUR
    assert price(RULES, NOON, [reading, reading]).bill() == price(RULES, NOON, [reading]).bill()


def test_a_copy_goes_its_own_way():
    meter = price(RULES, NOON, even(NOON, minutes=10, kwh=5))
    twin = copy(meter)
    twin.read(HOUR[0])
    assert (meter.bill().total, twin.bill().total) == (D("60.00"), D("360.00"))
