"""Money back: never more than was charged, decided by the right person, sent until the bank answers, once."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.lib import clock
from apps.payments import refunds, services
from apps.payments.models import LedgerEntry, Payment, Refund, SandboxRefund
from apps.payments.providers import sandbox
from tests.orders.test_race import at_once

State, Cause, Source = Refund.State, Refund.Cause, Refund.Source

pytestmark = pytest.mark.usefixtures("approving")


@pytest.fixture
def paid(till) -> Payment:
    """60 of 100 were charged."""
    payment = till.held()
    services.capture(payment, amount=Decimal(60))
    services.settle_due()
    payment.refresh_from_db()
    return payment


def person(email: str, group: str = "", **more) -> User:
    user = User.objects.create_user(email, is_staff=bool(group), **more)
    if group:
        user.groups.add(Group.objects.get_or_create(name=group)[0])
    return user


@pytest.fixture
def agent(db) -> User:
    return person("l1@example.org", "Support L1")


@pytest.fixture
def senior(db) -> User:
    return person("l2@example.org", "Support L2")


@pytest.fixture
def officer(db) -> User:
    return person("officer@example.org", "Grievance officer")


def ask(payment: Payment, amount: str = "10.00", key: str = "one", **more) -> Refund:
    how = {"cause": Cause.SERVICE_ISSUE, "reason": "It was slow", "source": Source.STAFF} | more
    return refunds.request(payment, amount=Decimal(amount), key=key, **how)


def due_now() -> None:
    Refund.objects.filter(next_try_at__isnull=False).update(next_try_at=clock.now() - timedelta(seconds=1))


def send(times: int = 1) -> None:
    for _ in range(times):
        due_now()
        refunds.send_due()


def back(payment: Payment) -> Decimal:
    return Payment.objects.get(pk=payment.pk).refunded_amount


def test_a_refund_goes_from_the_request_to_the_bank_and_home(paid, agent):
    refund = ask(paid)
    refunds.approve(refund, by=agent)
    assert (refund.state, back(paid)) == (State.APPROVED, 10)
    assert refund.promised_on == (clock.now() + timedelta(days=5)).date()
    send()
    refund.refresh_from_db()
    assert refund.state == State.SENT
    assert refund.provider_ref.startswith("RF-")
    send(sandbox.HANGS_FOR)
    refund.refresh_from_db()
    assert (refund.state, refund.next_try_at) == (State.SETTLED, None)
    assert [event.now for event in refund.events.all()] == ["REQUESTED", "APPROVED", "SENT", "SETTLED"]
    line = LedgerEntry.objects.get(kind="REFUNDED")
    assert (line.amount, line.refund) == (10, refund)


def test_the_same_wish_is_one_refund(paid):
    assert ask(paid).pk == ask(paid).pk == ask(paid, "20.00").pk
    assert Refund.objects.count() == 1


@pytest.mark.parametrize("amount", ["0", "-1", "60.01", "0.001", "1000000"])
def test_amounts_that_cannot_be_paid_back_are_refused(paid, amount):
    with pytest.raises(refunds.MoreThanCaptured):
        ask(paid, amount)


def test_what_was_only_held_cannot_be_paid_back(till):
    with pytest.raises(refunds.NotRefundable):
        ask(till.held())


def test_several_refunds_together_never_exceed_what_was_charged(paid, officer):
    first, second = ask(paid, "40.00", "a"), ask(paid, "20.00", "b")
    with pytest.raises(refunds.MoreThanCaptured):
        ask(paid, "0.01", "c")
    refunds.approve(first, by=officer, amount=Decimal("15.00"))  # less than was asked
    third = ask(paid, "25.00", "d")
    for refund in (second, third):
        refunds.approve(refund, by=officer)
    assert back(paid) == 60
    with pytest.raises(refunds.MoreThanCaptured):
        ask(paid, "0.01", "e")


def test_a_driver_has_one_open_request(paid):
    ask(paid, source=Source.DRIVER, by=paid.payer)
    with pytest.raises(refunds.NotRefundable):
        ask(paid, key="two", source=Source.DRIVER, by=paid.payer)


@pytest.mark.django_db(transaction=True)
def test_twenty_approvals_at_once_give_back_at_most_what_was_charged(paid, officer):
    """Each alone would fit; together three times as much was asked as was charged (law 10)."""
    rows = [
        Refund.objects.create(
            payment=paid,
            asked_amount=9,
            amount=9,
            reason="race",
            source=Source.STAFF,
            idempotency_key=f"race-{number}",
        )
        for number in range(20)
    ]
    outcomes = at_once(*[lambda row=row: refunds.approve(row, by=officer) for row in rows])
    assert sum(isinstance(outcome, refunds.MoreThanCaptured) for outcome in outcomes) == 14
    assert Refund.objects.filter(state=State.APPROVED).count() == 6
    assert back(paid) == 54


@pytest.mark.django_db(transaction=True)
def test_one_refund_approved_by_twenty_hands_is_counted_once(paid, officer):
    refund = ask(paid)
    copies = [Refund.objects.get(pk=refund.pk) for _ in range(20)]
    assert at_once(*[lambda row=row: refunds.approve(row, by=officer) for row in copies]) == [None] * 20
    assert back(paid) == 10
    assert refund.events.filter(now=State.APPROVED).count() == 1


@pytest.mark.django_db(transaction=True)
def test_approved_and_declined_at_once_has_one_winner(paid, officer, senior):
    refund = ask(paid)
    yes, no = (Refund.objects.get(pk=refund.pk) for _ in range(2))
    at_once(
        lambda: refunds.approve(yes, by=officer), lambda: refunds.decline(no, by=senior, why="No grounds")
    )
    refund.refresh_from_db()
    assert back(paid) == (10 if refund.state == State.APPROVED else 0)


@pytest.mark.django_db(transaction=True)
def test_of_four_workers_one_sends(paid, officer):
    refunds.approve(ask(paid), by=officer)
    assert sum(at_once(*[refunds.send_due] * 4)) == 1
    assert SandboxRefund.objects.count() == 1


def test_the_database_itself_forbids_more_than_was_charged_and_deciding_ones_own(paid, agent):
    def forbidden(change) -> bool:
        try:
            with transaction.atomic():
                change()
        except IntegrityError:
            return True
        return False

    refund = ask(paid, by=agent)
    assert forbidden(lambda: Payment.objects.filter(pk=paid.pk).update(refunded_amount=Decimal("60.001")))
    assert forbidden(lambda: Refund.objects.filter(pk=refund.pk).update(decided_by=agent))
    assert forbidden(lambda: Refund.objects.filter(pk=refund.pk).update(amount=Decimal("10.001")))


# --- Who may ----------------------------------------------------------------------------------------------------


def test_limits_and_four_eyes(till, agent, senior, officer, settings):
    settings.REFUNDS = settings.REFUNDS | {"LIMITS": {"INR": [500, 5000]}}
    payment = till.held("9000.00", reference="large")
    services.capture(payment, amount=Decimal(9000))
    services.settle_due()
    small, middle, large = [ask(payment, amount, amount) for amount in ("500.00", "500.01", "5000.01")]
    for refund, too_low in ((middle, [agent]), (large, [agent, senior])):
        for somebody in too_low:
            with pytest.raises(refunds.NotYours):
                refunds.approve(refund, by=somebody)
    refunds.approve(small, by=agent)
    refunds.approve(middle, by=senior)
    refunds.approve(large, by=officer)
    assert back(payment) == Decimal("6000.02")


def test_another_currency_without_a_limit_is_the_officers(paid, agent, officer):
    Payment.objects.update(currency="CHF")
    refund = Refund.objects.get(pk=ask(paid).pk)
    with pytest.raises(refunds.NotYours):
        refunds.approve(refund, by=agent)
    refunds.approve(refund, by=officer)


@pytest.mark.parametrize("group", ["", "Support L1", "Support L2", "Grievance officer", "administrator"])
def test_nobody_approves_what_they_raised(paid, group):
    if group == "administrator":
        somebody = User.objects.create_superuser("root@example.org")
    else:
        somebody = person("somebody@example.org", group)
    if not group:
        with pytest.raises(refunds.NotYours):
            raised(paid, somebody)
        return
    refund = raised(paid, somebody)
    with pytest.raises(refunds.NotYours):
        refunds.approve(refund, by=somebody)
    with pytest.raises(refunds.NotYours):
        refunds.decline(refund, by=somebody, why="No")
    assert refund.state == State.REQUESTED


def raised(payment: Payment, staff: User, **more) -> Refund:
    how = {"amount": Decimal(10), "cause": Cause.SERVICE_ISSUE, "reason": "Twenty minutes late", "key": "k"}
    return refunds.request_by_staff(payment, staff=staff, **how | more)


def test_nobody_refunds_their_own_purchase(till, paid):
    till.payer.is_staff = till.payer.is_superuser = True
    till.payer.save()
    with pytest.raises(refunds.NotYours):
        raised(paid, till.payer)
    refund = Refund.objects.get(pk=ask(paid).pk)
    with pytest.raises(refunds.NotYours):
        refunds.approve(refund, by=till.payer)


def test_a_reason_is_needed_to_raise_and_to_decline(paid, agent):
    with pytest.raises(refunds.NotRefundable):
        raised(paid, agent, reason="  ")
    with pytest.raises(refunds.NotRefundable):
        refunds.decline(ask(paid), by=agent, why=" ")


def test_what_was_declined_stays_declined(paid, agent, officer):
    refund = ask(paid)
    refunds.decline(refund, by=agent, why="The meter says otherwise")
    refunds.decline(refund, by=agent, why="pressed twice")
    assert (refund.state, refund.decision) == (State.DECLINED, "The meter says otherwise")
    with pytest.raises(refunds.NotRefundable):
        refunds.approve(refund, by=officer)
    assert back(paid) == 0


# --- The bank ---------------------------------------------------------------------------------------------------


def test_a_refusing_bank_frees_the_amount_and_is_told(paid, officer, settings):
    settings.SANDBOX_REFUNDS = "decline"
    refund = ask(paid, "60.00")
    refunds.approve(refund, by=officer)
    send(3)
    refund.refresh_from_db()
    assert (refund.state, back(paid)) == (State.FAILED, 0)
    assert "refused" in refund.last_error
    assert not LedgerEntry.objects.filter(kind="REFUNDED").exists()
    settings.SANDBOX_REFUNDS = "settle"
    again = ask(paid, "60.00", "again")
    refunds.approve(again, by=officer)
    send()
    assert Refund.objects.get(pk=again.pk).state == State.SETTLED


def test_a_silent_bank_is_asked_later_and_later_and_frees_nothing(paid, officer, settings):
    settings.SANDBOX_REFUNDS = "timeout"
    refund = ask(paid)
    refunds.approve(refund, by=officer)
    pauses = []
    for _ in range(4):
        send()
        refund.refresh_from_db()
        pauses.append(refund.next_try_at - clock.now())
    assert pauses == sorted(pauses)
    assert (refund.state, back(paid)) == (State.APPROVED, 10)
    assert "told not to answer" in refund.last_error
    settings.SANDBOX_REFUNDS = "settle"
    send()
    refund.refresh_from_db()
    assert (refund.state, refund.last_error) == (State.SETTLED, "")


def test_a_worker_killed_between_the_call_and_its_record_pays_once(paid, officer, settings, monkeypatch):
    settings.SANDBOX_REFUNDS = "settle"
    refunds.approve(ask(paid), by=officer)

    def killed(*args) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(refunds, "record", killed)
        with pytest.raises(KeyboardInterrupt):
            refunds.send_due()
    assert refunds.send_due() == 0  # the dead worker's claim holds for a while
    send()
    assert Refund.objects.get().state == State.SETTLED
    assert SandboxRefund.objects.get().amount == 10


def test_the_same_answer_twice_is_written_down_once(paid, officer, settings):
    settings.SANDBOX_REFUNDS = "settle"
    refund = ask(paid)
    refunds.approve(refund, by=officer)
    outcome = sandbox.refund(paid.provider_ref, key=str(refund.code), amount=refund.amount)
    copies = [Refund.objects.get(pk=refund.pk) for _ in range(3)]
    for copy in copies:
        refunds.record(copy, outcome)
    assert LedgerEntry.objects.filter(kind="REFUNDED").count() == 1
    assert back(paid) == 10


def test_the_bank_itself_gives_back_no_more_than_it_took(paid):
    assert sandbox.refund(paid.provider_ref, key="a", amount=Decimal(40)).verdict == "PENDING"
    assert sandbox.refund(paid.provider_ref, key="b", amount=Decimal(21)).verdict == "DECLINED"


# --- Deadlines --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("supported", "state", "given"), [("0", "DECLINED", 0), ("4.00", "APPROVED", 4)])
def test_what_nobody_decides_is_decided_by_our_own_figures(paid, supported, state, given):
    refund = ask(paid, supported_amount=Decimal(supported))
    assert refunds.move_overdue() == 0
    Refund.objects.update(decide_until=clock.now() - timedelta(seconds=1))
    assert refunds.move_overdue() == 1
    refund.refresh_from_db()
    assert (refund.state, back(paid)) == (state, given)
    assert refunds.move_overdue() == 0


def test_a_broken_promise_is_marked_once_and_for_a_person_to_see(paid, officer, settings):
    settings.SANDBOX_REFUNDS = "hang"
    refund = ask(paid)
    refunds.approve(refund, by=officer)
    send()
    Refund.objects.update(promised_on=(clock.now() - timedelta(days=1)).date())
    assert (refunds.move_overdue(), refunds.move_overdue()) == (1, 0)
    refund.refresh_from_db()
    assert (refund.state, refund.overdue_at is not None) == (State.SENT, True)
    assert refund.events.filter(why__contains="promised day").count() == 1
