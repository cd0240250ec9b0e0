"""The first minute of a driver: map, list, filters, sheet, and answers that stream in."""

import gzip
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import Page, expect

from apps.beckn.models import Subscriber
from apps.beckn.wire import v1_1 as wire
from apps.discovery import services
from apps.discovery.models import SearchRun
from tests.browser.conftest import SIZES
from tests.discovery import catalogs

BPP, SILENT = "grid.sparkdock.example", "volt.example"
MIDDLE, EAST, FAR = "12.971600,77.594600", "12.975000,77.640000", "12.990000,77.700000"
PIN = ".leaflet-marker-icon:not(.is-ghost):has(.pin, .cluster)"


@pytest.fixture
def tell(db) -> Callable[..., int]:
    """tell({"Name": gps}, status=…): one operator answers with a station for each name."""

    def tell(
        stations: dict[str, str], *, transaction_id: UUID | None = None, bpp_id: str = BPP, error="", **facts
    ):
        places = [catalogs.location(name, gps=gps, name=name) for name, gps in stations.items()]
        items = [catalogs.item(f"plug-{name}", place=name, **facts) for name in stations]
        said = catalogs.catalog(catalogs.provider(locations=places, items=items))
        return services.record_catalog(
            transaction_id=transaction_id or uuid4(),
            bpp_id=bpp_id,
            bpp_uri=f"https://{bpp_id}/beckn/bpp",
            catalog=None if error else wire.Catalog.read(said),
            error=error,
            received_at=datetime.now(UTC),
        )

    return tell


@pytest.fixture
def stations(tell) -> None:
    tell({"Cubbon Park Plaza": MIDDLE})
    tell({"Indiranagar Hub": EAST}, availability="Charging", charger_type="AC", power_rating="7.4kW")


@pytest.fixture
def operators(db) -> None:
    """Two platforms that a search goes to; no worker runs, so they answer when the test says so."""
    for name in (BPP, SILENT):
        Subscriber.objects.create(
            subscriber_id=name,
            key_id="k1",
            type=Subscriber.Type.BPP,
            url=f"https://{name}/beckn/bpp",
            domain="ev-charging:uei",
            signing_public_key="A" * 43 + "=",
            valid_from=datetime.now(UTC) - timedelta(days=1),
            state=Subscriber.State.SUBSCRIBED,
        )


@pytest.fixture
def explore(open_page) -> Callable[..., Page]:
    """The landing page, with a mark that is lost when the page is left."""

    def explore(query: str = "", **look) -> Page:
        page = open_page(f"/{query}", **look)
        expect(page.locator("[data-map][data-shown]")).to_be_attached()
        page.evaluate("window.stayed = true")
        return page

    return explore


def card(page: Page, name: str):
    return page.locator(".station-card").filter(has_text=name)


def names(page: Page) -> list[str]:
    return page.locator(".station-card__name").all_inner_texts()


def assert_stayed(page: Page) -> None:
    assert page.evaluate("window.stayed"), "the page was left"


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=4)
    page.mouse.move(*end, steps=4)


# --- The look -----------------------------------------------------------------------------------------------


def test_the_first_page_is_for_everybody(
    explore, stations, size, theme, assert_no_axe_violations, assert_fits, keep_picture
):
    page = explore(size=size, theme=theme)
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"explore-{size}-{theme}")
    card(page, "Cubbon Park Plaza").click()
    expect(page.locator("#station")).to_be_focused()
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"explore-station-{size}-{theme}")


def test_everything_can_be_hit_with_a_thumb(explore, stations):
    page = explore()
    small = page.evaluate(
        """[...document.querySelectorAll("main :is(a, button, summary, .chip, .leaflet-marker-icon:has(.pin))")]
        .filter(e => e.checkVisibility() && !e.closest(".leaflet-control-attribution"))
        .map(e => [e.getBoundingClientRect(), e.outerHTML.slice(0, 120)])
        .filter(([r]) => r.width && (r.width < 43.5 || r.height < 43.5)).map(([r, html]) => html)"""
    )
    assert not small


def test_the_first_page_weighs_less_than_200_kb(explore, stations):
    page = explore()
    page.wait_for_load_state("networkidle")
    paths = page.evaluate("performance.getEntriesByType('resource').map(e => new URL(e.name).pathname)")
    ours = {path for path in paths if path.startswith("/static/") and "django_htmx" not in path}
    files = [django_settings.BASE_DIR / path.lstrip("/") for path in ours]
    weight = sum(len(gzip.compress(file.read_bytes())) for file in files)
    weight += len(gzip.compress(page.content().encode()))
    assert len(files) > 8
    assert weight < 180_000  # leaves room for htmx, which django-htmx brings


