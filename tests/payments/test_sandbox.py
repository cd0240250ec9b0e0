"""The page of the sandbox bank."""

from uuid import uuid4

import pytest
from django.urls import reverse

from apps.payments import services
from apps.payments.models import Payment


@pytest.fixture
def bank_page(till) -> str:
    return services.open_checkout(till.ask())


def test_it_says_that_no_money_moves_and_asks_for_no_card(client, bank_page):
    page = client.get(bank_page).content.decode()
    assert "No real money" in page
    assert '<input type="text"' not in page


@pytest.mark.parametrize(
    ("answer", "state"),
    [("approve", "AUTHORISED"), ("decline", "FAILED"), ("hang", "REQUESTED")],
)
def test_it_does_what_is_pressed_and_leads_home(client, bank_page, answer, state):
    home = client.post(bank_page, {"answer": answer})
    payment = Payment.objects.get()
    assert (home.status_code, home["Location"]) == (302, reverse("payments:back", args=[payment.code]))
    assert payment.state == state


def test_it_can_say_so_twice(client, till, bank_page):
    client.post(bank_page, {"answer": "approve", "times": "2"})
    assert till.announced == ["payment.authorised"]


def test_the_first_answer_counts(client, bank_page):
    client.post(bank_page, {"answer": "decline"})
    client.post(bank_page, {"answer": "approve"})
    assert Payment.objects.get().state == "FAILED"


def test_an_answered_payment_offers_no_buttons(client, bank_page):
    client.post(bank_page, {"answer": "decline"})
    assert "Back to the shop" in client.get(bank_page).content.decode()


@pytest.mark.parametrize("answer", ["", "maybe"])
def test_another_answer_is_refused(client, bank_page, answer):
    assert client.post(bank_page, {"answer": answer}).status_code == 422


def test_unknown_payments_are_not_found(client, db):
    assert client.get(reverse("payments:sandbox", args=[uuid4()])).status_code == 404


def test_without_the_sandbox_there_is_no_page(client, bank_page, settings):
    settings.PAYMENT_PROVIDERS = {"other": "apps.payments.providers.sandbox"}
    assert client.get(bank_page).status_code == 404


def test_checkout_leads_to_the_bank_and_back_asks_it(client, till):
    client.force_login(till.payer)
    payment = till.ask()
    checkout = client.post(reverse("payments:checkout", args=[payment.code]))
    assert checkout["Location"].startswith("/pay/sandbox/")
    assert client.get(reverse("payments:checkout", args=[payment.code])).status_code == 405
    home = client.get(reverse("payments:back", args=[payment.code]))
    assert home["Location"] == payment.return_path


def test_a_bank_that_does_not_answer_is_a_page(client, till, settings):
    settings.SANDBOX_BANK = "timeout"
    client.force_login(till.payer)
    assert client.post(reverse("payments:checkout", args=[till.ask().code])).status_code == 409
