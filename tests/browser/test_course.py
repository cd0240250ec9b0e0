"""The live page of a charge that does not simply run: pauses, closing, the steps of starting and stopping."""

from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from apps.lib import clock
from apps.orders.models import Order, Progress, ProgressMark, ProgressPoint
from tests.orders.stage import Stage

PAUSED = {"paused-by-car": "SuspendedEV", "paused-by-station": "SuspendedEVSE", "site-offline": "Offline"}


@pytest.fixture
def stage(driver) -> Stage:
    return Stage(driver)


@pytest.fixture
def driver(django_user_model):
    return django_user_model.objects.create_user("asha@example.org", name="Asha Rao", phone="+919845012345")


def charged_for(stage: Stage, minutes: int, *marks: tuple[float, str, str]) -> Order:
    """As if it had begun so many minutes ago; marks by minute."""
    order = stage.until("CHARGING")
    began = clock.now() - timedelta(minutes=minutes)
    order.marks.all().delete()
    order.points.all().delete()
    Order.objects.filter(pk=order.pk).update(started_at=began)
    told = [(0, "start-asked", "driver"), (0.2, "plugged-in", "driver"), (0.3, "charging", "station"), *marks]
    ProgressMark.objects.bulk_create(
        ProgressMark(order=order, stage=name, by=by, at=began + timedelta(minutes=at))
        for at, name, by in told
    )
    ProgressPoint.objects.bulk_create(
        ProgressPoint(
            order=order,
            at=began + timedelta(seconds=20 * n),
            power_kw=Decimal(42) - Decimal(n) / 10,
            energy_kwh=Decimal(n) / 5,
        )
        for n in range(minutes * 3)
    )
    now = clock.now()
    figures = {"energy_kwh": Decimal("9.4"), "power_kw": Decimal("38.2"), "cost_amount": Decimal("205.14")}
    Progress.objects.update(**figures, soc_percent=Decimal(61), reading_at=now, told_at=now, received_at=now)
    return stage.fresh()


def address(order: Order) -> str:
    return f"/orders/{order.code}/"


@pytest.mark.parametrize("cause", PAUSED)
def test_a_paused_charge(
    open_page, driver, stage, size, theme, cause, assert_no_axe_violations, assert_fits, keep_picture
):
    by = "car" if cause == "paused-by-car" else "station"
    order = charged_for(stage, 16, (6, cause, by), (10, "charging", "station"), (15, cause, by))
    Progress.objects.update(word=PAUSED[cause], power_kw=0)
    if cause == "site-offline":
        Order.objects.update(state="INTERRUPTED")
    page = open_page(address(order), size=size, theme=theme, user=driver)
    expect(page.locator(".course__chip")).to_have_count(5)
    expect(page.locator(".chart canvas")).to_have_count(1)
    expect(page.locator(".foot a[href$='/stop/']")).to_be_visible()  # law 9
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"charge-{cause}-{size}-{theme}")


def test_a_charge_that_is_being_stopped(
    open_page, driver, stage, size, theme, assert_no_axe_violations, assert_fits, keep_picture
):
    order = charged_for(stage, 12)
    pressed = clock.now() - timedelta(seconds=9)
    Order.objects.update(state="STOPPING", stop_asked_at=pressed)
    for seconds, name, by in ((0.6, "stop-asked", "driver"), (2, "stop-accepted", "station")):
        at = pressed + timedelta(seconds=seconds)
        ProgressMark.objects.create(order=order, stage=name, by=by, at=at)
    page = open_page(address(order), size=size, theme=theme, user=driver)
    expect(page.locator(".timeline li")).to_have_count(6)
    expect(page.locator(".timeline .is-next")).to_have_count(3)
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"charge-stopping-{size}-{theme}")


def test_a_start_with_a_car_at_another_plug(
    open_page, driver, stage, size, theme, assert_no_axe_violations, assert_fits, keep_picture
):
    order = stage.until("STARTING")
    now = clock.now()
    Order.objects.update(plug_in_by=now + timedelta(seconds=50), deadline_at=now + timedelta(seconds=80))
    for name, by, detail in (
        ("start-asked", "driver", ""),
        ("start-accepted", "station", ""),
        ("other-plug", "driver", "B"),
    ):
        ProgressMark.objects.create(order=order, stage=name, by=by, at=now, detail=detail)
    page = open_page(address(order), size=size, theme=theme, user=driver)
    expect(page.get_by_text("Did you plug into B?")).to_be_visible()
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"charge-starting-{size}-{theme}")


def test_a_charger_that_is_started_with_a_code(
    open_page, driver, stage, size, theme, assert_no_axe_violations, assert_fits, keep_picture
):
    stage.until("CONFIRMED")
    until = clock.now() + timedelta(minutes=9)
    Order.objects.update(start_key_kind="OTP", start_code="48210937", start_code_until=until)
    page = open_page(address(stage.order), size=size, theme=theme, user=driver)
    expect(page.get_by_text("4821 0937")).to_be_visible()
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"start-code-{size}-{theme}")


def test_a_session_that_is_being_closed_and_its_receipt(
    open_page, driver, stage, size, theme, assert_no_axe_violations, assert_fits, keep_picture
):
    order = charged_for(stage, 12, (8, "meter-awaited", "station"))
    Order.objects.update(closes_by=clock.now() + timedelta(minutes=21))
    page = open_page(address(order), size=size, theme=theme, user=driver)
    expect(page.locator("h1")).to_have_text("We are closing your session")
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"charge-closing-{size}-{theme}")
    Order.objects.update(closes_by=None, meter_is_estimated=True)
    stage.fresh()
    stage.final_bill()
    stage.settle()
    page.goto(address(order))
    expect(page.get_by_text("The end is an estimate")).to_be_visible()
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"receipt-estimated-{size}-{theme}")
