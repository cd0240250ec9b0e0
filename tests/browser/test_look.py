"""The look in a real browser: both widths, both themes, keyboard, no violations."""

import gzip
import re

import pytest
from django.conf import settings
from playwright.sync_api import expect


@pytest.fixture(autouse=True)
def with_style_guide(settings):
    settings.DEMO = True


@pytest.mark.parametrize("screen", ["", "station/", "charge/"])
def test_the_style_guide_is_for_everybody(
    open_page, size, theme, screen, assert_no_axe_violations, assert_fits, keep_picture
):
    page = open_page(f"/styleguide/{screen}", size=size, theme=theme)
    page.wait_for_load_state("networkidle")
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"styleguide-{screen.strip('/') or 'all'}-{size}-{theme}")


def test_the_map_shows_stations_by_shape_and_number(open_page):
    page = open_page("/styleguide/station/", size="desktop")
    expect(page.locator(".pin--free")).to_have_count(2)
    expect(page.get_by_role("button", name="Cubbon Park Plaza, 3 of 6 free")).to_be_visible()
    expect(page.locator(".cluster")).to_have_text("27")
    expect(page.locator(".map__land").first).to_be_attached()


def test_a_pin_answers_to_the_keyboard(open_page):
    page = open_page("/styleguide/station/", size="desktop")
    pin = page.get_by_role("button", name="Koramangala Hub, all in use")
    pin.focus()
    page.keyboard.press("Enter")
    expect(pin).to_have_class(re.compile("is-selected"))


def test_a_chosen_theme_stays(open_page):
    page = open_page("/styleguide/", size="desktop", theme="light")
    page.get_by_text("English", exact=True).first.click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_dialog_opens_and_closes_by_keyboard(open_page, assert_no_axe_violations):
    page = open_page("/styleguide/")
    page.get_by_role("button", name="Open a dialog").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert_no_axe_violations(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_slider_and_box_say_the_same(open_page):
    page = open_page("/styleguide/")
    page.get_by_role("spinbutton", name="Energy in kWh").fill("33")
    expect(page.get_by_role("slider", name="Energy in kWh")).to_have_value("33")


def test_the_age_of_a_reading_grows(open_page):
    page = open_page("/styleguide/charge/")
    age = page.locator("[data-reading]")
    before = age.inner_text()
    expect(age).not_to_have_text(before, timeout=4000)


def test_the_curve_is_drawn(open_page):
    page = open_page("/styleguide/charge/", size="desktop")
    expect(page.locator(".chart canvas")).to_be_visible()


def test_the_page_speaks_hindi(open_page):
    page = open_page("/styleguide/", size="desktop")
    page.get_by_text("English", exact=True).first.click()
    page.locator("button[lang=hi]").click()
    expect(page.locator("html")).to_have_attribute("lang", "hi")


def test_the_first_page_weighs_less_than_200_kb(open_page):
    page = open_page("/styleguide/station/")
    page.wait_for_load_state("networkidle")
    ours = page.evaluate("performance.getEntriesByType('resource').map(e => new URL(e.name).pathname)")
    files = [settings.BASE_DIR / path.lstrip("/") for path in ours if path.startswith("/static/")]
    weight = sum(len(gzip.compress(file.read_bytes())) for file in files if file.exists())
    assert len(files) > 8
    assert weight < 180_000  # leaves room for the page itself, and for htmx, which django-htmx brings
