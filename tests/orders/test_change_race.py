"""Of several hands on one change one wins, and the operator is asked once."""

from decimal import Decimal

import pytest

from apps.orders import services
from apps.orders.models import Change
from apps.orders.wish import Wish
from tests.orders.stage import Stage
from tests.orders.test_change_pages import answer
from tests.orders.test_race import at_once, copies

pytestmark = pytest.mark.django_db(transaction=True)
LESS = Wish(energy_kwh=Decimal(10))


def versions(count: int) -> list[Change]:
    return [Change.objects.select_related("order").get() for _ in range(count)]


def targets(stage: Stage) -> list[str]:
    return [one["message"]["update_target"] for one in stage.sent("update")]


def test_a_double_tap_asks_once(stage):
    stage.until("CHARGING")
    at_once(*[lambda order=order: services.ask_for_change(order, wish=LESS) for order in copies(stage, 4)])
    assert Change.objects.count() == 1
    assert targets(stage).count("order.items") == 1


def test_a_double_yes_is_said_once(stage):
    stage.until("CHARGING")
    services.ask_for_change(stage.order, wish=LESS)
    answer(stage, "230.10", kwh="10")
    at_once(
        *[
            lambda change=change: services.accept_change(change, accepts_warnings=True)
            for change in versions(4)
        ]
    )
    assert targets(stage).count("order.payments") == 1


def test_yes_and_no_at_once_have_one_winner(stage):
    stage.until("CHARGING")
    services.ask_for_change(stage.order, wish=LESS)
    answer(stage, "230.10", kwh="10")
    yes, no = versions(2)
    at_once(lambda: services.accept_change(yes, accepts_warnings=True), lambda: services.decline_change(no))
    state = Change.objects.get().state
    assert targets(stage).count("order.payments") == {"ACCEPTED": 1, "DECLINED": 0}[state]
