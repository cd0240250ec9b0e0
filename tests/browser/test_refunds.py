"""Money back and the receipt, looked at in the browser: nothing wider than the phone, nothing axe objects to."""

from decimal import Decimal
from uuid import uuid4

import pytest

from apps.accounts.models import User
from apps.beckn.wire import v1_1 as wire
from apps.orders import services
from apps.payments import refunds
from apps.payments.models import Refund
from tests.browser.conftest import ARTEFACTS
from tests.orders.stage import Stage


@pytest.fixture
def settled(db) -> Stage:
    stage = Stage(User.objects.create_user("asha@example.org", name="Asha Rao", phone="+919845012345"))
    stage.until("SETTLED")
    said = {
        "number": "INV-2026-000007",
        "issued_at": "2026-11-22T06:55:00Z",
        "amount": "361.08",
        "currency": "INR",
        "seller_name": "SparkDock Energy Pvt Ltd",
        "seller_tax_id": "29ABCDE1234F1Z5",
        "tax_title": "gst",
        "tax_percent": "18",
    }
    order = {"id": stage.number, "status": "COMPLETE", "tags": [wire.group("invoice", **said).to_wire()]}
    stage.tell("on_status", order, message_id=uuid4())
    return stage


def look(page, name: str, size: str, theme: str, check) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}-{size}-{theme}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    check(page)


def test_asking_watching_and_the_receipt(settled, open_page, size, theme, assert_no_axe_violations):
    order = settled.order
    page = open_page(f"{order.get_absolute_url()}refund/", size=size, theme=theme, user=settled.driver)
    look(page, "refund-form", size, theme, assert_no_axe_violations)
    page.get_by_label("How much?").fill("60")
    page.get_by_label("In your words").fill("Power dropped twice")
    page.get_by_role("button", name="Ask for it").click()
    page.get_by_text("SparkDock has been asked.").wait_for()
    refunds.approve(Refund.objects.get(), amount=Decimal(25))
    page.get_by_text("The money goes back the way you paid").wait_for()  # the page moved by itself
    look(page, "refund-rows", size, theme, assert_no_axe_violations)
    page.goto(f"{order.get_absolute_url()}receipt/")
    look(page, "receipt", size, theme, assert_no_axe_violations)
    page.goto("/orders/")
    page.get_by_text("Filter and export").click()
    look(page, "history", size, theme, assert_no_axe_violations)


def test_the_desk_of_refunds_fits_the_screen(settled, open_page):
    root = User.objects.create_superuser("root@example.org")
    services.request_refund(settled.order, amount=Decimal(60), reason_id="R03", words="It broke off", key="k")
    page = open_page("/admin/payments/refund/", size="desktop", user=root)
    page.screenshot(path=ARTEFACTS / "refund-desk.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto(f"/admin/payments/payment/{settled.payment().pk}/refund/")
    page.screenshot(path=ARTEFACTS / "refund-raise.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