# --- Map and list are equal ---------------------------------------------------------------------------------


def test_card_and_pin_light_up_together(explore, stations):
    page = explore(size="desktop")
    pin = page.get_by_role("button", name=re.compile("Cubbon Park Plaza, 1 of 1 free, fast"))
    card(page, "Cubbon Park Plaza").hover()
    expect(pin).to_have_class(re.compile("is-highlighted"))
    pin.hover()
    expect(card(page, "Cubbon Park Plaza")).to_have_class(re.compile("is-highlighted"))
    card(page, "Indiranagar Hub").focus()
    expect(page.get_by_role("button", name=re.compile("Indiranagar Hub"))).to_have_class(
        re.compile("is-highlighted")
    )


def test_pin_and_card_show_the_same_status_and_power(explore, stations):
    page = explore(size="desktop")
    for name, shape, bolts in (("Cubbon", "pin--free", "fast"), ("Indiranagar", "pin--busy", "normal")):
        for place in (card(page, name), page.get_by_role("button", name=re.compile(name))):
            expect(place.locator(f".{shape} .bolts--{bolts}")).to_be_visible()


def test_a_card_whose_station_is_in_a_cluster_still_has_its_pin(explore, tell):
    tell({f"Yard {number}": f"12.97{number}00,77.594600" for number in range(3)})
    page = explore("?lat=12.97&lon=77.59&radius=100", size="desktop")
    expect(page.locator(f"{PIN} .cluster")).to_have_text("3")
    expect(page.locator(".is-ghost")).to_have_count(0)
    card(page, "Yard 1").hover()
    expect(page.locator(".is-ghost .pin--free")).to_be_visible()


def test_the_legend_explains_every_shape(explore, stations, size):
    page = explore(size=size)
    legend = page.locator(".legend")
    if size == "phone":
        expect(legend.locator(".legend__panel")).to_be_hidden()
        legend.locator("summary").click()
    for words in ("All in use", "Not confirmed", "Out of order", "Reserved", "Closed now", "from 150 kW"):
        expect(legend.get_by_role("listitem").filter(has_text=re.compile(words))).to_be_visible()
    legend.locator("summary").focus()
    page.keyboard.press("Escape")
    expect(legend.locator(".legend__panel")).to_be_hidden()


def test_this_area_is_searched_when_asked_and_not_before(explore, stations):
    page = explore(size="desktop")
    button = page.get_by_role("button", name="Search this area")
    expect(button).to_be_hidden()
    drag(page, (1100, 200), (700, 250))
    page.mouse.up()
    expect(button).to_be_visible()
    assert "lat=" not in page.url and len(names(page)) == 2
    button.click()
    expect(page).to_have_url(re.compile(r"lat=1\d\.\d+&lon=77\.\d+&radius=\d+"))
    expect(button).to_be_hidden()
    assert_stayed(page)


def test_the_map_needs_no_tiles_from_elsewhere(explore, stations):
    page = explore(size="desktop")
    expect(page.locator(".map__land").first).to_be_attached()
    expect(page.locator(".map__label").first).to_be_attached()
    hosts = page.evaluate("performance.getEntriesByType('resource').map(e => new URL(e.name).host)")
    assert set(hosts) == {page.evaluate("location.host")}


def test_the_map_uses_the_tiles_of_the_deployer(explore, stations, settings):
    settings.TILE_URL, settings.TILE_ATTRIBUTION = "/static/img/mark.svg?{z}/{x}/{y}", "Our own tiles"
    page = explore(size="desktop")
    expect(page.locator(".leaflet-tile").first).to_be_attached()
    expect(page.get_by_text("Our own tiles")).to_be_visible()
    expect(page.locator(".map__land")).to_have_count(0)


# --- Filters ------------------------------------------------------------------------------------------------


def test_filters_toggle_in_place_and_back_undoes_them(explore, stations, size):
    page = explore(size=size)
    expect(page.locator("#found")).to_contain_text("2 stations")
    page.get_by_text("Available now").click()
    expect(page.locator("#found")).to_contain_text("1 station")
    expect(page).to_have_url(re.compile(r"/\?free=on$"))
    expect(page.get_by_role("link", name="Clear 1")).to_be_attached()
    expect(page.locator(PIN)).to_have_count(1)
    page.go_back()
    expect(page.locator("#found")).to_contain_text("2 stations")
    expect(page.get_by_role("checkbox", name="Available now")).not_to_be_checked()
    expect(page.locator(PIN)).to_have_count(2)
    page.go_forward()
    expect(page.get_by_role("checkbox", name="Available now")).to_be_checked()
    expect(page.locator("#found")).to_contain_text("1 station")
    page.get_by_role("link", name="Clear 1").click()
    expect(page.locator("#found")).to_contain_text("2 stations")
    assert_stayed(page)


