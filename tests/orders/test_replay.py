"""AT-C1, law 3, on the driver's side: callbacks and the bank's word, 1 to 5 times in any order, make one order."""

from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.lib import clock
from apps.notices.models import Happening, Notice
from apps.orders.models import Order, OrderLine
from apps.payments.models import LedgerEntry, Payment, Refund
from tests.orders.stage import Stage

HEARD_AT = clock.now()


class Deal:
    """Charging, paid for; then everything the operator and the bank say until the money is settled."""

    def __init__(self) -> None:
        driver = User.objects.create_user("asha@example.org", name="Asha Rao", phone="+919845012345")
        self.stage = Stage(driver)
        self.stage.until("STARTING")

    def sayings(self) -> list[Any]:
        stage = self.stage
        return [
            lambda: stage.progress(60, "1.0", "42.1", received_at=HEARD_AT),
            lambda: stage.progress(120, "2.0", "41.0", received_at=HEARD_AT),
            lambda: stage.progress(180, "3.0", "0", received_at=HEARD_AT, word="SuspendedEV"),
            lambda: stage.bank_says("approve"),
            lambda: stage.final_bill(),
        ]

    def outcome(self) -> dict[str, Any]:
        self.stage.settle()
        order = Order.objects.get()
        told = list(Notice.objects.values_list("happening", "channel"))
        return {
            "order": (order.state, order.billed_amount, order.billed_kwh, order.meter_stop),
            "lines": sorted(OrderLine.objects.values_list("kind", "title", "amount")),
            "payment": list(Payment.objects.values_list("side", "state", "amount", "captured_amount")),
            "ledger": sorted(map(str, LedgerEntry.objects.values_list("kind", "amount"))),
            "refunds": list(Refund.objects.values_list("state", "amount")),
            "told twice": sorted({one for one in told if told.count(one) > 1}),
            "receipts": sum(happening == Happening.RECEIPT for happening, _channel in told) > 0,
        }


def in_a_world_of_its_own(order: list[int]) -> dict[str, Any]:
    with transaction.atomic():
        deal = Deal()
        sayings = deal.sayings()
        for index in order:
            sayings[index]()
        found = deal.outcome()
        transaction.set_rollback(True)
    return found


@st.composite
def scrambles(draw) -> list[int]:
    many = [index for index in range(5) for _time in range(draw(st.integers(1, 5)))]
    return draw(st.permutations(many))


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(order=scrambles())
def test_however_often_and_in_whatever_order_it_is_one_order(db, order):
    """AT-C1."""
    assert in_a_world_of_its_own(order) == in_a_world_of_its_own([0, 1, 2, 3, 4])
