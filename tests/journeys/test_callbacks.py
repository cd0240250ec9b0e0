"""Every callback repeated, beyond its time to live, and out of order: the driver ends with one right order."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.foreign import shop
from tests.foreign.operator import ForeignOperator, Sending
from tests.foreign.portal import Portal
from tests.journeys.walk import Walk

pytestmark = pytest.mark.slow
STATION = "Ulsoor Lake Dock"
TTL_SECONDS = 3  # how long `buying_portal` gives an answer here
BEYOND_TTL = 6
ORDER_CALLBACKS = ["on_select", "on_init", "on_confirm", "on_update", "on_status"]


@pytest.fixture(scope="module")
def registered(buying_portal: Portal) -> Iterator[ForeignOperator]:
    with ForeignOperator(tick_seconds=0.2, kwh_per_tick=Decimal("0.25")) as operator:
        buying_portal.introduce(operator)
        yield operator


@pytest.fixture
def operator(registered: ForeignOperator) -> ForeignOperator:
    registered.mischief.clear()
    registered.orders.clear()
    registered.sent.clear()
    return registered


def charge(walk: Walk) -> None:
    walk.buy(walk.find(STATION), kwh=Decimal(2))
    walk.start()
    walk.wait_until_settled()


def pay(walk: Walk) -> None:
    walk.ask_quote(walk.find(STATION))
    walk.wait_for_quote()
    walk.ask_terms()
    walk.wait_for_terms()
    walk.pay()


def settled_once(operator: ForeignOperator, walk: Walk) -> None:
    (sold,) = operator.orders.values()
    assert (sold.status, sold.starts, sold.ends) == ("COMPLETE", 1, 1)
    total = shop.right(sold.plug.price, sold.delivered)[1]
    assert walk.wait_for_row(lambda row: row.state == "SETTLED") == ("SETTLED", total, 0, 1)


@pytest.mark.parametrize("callback", ORDER_CALLBACKS)
def test_repeated_callback_changes_nothing_more(operator, walk: Walk, callback):
    operator.behave(**{callback: Sending(copies=4)})
    charge(walk)
    settled_once(operator, walk)


def test_every_callback_of_the_journey_sent_again_at_the_end_changes_nothing(operator, walk: Walk):
    charge(walk)
    before = walk.wait_for_row(lambda row: row.state == "SETTLED")
    told = [letter for letter, reply in operator.sent if reply and reply.acked]
    for letter in reversed(told):
        operator.send_again(letter.signed_by(operator.keys))
    operator.wait_until(lambda: len(operator.sent) >= 2 * len(told))
    assert all(reply is not None and reply.acked for _, reply in operator.sent[-len(told) :])
    assert walk.row() == before
    settled_once(operator, walk)


@pytest.mark.parametrize("callback", ["on_select", "on_init"])
def test_late_answer_costs_nothing(operator, walk: Walk, callback):
    """The page may have given up or still take it; nothing is paid either way."""
    operator.behave(**{callback: Sending(delay_seconds=BEYOND_TTL)})
    walk.ask_quote(walk.find(STATION))
    if callback == "on_init":
        walk.wait_for_quote()
        walk.ask_terms()
    operator.wait_until(lambda: bool(operator.delivered(callback)), timeout=BEYOND_TTL + 20)
    row = walk.row()
    assert (row.taken, row.held) == (0, 0)


def test_late_on_confirm_is_never_money_without_an_order(operator, walk: Walk):
    """The operator holds a paid order by then: either we have it too, or we cancelled it and the money is back."""
    operator.behave(on_confirm=Sending(delay_seconds=BEYOND_TTL))
    pay(walk)
    operator.wait_until(lambda: bool(operator.delivered("on_confirm")), timeout=BEYOND_TTL + 20)
    row = walk.wait_for_row(lambda row: row.state != "CONFIRM_REQUESTED")
    (sold,) = operator.orders.values()
    assert row.taken == 0
    if row.state == "CONFIRMED":
        assert row.held == sold.quoted_total
    else:
        operator.wait_until(lambda: sold.status == "CANCELLED")
        walk.wait_for_row(lambda row: row.held == 0)


def test_on_confirm_after_the_driver_left_is_cancelled_and_the_money_comes_back(operator, walk: Walk):
    operator.behave(on_confirm=Sending(delay_seconds=BEYOND_TTL))
    pay(walk)
    walk.wait_for_row(lambda row: row.state == "CONFIRM_REQUESTED")
    walk.cancel()
    (sold,) = operator.orders.values()
    operator.wait_until(lambda: sold.status == "CANCELLED", timeout=BEYOND_TTL + 20)
    assert walk.wait_for_row(lambda row: row.held == 0) == ("CANCELLED", 0, 0, 1)


@pytest.mark.parametrize("callback", ["on_update", "on_status"])
def test_late_news_of_the_charge_is_applied(operator, walk: Walk, callback):
    operator.behave(**{callback: Sending(delay_seconds=BEYOND_TTL)})
    walk.buy(walk.find(STATION), kwh=Decimal(2))
    walk.start()
    walk.wait_until_settled(timeout=90)
    settled_once(operator, walk)


@pytest.mark.parametrize(
    ("early", "late"),
    [
        ("on_update", "on_status"),  # running figures after the bill
        ("on_status", "on_update"),  # figures of a charge whose start was not told yet
    ],
)
def test_news_out_of_order_never_runs_backwards(operator, walk: Walk, early, late):
    walk.buy(walk.find(STATION), kwh=Decimal(2))
    operator.behave(**{late: Sending(after=early)})
    walk.start()
    if late == "on_status":
        walk.wait_until_settled()
    else:
        operator.wait_until(lambda: bool(operator.delivered("on_status")))
        operator.behave(on_update=Sending())
        walk.wait_until_settled()
    settled_once(operator, walk)


def test_dropped_start_answer_is_made_good_by_the_status(operator, walk: Walk):
    """on_update got lost; the running on_status tells the same."""
    walk.buy(walk.find(STATION), kwh=Decimal(3))
    operator.behave(on_update=Sending(drop=True))
    walk.start()
    walk.wait_until_charging()
    operator.behave(on_update=Sending())
    walk.wait_until_settled()
    settled_once(operator, walk)
