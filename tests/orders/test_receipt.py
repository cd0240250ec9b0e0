"""The receipt tells what a tax office asks for; the table for other programs is the list on the screen."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from apps.beckn.wire import v1_1 as wire
from apps.orders import receipt, services
from apps.orders.history import HEAD, defused
from apps.orders.models import Order
from apps.payments import refunds
from tests.orders.stage import quote


def document(
    number: str = "INV-2026-000007", amount: str = "361.08", code: str = "invoice", **more: str
) -> dict:
    said = {
        "number": number,
        "issued_at": "2026-11-22T06:55:00Z",
        "amount": amount,
        "currency": "INR",
        "seller_name": "SparkDock Energy Pvt Ltd",
        "seller_tax_id": "29ABCDE1234F1Z5",
        "tax_title": "gst",
        "tax_percent": "18",
    } | more
    return wire.group(code, **said).to_wire()


def tell_documents(stage, *documents: dict) -> None:
    said = {"id": stage.number, "status": "COMPLETE", "tags": list(documents)}
    stage.tell("on_status", said, message_id=uuid4())


@pytest.fixture
def settled(stage):
    stage.until("SETTLED")
    return stage


def page(stage, client: Client | None = None) -> str:
    answer = (client or stage.client()).get(reverse("orders:receipt", args=[stage.order.code]))
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(
    "words",
    [
        "SparkDock Energy Pvt Ltd",
        "29ABCDE1234F1Z5",
        "Asha Rao",
        "INV-2026-000007",
        "Cubbon Park Plaza",
        "Plug A",
        "22 November 2026, 12:00 IST",
        "182.004 kWh",
        "198.004 kWh",
        "16.000 kWh",
        "₹296.00",
        "GST 18 %",
        "on ₹306.00",
        "₹55.08",
        "₹436.60",
        "₹361.08",
        "₹75.52",
    ],
)
def test_it_tells(settled, words):
    tell_documents(settled, document())
    text = page(settled)
    assert words in text
    assert "estimated" not in text


def test_documents_stay_as_they_were_first_told(settled):
    tell_documents(settled, document())
    tell_documents(
        settled, document(amount="1.00"), document("CRN-1", code="credit-note", reverses="INV-2026-000007")
    )
    told = [(row["number"], row["amount"]) for row in settled.fresh().documents]
    assert told == [("INV-2026-000007", "361.08"), ("CRN-1", "361.08")]
    assert receipt.shown(settled.order)["documents_total"] == 0


def test_each_tax_has_its_own_rate(stage):
    stage.until("CHARGING")
    amounts = (("energy-cost", "296.00"), ("service-charge", "10.00"), ("CGST", "27.54"), ("SGST", "27.54"))
    lines = [{"title": title, "price": {"value": value, "currency": "INR"}} for title, value in amounts]
    stage.final_bill("361.08", quote=quote("361.08", lines))
    stage.settle()
    reckoned = [(tax["percent"], tax["is_reckoned"]) for tax in receipt.taxes(stage.order)]
    assert reckoned == [(9, True), (9, True)]
    tell_documents(stage, document(tax_title=["CGST", "SGST"], tax_percent=["9", "9"]))
    told = [(tax["words"], tax["percent"], tax["is_reckoned"]) for tax in receipt.taxes(stage.fresh())]
    assert told == [("CGST", 9, False), ("SGST", 9, False)]


@pytest.mark.parametrize("wrong", [{"number": ""}, {"amount": "much"}, {"issued_at": "yesterday"}])
def test_documents_that_say_nothing_are_left_out(settled, wrong):
    tell_documents(settled, document(**wrong))
    assert settled.fresh().documents == []
    assert "told no tax number" in page(settled)


def test_energy_without_a_final_reading_is_marked(settled):
    Order.objects.update(meter_stop="")
    assert "estimated" in page(settled)


def test_refunds_are_rows_and_the_head_says_what_is_left(settled):
    refund = refunds.pay_back(
        settled.payment(),
        amount=Decimal("61.08"),
        cause="SERVICE_ISSUE",
        reason="Sorry",
        source="RULE",
        key="x",
    )
    text = page(settled)
    assert "₹300.00" in text
    assert "after ₹61.08 went back to you" in text
    assert refund.get_state_display() in text


def test_strangers_see_no_receipt_and_nobody_one_before_the_bill(stage, stranger):
    stage.until("CHARGING")
    address = reverse("orders:receipt", args=[stage.order.code])
    assert stage.client().get(address).url == stage.order.get_absolute_url()
    client = Client()
    client.force_login(stranger)
    assert client.get(address).status_code == 404
    assert client.get(reverse("orders:history_table")).status_code == 200


def test_the_order_page_offers_it_when_the_money_is_settled(stage):
    stage.until("ENDED")
    address = reverse("orders:receipt", args=[stage.order.code])
    assert address not in stage.client().get(stage.order.get_absolute_url()).content.decode()
    stage.settle()
    assert address in stage.client().get(stage.order.get_absolute_url()).content.decode()


def test_words_of_a_peer_stay_words(settled):
    tell_documents(settled, document(seller_name="<script>alert(1)</script>"))
    assert "<script>alert(1)" not in page(settled)


# --- The table ----------------------------------------------------------------------------------------------------


def table(client: Client, **wanted: str) -> list[dict[str, str]]:
    answer = client.get(reverse("orders:history_table"), wanted)
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert text.splitlines()[0] == ",".join(HEAD)
    return rows


def shown(client: Client, **wanted: str) -> list[Order]:
    months = client.get(reverse("orders:history"), wanted).context["months"]
    return [order for month in months for order in month["orders"]]


@pytest.fixture
def several(stage):
    """Two paid charges in different months, one cancelled order."""
    stage.until("SETTLED")
    Order.objects.filter(pk=stage.order.pk).update(
        ended_at=datetime(2026, 10, 31, 19, 30, tzinfo=UTC), station_name="Ulsoor Lake"
    )
    stage.until("CONFIRMED")
    services.request_cancel(stage.order)
    stage.cancelled()
    stage.until("SETTLED")
    refunds.pay_back(
        stage.payment(), amount=Decimal(10), cause="SERVICE_ISSUE", reason="x", source="RULE", key="x"
    )
    return stage


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({}, 3),
        ({"kind": "charged"}, 2),
        ({"kind": "not"}, 1),
        ({"words": "ulsoor"}, 1),
        ({"until": "2026-11-01"}, 1),
        ({"until": "2026-10-31"}, 0),  # it ended on the first of November where it stands
        ({"since": "2026-11-02", "kind": "charged"}, 1),
    ],
)
def test_the_table_is_the_list_under_the_same_filters(several, wanted, count):
    client = several.client()
    on_screen, rows = shown(client, **wanted), table(client, **wanted)
    assert len(on_screen) == len(rows) == count
    for name, of in (
        ("charged", "billed_amount"),
        ("energy_kwh", "billed_kwh"),
        ("paid_back", "amount_back"),
    ):
        total = sum((Decimal(row[name]) for row in rows if row[name]), start=Decimal(0))
        assert total == sum(getattr(order, of) or 0 for order in on_screen)


def test_months_sum_what_went_back_too(several):
    months = several.client().get(reverse("orders:history")).context["months"]
    assert [month["total"].back.get("INR") for month in months] == [10]


def test_filters_that_make_no_sense_are_told(several):
    client = several.client()
    assert client.get(reverse("orders:history"), {"since": "soon"}).status_code == 200
    assert client.get(reverse("orders:history_table"), {"since": "soon"}).status_code == 302
    assert "Nothing fits" in client.get(reverse("orders:history"), {"words": "nowhere"}).content.decode()


def test_formulas_in_cells_are_words(several):
    Order.objects.update(
        station_name='=HYPERLINK("http://x","y")', provider_name="+1", station_city="@SUM(A1)"
    )
    row = table(several.client())[0]
    assert [row[name][0] for name in ("station", "operator", "city")] == ["'"] * 3


@pytest.mark.parametrize(
    "cell",
    [
        "=1",
        "+1",
        "-1",
        "@a",
        "\t=1",
        "  =1",
        "\r=1",
        "\xa0=1",
        "\u200b=1",
        "\ufeff@a",
        "＝1",
        "＠a",
        "\u3000＋1",
        "\v-1",
    ],
)
def test_defused(cell):
    assert defused(cell) == f"'{cell}"


def test_plain_cells_are_left_alone():
    assert [defused(cell) for cell in ("", "12.5", "Cubbon = Park")] == ["", "12.5", "Cubbon = Park"]


def test_a_byte_order_mark_only_for_who_asks(several):
    client, address = several.client(), reverse("orders:history_table")
    assert b"".join(client.get(address, {"bom": "1"}).streaming_content).startswith(b"\xef\xbb\xbf")
    assert b"".join(client.get(address).streaming_content).startswith(b"order,")


def test_the_table_asks_as_often_for_many_as_for_few(several, django_assert_max_num_queries):
    client = several.client()
    with django_assert_max_num_queries(5):
        table(client)
