"""kill -9 of the server at each step of the journey, and a restart: the order ends right, exactly once."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.foreign import shop
from tests.foreign.buyer import ForeignBuyer, check_bill
from tests.foreign.operator import ForeignOperator
from tests.foreign.portal import Portal
from tests.foreign.reading import number, tag
from tests.journeys.walk import Walk

pytestmark = pytest.mark.slow
STATION = "Ulsoor Lake Dock"


class Killer:
    """Kills the portal once, when the step is reached, and starts it again."""

    def __init__(self, portal: Portal, step: str):
        self.portal, self.step, self.struck = portal, step, False

    def __call__(self, step: str) -> None:
        if step == self.step and not self.struck:
            self.struck = True
            self.portal.kill9()
            self.portal.restart()


# --- Our operator side -----------------------------------------------------------------------------------
OPERATOR_STEPS = [
    "select acknowledged",
    "on_select came",
    "init acknowledged",
    "on_init came",
    "confirm acknowledged",
    "on_confirm came",
    "update acknowledged",
    "charging started",
    "energy flows",
    "end acknowledged",
    "bill came",
]


@pytest.mark.parametrize("step", OPERATOR_STEPS)
def test_operator_side_survives(selling_portal: Portal, buyer: ForeignBuyer, step):
    reached = Killer(selling_portal, step)
    buyer.after_ack = lambda action: reached(f"{action} acknowledged")
    try:
        deal = _bought(buyer, selling_portal, reached)
    finally:
        buyer.after_ack = lambda action: None
    assert reached.struck
    assert buyer.status(deal)["status"] == "COMPLETE"
    total = check_bill(deal)
    _told_once(buyer, deal, total)


def _bought(buyer: ForeignBuyer, portal: Portal, reached: Killer):
    patient = {"timeout": 60}
    bpp = portal.peer("bpp")
    transaction_id, offers = buyer.search(bpp, **patient)
    free = next(found for found in offers if found.is_free and found.is_fast)
    deal = buyer.deal(bpp, transaction_id, free, Decimal(5))
    buyer.select(deal, **patient)
    reached("on_select came")
    buyer.init(deal, **patient)
    reached("on_init came")
    buyer.confirm(deal, **patient)
    reached("on_confirm came")
    buyer.start(deal)
    reached("charging started")
    buyer.wait_for_energy(deal, Decimal("0.02"))
    reached("energy flows")
    buyer.wait_for_energy(deal, Decimal("0.04"))
    buyer.end(deal, timeout=120)
    reached("bill came")
    return deal


def _told_once(buyer: ForeignBuyer, deal, total: Decimal) -> None:
    """One order, one session, one bill in everything that was ever told of this transaction."""
    orders = [
        received.order
        for action in ("on_confirm", "on_status", "on_update")
        for received in buyer.door.all(action, deal.transaction_id)
        if not received.error
    ]
    assert {order["id"] for order in orders} == {deal.order_id}
    starts = {tag(order["fulfillments"][0], "meter-start") for order in orders} - {None}
    assert len(starts) <= 1
    bills = [order for order in orders if order.get("status") == "COMPLETE"]
    assert {number(bill["quote"]["price"]["value"]) for bill in bills} == {total}


# --- Our driver side -------------------------------------------------------------------------------------
DRIVER_STEPS = [
    "quote asked",
    "quote came",
    "terms asked",
    "terms came",
    "paid",
    "confirmed",
    "start pressed",
    "charging",
    "stop pressed",
    "settled",
]


@pytest.fixture(scope="module")
def operator(buying_portal: Portal) -> Iterator[ForeignOperator]:
    with ForeignOperator(tick_seconds=0.3, kwh_per_tick=Decimal("0.05")) as operator:
        buying_portal.introduce(operator)
        yield operator


@pytest.mark.parametrize("step", DRIVER_STEPS)
def test_driver_side_survives(buying_portal: Portal, operator: ForeignOperator, walk: Walk, step):
    operator.orders.clear()
    reached = Killer(buying_portal, step)
    walk.ask_quote(walk.find(STATION))
    reached("quote asked")
    walk.wait_for_quote()
    reached("quote came")
    walk.ask_terms()
    reached("terms asked")
    walk.wait_for_terms()
    reached("terms came")
    walk.pay()
    reached("paid")
    walk.wait_until_confirmed()
    reached("confirmed")
    walk.start()
    reached("start pressed")
    walk.wait_until_charging()
    reached("charging")
    walk.wait_until_charging()
    walk.stop()
    reached("stop pressed")
    walk.wait_until_settled()
    reached("settled")
    assert reached.struck
    _sold_once(operator, walk)


def _sold_once(operator: ForeignOperator, walk: Walk) -> None:
    (sold,) = operator.orders.values()
    assert (sold.status, sold.starts, sold.ends) == ("COMPLETE", 1, 1)
    for verb in ("select", "init", "confirm"):
        asked = {m.context["message_id"] for m in operator.door.all(verb, sold.transaction_id)}
        assert len(asked) == 1, f"{verb} was asked {len(asked)} times"
    total = shop.right(sold.plug.price, sold.delivered)[1]
    assert walk.wait_for_row(lambda row: row.state == "SETTLED") == ("SETTLED", total, 0, 1)