def test_filters_are_kept_under_a_name_and_set_again_in_place(
    explore, stations, size, theme, assert_no_axe_violations, assert_fits, keep_picture
):
    page = explore(size=size, theme=theme)
    page.get_by_label("AC or DC").select_option("AC")
    expect(page.locator(".station-card")).to_have_count(1)
    more = page.locator(".more-filters > summary")
    more.click()
    assert_no_axe_violations(page)
    page.get_by_role("link", name="Save these filters").click()
    expect(page.get_by_label("Name")).to_have_value("AC")
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"save-filters-{size}-{theme}")
    page.get_by_label("Name").fill("At home")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[data-map][data-shown]")).to_be_attached()
    expect(page.locator(".station-card")).to_have_count(1)
    page.evaluate("window.stayed = true")
    page.locator("[data-clear]").click()
    expect(page.locator(".station-card")).to_have_count(2)
    more.click()
    keep_picture(page, f"filters-{size}-{theme}")
    page.get_by_role("link", name="At home").click()
    expect(page.locator(".station-card")).to_have_count(1)
    expect(page.get_by_label("AC or DC")).to_have_value("AC")
    assert_stayed(page)
    page.goto(page.url.split("?")[0] + "saved/")
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"saved-filters-{size}-{theme}")
    page.get_by_role("button", name="Remove At home").click()
    expect(page.get_by_text("Nothing saved yet")).to_be_visible()


def test_an_empty_list_names_the_filter_to_drop(explore, stations):
    page = explore("?plug=CHADEMO")
    drop = page.get_by_role("link", name="Without “CHAdeMO”: 2 stations")
    drop.click()
    expect(page.locator("#found")).to_contain_text("2 stations")
    expect(page.get_by_role("combobox", name="Plug")).to_have_value("")
    expect(page.locator(".station-card").first).to_be_focused()
    assert_stayed(page)


def test_typed_words_move_the_map_to_what_they_found(explore, tell):
    tell({"Charminar Gate": "17.361600,78.474700"})
    page = explore(size="desktop")
    page.get_by_role("searchbox").fill("charminar")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=re.compile("Charminar Gate"))).to_be_visible()


def test_near_me_asks_the_device_and_searches_there(explore, stations):
    page = explore(size="desktop")
    page.context.grant_permissions(["geolocation"])
    page.context.set_geolocation({"latitude": 12.9751, "longitude": 77.6401})
    page.locator(".search [data-locate]").click()
    expect(page).to_have_url(re.compile(r"lat=12\.97510&lon=77\.64010&radius=10"))
    expect(page.locator(".station-card").first).to_contain_text("Indiranagar Hub")
    expect(page.locator(".me-here")).to_be_visible()


def test_without_a_script_there_is_a_list_with_the_same_filters(chromium, server, stations, settings):
    settings.WHITENOISE_AUTOREFRESH = True
    context = chromium.new_context(base_url=server, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.get_by_text("Available now").click()
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("#found")).to_contain_text("1 station")
    page.get_by_role("link", name=re.compile("Cubbon Park Plaza")).click()
    expect(page.locator("#station")).to_have_text("Cubbon Park Plaza")
    context.close()


# --- The sheet ----------------------------------------------------------------------------------------------


def test_a_station_opens_over_the_list_and_back_closes_it(explore, stations, size):
    page = explore(size=size)
    card(page, "Indiranagar Hub").click()
    expect(page.locator("#station")).to_be_focused()
    expect(page).to_have_url(re.compile("/stations/"))
    expect(page).to_have_title(re.compile("Indiranagar Hub"))
    expect(page.get_by_role("button", name=re.compile("Indiranagar Hub"))).to_have_class(
        re.compile("is-selected")
    )
    page.go_back()
    expect(card(page, "Indiranagar Hub")).to_be_focused()
    assert page.url.endswith("/")
    assert_stayed(page)


def test_a_pin_opens_the_sheet_by_key_and_escape_returns_to_it(explore, stations, size):
    page = explore(size=size)
    pin = page.get_by_role("button", name=re.compile("Cubbon Park Plaza"))
    pin.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#station")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#found")).to_be_visible()
    expect(page.locator(":focus")).to_have_attribute("id", re.compile("^s-"))
    assert_stayed(page)


