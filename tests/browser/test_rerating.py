"""The page of a re-rating, looked at: old beside new, and nothing wider than the screen."""

from datetime import timedelta
from decimal import Decimal

from django.urls import reverse

from apps.bookings import rerate
from apps.catalog.models import Staff
from apps.lib import clock
from tests.bookings.conftest import app, charger, placed

__all__ = ["app", "charger", "placed"]


def test_old_beside_new(
    open_page, assert_fits, assert_no_axe_violations, keep_picture, factory, app, placed, charger, theme
):
    app.update("start-charging")
    number = charger.begin(placed.start_token).transaction_id
    charger.end(number, wh=11_000, at=clock.now() + timedelta(minutes=12))
    operator = app.plug.evse.station.operator
    right = factory.make_tariff(operator, session_fee=Decimal(10), energy_rate=Decimal(15))
    boss = factory.make_staff(operator, role=Staff.Role.FINANCE, name="Farah Khan")
    rerating = rerate.prepare(by=boss, tariff=right, orders=[placed.code], reason="May's price in June")
    address = reverse("admin:bookings_rerating_change", args=[rerating.pk])
    page = open_page(address, size="desktop", theme=theme, user=boss)
    assert page.get_by_role("status").is_visible()  # being compared
    while rerate.compare_due():
        pass
    page.reload()
    page.get_by_text("−₹41.30").first.wait_for()
    assert_fits(page)
    assert_no_axe_violations(page)
    keep_picture(page, f"rerating-desktop-{theme}")
    page.get_by_role("button", name="Credit the drivers").press("Enter")
    page.get_by_text("Crediting").first.wait_for()
    page.goto(page.url.split("/admin/")[0] + reverse("admin:bookings_rerating_add"))
    assert_fits(page)
    keep_picture(page, f"rerating-form-desktop-{theme}")
