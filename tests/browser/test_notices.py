"""The page of notices in a real browser."""

import pytest
from playwright.sync_api import expect

from apps.accounts.models import User
from tests.orders.stage import Stage


@pytest.fixture
def charged() -> Stage:
    driver = User.objects.create_user("asha@example.org", name="Asha Rao", phone="+919845012345")
    stage = Stage(driver)
    stage.until("SETTLED")
    return stage


def test_the_page_looks_right(
    open_page, charged, size, theme, assert_no_axe_violations, assert_fits, keep_picture
):
    page = open_page("/me/notices/", size=size, theme=theme, user=charged.driver)
    expect(page.get_by_text("Receipt: Cubbon Park Plaza")).to_be_visible()
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"notices-{size}-{theme}")


def test_switches_work_by_keyboard(open_page, charged):
    page = open_page("/me/notices/", user=charged.driver)
    box = page.get_by_role("checkbox", name="Energy flows, by e-mail")
    box.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Energy flows, by e-mail")).to_be_checked()
