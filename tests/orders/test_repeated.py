"""Law 3: whatever is said again, late, or in another order changes nothing more."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.beckn.models import Message
from apps.orders.models import Order
from apps.orders.states import State
from apps.payments.models import LedgerEntry, Payment
from tests.orders.stage import PATH, Stage, quote


def footprint(stage: Stage) -> dict:
    """Everything that matters, without the rows that only log what came in."""
    order = stage.fresh()
    return {
        "order": Order.objects.filter(pk=order.pk)
        .values(
            "state", "quote_amount", "billed_amount", "billed_kwh", "network_order_id", "warnings", "terms"
        )
        .get(),
        "lines": list(order.lines.values_list("kind", "title", "amount")),
        "events": [(event.was, event.now) for event in order.events.all()],
        "points": list(order.points.values_list("at", "energy_kwh")),
        "said": list(Message.objects.filter(direction="OUT").values_list("action", flat=True)),
        "money": list(Payment.objects.values_list("state", "captured_amount")),
        "ledger": list(LedgerEntry.objects.values_list("kind", "amount")),
    }


@pytest.mark.parametrize("times", [1, 5])
@pytest.mark.parametrize("state", [name for name, _step in PATH])
def test_every_callback_again_at_every_stage_changes_nothing(stage, state, times):
    stage.until(state)
    before, callbacks = footprint(stage), list(stage.said)
    for _ in range(times):
        for action, said, error, more in callbacks:
            stage.tell(action, said, error=error, **more)
    assert footprint(stage) == before


@pytest.mark.django_db(transaction=True)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_after_confirm_any_order_of_news_ends_with_the_same_bill(driver, data):
    stage = Stage(driver)
    stage.until("STARTING")
    news = [
        lambda: stage.progress(60, "1.0"),
        lambda: stage.progress(120, "2.0"),
        lambda: stage.tell_state("CONNECTION-INTERRUPTED"),
        lambda: stage.final_bill(),
    ]
    for number in data.draw(st.permutations(range(len(news)))):
        for _ in range(data.draw(st.integers(1, 3))):
            news[number]()
    payment = stage.settle()
    assert (stage.order.state, payment.captured_amount) == (State.SETTLED, Decimal("361.08"))


@pytest.mark.parametrize("state", ["SETTLED", "CANCELLED", "EXPIRED", "REFUSED", "FAILED"])
def test_nothing_leads_back_from_an_end(stage, state):
    ways = {
        "SETTLED": lambda: stage.until("SETTLED"),
        "CANCELLED": lambda: (stage.until("CONFIRMED"), stage.cancelled(by="PROVIDER")),
        "EXPIRED": lambda: (stage.until("QUOTED"), stage.overdue()),
        "REFUSED": lambda: (stage.until("TERMS_REQUESTED"), stage.tell("on_init", error={"code": "30008"})),
        "FAILED": lambda: (stage.until("STOPPING"), stage.overdue()),
    }
    ways[state]()
    assert stage.fresh().state == state
    stage.tell("on_select", {"quote": quote()})
    stage.tell("on_init", {"quote": quote()})
    stage.progress()
    stage.final_bill()
    stage.cancelled()
    for action in ("on_select", "on_init", "on_confirm", "on_update", "on_cancel", "on_status"):
        stage.tell(action, error={"code": "40000", "message": "no"})
    assert stage.order.state == state
