"""Authorise, capture, release: each once, whatever happens in between."""

from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.lib import clock
from apps.lib.errors import Refused
from apps.lib.moves import check_moves
from apps.payments import services
from apps.payments.models import LedgerEntry, Payment, Refund, SandboxPayment
from apps.payments.providers import sandbox
from tests.orders.test_race import at_once

State = Payment.State
_references = count(1)


def fresh(payment: Payment) -> Payment:
    return Payment.objects.get(pk=payment.pk)


def due_now(payment: Payment) -> None:
    Payment.objects.filter(pk=payment.pk).update(next_try_at=clock.now() - timedelta(seconds=1))


@pytest.mark.parametrize("model", [Payment, Refund])
def test_the_tables_of_moves_are_sound(model):
    assert check_moves(model.State, model.MOVES) == []


def test_asking_again_for_the_same_purchase_gives_the_open_payment(till):
    assert till.ask(key="a") == till.ask(key="a") == till.ask(key="b")


@pytest.mark.parametrize("amount", ["0", "-1"])
def test_there_is_no_payment_of_nothing(till, amount):
    with pytest.raises(Refused):
        till.ask(amount)


@pytest.mark.usefixtures("approving")
def test_capturing_takes_the_amount_and_releases_the_rest(till):
    payment = till.held()
    services.capture(payment, amount=Decimal("61.50"))
    assert fresh(payment).state == State.AUTHORISED  # a wish, until the worker carries it out
    assert services.settle_due() == 1
    payment = fresh(payment)
    assert (payment.state, payment.captured_amount, payment.released_amount) == (
        State.CAPTURED,
        Decimal("61.5"),
        Decimal("38.5"),
    )
    assert till.announced == ["payment.authorised", "payment.captured"]


@pytest.mark.usefixtures("approving")
def test_capturing_nothing_is_releasing(till):
    payment = till.held()
    services.capture(payment, amount=Decimal(0))
    services.settle_due()
    assert fresh(payment).state == State.VOIDED
    assert SandboxPayment.objects.get().captures == 0


@pytest.mark.usefixtures("approving")
def test_more_than_is_held_is_refused(till):
    with pytest.raises(services.AmountNotHeld):
        services.capture(till.held(), amount=Decimal("100.01"))


@pytest.mark.usefixtures("approving")
def test_the_first_wish_stays(till):
    payment = till.held()
    services.capture(payment, amount=Decimal(40))
    services.release(payment)
    services.capture(payment, amount=Decimal(70))
    services.settle_due()
    assert fresh(payment).captured_amount == 40


@pytest.mark.usefixtures("approving")
def test_a_worker_killed_between_the_call_and_its_record_takes_the_money_once(till, monkeypatch):
    payment = till.held()
    services.capture(payment, amount=Decimal(60))

    def killed(*args) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(services, "record", killed)
        with pytest.raises(KeyboardInterrupt):
            services.settle_due()
    assert fresh(payment).state == State.AUTHORISED
    assert services.settle_due() == 0  # the dead worker's claim holds for a while
    due_now(payment)
    services.settle_due()
    assert (fresh(payment).state, fresh(payment).captured_amount) == (State.CAPTURED, 60)
    assert SandboxPayment.objects.get().captures == 1
    assert LedgerEntry.objects.filter(kind="CAPTURED").count() == 1


@pytest.mark.usefixtures("approving")
def test_while_the_provider_is_silent_we_try_again_later_and_later(till, settings):
    payment = till.held()
    services.capture(payment, amount=Decimal(60))
    settings.SANDBOX_BANK = "timeout"
    pauses = []
    for _ in range(4):
        due_now(payment)
        services.settle_due()
        pauses.append((fresh(payment).next_try_at - clock.now()).total_seconds())
    assert pauses == sorted(pauses)
    assert pauses[0] < pauses[-1]
    assert "told not to answer" in fresh(payment).last_error
    settings.SANDBOX_BANK = "approve"
    due_now(payment)
    services.settle_due()
    assert (fresh(payment).state, fresh(payment).last_error) == (State.CAPTURED, "")


def test_a_silent_bank_at_checkout_is_said_and_holds_nothing(till, settings):
    settings.SANDBOX_BANK = "timeout"
    payment = till.ask()
    with pytest.raises(Refused):
        services.open_checkout(payment)
    assert fresh(payment).state == State.REQUESTED


def test_a_declined_payment_fails_with_the_banks_words(till, settings):
    settings.SANDBOX_BANK = "decline"
    payment = till.ask()
    services.open_checkout(payment)
    assert (fresh(payment).state, till.announced) == (State.FAILED, ["payment.failed"])
    assert till.ask().pk != payment.pk  # a new attempt is a new payment


