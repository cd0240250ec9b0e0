"""Documents of the operator: numbered without a gap, reversed in full, and told to the app."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.urls import reverse

from apps.beckn.wire import v1_1 as wire
from apps.bookings import concessions, invoices
from apps.bookings.models import Booking, Concession, Invoice, InvoiceSeries
from apps.orders.documents import read_documents
from tests.factory import NOON
from tests.orders.test_race import at_once


@pytest.fixture
def told(app, placed, charger) -> dict:
    """The final bill: 10 kWh for 230.10 INR."""
    operator = placed.evse.station.operator
    operator.legal_name, operator.tax_id = "SparkDock Energy Pvt Ltd", "29ABCDE1234F1Z5"
    operator.save()
    app.update("start-charging")
    number = charger.begin(placed.start_token).transaction_id
    app.news()
    charger.end(number, wh=11_000, at=NOON + timedelta(minutes=12))
    return app.news()[-1]


def documents(told: dict) -> list[dict]:
    return read_documents(wire.Order.read(told["message"]["order"]))


def test_the_bill_comes_with_its_invoice(told):
    (invoice,) = documents(told)
    assert (invoice["kind"], invoice["number"], invoice["amount"]) == ("invoice", "INV-2026-000001", "230.10")
    assert (invoice["seller_name"], invoice["seller_tax_id"]) == (
        "SparkDock Energy Pvt Ltd",
        "29ABCDE1234F1Z5",
    )
    assert invoice["taxes"] == {"gst": "18"}


def test_a_concession_reverses_the_invoice_and_writes_the_corrected_one(app, told, factory):
    boss = factory.make_user(is_staff=True, is_superuser=True)
    for amount, owed in (("130.10", "100.00"), ("100.00", "0")):
        concession = Concession.objects.create(
            code=f"RFD-{amount}",
            booking=app.booking(),
            app_ref=amount,
            asked_amount=Decimal(amount),
            amount=Decimal(amount),
            type="SERVICE_ISSUE_REFUND",
        )
        concessions.agree(concession, by=boss)
        assert sum(row.signed_total for row in Invoice.objects.all()) == Decimal(owed)  # AT-J5
    said = [(row["number"], row["reverses"]) for row in documents(app.news()[-1])]
    assert said == [
        ("INV-2026-000001", ""),
        ("CRN-2026-000001", "INV-2026-000001"),
        ("INV-2026-000002", ""),
        ("CRN-2026-000002", "INV-2026-000002"),
    ]
    corrected = Invoice.objects.get(kind="INV", number=2)
    assert sum(Decimal(line["amount"]) for line in corrected.lines) == corrected.total == 100


@pytest.mark.parametrize(
    ("ended_at", "year"),
    [
        (datetime(2026, 12, 31, 18, 20, tzinfo=UTC), 2026),  # ten to midnight in India
        (datetime(2026, 12, 31, 18, 40, tzinfo=UTC), 2027),  # ten past
        (None, 2027),  # a fee, of the moment it is written in
    ],
)
@time_machine.travel(datetime(2027, 1, 1, 9, tzinfo=UTC), tick=False)
def test_an_invoice_belongs_to_the_year_its_charge_ended_in_where_it_stands(placed, ended_at, year):
    assert placed.evse.station.zone == "Asia/Kolkata"
    placed.final_total, placed.final_lines = Decimal(10), [{"title": "energy-cost", "amount": "10.00"}]
    invoice = invoices.issue(placed, ended_at=ended_at)
    assert (invoice.year, invoice.issued_at.year) == (year, 2027)


def test_the_bill_is_of_the_moment_the_charge_ended(app, placed, charger, monkeypatch):
    """Not of the one in which it was reckoned: the last reading may come late."""
    seen = []
    monkeypatch.setattr(invoices, "issue", lambda booking, ended_at: seen.append(ended_at))
    app.update("start-charging")
    number = charger.begin(placed.start_token).transaction_id
    charger.end(number, wh=11_000, at=NOON + timedelta(minutes=12))
    assert seen == [NOON + timedelta(minutes=12)]


def test_nothing_billed_is_nothing_invoiced(app, placed):
    app.about("cancel", cancellation_reason_id="2")
    assert Invoice.objects.get().total == Decimal("44.84")  # the fee is
    Booking.objects.update(final_total=0)
    Invoice.objects.all()._raw_delete("default")
    assert invoices.issue(app.booking()) is None


@pytest.mark.parametrize("owed", ["0.01", "33.33", "229.99"])
def test_shares_add_up_to_the_coin(owed):
    lines = [{"title": "energy-cost", "amount": "185.00"}, {"title": "gst", "amount": "45.10"}]
    shared = invoices.share(lines, Decimal("230.10"), Decimal(owed), "INR")
    assert sum(Decimal(line["amount"]) for line in shared) == Decimal(owed)


def copies(booking: Booking, count: int) -> list[Booking]:
    made = []
    for number in range(count):
        row = Booking.objects.select_related("evse__station__operator").get(pk=booking.pk)
        row.pk, row._state.adding, row.state = None, True, Booking.State.CANCELLED
        row.code, row.track_token, row.transaction_id = f"BK-{number}", str(number), uuid4()
        row.final_total, row.final_lines = Decimal(10), [{"title": "cancellation-fee", "amount": "10.00"}]
        row.save()
        made.append(row)
    return made


@pytest.mark.django_db(transaction=True)
def test_numbers_of_twenty_at_once_have_no_gap_even_when_some_fail(placed):
    def issue(row: Booking, fails: bool) -> None:
        try:
            with transaction.atomic():
                invoices.issue(row)
                if fails:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            pass

    rows = copies(placed, 20)
    at_once(*[lambda row=row, number=number: issue(row, number % 4 == 0) for number, row in enumerate(rows)])
    numbers = sorted(Invoice.objects.values_list("number", flat=True))
    assert numbers == list(range(1, 16))
    assert InvoiceSeries.objects.get().last_number == 15


def test_the_database_knows_each_number_once_and_documents_never_change(told):
    invoice = Invoice.objects.get()
    with pytest.raises(TypeError):
        invoice.save()
    with pytest.raises(TypeError):
        invoice.delete()
    invoice.pk, invoice._state.adding = None, True
    with pytest.raises(IntegrityError), transaction.atomic():
        invoice.save()


def test_another_year_begins_at_one(app, placed, clock):
    first, second = copies(placed, 2)
    invoices.issue(first)
    clock.shift(timedelta(days=366))
    assert str(invoices.issue(second)) == "INV-2027-000001"


def test_people_of_another_operator_see_no_documents(client, factory, told, app):
    address = reverse("admin:bookings_invoice_changelist")
    client.force_login(factory.make_staff(app.plug.evse.station.operator))
    assert client.get(address).context["cl"].result_count == 1
    client.force_login(factory.make_staff(factory.make_operator()))
    assert client.get(address).context["cl"].result_count == 0
