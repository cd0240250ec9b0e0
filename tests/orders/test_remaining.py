"""How far a charge is and how long it may still take: a range with its basis, or nothing."""

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.orders.models import Order, Progress
from apps.orders.remaining import gauge, remaining
from tests.orders.stage import STARTED


def told(seconds: int = 600, **figures) -> tuple[Order, Progress]:
    """20 kWh ordered; after ten minutes 6 kWh at 36 kW on average, now 42 kW."""
    order = Order(energy_kwh=Decimal(20), started_at=STARTED)
    figures = {"energy_kwh": Decimal(6), "power_kw": Decimal(42), "soc_percent": None} | figures
    return order, Progress(order=order, reading_at=STARTED + timedelta(seconds=seconds), **figures)


def test_the_range_lies_between_the_average_and_the_power_of_now():
    left = remaining(*told())
    assert (left.least_minutes, left.most_minutes) == (20, 24)  # 14 kWh at 42 and at 36 kW
    assert (left.least_kw, left.most_kw, left.may_slow_down) == (36, 42, False)


def test_whichever_is_slower_is_the_longer_one():
    left = remaining(*told(power_kw=Decimal(12)))
    assert (left.least_minutes, left.most_minutes) == (23, 70)


def test_a_car_that_is_nearly_full_may_take_longer():
    assert remaining(*told(soc_percent=Decimal(80))).may_slow_down
    assert not remaining(*told(soc_percent=Decimal("79.9"))).may_slow_down


@pytest.mark.parametrize(
    "figures",
    [
        {"seconds": 59},  # too early for an average
        {"power_kw": Decimal(0)},  # paused
        {"power_kw": None},
        {"energy_kwh": None},
        {"energy_kwh": Decimal(0)},
        {"energy_kwh": Decimal(20)},  # reached
        {"energy_kwh": Decimal(21)},
        {"power_kw": Decimal("0.1")},  # no end in sight
    ],
)
def test_what_cannot_be_known_is_not_said(figures):
    assert remaining(*told(**figures)) is None


def test_of_ordered_time_the_rest_of_it_is_left():
    order, progress = told(power_kw=Decimal(0), energy_kwh=None)
    order.ordered_by, order.ordered_minutes = Order.OrderedBy.TIME, 30
    left = remaining(order, progress)
    assert (left.least_minutes, left.most_minutes, left.least_kw) == (20, 20, None)
    order.ordered_minutes = 10
    assert remaining(order, progress) is None


def test_of_ordered_money_what_the_rest_of_it_buys_at_the_price_so_far():
    order, progress = told(cost_amount=Decimal(120))
    order.ordered_by, order.ordered_amount = Order.OrderedBy.MONEY, Decimal(400)  # 14 kWh more at 20 a kWh
    left = remaining(order, progress)
    assert (left.least_minutes, left.most_minutes) == (20, 24)
    for cost in (None, Decimal(0), Decimal(400)):
        progress.cost_amount = cost
        assert remaining(order, progress) is None


@pytest.mark.parametrize("by", ["TIME", "MONEY"])
def test_who_ordered_no_energy_sees_no_share_of_it(by):
    order, progress = told()
    order.ordered_by = by
    assert gauge(order, progress) == {"value": 6, "of": None, "unit": "kWh"}


def test_before_anything_was_told_nothing_is_said():
    order, _progress = told()
    assert remaining(order, None) is None
    assert remaining(Order(energy_kwh=Decimal(20)), _progress) is None


def test_the_gauge_shows_energy_of_the_target_else_the_battery_else_a_dash():
    order, progress = told()
    assert gauge(order, progress) == {"value": 6, "of": 20, "unit": "kWh"}
    progress.energy_kwh, progress.soc_percent = None, Decimal(58)
    assert gauge(order, progress) == {"value": 58, "of": 100, "unit": "%"}
    progress.soc_percent = None
    assert gauge(order, progress)["value"] is None
    assert gauge(order, None)["value"] is None


def test_the_page_says_the_range_and_its_basis(client, stage):
    stage.until("CHARGING")
    stage.progress(605, "6.0", "42.0")
    client.force_login(stage.driver)
    page = client.get(stage.order.get_absolute_url()).content.decode()
    assert "20 min to 24 min left" in page
    assert "at 36.0 to 42.0 kW: the average so far and the power now" in page


def test_while_it_stands_still_the_page_promises_nothing(client, stage):
    stage.until("CHARGING")
    stage.progress(605, "6.0", "0", word="SuspendedEV")
    client.force_login(stage.driver)
    page = client.get(stage.order.get_absolute_url()).content.decode()
    assert "data-remaining" not in page and "Paused by the car" in page


def test_a_gauge_without_a_number_is_a_dash(client, stage):
    stage.until("CHARGING")
    Progress.objects.update(energy_kwh=None, soc_percent=None)
    client.force_login(stage.driver)
    ring = client.get(stage.order.get_absolute_url()).content.decode().partition('class="ring__words"')[2]
    assert '<span class="big-number">–</span>' in ring


def test_an_ordered_time_ends_it_whatever_energy_is_missing():
    order, progress = told()
    order.ordered_minutes = 30
    left = remaining(order, progress)
    assert (left.least_minutes, left.most_minutes) == (20, 20)  # of 30, ten are over
    order.ordered_minutes = 32
    assert remaining(order, progress).most_minutes == 22
