"""Station-local time (AT-E3): the clock on the wall decides, also on the nights it is put forward or back."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.pricing import price
from tests.pricing.conftest import D, element, even, local, said, tariff

NIGHT_AND_DAY = (element({"start_time": "00:00", "end_time": "02:30"}, ENERGY="2"), element(ENERGY="4"))
EVENING = (element({"start_time": "22:00", "end_time": "06:00"}, ENERGY="12"), element(ENERGY="20"))


def amounts(rules, begins_at, **session):
    return [
        (n, amount) for _kind, n, amount in said(price(rules, begins_at, even(begins_at, **session)).bill())
    ]


def test_a_cheaper_night_begins_in_the_middle():
    begins_at = local("2026-11-25T21:30")
    bill = price(tariff(*EVENING), begins_at, even(begins_at, minutes=60, kwh=30)).bill()
    assert said(bill) == [("ENERGY", 0, D("180.00")), ("ENERGY", 1, D("300.00"))]
    assert bill.lines[0].begins_at == local("2026-11-25T22:00")


def test_past_midnight_it_is_still_the_same_night():
    assert amounts(tariff(*EVENING), local("2026-11-25T23:30"), minutes=60, kwh=10) == [(0, D("120.00"))]
    assert amounts(tariff(*EVENING), local("2026-11-25T05:30"), minutes=60, kwh=10) == [
        (0, D("60.00")),
        (1, D("100.00")),
    ]


def test_the_hour_that_the_spring_night_skips():
    """Copenhagen, 29 March 2026: 01:59 is followed by 03:00. Half an hour of night, half an hour of day."""
    rules = tariff(*NIGHT_AND_DAY, zone="Europe/Copenhagen", currency="DKK")
    begins_at = local("2026-03-29T01:30", "Europe/Copenhagen")
    assert amounts(rules, begins_at, minutes=60, kwh=10) == [(0, D("10.00")), (1, D("20.00"))]


def test_the_hour_that_the_autumn_night_repeats():
    """25 October 2026: 02:00 to 02:30 comes twice, so the night price does too."""
    rules = tariff(*NIGHT_AND_DAY, zone="Europe/Copenhagen", currency="DKK")
    begins_at = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)  # 02:00, summer time
    bill = price(rules, begins_at, even(begins_at, minutes=120, kwh=20)).bill()
    assert said(bill) == [("ENERGY", 0, D("20.00")), ("ENERGY", 1, D("40.00"))]
    assert [line.pieces for line in bill.lines] == [2, 2]


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Europe/Copenhagen", "America/St_Johns"])
def test_a_quarter_hour_edge_at_a_quarter_to_midnight(zone):
    rules = tariff(
        element({"start_time": "23:45", "end_time": "00:00"}, ENERGY="1"), element(ENERGY="3"), zone=zone
    )
    assert amounts(rules, local("2026-06-10T23:30", zone), minutes=45, kwh=9) == [
        (0, D("3.00")),
        (1, D("18.00")),
    ]


def test_a_weekend_begins_at_local_midnight():
    rules = tariff(element({"day_of_week": ["SATURDAY", "SUNDAY"]}, ENERGY="1"), element(ENERGY="3"))
    friday = local("2026-11-27T23:00")
    assert amounts(rules, friday, minutes=120, kwh=10) == [(0, D("5.00")), (1, D("15.00"))]


def test_a_tariff_of_a_year_ends_with_it():
    rules = tariff(
        element({"start_date": "2026-01-01", "end_date": "2027-01-01"}, ENERGY="1"), element(ENERGY="3")
    )
    assert amounts(rules, local("2026-12-31T23:45"), minutes=30, kwh=10) == [(0, D("5.00")), (1, D("15.00"))]
    assert amounts(rules, local("2025-12-31T23:45"), minutes=30, kwh=10) == [(0, D("5.00")), (1, D("15.00"))]


def test_a_price_that_begins_in_the_skipped_hour_begins_when_the_clock_has_passed_it():
    rules = tariff(
        element({"start_time": "02:30", "end_time": "04:00"}, ENERGY="5"),
        element(ENERGY="1"),
        zone="Europe/Copenhagen",
    )
    begins_at = local("2026-03-29T01:30", "Europe/Copenhagen")
    bill = price(rules, begins_at, even(begins_at, minutes=60, kwh=10)).bill()
    assert bill.lines[0].begins_at == begins_at.astimezone(UTC) + timedelta(minutes=30)  # 03:00 summer time


def test_the_time_zone_of_a_reading_does_not_matter():
    begins_at = local("2026-03-29T01:30", "Europe/Copenhagen")
    rules = tariff(*NIGHT_AND_DAY, zone="Europe/Copenhagen")
    (reading,) = even(begins_at, minutes=60, kwh=10)
    moved = reading._replace(at=reading.at.astimezone(begins_at.tzinfo))
    assert price(rules, begins_at, [moved]).bill() == price(rules, begins_at, [reading]).bill()
