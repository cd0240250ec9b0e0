"""The driver's way through the pages. Where buttons lead to and what pages say is known here and nowhere else."""

import re
import time
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from tests.foreign.driver import DriverBrowser, Page
from tests.foreign.portal import Portal
from tests.foreign.reading import number

CHARGERS = (
    "--readings-every",
    "1",
    "--no-walk-ins",
    "--retry-within",
    "2",
)  # options of `manage.py simulate_chargers`

# Where the button of each step leads to.
GET_QUOTE = r"/orders/new/[^/]+/$"
SEE_TERMS = r"/orders/[^/]+/terms/$"
PAY = r"/orders/[^/]+/accept/$"
START = r"/orders/[^/]+/start/$"
STOP = r"/orders/[^/]+/stop/$"
CANCEL = r"/orders/[^/]+/cancel/$"
REFUND = r"/orders/[^/]+/refund/$"
BILLING = {"name": "Meera Kulkarni", "phone": "+919810000001"}

# What the page of an order says at its ends.
SETTLED = r"\breceipt\b"
REFUSED = r"not possible|did not accept|said no"
SILENT = r"did not answer|could not be reached"
PAYMENTS = (
    "SELECT state, amount, captured_amount FROM payments_payment WHERE side = 'DRIVER' AND reference = %s"
)
MONEY = re.compile(r"₹\s?([\d,]+\.\d\d)")


class Row(NamedTuple):
    state: str
    taken: Decimal
    held: Decimal
    payments: int


class Walk:
    def __init__(self, portal: Portal, driver: DriverBrowser):
        self.portal, self.driver = portal, driver
        self.order_address = ""

    @property
    def page(self) -> Page:
        return self.driver.page

    # --- finding -----------------------------------------------------------------------------------------
    def find(self, station: str, *, timeout: float = 30) -> str:
        """The address where the first plug of `station` is quoted. The landing page asks the network."""
        self.driver.open("/")
        page = self.driver.wait_for(lambda page: page.link(re.escape(station)), timeout=timeout)
        self.driver.open(page.link(re.escape(station)))
        quoting = self.page.link(r"/orders/new/")
        if quoting is None:
            raise AssertionError(f"{station} has no plug to quote: {self.page.summary()}")
        return quoting

    # --- one press per step ------------------------------------------------------------------------------
    def ask_quote(self, quoting: str, kwh: Decimal = Decimal(5)) -> None:
        self.open_quote_form(quoting)
        self.press_get_quote(kwh)

    def open_quote_form(self, quoting: str) -> None:
        self.driver.open(quoting)

    def press_get_quote(self, kwh: Decimal = Decimal(5)) -> None:
        self.driver.press(GET_QUOTE, energy_kwh=kwh)
        self.order_address = self.page.url

    def wait_for_quote(self, **how: float) -> None:
        self._wait_for_button(SEE_TERMS, **how)

    def ask_terms(self) -> None:
        self.driver.press(SEE_TERMS, **BILLING)

    def wait_for_terms(self, **how: float) -> None:
        self._wait_for_button(PAY, **how)

    def pay(self, answer: str = "approve") -> None:
        """Accept the terms (and warnings, if there are any); press what the sandbox bank shall answer."""
        form, _ = self.page.form_with_button(PAY)
        accepted = [name for name in form.choices if name.startswith("accepts")]
        self.driver.press(PAY, **{name: "on" for name in accepted})
        self.driver.press(rf"^{answer}\b")

    def wait_until_confirmed(self, **how: float) -> None:
        self._wait_for_button(START, **how)

    def start(self) -> None:
        self.driver.press(START)

    def wait_until_charging(self, *, timeout: float = 90) -> None:
        """The page offers to stop."""
        self.driver.page.url = self.order_address
        self.driver.wait_for(lambda page: page.link(STOP), timeout=timeout)

    def stop(self) -> None:
        self.driver.open(f"{self.order_address}stop/")
        self.driver.press(STOP)

    def cancel(self) -> None:
        self.driver.open(f"{self.order_address}cancel/")
        self.driver.press(CANCEL)

    def wait_until_settled(self, *, timeout: float = 60) -> None:
        self.wait_for_words(SETTLED, timeout=timeout)

    def wait_for_words(self, pattern: str, *, timeout: float = 30) -> None:
        """On the page of the order."""
        self.driver.page.url = self.order_address
        self.driver.wait_for(pattern, timeout=timeout)

    def _wait_for_button(self, button: str, *, timeout: float = 30, pause: float = 0.25) -> None:
        self.driver.page.url = self.order_address
        self.driver.wait_for(lambda page: page.form_with_button(button), timeout=timeout, pause=pause)

    def buy(self, quoting: str, *, kwh: Decimal = Decimal(5)) -> None:
        """As far as a confirmed order."""
        self.ask_quote(quoting, kwh)
        self.wait_for_quote()
        self.ask_terms()
        self.wait_for_terms()
        self.pay()
        self.wait_until_confirmed()

    # --- what became of it -------------------------------------------------------------------------------
    @property
    def order_code(self) -> str:
        return self.order_address.rstrip("/").rsplit("/", 1)[-1]

    def amounts(self) -> list[Decimal]:
        return [number(found.replace(",", "")) for found in MONEY.findall(self.page.text)]

    def row(self) -> Row:
        """State of the order, money taken, money still held, payments ever made: the rows, not the page."""
        ((state,),) = self.portal.rows(
            "SELECT state FROM orders_order WHERE code = %s", UUID(self.order_code)
        )
        mine = self.portal.rows(PAYMENTS, self.order_code)
        taken = sum((number(captured) for _, _, captured in mine), Decimal(0))
        held = sum((number(amount) for state, amount, _ in mine if state == "AUTHORISED"), Decimal(0))
        return Row(state, taken, held, len(mine))

    def wait_for_energy(self, least: Decimal, *, timeout: float = 60) -> Decimal:
        """What the driver was told of the running charge."""
        deadline = time.monotonic() + timeout
        asked = "SELECT p.energy_kwh FROM orders_progress p JOIN orders_order o ON o.id = p.order_id WHERE o.code = %s"
        while True:
            told = self.portal.rows(asked, UUID(self.order_code))
            if told and told[0][0] is not None and number(told[0][0]) >= least:
                return number(told[0][0])
            if time.monotonic() > deadline:
                raise AssertionError(f"no {least} kWh: {told}; {self.page.summary()}")
            time.sleep(0.1)

    def wait_for_row(self, fits: Callable[[Row], bool], *, timeout: float = 30) -> Row:
        """Money follows a moment after the page: the bank is told by the worker."""
        deadline = time.monotonic() + timeout
        while not fits(row := self.row()):
            if time.monotonic() > deadline:
                raise AssertionError(f"the rows say {row}; {self.page.summary()}")
            time.sleep(0.1)
        return row
