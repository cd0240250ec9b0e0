"""One rule decides day and month on the screen, in the table and in the sums; a long table never fills the memory."""

import asyncio
import csv
import io
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.test import AsyncRequestFactory, Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.lib.streams import streamed
from apps.orders import history, selectors, sums
from apps.orders.models import Order
from apps.payments import refunds
from tests.orders.test_receipt import shown, table

KOLKATA, DENVER = "Asia/Kolkata", "America/Denver"
# The same instant is another day, another month and another year in the two.
NEW_YEAR = datetime(2026, 12, 31, 20, 0, tzinfo=UTC)


def add(order: Order, count: int = 1, **facts) -> None:
    """Copies of a settled order."""
    like = {field.attname: getattr(order, field.attname) for field in Order._meta.concrete_fields}
    rows = []
    for number in range(count):
        row = Order(**like | {"id": None})
        row.code, row.transaction_id, row.idempotency_key = uuid4(), uuid4(), str(uuid4())
        row.network_order_id = f"C-{uuid4().hex}"
        row.ended_at = NEW_YEAR - timedelta(seconds=number)
        for name, value in facts.items():
            setattr(row, name, value)
        rows.append(row)
    Order.objects.bulk_create(rows, batch_size=500)
    made = Order.objects.filter(code__in=[row.code for row in rows[:400]])
    if "created_at" not in facts and count <= 400:
        made.update(created_at=NEW_YEAR)  # many rows of one instant: the batches must not lose or repeat any


@pytest.fixture
def two_places(stage):
    """The stage's own charge of 22 November, and one instant in two zones."""
    stage.until("SETTLED")
    add(stage.order, station_zone=KOLKATA, station_name="Ulsoor Lake")
    add(
        stage.order,
        station_zone=DENVER,
        station_name="Union Station",
        currency="USD",
        billed_amount=Decimal("9.99"),
    )
    return stage


def months_of(client: Client, **wanted: str) -> dict[str, list[str]]:
    months = client.get(reverse("orders:history"), wanted).context["months"]
    return {f"{month['month']:%Y-%m}": [order.station_name for order in month["orders"]] for month in months}


def test_a_charge_belongs_to_the_month_it_ended_in_where_it_stands(two_places):
    client = two_places.client()
    assert months_of(client) == {
        "2027-01": ["Ulsoor Lake"],
        "2026-12": ["Union Station"],
        "2026-11": ["Cubbon Park Plaza"],
    }
    rows = {row["station"]: row for row in table(client)}
    assert rows["Ulsoor Lake"]["belongs_to_month"] == "2027-01"
    assert rows["Ulsoor Lake"]["ended_local"] == "2027-01-01 01:30"
    assert rows["Union Station"]["belongs_to_month"] == "2026-12"
    totals = client.get(reverse("orders:history")).context["by_month"]
    assert [month for month in totals] == [date(2027, 1, 1), date(2026, 12, 1), date(2026, 11, 1)]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"since": "2027-01-01"}, {"Ulsoor Lake"}),
        ({"until": "2026-12-31"}, {"Union Station", "Cubbon Park Plaza"}),
        ({"since": "2026-12-31", "until": "2026-12-31"}, {"Union Station"}),
        ({"since": "2026-12-31"}, {"Union Station", "Ulsoor Lake"}),
    ],
)
def test_days_begin_at_midnight_of_each_station(two_places, wanted, found):
    client = two_places.client()
    assert {order.station_name for order in shown(client, **wanted)} == found
    assert {row["station"] for row in table(client, **wanted)} == found


def test_the_page_states_the_rule_at_its_head(two_places):
    page = two_places.client().get(reverse("orders:history")).content.decode()
    assert page.index("belongs to the day it ended") < page.index("Ulsoor Lake")


def test_a_zone_that_does_not_exist_is_utc(two_places):
    Order.objects.filter(station_name="Ulsoor Lake").update(station_zone="Mars/Olympus")
    assert set(months_of(two_places.client())["2026-12"]) == {"Union Station", "Ulsoor Lake"}
    assert {row["belongs_to_month"] for row in table(two_places.client())} == {"2026-12", "2026-11"}


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "3000-01-01"])
def test_days_at_the_ends_of_the_calendar_are_told(two_places, day):
    client = two_places.client()
    for name in ("since", "until"):
        assert client.get(reverse("orders:history"), {name: day}).status_code == 200
        assert client.get(reverse("orders:history_table"), {name: day}).status_code == 302


# --- Sums ---------------------------------------------------------------------------------------------------------


def test_a_month_sums_all_its_charges_not_those_of_the_page(stage, monkeypatch):
    stage.until("SETTLED")
    add(stage.order, 9)
    monkeypatch.setattr(selectors, "PAGE_LENGTH", 4)
    for page in ("1", "2"):
        months = stage.client().get(reverse("orders:history"), {"page": page}).context["months"]
        (total,) = [month["total"] for month in months if month["month"] == date(2027, 1, 1)]
        assert total.totals == {"INR": Decimal("361.08") * 9}


