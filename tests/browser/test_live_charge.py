"""The page of a running charge in a real browser: what it shows, says aloud, and survives (AT-J9)."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.lib import clock
from apps.orders.models import Order
from tests.orders.stage import STARTED, Stage

SOON = 20_000
KW = ("0", "38", "41", "42", "42", "0", "0", "40", "41", "41", "40", "39")


@pytest.fixture
def charge() -> Stage:
    """Eleven minutes of a charge that paused for a moment."""
    driver = User.objects.create_user("asha@example.org", name="Asha Rao", phone="+919845012345")
    stage = Stage(driver)
    stage.until("CHARGING")
    begun = clock.now() - timedelta(minutes=len(KW) - 1)
    stage.order.points.all().delete()
    Order.objects.update(started_at=begun)
    for minute, kw in enumerate(KW):
        read(stage, begun + timedelta(minutes=minute), f"{minute * 0.6:.1f}", kw)
    return stage


def read(stage: Stage, at, kwh: str, kw: str, **more) -> None:
    seconds = int((at - STARTED).total_seconds())
    stage.progress(seconds, kwh, kw, cost=f"{float(kwh) * 22 + 10:.2f}", received_at=clock.now(), **more)


def read_now(stage: Stage, kwh: str, kw: str = "40", **more) -> None:
    read(stage, clock.now() + timedelta(seconds=5), kwh, kw, **more)


@pytest.fixture
def page_of(open_page, charge):
    def open_(*, line: bool = True, on_line=None, **how) -> Page:
        page = open_page("/orders/", user=charge.driver, **how)
        if on_line:
            page.route_web_socket(re.compile("/live/"), on_line)
        if not line:
            page.route_web_socket(re.compile("/live/"), lambda socket: socket.close(code=1013))
        page.goto(charge.order.get_absolute_url())
        return page

    return open_


def test_the_page_looks_right(page_of, size, theme, assert_no_axe_violations, assert_fits, keep_picture):
    page = page_of(size=size, theme=theme)
    expect(page.locator(".chart canvas")).to_be_visible()
    expect(page.locator("[data-remaining]")).to_contain_text("left")
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"live-{size}-{theme}")
    page.get_by_role("link", name="The readings as a table").click()
    expect(page.get_by_role("table")).to_be_visible()
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"live-readings-{size}-{theme}")


def test_the_curve_shows_energy_by_the_keyboard_and_keeps_it(page_of, charge):
    page = page_of()
    expect(page.locator(".chart canvas")).to_be_visible()
    page.get_by_role("radio", name="Power").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".chart")).to_have_attribute("data-metric", "energy_kwh")
    read_now(charge, "7.0", word="Offline")
    expect(page.locator("#order-panel")).to_have_attribute("data-state", "INTERRUPTED", timeout=SOON)
    expect(page.locator(".chart")).to_have_attribute("data-metric", "energy_kwh")
    expect(page.get_by_role("radio", name="Energy")).to_be_checked()


def test_a_change_is_said_aloud_and_in_the_title(page_of, charge):
    page = page_of()
    expect(page).to_have_title(re.compile("^Charging"))
    announcer = page.locator("#announcer")
    read_now(charge, "7.0", "0", word="SuspendedEV")
    expect(announcer).to_contain_text("Paused by the car", timeout=SOON)
    read_now(charge, "7.1", word="Offline")
    expect(announcer).to_contain_text("the site is offline", timeout=SOON)
    expect(page).to_have_title(re.compile("^Paused"))


def test_with_websockets_blocked_the_page_still_reaches_the_receipt(page_of, charge):
    page = page_of(line=False)
    expect(page.locator(".connection")).to_be_visible(timeout=SOON)
    read_now(charge, "7.3")
    expect(page.locator(".ring .big-number")).to_have_text("7.3", timeout=SOON)
    charge.final_bill()
    charge.settle()
    expect(page.locator("#order-panel")).to_have_attribute("data-state", "SETTLED", timeout=SOON)


def test_a_phone_that_wakes_up_asks_at_once(page_of, charge):
    """Its timers stood still and its socket is dead: it must not show yesterday's figures until the next round."""
    page = page_of(line=False)
    page.clock.install()
    page.reload()
    with page.expect_response(re.compile("seen=")):  # the one round that falls due while the clock jumps
        page.clock.pause_at(clock.now() + timedelta(hours=12))
    charge.final_bill()
    charge.settle()
    with page.expect_response(re.compile("seen=")):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.clock.run_for(1_000)  # htmx settles what it swapped
    expect(page.locator("#order-panel")).to_have_attribute("data-state", "SETTLED", timeout=SOON)


def test_a_line_that_breaks_is_told_and_taken_up_again_with_nothing_missed(page_of, charge):
    """As when the network is gone for a while, or the server starts anew: what happened meanwhile is there at once."""
    is_up = [True]

    def carry(socket) -> None:
        lines.append(socket)
        if is_up[0]:
            socket.connect_to_server()
        else:
            socket.close(code=1012)

    lines: list = []
    page = page_of(on_line=carry)
    expect(page.locator(".connection")).to_be_hidden(timeout=SOON)
    is_up[0] = False
    page.context.set_offline(True)
    for line in lines:
        line.close(code=1012)
    expect(page.locator(".connection")).to_be_visible(timeout=SOON)
    charge.final_bill()
    charge.settle()
    expect(page.locator("#order-panel")).to_have_attribute("data-state", "CHARGING")
    is_up[0] = True
    page.context.set_offline(False)
    expect(page.locator("#order-panel")).to_have_attribute("data-state", "SETTLED", timeout=SOON)


def test_two_tabs_and_another_device_show_the_same(page_of, charge):
    pages = [page_of(), page_of(line=False), page_of(size="desktop")]
    read_now(charge, "7.7")
    for page in pages:
        expect(page.locator(".ring .big-number")).to_have_text("7.7", timeout=SOON)
    charge.final_bill()
    charge.settle()
    for page in pages:
        expect(page.locator("#order-panel")).to_have_attribute("data-state", "SETTLED", timeout=SOON)
