"""A driver in a browser at a real portal, who finds the way by the structure of the pages, in any language."""

import re
from collections.abc import Callable
from decimal import Decimal

from playwright.sync_api import Locator, Page, expect

SOON = 30_000  # milliseconds: the machine is slow and shared
CHARGE_HERE = ".plug .button[href*='/orders/new/']"
GET_QUOTE = ".ask .foot button"
SEE_TERMS = "button[form='terms-form']"
ACCEPT = "button[form='accept-form']"
START = "form[action$='/start/'] button"
STOP = ".foot a[href$='/stop/']"
STOP_REALLY = "form[action$='/stop/'] button[type='submit'], form.card button[type='submit']"
RATE = "form[action^='/rate/'] button[type='submit']"
AMOUNT = re.compile(r"-?[\d,]+\.\d\d")


def amount(words: str) -> Decimal:
    found = AMOUNT.search(words)
    assert found, f"no amount in {words!r}"
    return Decimal(found[0].replace(",", ""))


class Journey:
    """`look` is called with the page and the name of the step wherever there is something to see."""

    def __init__(self, page: Page, look: Callable[[Page, str], None] = lambda page, name: None):
        self.page, self.look = page, look
        self.click = Locator.click

    # --- where am I? -------------------------------------------------------------------------------------
    @property
    def panel(self) -> Locator:
        return self.page.locator("#order-panel")

    def expect_state(self, *states: str, timeout: float = SOON) -> None:
        expect(self.panel).to_have_attribute("data-state", re.compile("|".join(states)), timeout=timeout)

    @property
    def order_code(self) -> str:
        return re.search(r"/orders/([0-9a-f-]{36})/", self.page.url)[1]

    def press(self, button: str) -> None:
        self.click(self.page.locator(button).first)

    # --- one method per step -----------------------------------------------------------------------------
    def find(self, station: str, at: str) -> None:
        """The list around a place, and in it the station."""
        lat, lon = at.split(",")
        self.page.goto(f"/?lat={lat}&lon={lon}&radius=3")
        card = self.page.locator(".station-card").filter(has_text=station)
        expect(card).to_be_visible(timeout=SOON)
        self.look(self.page, "find")
        card.click()
        expect(self.page.locator("#station")).to_have_text(station)
        expect(self.page.locator(CHARGE_HERE).first).to_be_visible(timeout=SOON)
        self.look(self.page, "station")

    def choose_plug(self, number: int = 0) -> None:
        self.page.locator(CHARGE_HERE).nth(number).click()

    def ask(self, kwh: str = "5") -> None:
        expect(self.page.locator("#id_energy_kwh")).to_be_visible()
        self.page.locator("#id_energy_kwh").fill(kwh)
        self.look(self.page, "how-much")
        self.press(GET_QUOTE)
        self.page.wait_for_url(re.compile(r"/orders/[0-9a-f-]{36}/$"))

    def read_quote(self) -> None:
        self.expect_state("QUOTED")
        self.page.locator("#terms-form [name='name']").fill("Grace Okafor")
        self.page.locator("#terms-form [name='phone']").fill("+15185550123")
        self.look(self.page, "quote")
        self.press(SEE_TERMS)

    def accept_terms(self) -> None:
        self.expect_state("TERMS_OFFERED")
        self.look(self.page, "terms")
        for box in self.page.locator("#accept-form input[type='checkbox']").all():
            box.check()
        self.press(ACCEPT)
        self.page.wait_for_url("**/pay/sandbox/**")

    def answer_as_bank(self, answer: str = "approve") -> None:
        self.look(self.page, "bank")
        self.press(f"button[value='{answer}']")
        self.page.wait_for_url("**/orders/**")

    def start(self) -> None:
        self.expect_state("CONFIRMED")
        self.look(self.page, "plug-in")
        self.press(START)

    def expect_charging(self) -> None:
        self.expect_state("CHARGING", timeout=2 * SOON)

    def expect_number_to_move(self) -> str:
        """The cost on the page grows; what it says now."""
        tile = self.page.locator(".tile__number").nth(1)
        before = tile.inner_text()
        expect(tile).not_to_have_text(before, timeout=SOON)
        after = tile.inner_text()
        assert before == "–" or amount(after) > amount(before)
        return after

    def stop(self) -> None:
        self.press(STOP)
        expect(self.page.locator("#stop-words").first).to_be_visible()
        self.look(self.page, "stop")
        self.press(STOP_REALLY)

    def read_receipt(self) -> Decimal:
        """The total, after checking that the lines add up to it and that it is what was charged."""
        self.expect_state("SETTLED", timeout=2 * SOON)
        self.look(self.page, "receipt")
        receipt = self.page.locator(".receipt")
        total = amount(receipt.locator(".big-number").inner_text())
        lines = receipt.locator(".bill tbody td").all_inner_texts()
        held, charged, released = map(amount, receipt.locator(".facts dd").all_inner_texts())
        assert lines and sum(map(amount, lines)) == total
        assert amount(receipt.locator(".bill tfoot td").inner_text()) == total
        assert (charged, charged + released) == (total, held)
        return total

    def rate(self, stars: int = 5) -> None:
        self.page.locator("input[name='did_work'][value='yes']").check(force=True)
        self.page.locator(f"input[name='stars'][value='{stars}']").check(force=True)
        self.press(RATE)
        expect(self.page.locator(f"input[name='stars'][value='{stars}']")).to_be_checked()
        self.look(self.page, "rated")

    # --- several at once ---------------------------------------------------------------------------------
    def buy(self, station: str, at: str, *, plug: int = 0, kwh: str = "5") -> None:
        """From the map to the bank."""
        self.find(station, at)
        self.choose_plug(plug)
        self.ask(kwh)
        self.read_quote()
        self.accept_terms()