def test_what_it_all_comes_to(two_places):
    refunds.pay_back(
        two_places.payment(),
        amount=Decimal("61.08"),
        cause="SERVICE_ISSUE",
        reason="x",
        source="RULE",
        key="x",
    )
    answer = two_places.client().get(reverse("orders:history"))
    total = answer.context["together"]
    assert (total.charges, total.energy_kwh) == (3, 48)
    assert total.paid == {"INR": Decimal("661.08"), "USD": Decimal("9.99")}
    assert total.per_kwh == {}  # of two currencies
    assert answer.context["by_month"][date(2026, 11, 1)].back == {"INR": Decimal("61.08")}
    narrowed = two_places.client().get(reverse("orders:history"), {"words": "cubbon"}).context
    assert narrowed["together"].per_kwh == {"INR": Decimal("18.75")}  # 300.00 for 16 kWh
    assert narrowed["usual_station"] == "Cubbon Park Plaza"


def test_sums_are_exact_to_the_coin(stage):
    stage.until("SETTLED")
    add(stage.order, 300, billed_amount=Decimal("0.1"), billed_kwh=Decimal("0.003"))
    months = sums.by_month(
        history.narrowed(Order.objects.filter(driver=stage.driver), {}),
        history.zones_of(Order.objects.all()),
        payer=stage.driver,
    )
    assert months[date(2027, 1, 1)].totals == {"INR": Decimal("30.0")}
    assert months[date(2027, 1, 1)].energy_kwh == Decimal("0.9")


def test_screen_table_and_sums_say_the_same(two_places):
    refunds.pay_back(
        two_places.payment(),
        amount=Decimal("61.08"),
        cause="SERVICE_ISSUE",
        reason="x",
        source="RULE",
        key="x",
    )
    add(two_places.order, 40, billed_amount=Decimal("12.34"))
    client = two_places.client()
    for wanted in ({}, {"since": "2027-01-01"}, {"kind": "charged"}, {"words": "lake"}):
        context = client.get(reverse("orders:history"), wanted).context
        rows = table(client, **wanted)
        assert context["page"].paginator.count == len(rows)
        for currency, amount in context["together"].totals.items():
            assert amount == sum(Decimal(row["charged"]) for row in rows if row["currency"] == currency)
        assert sum(context["together"].back.values()) == sum(Decimal(row["paid_back"]) for row in rows)


def test_the_page_asks_as_often_for_many_as_for_few(stage):
    stage.until("SETTLED")
    client = stage.client()

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("orders:history"))
        return len(queries)

    few = asked()
    add(stage.order, 150)
    assert asked() == few


# --- A long table -------------------------------------------------------------------------------------------------


def lines_of(stage) -> list[str]:
    return list(selectors.history_table(stage.driver, {}))


def test_batches_lose_and_repeat_nothing(stage, monkeypatch):
    """Also where many orders were made in one instant."""
    monkeypatch.setattr(history, "BATCH", 7)
    stage.until("SETTLED")
    add(stage.order, 60)
    rows = list(csv.DictReader(io.StringIO("".join(lines_of(stage)))))
    assert len(rows) == len({row["order"] for row in rows}) == 61


def test_each_batch_asks_twice(stage, monkeypatch):
    monkeypatch.setattr(history, "BATCH", 10)
    stage.until("SETTLED")
    add(stage.order, 59)
    with CaptureQueriesContext(connection) as queries:
        assert len(lines_of(stage)) == 61
    assert len(queries) == 2 * 6 + 1  # the last one finds nothing more


def test_memory_does_not_grow_with_the_rows(stage):
    stage.until("SETTLED")
    peaks = []
    for count in (1500, 4500):
        add(stage.order, count, created_at=NEW_YEAR)
        tracemalloc.start()
        rows = sum(1 for _line in selectors.history_table(stage.driver, {}))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert rows > count
    assert peaks[1] < peaks[0] * 1.3


def test_the_server_streams_it_too(stage):
    """Under ASGI a plain iterator would be read to its end before the first byte leaves."""
    read = []

    def lines():
        for number in range(2000):
            read.append(number)
            yield f"{number}\n"

    answer = streamed(AsyncRequestFactory().get("/"), lines(), content_type="text/csv")
    assert isinstance(answer.streaming_content, AsyncIterator)

    async def first_part() -> bytes:
        async for part in answer.streaming_content:
            return part
        return b""

    assert asyncio.run(first_part()).startswith(b"0\n")
    assert len(read) <= 501
    plain = streamed(RequestFactory().get("/"), iter(["a\n", "b\n"]), content_type="text/csv")
    assert b"".join(plain.streaming_content) == b"a\nb\n"
