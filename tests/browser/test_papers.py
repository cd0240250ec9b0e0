"""Receipt and history in a real browser: they fit, read well, and what is taken along leaves the real server whole."""

import io
from urllib.request import Request, urlopen

import pytest
from pypdf import PdfReader

from tests.browser.conftest import ARTEFACTS
from tests.orders.conftest import driver, stage
from tests.orders.test_history import add
from tests.orders.test_papers import everything

__all__ = ["driver", "stage"]


@pytest.fixture
def settled(stage):
    stage.until("SETTLED")
    everything(stage)
    add(stage.order, 3, station_zone="America/Denver", station_name="Union Station")
    return stage


@pytest.mark.parametrize("name", ["receipt", "history"])
def test_it_fits_and_has_no_violations(
    open_page, settled, name, size, theme, assert_no_axe_violations, assert_fits
):
    path = f"{settled.order.get_absolute_url()}receipt/" if name == "receipt" else "/orders/"
    page = open_page(path, size=size, theme=theme, user=settled.driver)
    if name == "history":
        page.get_by_text("By month").click()
    assert_no_axe_violations(page)
    assert_fits(page)
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"papers-{name}-{size}-{theme}.png", full_page=True)


def test_paper_and_table_leave_the_server_whole(open_page, server, settled):
    page = open_page("/orders/", user=settled.driver)
    cookies = "; ".join(f"{one['name']}={one['value']}" for one in page.context.cookies())

    def taken(path: str) -> bytes:
        with urlopen(Request(server + path, headers={"Cookie": cookies})) as answer:
            return answer.read()

    receipt = PdfReader(io.BytesIO(taken(f"{settled.order.get_absolute_url()}receipt.pdf")))
    assert "Receipt" in receipt.pages[0].extract_text()
    assert taken("/orders/charges.csv").decode().count("\r\n") == 5  # the head and four charges


def test_it_is_asked_for_with_the_keyboard(open_page, settled):
    page = open_page(f"{settled.order.get_absolute_url()}receipt/", user=settled.driver)
    page.get_by_role("button", name="E-mail it to me").focus()
    page.keyboard.press("Enter")
    page.get_by_text("The receipt is on its way to asha@example.org.").wait_for()