def test_a_bank_that_hangs_is_asked_until_it_answers(till, settings):
    settings.SANDBOX_BANK = "hang"
    payment = till.ask()
    services.open_checkout(payment)
    for _ in range(sandbox.HANGS_FOR):
        assert fresh(payment).state == State.REQUESTED
        due_now(payment)
        services.settle_due()
    assert fresh(payment).state == State.AUTHORISED


@pytest.mark.usefixtures("approving")
def test_an_answer_told_five_times_is_written_down_once(till):
    payment = till.held()
    for _ in range(5):
        services.provider_says(provider="sandbox", provider_ref=payment.provider_ref)
        services.look_again(fresh(payment))
    assert till.announced == ["payment.authorised"]
    assert LedgerEntry.objects.count() == 1


def test_a_message_about_an_unknown_payment_is_passed_over(till):
    services.provider_says(provider="sandbox", provider_ref="nothing")
    assert till.announced == []


def test_an_unpaid_request_expires_and_can_no_longer_be_approved(till):
    payment = till.ask()
    services.open_checkout(payment)
    Payment.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    due_now(payment)
    services.settle_due()
    sandbox.answer(fresh(payment).provider_ref, "approve")
    services.look_again(fresh(payment))
    assert fresh(payment).state == State.EXPIRED


@pytest.mark.usefixtures("approving")
def test_a_hold_that_nobody_takes_lapses(till):
    payment = till.held()
    Payment.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    due_now(payment)
    services.settle_due()
    assert fresh(payment).state == State.EXPIRED
    assert dict(LedgerEntry.objects.values_list("kind", "amount"))["RELEASED"] == 100


def test_released_before_the_payer_answered_stays_released(till):
    payment = till.ask()
    services.open_checkout(payment)
    services.release(payment)
    sandbox.answer(payment.provider_ref, "approve")
    services.look_again(payment)
    services.settle_due()
    assert fresh(payment).state == State.VOIDED
    assert services.open_checkout(fresh(payment)) == payment.return_path


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("approving")
def test_of_four_workers_one_settles(till):
    payment = till.held()
    services.capture(payment, amount=Decimal(60))
    dealt_with = at_once(*[services.settle_due] * 4)
    assert sum(dealt_with) == 1
    assert SandboxPayment.objects.get().captures == 1


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.sampled_from(["open", "look", "capture", "release", "settle", "says", "due"]), max_size=12
    )
)
@pytest.mark.usefixtures("approving")
def test_whatever_is_pressed_in_whatever_order_the_ledger_adds_up(till, steps):
    payment = till.ask(reference=f"any-{next(_references)}")
    acts = {
        "open": lambda: services.open_checkout(payment),
        "look": lambda: services.look_again(payment),
        "capture": lambda: services.capture(payment, amount=Decimal(30)),
        "release": lambda: services.release(payment),
        "settle": services.settle_due,
        "says": lambda: services.provider_says(provider="sandbox", provider_ref=payment.provider_ref),
        "due": lambda: payment.next_try_at and due_now(payment),
    }
    for step in steps:
        payment.refresh_from_db()
        acts[step]()
    payment.refresh_from_db()
    lines = dict(LedgerEntry.objects.filter(payment=payment).values_list("kind", "amount"))
    if payment.state in (State.CAPTURED, State.VOIDED) and payment.authorised_at:
        assert lines["AUTHORISED"] == lines.get("CAPTURED", 0) + lines.get("RELEASED", 0)
    bank = SandboxPayment.objects.filter(key=str(payment.code)).first()
    assert (bank.captured_amount if bank else None) in (None, payment.captured_amount)


# --- what the database itself forbids ------------------------------------------------------------------------


def forbidden(change) -> bool:
    try:
        with transaction.atomic():
            change()
    except IntegrityError:
        return True
    return False


@pytest.mark.usefixtures("approving")
def test_the_database_keeps_captured_below_authorised_and_refunded_below_captured(till):
    payment = till.held()
    rows = Payment.objects.filter(pk=payment.pk)
    assert forbidden(lambda: rows.update(captured_amount=Decimal("100.001")))
    assert forbidden(lambda: rows.update(refunded_amount=Decimal("0.001")))
    rows.update(captured_amount=50)
    assert forbidden(lambda: rows.update(refunded_amount=Decimal("50.001")))
    assert not forbidden(lambda: rows.update(refunded_amount=50))


def test_the_database_knows_one_open_payment_per_purchase(till):
    payment = till.ask()
    payment.pk, payment.code, payment.idempotency_key = None, "0" * 32, "other"
    assert forbidden(lambda: payment.save(force_insert=True))


@pytest.mark.usefixtures("approving")
def test_a_ledger_line_is_written_once(till):
    till.held()
    line = LedgerEntry.objects.get()
    with pytest.raises(TypeError):
        line.save()
    with pytest.raises(TypeError):
        line.delete()
