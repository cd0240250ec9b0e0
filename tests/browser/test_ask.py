"""The page "How much?" in a real browser: one control, a preview that follows, and a quote with its differences."""

import pytest
from playwright.sync_api import expect

from apps.accounts.models import User
from apps.orders import services
from apps.orders.models import Order
from tests.orders.stage import Stage, lines, make_offer, quote


@pytest.fixture
def driver(factory) -> User:
    user = factory.make_user("asha@example.org", name="Asha Rao", phone="+919845012345")
    factory.make_vehicle(user, is_driven=True)
    return user


@pytest.fixture
def address(driver) -> str:
    return f"/orders/new/{make_offer(order_by='energy,money,time').code}/"


def test_it_looks_right(
    open_page, driver, address, size, theme, assert_no_axe_violations, assert_fits, keep_picture
):
    page = open_page(address, size=size, theme=theme, user=driver)
    page.wait_for_load_state("networkidle")
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"ask-{size}-{theme}")


def test_one_part_shows_and_the_preview_follows(open_page, driver, address, keep_picture):
    page = open_page(address, size="phone", user=driver)
    expect(page.locator("#id_energy_kwh")).to_be_visible()
    expect(page.locator("#id_minutes")).to_be_hidden()
    page.get_by_text("Minutes", exact=True).click()
    expect(page.locator("#id_energy_kwh")).to_be_hidden()
    expect(page.locator("#estimate")).to_contain_text("in 30 min, at most")
    page.locator("#id_minutes").fill("10")
    expect(page.locator("#estimate")).to_contain_text("for 10 kWh")
    page.get_by_text("₹", exact=True).first.click()
    page.locator("#id_amount").fill("1000")
    expect(page.locator("#estimate strong")).to_contain_text("₹999.9")
    page.get_by_text("To 80 %").click()
    page.locator("#id_percent_now").fill("35")
    expect(page.locator("#estimate")).to_contain_text("for 20 kWh")
    keep_picture(page, "ask-percent-phone")


def test_the_control_answers_to_the_keyboard(open_page, driver, address):
    page = open_page(address, size="desktop", user=driver)
    page.locator("#by-energy").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#by-time")).to_be_checked()
    expect(page.locator("#id_minutes")).to_be_visible()


def test_money_is_ordered(open_page, driver, address):
    page = open_page(f"{address}?by=money&amount=400", size="phone", user=driver)
    page.get_by_role("button", name="Get a quote").click()
    page.wait_for_url("**/orders/*/")
    assert Order.objects.get().ordered_amount == 400


def test_a_new_price_shows_what_became_different(
    open_page, driver, size, theme, assert_no_axe_violations, assert_fits, keep_picture
):
    stage = Stage(driver)
    stage.until("QUOTED")
    services.ask_for_new_price(stage.order)
    stage.tell("on_select", {"quote": quote("401.20", lines("330.00", "10.00", "61.20"), ttl="PT15M")})
    page = open_page(stage.order.get_absolute_url(), size=size, theme=theme, user=driver)
    expect(page.locator("del")).to_have_count(3)
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"new-price-{size}-{theme}")
