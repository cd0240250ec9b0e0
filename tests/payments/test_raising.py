"""More is held than before by raising the one hold: once, and never against a wish to charge or to release."""

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.lib import clock
from apps.payments import raising, services
from apps.payments.models import LedgerEntry, Payment, SandboxPayment
from apps.payments.providers import sandbox
from apps.payments.providers.port import ProviderUnavailable
from tests.orders.test_race import at_once

State = Payment.State
MORE = Decimal("150.00")


def fresh(payment: Payment) -> Payment:
    return Payment.objects.get(pk=payment.pk)


def work(payment: Payment) -> Payment:
    Payment.objects.filter(pk=payment.pk).update(next_try_at=clock.now() - timedelta(seconds=1))
    services.settle_due()
    return fresh(payment)


@pytest.fixture
def paid(till, approving) -> Payment:
    return till.held()


def test_the_one_hold_is_raised_and_written_down(till, paid):
    raising.ask(paid, amount=MORE, key="raise-1")
    assert fresh(paid).amount == 100  # a wish, until the worker carries it out
    payment = work(paid)
    assert (payment.state, payment.amount, payment.captured_amount) == (State.AUTHORISED, 150, 0)
    assert payment.next_try_at == payment.expires_at
    assert till.announced == ["payment.authorised", "payment.raised"]
    assert list(LedgerEntry.objects.values_list("kind", "amount")) == [("AUTHORISED", 100), ("RAISED", 50)]
    assert Payment.objects.count() == 1


def test_raised_twice_each_is_a_line(paid):
    for number, amount in enumerate(("150", "170")):
        raising.ask(fresh(paid), amount=Decimal(amount), key=f"raise-{number}")
        work(paid)
    services.capture(fresh(paid), amount=Decimal(170))
    payment = work(paid)
    lines = LedgerEntry.objects.filter(kind__in=["AUTHORISED", "RAISED"]).values_list("amount", flat=True)
    assert sum(lines) == payment.captured_amount == 170


def test_asked_again_with_the_same_key_it_is_one_raise(till, paid):
    for _press in range(3):
        raising.ask(paid, amount=MORE, key="raise-1")
    work(paid)
    work(paid)
    assert till.announced.count("payment.raised") == 1


def test_a_bank_that_declines_leaves_the_hold_as_it_is(till, paid, settings):
    settings.SANDBOX_BANK = "decline"
    raising.ask(paid, amount=MORE, key="raise-1")
    payment = work(paid)
    assert (payment.state, payment.amount, payment.raise_to) == (State.AUTHORISED, 100, None)
    assert till.announced == ["payment.authorised", "payment.not_raised"]


@pytest.mark.parametrize("word", ["hang", "timeout"])
def test_a_slow_bank_is_asked_again_until_it_answers(till, paid, settings, word):
    settings.SANDBOX_BANK = word
    raising.ask(paid, amount=MORE, key="raise-1")
    assert work(paid).amount == 100
    assert work(paid).raise_to == 150
    if word == "timeout":
        settings.SANDBOX_BANK = "approve"
    assert work(paid).amount == 150
    assert till.announced.count("payment.raised") == 1


def test_a_wish_to_charge_or_release_ends_it(paid):
    raising.ask(paid, amount=MORE, key="raise-1")
    services.capture(fresh(paid), amount=Decimal(40))
    payment = work(paid)
    assert (payment.state, payment.captured_amount, payment.amount) == (State.CAPTURED, 40, 100)
    assert SandboxPayment.objects.get().amount == 100


def test_what_is_charged_or_released_is_not_raised(paid):
    services.release(paid)
    with pytest.raises(raising.CannotRaise):
        raising.ask(paid, amount=MORE, key="raise-1")


def test_forgotten_it_is_not_asked_for_any_more(till, paid):
    raising.ask(paid, amount=MORE, key="raise-1")
    raising.forget(paid, key="another")
    assert fresh(paid).raise_to == 150
    raising.forget(paid, key="raise-1")
    assert work(paid).amount == 100
    assert "payment.raised" not in till.announced


def test_a_worker_killed_between_the_call_and_its_record_raises_once(till, paid, monkeypatch):
    raising.ask(paid, amount=MORE, key="raise-1")
    real = sandbox.raise_hold

    def dies(*args, **kwargs):
        real(*args, **kwargs)
        raise ProviderUnavailable("the line broke")

    monkeypatch.setattr(sandbox, "raise_hold", dies)
    assert work(paid).amount == 100
    monkeypatch.setattr(sandbox, "raise_hold", real)
    assert work(paid).amount == 150
    assert LedgerEntry.objects.filter(kind="RAISED").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_four_workers_one_raises(till, approving):
    payment = till.held()
    raising.ask(payment, amount=MORE, key="raise-1")
    at_once(*[services.settle_due] * 4)
    assert fresh(payment).amount == 150
    assert till.announced.count("payment.raised") == 1