def test_the_back_link_closes_like_back_does(explore, stations):
    page = explore()
    card(page, "Cubbon Park Plaza").click()
    page.locator(".back").click()
    expect(page.locator("#found")).to_be_visible()
    assert_stayed(page)


def test_the_address_of_an_open_station_is_a_page_of_its_own(explore, stations):
    page = explore(size="desktop")
    card(page, "Cubbon Park Plaza").click()
    expect(page.locator("#station")).to_be_focused()
    page.reload()
    expect(page.locator("#station")).to_have_text("Cubbon Park Plaza")
    page.go_back()
    expect(page.locator("#found")).to_contain_text("2 stations")


def test_the_sheet_has_three_heights_by_button_and_by_key(explore, stations):
    page = explore()
    sheet, grip = page.locator(".sheet"), page.locator(".sheet__grip")
    for height in ("full", "peek", "half"):
        grip.click()
        expect(sheet).to_have_attribute("data-height", height)
    grip.focus()
    for key, height in (("ArrowDown", "peek"), ("ArrowUp", "half"), ("End", "full"), ("Escape", "half")):
        page.keyboard.press(key)
        expect(sheet).to_have_attribute("data-height", height)


def test_the_sheet_follows_the_finger_to_the_nearest_height(explore, stations):
    page = explore()
    sheet, grip = page.locator(".sheet"), page.locator(".sheet__grip").bounding_box()
    y = grip["y"] + 20
    drag(page, (195, y), (195, y - 100))
    before = sheet.bounding_box()["height"]
    page.mouse.move(195, y - 250, steps=3)
    assert sheet.bounding_box()["height"] > before + 100  # it is under the finger all the way
    page.mouse.up()
    expect(sheet).to_have_attribute("data-height", "full")


def test_the_lowest_height_says_what_matters_and_has_one_button(explore, stations):
    page = explore()
    card(page, "Cubbon Park Plaza").click()
    expect(page.locator("#station")).to_be_focused()
    page.locator(".sheet__grip").focus()
    page.keyboard.press("Home")
    peek = page.locator(".station__peek")
    expect(page.locator("#station")).to_be_visible()
    for words in ("1 of 1 free", "km away", "per kWh"):
        expect(peek.get_by_text(words)).to_be_visible()
    expect(peek.locator(".button")).to_have_count(1)
    expect(peek.get_by_role("link", name="Charge here")).to_be_in_viewport(ratio=1)


# --- Instant, then fresh ------------------------------------------------------------------------------------


def test_news_never_move_what_is_under_the_finger(explore, stations, operators, tell):
    page = explore()
    run = SearchRun.objects.get()
    card(page, "Indiranagar Hub").focus()
    before = card(page, "Indiranagar Hub").bounding_box()
    tell({"Kasturba Corner": "12.973000,77.600000"}, transaction_id=run.transaction_id)
    news = page.get_by_role("button", name="1 new, show")
    expect(news).to_be_visible()
    assert names(page) == ["Cubbon Park Plaza", "Indiranagar Hub"]
    expect(card(page, "Indiranagar Hub")).to_be_focused()
    expect(page.locator("#found")).to_contain_text("3 stations")
    assert card(page, "Indiranagar Hub").bounding_box()["x"] == before["x"]
    news.click()
    assert names(page) == ["Cubbon Park Plaza", "Kasturba Corner", "Indiranagar Hub"]
    expect(card(page, "Kasturba Corner")).to_be_focused()


def test_what_belongs_below_is_appended_and_a_status_changes_in_place(explore, stations, operators, tell):
    page = explore()
    run = SearchRun.objects.get()
    first = card(page, "Cubbon Park Plaza")
    first.evaluate("card => { card.isTheSame = true }")
    tell(
        {"Cubbon Park Plaza": MIDDLE, "Far Yard": FAR},
        availability="Charging",
        transaction_id=run.transaction_id,
    )
    expect(card(page, "Far Yard")).to_be_attached()
    assert names(page)[-1] == "Far Yard"
    expect(first).to_contain_text("0 of 1 free")
    assert first.evaluate("card => card.isTheSame")
    expect(page.get_by_role("button", name=re.compile("Cubbon Park Plaza"))).to_have_accessible_name(
        re.compile("all in use")
    )
    expect(page.locator("[data-news]")).to_be_hidden()


def test_the_page_says_who_has_not_answered_and_who_failed(explore, stations, operators, tell):
    page = explore(size="desktop")
    run = SearchRun.objects.get()
    expect(page.locator("#search-progress")).to_contain_text("Asking the operators")
    tell({}, transaction_id=run.transaction_id, error="database is down")
    expect(page.locator("#search-progress summary")).to_contain_text("1 of 2 operators have answered")
    page.locator("#search-progress summary").click()
    expect(page.get_by_text(f"{SILENT} has not answered yet")).to_be_visible()
    expect(page.get_by_text(f"{BPP} could not answer: database is down")).to_be_visible()
    assert names(page) == ["Cubbon Park Plaza", "Indiranagar Hub"]


