"""My vehicles and the picker in a real browser: both widths, both themes, keyboard, no violations."""

import re

import pytest
from playwright.sync_api import expect

from apps.accounts.models import User, Vehicle
from tests.factory import Factory


@pytest.fixture
def factory() -> Factory:
    return Factory()


@pytest.fixture
def asha() -> User:
    return User.objects.create_user("asha@example.org", "a-quiet-night-7", name="Asha Rao")


@pytest.fixture(autouse=True)
def models(factory):
    """The list that migrations bring is gone after the first test that flushes the database."""
    factory.make_vehicle_model(make="Volta", model="One", trim="Short", year_from=2022, max_dc_kw=None)
    factory.make_vehicle_model(make="Volta", model="One", trim="Long Range with a long name", year_from=2023)
    factory.make_vehicle_model(
        make="Volta", model="Two", category="2-WHEELER", dc_standards=[], max_dc_kw=None
    )
    factory.make_vehicle_model(make="Ampère", model="Coach", category="BUS")


def test_my_vehicles_are_for_everybody(
    open_page, asha, factory, size, theme, assert_no_axe_violations, assert_fits, keep_picture
):
    factory.make_vehicle(asha, name="Blue one", is_driven=True)
    factory.make_vehicle(
        asha, factory.make_vehicle_model(category="2-WHEELER", model="A scooter with a very long name")
    )
    page = open_page("/me/vehicles/", size=size, theme=theme, user=asha)
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"vehicles-{size}-{theme}")
    page.get_by_role("link", name="Rename Blue one").click()
    assert_no_axe_violations(page)
    page.go_back()
    page.get_by_role("link", name="Remove Blue one").click()
    assert_no_axe_violations(page)
    assert_fits(page)


def test_no_vehicle_yet(open_page, asha, size, theme, assert_no_axe_violations, assert_fits):
    page = open_page("/me/vehicles/", size=size, theme=theme, user=asha)
    assert_no_axe_violations(page)
    assert_fits(page)
    page.get_by_role("link", name="Add a vehicle").click()
    expect(page.get_by_role("heading", name="What do you drive?")).to_be_visible()


def answer(page, question: str, said: str) -> None:
    """Not before htmx has taken charge of what it drew a moment ago: people are not that quick."""
    expect(page.get_by_label(question)).to_be_visible()
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added")).to_have_count(0)
    page.get_by_label(question).select_option(said)


def test_finding_one_step_by_step(
    open_page, asha, size, theme, assert_no_axe_violations, assert_fits, keep_picture
):
    page = open_page("/me/vehicles/find/", size=size, theme=theme, user=asha)
    assert_no_axe_violations(page)
    answer(page, "Make", "Volta")
    page.get_by_label("Model").focus()
    answer(page, "Model", "One")
    expect(page.get_by_label("Year")).to_be_visible()
    expect(page.get_by_label("Model")).to_be_focused()  # and not lost with what was drawn again
    answer(page, "Year", "2024")
    expect(page.get_by_role("heading", name="Volta One 2024")).to_be_visible()
    expect(page).to_have_url(re.compile("make=Volta&model=One&year=2024"))
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"find-vehicle-{size}-{theme}")
    page.get_by_role("button", name="Choose Volta One Long Range").click()
    expect(page.get_by_text("I drive it now")).to_be_visible()


def test_the_back_button_takes_back_a_step(open_page):
    page = open_page("/me/vehicles/find/")
    answer(page, "Make", "Volta")
    answer(page, "Model", "One")
    expect(page.get_by_label("Year")).to_be_visible()
    expect(page).to_have_url(re.compile("model=One"))
    page.go_back()
    expect(page.get_by_label("Year")).to_have_count(0)
    expect(page.get_by_label("Make")).to_have_value("Volta")


def test_by_keyboard_alone(open_page, asha):
    page = open_page("/me/vehicles/find/", size="desktop", user=asha)
    page.get_by_label("Kind").focus()
    page.keyboard.type("Bus")
    expect(page.get_by_label("Model")).to_have_value("Coach")  # the only one: taken
    page.get_by_label("Year").focus()
    page.keyboard.press("ArrowDown")
    choose = page.get_by_role("button", name="Choose Ampère Coach")
    expect(choose).to_be_visible()
    page.keyboard.press("Tab")
    expect(choose).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Ampère Coach")).to_be_visible()
    assert Vehicle.objects.get().user == asha


@pytest.fixture
def plain_page(chromium, server):
    """A browser that runs no scripts."""
    context = chromium.new_context(base_url=server, java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_without_scripts_it_is_the_same_in_more_presses(plain_page):
    page = plain_page
    page.goto("/me/vehicles/find/?next=/styleguide/")
    page.get_by_label("Make").select_option("Volta")
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Model").select_option("One")
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Year").select_option("2022")
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Choose Volta One Short").click()
    expect(page).to_have_url(re.compile("/styleguide/$"))


def test_a_guest_picks_one_and_brings_it_into_the_account(
    open_page, asha, size, theme, settings, assert_no_axe_violations, assert_fits
):
    settings.DEMO = True
    page = open_page("/styleguide/", size=size, theme=theme)
    page.locator("summary", has_text="Vehicle:").click()
    page.get_by_role("link", name="Another vehicle").click()
    answer(page, "Kind", "2-WHEELER")
    expect(page.locator("#category option[selected]")).to_have_attribute("value", "2-WHEELER")
    answer(page, "Year", "2023")
    page.get_by_role("button", name="Choose Volta Two").click()
    expect(page).to_have_url(re.compile("/styleguide/$"))
    picker = page.locator("summary", has_text="Volta Two")
    picker.click()
    assert_no_axe_violations(page)
    assert_fits(page)
    page.goto("/accounts/login/?next=/me/vehicles/")
    page.get_by_label("Email").fill("asha@example.org")
    page.get_by_label("Password").fill("a-quiet-night-7")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Volta Two")).to_be_visible()
    assert Vehicle.objects.get().user == asha


def test_the_picker_changes_the_vehicle_by_keyboard(open_page, asha, factory, settings):
    settings.DEMO = True
    factory.make_vehicle(asha, name="Blue one", is_driven=True)
    factory.make_vehicle(asha, name="Red one")
    page = open_page("/styleguide/", user=asha)
    page.locator("summary", has_text="Blue one").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Red one").focus()
    page.keyboard.press("Enter")
    expect(page.locator("summary", has_text="Red one")).to_be_visible()
    page.locator("summary", has_text="Red one").click()
    page.get_by_role("button", name="Any vehicle").click()
    expect(page.locator("summary", has_text="Any vehicle")).to_be_visible()
    assert not Vehicle.objects.filter(is_driven=True).exists()
