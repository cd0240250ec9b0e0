"""The happy path, step by step, through the real handlers and the sandbox bank."""

from decimal import Decimal

from apps.orders.states import State
from apps.payments.models import LedgerEntry, Payment
from tests.orders.stage import PATH


def test_a_charge_from_the_offer_to_the_receipt(stage):
    order = stage.until("SETTLED")
    assert stage.history() == [
        State.QUOTE_REQUESTED,
        State.QUOTED,
        State.TERMS_REQUESTED,
        State.TERMS_OFFERED,
        State.PAYING,
        State.CONFIRM_REQUESTED,
        State.CONFIRMED,
        State.STARTING,
        State.CHARGING,
        State.STOPPING,
        State.ENDED,
        State.SETTLED,
    ]
    assert (order.quote_amount, order.billed_amount, order.billed_kwh) == (
        Decimal("436.60"),
        Decimal("361.08"),
        Decimal("16.000"),
    )
    payment = stage.payment()
    assert (payment.state, payment.captured_amount) == (Payment.State.CAPTURED, Decimal("361.08"))
    assert payment.released_amount == Decimal("75.52")


def test_the_ledger_adds_up(stage):
    stage.until("SETTLED")
    lines = dict(LedgerEntry.objects.values_list("kind", "amount"))
    assert lines["AUTHORISED"] == lines["CAPTURED"] + lines["RELEASED"] == Decimal("436.60")


def test_every_waiting_state_has_a_deadline(stage):
    for _state, step in PATH[:-1]:
        step(stage)
        assert stage.fresh().deadline_at is not None
    stage.settle()
    assert stage.order.deadline_at is None
