"""The whole journey in a real Chromium at a real portal: one that runs as a process, with charge points that do."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, WebSocketRoute, expect

from tests.browser.conftest import ARTEFACTS, SIZES
from tests.browser.journey import ACCEPT, SOON, Journey
from tests.foreign.portal import Portal, running_portal

pytestmark = [pytest.mark.browser, pytest.mark.slow]

OPERATOR, PRICES = "Empire Charge", ("--energy-rate", "0.35", "--currency", "USD", "--tax-percent", "8.875")
ALBANY, ALBANY_CODE = ("Evolve NY Quackenbush", "42.65321,-73.74811"), "empire-charge-279337"
MG_ROAD = ("MG Road Metro", "12.9755,77.6067")
DOMLUR = ("Domlur Flyover", "12.9609,77.6387")
SHIVAJINAGAR = ("Shivajinagar Bus Stand", "12.9859,77.6049")
INDIRANAGAR = ("Indiranagar 12th Main", "12.9701,77.6406")
RICHMOND = ("Richmond Town", "12.9638,77.6012")
BANASWADI = ("Banaswadi Main Road", "13.0108,77.6487")
NAMES = "mg-road-metro", "domlur-flyover", "shivajinagar", "indiranagar-12th-main"
DEMO_CODES = (
    *(f"namma-volt-{name}" for name in NAMES),
    "hasiru-sockets-richmond-town",
    "hasiru-sockets-banaswadi",
)
TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
CHARGERS = ("--readings-every", "1", "--no-walk-ins")
WITHOUT_TOPBAR = (
    ".topbar, .foot { position: static !important }"  # a picture of the whole page shows them once
)


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """The demo network, with charge points at three of its stations."""
    data_dir = tmp_path_factory.mktemp("portal")
    with running_portal(data_dir, stations=False, env={"STATUS_EVERY_SECONDS": "1"}) as portal:
        portal.manage("demo_network")
        portal.manage("attach_chargers", "--station", *DEMO_CODES)
        portal.start_chargers(*CHARGERS)
        wait_for_chargers(portal, simulators=1)
        yield portal


@pytest.fixture(scope="module")
def albany(portal: Portal, shared: Path) -> None:
    """One of the stations of a real download, with charge points attached."""
    file = shared / "data" / "afdc-new-york.csv"
    if not file.exists():
        pytest.skip("needs ../shared/data/afdc-new-york.csv")
    portal.manage("import_stations", str(file), "--format", "afdc", "--operator", OPERATOR, *PRICES)
    specs = portal.data_dir / "albany.json"
    portal.manage("attach_chargers", "--station", ALBANY_CODE, "--file", str(specs))
    portal.start_chargers(*CHARGERS, "--file", str(specs))
    wait_for_chargers(portal, simulators=2)


def wait_for_chargers(portal: Portal, *, simulators: int) -> None:
    """A station is sold as it was when the network was last asked: so ask only when everything is there."""
    deadline = time.monotonic() + 60
    while len(re.findall(r"connected=(\d+) of=\1\b", portal.log_text())) < simulators:
        assert time.monotonic() < deadline, portal.log_tail()
        time.sleep(0.2)


@pytest.fixture(scope="module")
def people(portal: Portal) -> Iterator[str]:
    """Session cookies of new drivers."""
    return iter(portal.new_people(12))


@pytest.fixture
def visit(chromium, portal: Portal, people: Iterator[str]) -> Iterator[Callable[..., Page]]:
    """A page of a new driver, of a known one (by session), or of nobody; fails the test on any error in its console."""
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    def hear(message) -> None:
        if message.type == "error" and "the server responded with a status of" not in message.text:
            troubles.append(message.text)

    def visit(*, size: str = "phone", theme: str = "light", person: str = "somebody new", **options) -> Page:
        context = chromium.new_context(
            base_url=portal.url,
            viewport=SIZES[size],
            color_scheme=theme,
            reduced_motion="reduce",
            **options,
        )
        contexts.append(context)
        if person:
            session = next(people) if person == "somebody new" else person
            context.add_cookies([{"name": "sessionid", "value": session, "url": portal.url}])
        page = context.new_page()
        page.set_default_timeout(SOON)
        page.on("console", hear)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not troubles


def keep_pictures(page: Page, name: str) -> None:
    """This step at both sizes in both themes, among the artefacts of the run."""
    folder = ARTEFACTS / "journey"
    folder.mkdir(parents=True, exist_ok=True)
    before = page.viewport_size
    for size, box in SIZES.items():
        page.set_viewport_size(box)
        if size == "phone" and page.locator(".explore, dialog[open]").count() == 0:
            # A screen as tall as the page: what sticks to the edges of a screen is then seen once.
            tall = page.evaluate("document.documentElement.scrollHeight")
            page.set_viewport_size({**box, "height": max(tall, box["height"])})
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            page.evaluate(TWO_FRAMES)
            page.screenshot(path=folder / f"{name}-{size}-{theme}.png")
    page.set_viewport_size(before)


def rows_of(portal: Portal, order_code: str) -> list[str]:
    """How many orders the driver of this order has, how many payments they have, and how many ratings."""
    return portal.shell(
        "from apps.orders.models import Order\n"
        "from apps.payments.models import Payment\n"
        "from apps.ratings.models import GivenRating\n"
        f"orders = Order.objects.filter(driver=Order.objects.get(code='{order_code}').driver)\n"
        "codes = [str(order.code) for order in orders]\n"
        "payments = Payment.objects.filter(reference__in=codes, side=Payment.Side.DRIVER)\n"
        "print(len(codes), payments.count(), GivenRating.objects.filter(order__in=orders).count())"
    ).split()


# --- the journey ------------------------------------------------------------------------------------------
def test_a_new_driver_charges_at_an_imported_station(albany, visit):
    page = visit(person="")
    frames: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: frames.append(str(data))))
    journey = Journey(page, keep_pictures)
    journey.find(*ALBANY)
    journey.choose_plug()
    sign_up(page)
    journey.ask()
    journey.read_quote()
    journey.accept_terms()
    journey.answer_as_bank()
    journey.start()
    journey.expect_charging()
    told = journey.expect_number_to_move()
    assert any(told in frame for frame in frames), "the number came, but not by the socket"
    expect(page.locator("[data-reading]")).to_have_text(re.compile(r"\d+ s old"))
    assert len(json.loads(page.locator("#curve-data").text_content())["at"]) > 1
    expect(page.locator(".chart canvas")).to_have_count(1)
    keep_pictures(page, "charging")
    journey.stop()
    total = journey.read_receipt()
    journey.rate(5)
    page.goto(f"/orders/{journey.order_code}/messages/")
    keep_pictures(page, "messages")
    page.goto("/orders/")
    expect(page.locator(".list a").filter(has_text=ALBANY[0])).to_contain_text(f"{total}")
    keep_pictures(page, "history")


def sign_up(page: Page) -> None:
    page.locator("main a[href*='signup']").click()
    keep_pictures(page, "sign-up")
    page.locator("[name=name]").fill("Grace Okafor")
    page.locator("[name=email]").fill("grace@drivers.example")
    page.locator("[name=password1]").fill("a quiet electric morning")
    page.locator("main form [type=submit], main form button").first.click()
    page.wait_for_url("**/orders/new/**")


def test_every_page_is_accessible_in_hindi_and_dark(visit, assert_no_axe_violations, assert_fits):
    def look(page: Page, name: str) -> None:
        assert_no_axe_violations(page)
        assert_fits(page)
        page.screenshot(path=ARTEFACTS / f"journey-hindi-{name}.png", full_page=True)

    ARTEFACTS.mkdir(exist_ok=True)
    page = visit(theme="dark", locale="hi-IN")
    journey = Journey(page, look)
    journey.buy(*MG_ROAD)
    expect(page.locator("html")).to_have_attribute("lang", "hi")
    journey.answer_as_bank()
    journey.start()
    journey.expect_charging()
    journey.expect_number_to_move()
    look(page, "charging")
    journey.stop()
    journey.read_receipt()
    journey.rate(4)
    for name, address in {
        "messages": f"/orders/{journey.order_code}/messages/",
        "history": "/orders/",
    }.items():
        page.goto(address)
        look(page, name)


def test_the_journey_needs_no_script(visit):
    page = visit(java_script_enabled=False)
    journey = Journey(page)
    journey.buy(*INDIRANAGAR)
    journey.answer_as_bank()
    journey.start()
    journey.expect_charging()
    journey.expect_number_to_move()
    journey.stop()
    journey.read_receipt()


# --- the journey, broken ----------------------------------------------------------------------------------
def test_pressing_every_button_twice_does_everything_once(visit, portal):
    journey = Journey(visit())
    journey.click = Locator.dblclick
    journey.buy(*DOMLUR)
    journey.answer_as_bank()
    journey.start()
    journey.expect_charging()
    journey.expect_number_to_move()
    journey.stop()
    journey.read_receipt()
    journey.rate()
    assert rows_of(portal, journey.order_code) == ["1", "1", "1"]


def test_going_back_after_paying_and_pressing_again_pays_once(visit, portal, people):
    person = next(people)
    page, old_terms, old_bank = (
        visit(person=person, java_script_enabled=script) for script in (True, False, False)
    )
    journey = Journey(page)
    journey.find(*BANASWADI)
    journey.choose_plug()
    journey.ask()
    journey.read_quote()
    journey.expect_state("TERMS_OFFERED")
    order_page = page.url
    old_terms.goto(order_page)
    journey.accept_terms()
    old_bank.goto(page.url)
    journey.answer_as_bank()
    journey.expect_state("CONFIRMED")

    page.go_back()
    expect(page.locator("button[value='decline']")).to_have_count(0)
    Journey(old_bank).answer_as_bank("decline")
    Journey(old_bank).expect_state("CONFIRMED")
    old_terms.locator("[name=accepts_terms]").check()
    old_terms.locator(ACCEPT).click()
    expect(old_terms.locator("h1")).to_be_visible()
    page.goto(order_page)
    journey.expect_state("CONFIRMED")
    assert rows_of(portal, journey.order_code) == ["1", "1", "0"]
    leave(journey)


def leave(journey: Journey) -> None:
    """So that the plug is free for the next test."""
    journey.page.locator("a[href$='/cancel/']").click()
    journey.page.locator("main form button[type=submit]").click()
    journey.expect_state("CANCELLED")


def test_a_page_whose_socket_dies_says_so_and_catches_up(visit):
    page = visit()
    journey = Journey(page)
    line = Line()
    page.route_web_socket(re.compile("/live/order/"), line.connect)
    journey.buy(*RICHMOND)
    journey.answer_as_bank()
    journey.start()
    journey.expect_charging()
    line.cut()
    expect(page.locator(".connection")).to_be_visible(timeout=SOON)
    journey.expect_number_to_move()  # by the slow poll
    line.mend()
    expect(page.locator(".connection")).to_have_count(0, timeout=SOON)
    journey.expect_number_to_move()
    journey.stop()
    journey.read_receipt()


class Line:
    """The line between a page and the socket of the server: it can be cut and mended."""

    def __init__(self) -> None:
        self.is_cut, self.open = False, []

    def connect(self, socket: WebSocketRoute) -> None:
        if self.is_cut:
            socket.close(code=1013)
        else:
            socket.connect_to_server()
            self.open.append(socket)

    def cut(self) -> None:
        self.is_cut = True
        for socket in self.open:
            socket.close(code=1013)
        self.open = []

    def mend(self) -> None:
        self.is_cut = False


def test_nobody_sees_the_order_of_another_driver(visit):
    page = visit()
    journey = Journey(page)
    journey.find(*SHIVAJINAGAR)
    journey.choose_plug()
    journey.ask()
    journey.expect_state("QUOTED")
    stranger = visit()
    for rest in ("", "messages/", "cancel/", "stop/"):
        answer = stranger.goto(f"{page.url}{rest}")
        assert answer.status == 404
        expect(stranger.locator("#order-panel")).to_have_count(0)
        expect(stranger.locator("main a.button[href='/']")).to_be_visible()


def test_a_declined_payment_has_a_way_on(visit, portal, assert_no_axe_violations):
    page = visit()
    journey = Journey(page)
    journey.buy(*SHIVAJINAGAR)
    journey.answer_as_bank("decline")
    journey.expect_state("PAYMENT_FAILED")
    assert_no_axe_violations(page)
    keep_pictures(page, "declined")
    page.locator("form[action$='/accept/'] button").click()
    page.wait_for_url("**/pay/sandbox/**")
    journey.answer_as_bank()
    journey.expect_state("CONFIRMED")
    assert rows_of(portal, journey.order_code) == ["1", "2", "0"]
    leave(journey)
    keep_pictures(page, "cancelled")


def test_a_bank_that_hangs_is_waited_for(visit):
    page = visit()
    journey = Journey(page)
    journey.buy(*SHIVAJINAGAR)
    journey.answer_as_bank("hang")
    journey.expect_state("PAYING")
    expect(page.locator("[data-countdown]")).to_be_visible()
    keep_pictures(page, "hanging")
    journey.expect_state("CONFIRMED", timeout=2 * SOON)
    leave(journey)


def test_an_expired_quote_is_told_and_asked_anew(visit, portal, people):
    person = next(people)
    page = visit(person=person, java_script_enabled=False)  # nothing tells this page that the time ran out
    journey = Journey(page)
    journey.find(*SHIVAJINAGAR)
    journey.choose_plug()
    journey.ask()
    journey.expect_state("QUOTED")
    portal.shell(
        "from django.utils import timezone\n"
        "from apps.orders.models import Order\n"
        f"Order.objects.filter(code='{journey.order_code}')"
        ".update(quote_expires_at=timezone.now(), deadline_at=timezone.now())"
    )
    order_page = page.url
    journey.read_quote()
    expect(page.locator("main")).to_contain_text("expired")
    page.screenshot(path=ARTEFACTS / "journey-refused-expired.png")
    journey = Journey(visit(person=person))
    page = journey.page
    page.goto(order_page)
    journey.expect_state("EXPIRED")
    keep_pictures(page, "expired")
    page.locator("a[href*='/orders/new/']").first.click()
    journey.ask()
    journey.expect_state("QUOTED")


def test_a_station_that_closed_meanwhile_refuses(visit, portal):
    page = visit()
    journey = Journey(page)
    journey.find(*SHIVAJINAGAR)
    journey.choose_plug()
    portal.shell(
        "from apps.catalog.models import Station\n"
        "from apps.catalog.services import update_station\n"
        f"update_station(station=Station.objects.get(code='{DEMO_CODES[2]}'), closed_reason='Flooded road')"
    )
    journey.ask()
    journey.expect_state("REFUSED")
    expect(page.locator("main a[href='/']").first).to_be_visible()
    keep_pictures(page, "refused-closed")
