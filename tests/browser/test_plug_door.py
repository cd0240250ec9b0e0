"""From the sticker to "Charge here" on a phone, with a script and without; and the sheet as it leaves the printer."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from apps.beckn.models import Subscriber
from apps.beckn.wire import v1_1 as wire
from apps.catalog import door, labels, network
from apps.catalog.models import Connector, PlugCode, Staff
from apps.catalog.search import find
from apps.discovery import services
from apps.discovery.models import SearchRun
from apps.lib import clock
from apps.lib.mistakes import Mistakes
from tests.factory import Factory


@pytest.fixture
def factory(transactional_db) -> Factory:
    return Factory()


@pytest.fixture(autouse=True)
def many_guesses(monkeypatch):
    monkeypatch.setattr(door, "GUESSES", Mistakes(f"guess-{uuid4()}", allowed=99, seconds=60))


@pytest.fixture
def plug_code(factory, settings) -> PlugCode:
    Subscriber.objects.create(
        subscriber_id=settings.BECKN["BPP_ID"],
        key_id="k1",
        type=Subscriber.Type.BPP,
        url="https://bpp.example/beckn/bpp",
        domain="ev-charging:uei",
        signing_public_key="A" * 43 + "=",
        valid_from=clock.now() - timedelta(days=1),
        state=Subscriber.State.SUBSCRIBED,
    )
    station = factory.make_station(factory.make_operator(name="SparkDock", phone="+91 80 4000 1234"))
    plug = factory.make_priced_connector(factory.make_evse(station), seen_at=clock.now())
    labels.issue_for([plug], by=None)
    return PlugCode.objects.get()


def tell(run: SearchRun | None = None) -> None:
    """The operator side answers, as it would to everybody."""
    now = clock.now()
    services.record_catalog(
        transaction_id=run.transaction_id if run else uuid4(),
        bpp_id=Subscriber.objects.get().subscriber_id,
        bpp_uri="https://bpp.example/beckn/bpp",
        catalog=next(network.catalogs(find(network.read_criteria(wire.Intent(), now), now), now)),
        error="",
        received_at=now,
    )


def path_of(plug_code: PlugCode) -> str:
    return reverse("plug_door", args=[plug_code.code])


def test_the_plug_of_the_sticker_is_fit_for_everybody(
    open_page, plug_code, size, theme, assert_no_axe_violations, assert_fits, keep_picture
):
    tell()
    page = open_page(path_of(plug_code), size=size, theme=theme)
    expect(page.get_by_role("link", name="Charge here")).to_be_visible()
    assert page.get_by_role("link", name="Charge here").bounding_box()["height"] >= 44
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"plug-door-{size}-{theme}")


@pytest.mark.parametrize("why", ["wrong", "revoked", "gone", "busy", "waiting", "report", "type"])
def test_every_other_answer_is_fit_for_everybody(
    open_page, plug_code, factory, theme, why, assert_no_axe_violations, assert_fits, keep_picture
):
    path = path_of(plug_code)
    if why == "busy":
        Connector.objects.update(status="Charging", status_changed_at=clock.now())
        tell()
    elif why == "revoked":
        labels.revoke(plug_code=plug_code, by=factory.make_user(), reason="stolen")
    elif why == "gone":
        Connector.objects.update(is_published=False)
    path = {"wrong": "/c/2222", "report": f"{path}/wrong/", "type": "/c/"}.get(why, path)
    page = open_page(path, theme=theme)
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"plug-door-{why}-phone-{theme}")


def test_the_page_goes_on_by_itself_when_the_answer_comes(open_page, plug_code):
    page = open_page(path_of(plug_code))
    expect(page.get_by_text("Asking SparkDock about this plug")).to_be_visible()
    tell(SearchRun.objects.get())
    expect(page.get_by_role("link", name="Charge here")).to_be_visible(timeout=5000)


def test_it_goes_on_without_a_script_as_well(chromium, server, plug_code):
    context = chromium.new_context(
        base_url=server, viewport={"width": 390, "height": 844}, java_script_enabled=False
    )
    page = context.new_page()
    page.goto(path_of(plug_code))
    expect(page.get_by_text("Asking SparkDock about this plug")).to_be_visible()
    tell(SearchRun.objects.get())
    expect(page.get_by_role("link", name="Charge here")).to_be_visible(timeout=8000)
    page.get_by_role("link", name="Charge here").click()
    assert "/accounts/login/" in page.url and "orders/new" in page.url
    context.close()


def test_a_typed_code_opens_its_plug(open_page, plug_code):
    tell()
    page = open_page("/c/")
    page.get_by_label("Code on the sticker").fill(str(plug_code).lower())
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", name="Plug A")).to_be_visible()


def test_a_sticker_is_reported(open_page, plug_code):
    tell()
    page = open_page(path_of(plug_code))
    page.get_by_role("link", name="The code looks wrong").click()
    page.get_by_label("The sticker is glued over another one").check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="Thank you, it was reported")).to_be_visible()
    assert plug_code.reports.get().what == "OVER_ANOTHER"


def test_the_sheet_is_printed_in_its_true_size(
    open_page, plug_code, factory, theme, assert_no_axe_violations, assert_fits, keep_picture
):
    evse = plug_code.connector.evse
    labels.issue_for([factory.make_priced_connector(evse) for _ in range(9)], by=None)
    labels.report(key=uuid4(), typed="", plug_code=plug_code, what="UNREADABLE", words="scratched")
    manager = factory.make_staff(evse.station.operator, Staff.Role.MANAGER)
    page = open_page(reverse("catalog:plug_codes", args=[evse.station.code]), theme=theme, user=manager)
    expect(page.get_by_role("button", name="Print the sheet")).to_be_visible()
    expect(page.get_by_role("img", name="QR code of plug A")).to_be_visible()
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"plug-codes-phone-{theme}")
    page.emulate_media(media="print", color_scheme=theme)
    page.set_viewport_size({"width": 688, "height": 1032})  # A4 within its margins
    millimetre = 96 / 25.4
    sticker = page.locator(".sticker").first.bounding_box()
    picture = page.locator(".sticker svg").first.bounding_box()
    assert abs(sticker["width"] - 90 * millimetre) < 2 and abs(sticker["height"] - 62 * millimetre) < 2
    assert abs(picture["width"] - 44 * millimetre) < 2 and abs(picture["height"] - 44 * millimetre) < 2
    assert (
        page.locator(".sticker").first.evaluate("one => getComputedStyle(one).backgroundColor")
        == "rgb(255, 255, 255)"
    )
    for hidden in (
        page.get_by_role("button", name="Print the sheet"),
        page.get_by_text("says it looks wrong"),
    ):
        expect(hidden).to_be_hidden()
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 2  # ten stickers, eight on a page
    keep_picture(page, f"plug-codes-print-{theme}")


def test_the_list_of_stations_is_fit_for_everybody(
    open_page, plug_code, factory, theme, assert_no_axe_violations, assert_fits, keep_picture
):
    viewer = factory.make_staff(plug_code.connector.evse.station.operator, Staff.Role.VIEWER)
    page = open_page(reverse("catalog:stations"), theme=theme, user=viewer)
    assert_no_axe_violations(page)
    assert_fits(page)
    keep_picture(page, f"plug-codes-stations-{theme}")
