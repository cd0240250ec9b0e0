"""Re-rating in the admin: who may ask, read, let go; and that nothing of another operator is within reach."""

from datetime import timedelta
from decimal import Decimal

from django.contrib.admin.models import LogEntry
from django.urls import reverse

from apps.bookings import rerate
from apps.bookings.models import Booking, Concession, Rerating
from apps.catalog.models import Staff
from apps.lib.money import format_money
from tests.bookings.test_rerate import _copies, billed, boss, compared, finance, operator, prepared, right
from tests.factory import NOON
from tests.support.test_admin import statements

__all__ = ["billed", "boss", "finance", "operator", "right"]
ADD, LIST = "admin:bookings_rerating_add", "admin:bookings_rerating_changelist"


def page_of(rerating: Rerating) -> str:
    return reverse("admin:bookings_rerating_change", args=[rerating.pk])


def press(client, rerating: Rerating, verb: str):
    return client.post(reverse("admin:bookings_rerating_do", args=[rerating.pk, verb]), follow=True)


def fill(client, booking: Booking, tariff, **more: str):
    form = {"tariff": tariff.pk, "orders": booking.code, "reason": "May's price in June"} | more
    return client.post(reverse(ADD), form, follow=True)


def test_finance_asks_reads_and_credits(client, app, billed, finance, right):
    client.force_login(finance)
    chosen = {"action": "set_right", "_selected_action": [billed.pk]}
    sent_to = client.post(reverse("admin:bookings_booking_changelist"), chosen)
    assert sent_to["Location"] == f"{reverse(ADD)}?orders={billed.code}"
    assert billed.code in client.get(sent_to["Location"]).content.decode()
    assert fill(client, billed, right).status_code == 200
    rerating = compared(Rerating.objects.get())
    assert rerating.prepared_by == finance
    page = client.get(page_of(rerating)).content.decode()
    for figure in (
        "₹230.10",
        "₹188.80",
        format_money(Decimal("-41.30"), "INR"),
        "₹185.00",
        "₹150.00",
        "energy-cost",
        billed.code,
    ):
        assert figure in page
    press(client, rerating, "credit")
    rerate.credit_due()
    assert Concession.objects.get().amount == Decimal("41.30")
    said = LogEntry.objects.filter(user=finance).values_list("change_message", flat=True)
    assert any("credit: COMPARED → CREDITING" in words for words in said)


def test_the_second_person_is_another(client, app, billed, finance, boss, right, settings):
    settings.REFUNDS = settings.REFUNDS | {"RERATE_ALONE": {}}
    rerating = compared(prepared(finance, right, billed))
    client.force_login(finance)
    assert b"Ask a second person" in client.get(page_of(rerating)).content
    press(client, rerating, "credit")
    page = press(client, rerating, "approve").content
    assert b"Nobody approves their own" in page
    assert b"somebody else who may re-rate" in page
    assert Rerating.objects.get().state == Rerating.State.WAITING
    client.force_login(boss)
    press(client, rerating, "approve")
    assert Rerating.objects.get().state == Rerating.State.CREDITING


def test_a_wrong_form_says_why(client, app, billed, finance, right):
    client.force_login(finance)
    assert b"There is no bill like that" in fill(client, billed, right, orders="BK-OTHER").content
    assert b"Choose which bills" in fill(client, billed, right, orders="").content
    assert b"This field is required" in fill(client, billed, right, reason="").content
    assert not Rerating.objects.exists()


def test_another_operators_tariff_and_rows_are_no_choice(client, app, billed, finance, right, factory):
    foreign = factory.make_priced_connector()
    client.force_login(finance)
    assert b"Select a valid choice" in fill(client, billed, foreign.tariff).content
    assert b"Select a valid choice" in fill(client, billed, right, connector=foreign.pk).content
    assert not Rerating.objects.exists()


def test_viewers_read_and_strangers_find_nothing(client, app, billed, finance, right, operator, factory):
    rerating = compared(prepared(finance, right, billed))
    client.force_login(factory.make_staff(operator, role=Staff.Role.VIEWER))
    page = client.get(page_of(rerating))
    assert (page.status_code, b"<form method" in page.content.split(b'id="content"')[1]) == (200, False)
    assert client.get(reverse(ADD)).status_code == 403
    press(client, rerating, "credit")
    for stranger in (
        factory.make_staff(factory.make_operator(), role=Staff.Role.MANAGER),
        factory.make_user(is_staff=True),
    ):
        client.force_login(stranger)
        assert client.get(page_of(rerating)).status_code == 404
        assert press(client, rerating, "credit").status_code == 404
    assert Rerating.objects.get().state == Rerating.State.COMPARED


def test_no_get_changes_anything_and_unknown_deeds_are_none(client, billed, finance, right):
    rerating = compared(prepared(finance, right, billed))
    client.force_login(finance)
    assert client.get(reverse("admin:bookings_rerating_do", args=[rerating.pk, "credit"])).status_code == 405
    assert press(client, rerating, "burn").status_code == 404


def test_the_page_asks_no_more_for_many(client, billed, finance, right):
    client.force_login(finance)
    one = compared(prepared(finance, right, billed))
    client.get(page_of(one))
    few = statements(lambda: client.get(page_of(one)))
    _copies(billed, 30)
    many = compared(prepared(finance, right, billed))
    assert many.bills.count() == 31
    assert len(statements(lambda: client.get(page_of(many)))) <= len(few)


def test_it_narrows_by_time(client, billed, finance, right):
    client.force_login(finance)
    until = NOON + timedelta(hours=1)
    day = {"ended_from_0": "2026-01-01", "ended_from_1": "00:00"}
    day |= {"ended_until_0": f"{until:%Y-%m-%d}", "ended_until_1": f"{until:%H:%M}"}
    fill(client, billed, right, orders="", **day)
    assert Rerating.objects.get().ended_until == until
