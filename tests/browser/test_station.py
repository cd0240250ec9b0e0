"""The page of a station and what was saved, in a real browser."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from playwright.sync_api import expect

from apps.accounts.models import User
from apps.beckn.wire import v1_1 as wire
from apps.discovery import services, watches
from apps.discovery.models import Favourite, Offer, OfferedStation
from tests.catalog.pictures import picture
from tests.discovery import catalogs

PRICED = {"service_charge": "5.00", "tax_name": "GST", "tax_percent": "18"}


def say(first: str = "Charging", bpp_id: str = "grid.example", **station) -> OfferedStation:
    items = [
        catalogs.item("p-1", connector_id="A", evse_id="e-1", availability=first, **PRICED),
        catalogs.item(
            "p-2", connector_id="B", connector_type="IEC_62196_T2", availability="Finishing", **PRICED
        ),
        catalogs.item("p-3", connector_id="C", evse_id="e-1", availability="Faulted", price="12"),
    ]
    catalog = catalogs.catalog(catalogs.provider(**{"items": items, **station}))
    services.record_catalog(
        transaction_id=uuid4(),
        bpp_id=bpp_id,
        bpp_uri=f"https://{bpp_id}/beckn/bpp",
        catalog=wire.Catalog.read(catalog),
        error="",
        received_at=datetime.now(UTC),
    )
    return OfferedStation.objects.get(bpp_id=bpp_id)


@pytest.fixture
def station() -> OfferedStation:
    return say()


@pytest.fixture
def asha() -> User:
    return User.objects.create_user("asha@example.org", name="Asha")


@pytest.mark.parametrize("first", ["Available", "Charging", "Taken again"])
def test_the_page_of_a_station(
    open_page, station, asha, size, theme, first, assert_no_axe_violations, assert_fits, keep_picture
):
    say("Charging")
    watches.start(asha, station, Offer.objects.get(item_id="p-1"))
    if first == "Taken again":
        say(
            "Available",
            bpp_id="volt.example",
            locations=[catalogs.location(gps="12.981,77.60", name="MG Road")],
        )
        say("Available")
    say("Available" if first == "Available" else "Charging")
    page = open_page(station.get_absolute_url(), size=size, theme=theme, user=asha)
    page.wait_for_load_state("networkidle")
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"station-{first.split()[0].lower()}-{size}-{theme}")


def test_the_page_of_what_was_saved(
    open_page, station, asha, size, theme, assert_no_axe_violations, assert_fits, keep_picture
):
    Favourite.objects.create(person=asha, station=station)
    watches.start(asha, station, Offer.objects.get(item_id="p-1"))
    page = open_page("/saved/", size=size, theme=theme, user=asha)
    page.wait_for_load_state("networkidle")
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"saved-{size}-{theme}")


def test_an_open_page_hears_that_a_plug_is_free(open_page, station, asha):
    page = open_page(station.get_absolute_url(), user=asha)
    page.get_by_role("button", name="Tell me when it is free").first.click()
    expect(page.get_by_text("Watching plug A")).to_be_visible()
    page.wait_for_timeout(500)
    say("Available")
    expect(page.get_by_text("Plug A · CCS2 is free")).to_be_visible()
    expect(page.locator("#watches").get_by_role("link", name="Charge here")).to_be_visible()


def test_what_came_through_the_socket_can_be_pressed(open_page, station, asha):
    watches.start(asha, station, Offer.objects.get(item_id="p-1"))
    page = open_page(station.get_absolute_url(), user=asha)
    page.wait_for_timeout(500)
    say("Available")
    page.get_by_role("button", name="Hide this").click()
    expect(page.get_by_text("Plug A · CCS2 is free")).to_have_count(0)


def test_the_heart_answers_to_the_keyboard_and_keeps_the_focus(open_page, station):
    page = open_page(station.get_absolute_url())
    page.get_by_role("button", name="Save").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Saved (press to remove)")).to_be_focused()
    page.goto("/saved/")
    expect(page.get_by_role("link", name="Cubbon Park Plaza")).to_be_visible()


def test_sharing_copies_the_link(open_page, station):
    page = open_page(station.get_absolute_url())
    page.evaluate("navigator.share = undefined; window.copied = []")
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied.push(text); }")
    page.get_by_role("link", name="Share").click()
    expect(page.get_by_text("Link copied").first).to_be_visible()
    assert page.evaluate("window.copied.at(-1)").endswith(station.get_absolute_url())


def test_everything_works_without_javascript(chromium, server, station, asha):
    from tests.browser.conftest import sign_in

    context = chromium.new_context(base_url=server, java_script_enabled=False)
    sign_in(context, asha, server)
    page = context.new_page()
    page.goto(station.get_absolute_url())
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Saved (press to remove)")).to_be_visible()
    page.get_by_role("button", name="Tell me when it is free").first.click()
    expect(page.get_by_text("Watching plug A")).to_be_visible()
    page.get_by_role("button", name="Stop watching").click()
    expect(page.get_by_text("Watching plug A")).to_have_count(0)
    context.close()


def test_photos_stand_in_boxes_of_one_shape(
    open_page, server, settings, tmp_path, size, theme, assert_fits, assert_no_axe_violations, keep_picture
):
    """The picture itself is small and flat; one that is gone is taken away."""
    settings.PUBLIC_URL, settings.MEDIA_ROOT = server, str(tmp_path)
    default_storage.save("photos/there.jpg", ContentFile(picture(size=(640, 200))))
    images = [{"url": f"{server}/media/photos/{name}.jpg", "size_type": "lg"} for name in ("there", "gone")]
    place = catalogs.location()
    place["descriptor"]["images"] = images
    item = catalogs.item(photo_alt="The posts from the street", **PRICED)
    item["tags"][0]["list"].append({"descriptor": {"code": "photo-alt"}, "value": "The gate"})
    station = say(locations=[place], items=[item])
    page = open_page(station.get_absolute_url(), size=size, theme=theme)
    photo = page.get_by_role("img", name="The posts from the street")
    photo.scroll_into_view_if_needed()
    expect(page.locator("[data-photo]")).to_have_count(1)
    assert photo.evaluate("image => image.decode().then(() => image.naturalWidth)") == 640
    box = page.locator(".photos__box").bounding_box()
    assert abs(box["width"] / box["height"] - 1.5) < 0.05
    assert_fits(page)
    assert_no_axe_violations(page)
    keep_picture(page, f"station-photos-{size}-{theme}")
