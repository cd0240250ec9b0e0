"""The desk of refunds in the admin: who sees it, who raises, who approves, and that it is written down who did."""

from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.payments import refunds, services
from apps.payments.models import Payment, Refund

pytestmark = pytest.mark.usefixtures("approving")
LIST = "admin:payments_refund_changelist"
ROLES = ["", "Support L1", "Support L2", "Grievance officer", "administrator"]


@pytest.fixture
def paid(till) -> Payment:
    payment = till.held("2000.00")
    services.capture(payment, amount=Decimal(1500))
    services.settle_due()
    payment.refresh_from_db()
    return payment


def signed_in(role: str, email: str = "") -> Client:
    email = email or f"{role or 'staff'}@example.org".replace(" ", ".").lower()
    if role == "administrator":
        user = User.objects.create_superuser(email)
    else:
        user = User.objects.create_user(email, is_staff=True)
        if role:
            user.groups.add(Group.objects.get_or_create(name=role)[0])
    client = Client()
    client.force_login(user)
    return client


def make(payment: Payment, amount: str = "100.00", key: str = "k") -> Refund:
    return refunds.request(
        payment, amount=Decimal(amount), cause="SERVICE_ISSUE", reason="Slow", source="DRIVER", key=key
    )


def press(client: Client, action: str, refund: Refund, **more: str):
    form = {"action": action, "_selected_action": [refund.pk], "select_across": "0"}
    return client.post(reverse(LIST), form | more, follow=True)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("amount", "who"), [("500.00", 1), ("500.01", 2), ("1500.00", 2)])
def test_who_approves_how_much(paid, role, amount, who):
    refund = make(paid, amount)
    client = signed_in(role)
    press(client, "approve", refund)
    refund.refresh_from_db()
    assert (refund.state == Refund.State.APPROVED) == (ROLES.index(role) >= who)
    assert client.get(reverse(LIST)).status_code == (200 if role else 403)


def raise_(client: Client, payment: Payment, **more):
    form = {"amount": "40.00", "cause": "SERVICE_ISSUE", "reason": "Waited an hour", "key": "1" * 32}
    return client.post(reverse("admin:payments_raise", args=[payment.pk]), form | more)


def test_raised_by_one_approved_by_another_with_their_names(paid):
    agent, other = signed_in("Support L1"), signed_in("Support L1", "other@example.org")
    page = agent.get(reverse("admin:payments_raise", args=[paid.pk])).content.decode()
    assert 'value="1500.000"' in page  # never an empty box
    assert [raise_(agent, paid).status_code for _ in range(3)] == [302] * 3  # an impatient finger
    refund = Refund.objects.get()
    assert b"their own refund" in press(agent, "approve", refund).content
    press(other, "approve", refund, amount="30.00", reason="Half an hour")
    refund.refresh_from_db()
    assert (refund.amount, refund.decision) == (30, "Half an hour")
    assert (refund.requested_by.email, refund.decided_by.email) == (
        "support.l1@example.org",
        "other@example.org",
    )
    assert LogEntry.objects.filter(change_message__contains="REQUESTED → APPROVED").count() == 1


@pytest.mark.parametrize("wrong", [{"amount": "1500.01"}, {"amount": "0"}, {"reason": " "}, {"cause": "X"}])
def test_bad_words_are_told_and_raise_nothing(paid, wrong):
    assert raise_(signed_in("Support L2"), paid, **wrong).status_code == 422
    assert not Refund.objects.exists()


def test_others_raise_nothing(paid):
    assert raise_(signed_in(""), paid).status_code == 403
    assert raise_(Client(), paid).status_code == 302
    assert not Refund.objects.exists()


def test_declining_needs_words_that_the_driver_reads(paid):
    client, refund = signed_in("Support L1"), make(paid)
    assert b"says why" in press(client, "decline", refund).content
    press(client, "decline", refund, reason="The meter says otherwise")
    refund.refresh_from_db()
    assert (refund.state, refund.decision) == (Refund.State.DECLINED, "The meter says otherwise")


def test_rows_cannot_be_edited(paid):
    client, refund = signed_in("administrator"), make(paid)
    address = reverse("admin:payments_refund_change", args=[refund.pk])
    assert client.get(address).status_code == 200
    assert client.post(address, {"state": "SETTLED"}).status_code == 403


def test_the_list_takes_as_many_queries_for_many(paid, django_assert_max_num_queries):
    client = signed_in("Support L1")
    for number in range(30):
        refund = make(paid, "1.00", str(number))
        Refund.objects.filter(pk=refund.pk).update(source="STAFF")
    with django_assert_max_num_queries(18):
        client.get(reverse(LIST), {"waits": "decision"})
