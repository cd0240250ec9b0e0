"""The nightly comparison finds what nobody complained about, pays back what is not owed, and tells it (AT-C6)."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
import time_machine
from django.core.management import call_command
from django.urls import reverse

from apps.accounts.models import User
from apps.orders import services
from apps.payments import reconciliation
from apps.payments.models import Finding, LedgerEntry, Payment, Reconciliation, Refund
from tests.orders.stage import Stage
from tests.orders.test_race import at_once


@pytest.fixture
def stage(db) -> Stage:
    stage = Stage(User.objects.create_user("asha@example.org", name="Asha Rao", phone="+919845012345"))
    stage.until("SETTLED")
    services.check_money()
    return stage


def charged_again(stage: Stage) -> Payment:
    again = stage.payment()
    again.pk, again.code, again.idempotency_key, again._state.adding = None, UUID(int=1), "again", True
    again.save()
    LedgerEntry.objects.create(payment=again, kind="CAPTURED", amount=again.captured_amount, currency="INR")
    return again


def report(capsys) -> str:
    call_command("reconcile")
    return capsys.readouterr().out


def test_what_fits_is_not_told(stage, capsys):
    assert "1 deals compared, 0 findings" in report(capsys)


def test_a_second_charge_is_found_and_goes_back_without_a_complaint_once(stage, capsys):
    charged_again(stage)
    told = report(capsys)
    assert f"CHARGED_TWICE {stage.order.code} 361.080 INR" in told
    refund = Refund.objects.get()
    assert (refund.amount, refund.state, refund.source) == (Decimal("361.08"), "APPROVED", "RULE")
    assert Finding.objects.get().refund == refund
    assert "0 findings" in report(capsys)
    assert Refund.objects.count() == 1


def test_a_refund_the_bank_refused_is_told_every_night_until_somebody_repairs_it(stage, capsys, settings):
    settings.SANDBOX_REFUNDS = "decline"
    charged_again(stage)
    report(capsys)
    reconciliation.wiring.duties()["refunds"]()
    for _night in range(2):
        assert "REFUND_STUCK" in report(capsys)
    assert Refund.objects.count() == 1  # the rule does not try for ever by itself


def test_owed_and_not_charged_is_told(stage, capsys):
    Payment.objects.update(state="FAILED", captured_amount=0)
    assert f"NOT_CHARGED {stage.order.code} 361.080 INR" in report(capsys)


def test_a_ledger_that_says_something_else_is_told(stage, capsys):
    LedgerEntry.objects.filter(kind="CAPTURED").update(amount=Decimal("1.00"))
    assert "LEDGER_DIFFERS" in report(capsys)


@pytest.mark.django_db(transaction=True)
def test_of_four_workers_one_reconciles_the_night(transactional_db):
    with time_machine.travel(datetime(2026, 11, 26, 2, 0, tzinfo=UTC), tick=True):
        assert sum(at_once(*[reconciliation.every_night] * 4)) == 1
        assert reconciliation.every_night() == 0
    assert Reconciliation.objects.get().finished_at is not None


def test_before_the_night_nobody_begins(db):
    with time_machine.travel(datetime(2026, 11, 26, 1, 59, tzinfo=UTC)):
        assert reconciliation.every_night() == 0


def test_support_reads_the_report(stage, client):
    charged_again(stage)
    row = reconciliation.reconcile(Reconciliation.objects.create(since=datetime(2026, 1, 1, tzinfo=UTC)))
    client.force_login(User.objects.create_superuser("root@example.org"))
    page = client.get(reverse("admin:payments_reconciliation_change", args=[row.pk])).content.decode()
    assert str(stage.order.code) in page
    assert client.get(reverse("admin:payments_reconciliation_changelist")).status_code == 200