def test_a_station_that_no_longer_fits_stays_in_its_place_and_says_so(explore, stations, operators, tell):
    page = explore("?free=on")
    run = SearchRun.objects.get()
    tell({"Cubbon Park Plaza": MIDDLE}, availability="Charging", transaction_id=run.transaction_id)
    expect(card(page, "Cubbon Park Plaza").get_by_text("No longer among what you look for")).to_be_visible()
    expect(page.locator("#found")).to_contain_text("No station")


def test_a_pin_with_news_stays_the_same_button(explore, stations, operators, tell):
    page = explore(size="desktop")
    run = SearchRun.objects.get()
    page.get_by_role("button", name=re.compile("Cubbon Park Plaza")).focus()
    tell({"Cubbon Park Plaza": MIDDLE}, availability="Faulted", transaction_id=run.transaction_id)
    expect(page.get_by_role("button", name=re.compile("Cubbon Park Plaza, out of order"))).to_be_focused()


def test_the_first_answer_fills_an_empty_list_by_itself(explore, operators, tell):
    page = explore()
    expect(page.get_by_text("No operator has offered a charger yet")).to_be_visible()
    tell({"Cubbon Park Plaza": MIDDLE}, transaction_id=SearchRun.objects.get().transaction_id)
    expect(card(page, "Cubbon Park Plaza")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Cubbon Park Plaza"))).to_be_visible()
    assert_stayed(page)


def test_names_of_silent_operators_stay_open_while_news_come(explore, stations, operators, tell):
    page = explore(size="desktop")
    run = SearchRun.objects.get()
    page.locator("#search-progress summary").click()
    tell({"Kasturba Corner": "12.973000,77.600000"}, transaction_id=run.transaction_id)
    expect(page.locator("#search-progress summary")).to_contain_text("1 of 2")
    expect(page.get_by_text(f"{SILENT} has not answered yet")).to_be_visible()
    expect(page.get_by_text(f"{BPP} has not answered yet")).to_have_count(0)


def test_an_open_station_is_mended_in_place(explore, stations, operators, tell):
    page = explore()
    card(page, "Cubbon Park Plaza").click()
    expect(page.locator("#station")).to_be_focused()
    run = SearchRun.objects.order_by("-pk")[0]
    tell({"Cubbon Park Plaza": MIDDLE}, availability="Charging", transaction_id=run.transaction_id)
    expect(page.locator(".plug")).to_contain_text("Charging")
    expect(page.locator("#station")).to_be_focused()
    page.go_back()
    expect(card(page, "Cubbon Park Plaza")).to_contain_text("0 of 1 free")
    assert_stayed(page)


@pytest.mark.parametrize("sheet", ["peek", "half", "full"])
def test_language_and_theme_are_one_tap_away_on_the_phone(
    open_page, stations, sheet, assert_fits, assert_no_axe_violations
):
    """The map hides the bar that has them elsewhere."""
    page = open_page("/")
    page.locator("[data-sheet]").evaluate(f"sheet => sheet.dataset.height = '{sheet}'")
    page.locator(".sheet__menu summary").click()
    expect(page.locator(".sheet__menu .menu__panel")).to_be_in_viewport(ratio=1)
    assert_no_axe_violations(page)
    assert_fits(page)
    page.locator(".sheet__menu").get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.keyboard.press("Escape")
    expect(page.locator(".sheet__menu .menu__panel")).to_be_hidden()
    page.locator(".sheet__menu summary").click()
    page.locator(".sheet__menu").get_by_role("button", name="हिंदी").click()
    expect(page.locator("html")).to_have_attribute("lang", "hi")


def test_the_desktop_has_them_in_its_bar_only(open_page, stations):
    page = open_page("/", size="desktop")
    expect(page.locator(".sheet__menu")).to_be_hidden()
    expect(page.locator(".topbar summary")).to_be_visible()


def test_without_a_script_the_phone_has_its_bar(chromium, server, stations, settings):
    settings.WHITENOISE_AUTOREFRESH = True
    context = chromium.new_context(base_url=server, viewport=SIZES["phone"], java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.locator(".topbar summary").click()
    page.locator(".topbar").get_by_role("button", name="हिंदी").click()
    expect(page.locator("html")).to_have_attribute("lang", "hi")
    context.close()
