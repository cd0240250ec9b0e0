"""Stripe and Razorpay: the same promises as the sandbox, kept against an emulation of each over HTTP."""

import json
from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from apps.lib.money import from_minor_units, to_minor_units
from apps.payments import raising, services
from apps.payments.models import LedgerEntry, Payment
from apps.payments.providers import razorpay, sandbox, stripe
from apps.payments.providers.port import Forged, ProviderUnavailable, Verdict
from tests.orders.test_race import at_once
from tests.payments.banks import RazorpayBank, StripeBank

State = Payment.State
FUNCTIONS = ["authorise", "look", "capture", "void", "refund", "read_webhook"]


@pytest.fixture
def stripe_bank(settings) -> Iterator[StripeBank]:
    bank = StripeBank()
    settings.PAYMENT_PROVIDER = "stripe"
    settings.STRIPE = {
        "SECRET_KEY": bank.key,
        "WEBHOOK_SECRET": bank.webhook_secret,
        "API_URL": bank.url,
    }
    yield bank
    bank.close()


@pytest.fixture
def razorpay_bank(settings) -> Iterator[RazorpayBank]:
    bank = RazorpayBank()
    settings.PAYMENT_PROVIDER = "razorpay"
    settings.RAZORPAY = {
        "KEY_ID": bank.key_id,
        "KEY_SECRET": bank.key_secret,
        "WEBHOOK_SECRET": bank.webhook_secret,
        "API_URL": bank.url,
    }
    yield bank
    bank.close()


only_stripe = pytest.mark.parametrize("bank", ["stripe"], indirect=True)
only_razorpay = pytest.mark.parametrize("bank", ["razorpay"], indirect=True)


@pytest.fixture(params=["stripe", "razorpay"])
def bank(request):
    return request.getfixturevalue(f"{request.param}_bank")


@pytest.fixture
def asked(till, bank) -> Payment:
    """The payer was sent to the bank."""
    payment = till.ask("400.00")
    services.open_checkout(payment)
    payment.refresh_from_db()
    return payment


@pytest.fixture
def held(asked, bank) -> Payment:
    bank.pay(asked.provider_ref)
    services.look_again(asked)
    asked.refresh_from_db()
    assert asked.state == State.AUTHORISED
    return asked


def settle(payment: Payment) -> Payment:
    Payment.objects.filter(pk=payment.pk).exclude(next_try_at=None).update(next_try_at="2026-01-01T00:00:00Z")
    services.settle_due()
    payment.refresh_from_db()
    return payment


def hook(bank) -> str:
    return reverse("payments:webhook", args=["stripe" if isinstance(bank, StripeBank) else "razorpay"])


def kept_by_us(bank) -> Decimal:
    """What really stays with us, by the bank's own books."""
    if isinstance(bank, StripeBank):
        taken = sum(intent["amount_received"] for intent in bank.intents.values())
        back = sum(refund["amount"] for refund in bank.refunds)
    else:
        taken = sum(p["amount"] for p in bank.payments.values() if p["status"] in ("captured", "refunded"))
        back = sum(payment["amount_refunded"] for payment in bank.payments.values())
    return Decimal(taken - back) / 100


def moves(bank) -> int:
    """How often money was asked to move."""
    return sum(
        path.endswith(("/capture", "/refund", "/refunds")) and verb == "POST"
        for verb, path, _ in bank.requests
    )


@pytest.mark.parametrize("provider", [sandbox, stripe, razorpay], ids=lambda module: module.__name__[-8:])
def test_every_provider_keeps_the_whole_contract(provider):
    missing = [name for name in FUNCTIONS if not callable(getattr(provider, name, None))]
    assert missing == ([] if provider is not sandbox else ["read_webhook"])  # its own page tells of it


def test_the_payer_is_sent_to_the_bank_once(asked, bank):
    again = services.open_checkout(asked)
    assert again == asked.checkout_url
    assert len(bank.sessions if isinstance(bank, StripeBank) else bank.orders) == 1


def test_an_unpaid_checkout_waits(asked):
    services.look_again(asked)
    asked.refresh_from_db()
    assert asked.state == State.REQUESTED


def test_what_was_used_is_taken_and_the_rest_goes_back(held, bank):
    services.capture(held, amount=Decimal("151.37"))
    settle(held)
    assert (held.state, held.captured_amount) == (State.CAPTURED, Decimal("151.37"))
    assert kept_by_us(bank) == Decimal("151.37")
    assert set(LedgerEntry.objects.values_list("kind", "amount")) == {
        ("AUTHORISED", Decimal(400)),
        ("CAPTURED", Decimal("151.37")),
        ("RELEASED", Decimal("248.63")),
    }


def test_taking_everything_gives_nothing_back(held, bank):
    services.capture(held, amount=Decimal(400))
    settle(held)
    assert kept_by_us(bank) == Decimal(400)
    assert bank.refunds == []


def test_releasing_leaves_nothing_with_us(held, bank):
    services.release(held)
    settle(held)
    assert held.state == State.VOIDED
    assert kept_by_us(bank) == 0


def test_a_checkout_that_nobody_used_is_closed(asked, bank):
    services.release(asked)
    settle(asked)
    assert (asked.state, kept_by_us(bank)) == (State.VOIDED, 0)
    if isinstance(bank, StripeBank):
        assert bank.sessions[asked.provider_ref]["status"] == "expired"


def test_a_payment_that_came_after_we_stopped_waiting_is_not_kept(asked, bank):
    services.release(asked)
    bank.pay(asked.provider_ref)
    settle(asked)
    assert (asked.state, kept_by_us(bank)) == (State.VOIDED, 0)


@pytest.mark.parametrize("lost", range(4))
def test_an_answer_that_got_lost_moves_money_once(held, bank, lost):
    """The bank did it, and we never heard: whichever of its answers was lost."""
    services.capture(held, amount=Decimal("100.10"))
    bank.lose = lost
    for _ in range(lost + 1):
        settle(held)
    assert (held.state, held.captured_amount) == (State.CAPTURED, Decimal("100.10"))
    assert kept_by_us(bank) == Decimal("100.10")


def test_a_bank_with_a_fault_is_asked_again_and_the_reason_is_kept(held, bank):
    services.capture(held, amount=Decimal(50))
    bank.fail = 1
    settle(held)
    assert held.state == State.AUTHORISED
    assert held.last_error
    assert settle(held).state == State.CAPTURED


def test_a_wrong_key_is_no_answer_and_nobody_pays(till, bank, settings):
    settings.STRIPE = {**settings.STRIPE, "SECRET_KEY": "sk_wrong"}
    settings.RAZORPAY = {**settings.RAZORPAY, "KEY_SECRET": "wrong"}
    with pytest.raises(services.Refused):
        services.open_checkout(till.ask())


def test_a_bank_that_is_away_is_no_answer(bank):
    provider = stripe if isinstance(bank, StripeBank) else razorpay
    bank.close()
    with pytest.raises(ProviderUnavailable):
        provider.look("cs_1")


def test_what_is_not_held_cannot_be_taken(asked, bank):
    provider = stripe if isinstance(bank, StripeBank) else razorpay
    outcome = provider.capture(asked.provider_ref, key="k", amount=Decimal(1))
    assert outcome.verdict == Verdict.DECLINED
    assert moves(bank) == 0


def test_a_refund_asked_for_twice_is_made_once(held, bank):
    services.capture(held, amount=Decimal(400))
    settle(held)
    provider = stripe if isinstance(bank, StripeBank) else razorpay
    first, again = (provider.refund(held.provider_ref, key="back", amount=Decimal("40.05")) for _ in range(2))
    assert first == again
    assert (first.verdict, first.amount) == (Verdict.REFUNDED, Decimal("40.05"))
    assert kept_by_us(bank) == Decimal("359.95")


def test_a_slow_refund_is_asked_about_days_later_and_made_once(held, bank):
    """Also when the provider has forgotten the key that it was asked with."""
    services.capture(held, amount=Decimal(400))
    settle(held)
    provider = stripe if isinstance(bank, StripeBank) else razorpay
    provider.refund(held.provider_ref, key="back", amount=Decimal("40.05"))
    bank.refunds[-1]["status"] = "pending"
    getattr(bank, "forget", lambda: None)()
    assert provider.refund(held.provider_ref, key="back", amount=Decimal("40.05")).verdict == Verdict.PENDING
    bank.refunds[-1]["status"] = "failed"
    assert provider.refund(held.provider_ref, key="back", amount=Decimal("40.05")).verdict == Verdict.DECLINED
    assert len(bank.refunds) == 1


# --- Webhooks ---------------------------------------------------------------------------------------------
def post(client: Client, bank, body: str, headers: dict[str, str]) -> int:
    return client.post(hook(bank), body, content_type="application/json", headers=headers).status_code


def test_a_webhook_before_the_payer_is_back_settles_it(client, asked, bank, till):
    bank.pay(asked.provider_ref)
    body = json.dumps(bank.event(asked.provider_ref))
    for _ in range(3):
        assert post(client, bank, body, bank.signature(body)) == 204
    asked.refresh_from_db()
    assert asked.state == State.AUTHORISED
    assert till.announced == ["payment.authorised"]


def test_a_webhook_is_only_a_hint(client, asked, bank):
    """It says paid; the bank, asked, says not."""
    bank.pay(asked.provider_ref)
    body = json.dumps(bank.event(asked.provider_ref))
    getattr(bank, "intents", {}).clear()
    getattr(bank, "payments", {}).clear()
    if isinstance(bank, StripeBank):
        bank.sessions[asked.provider_ref] |= {"status": "open", "payment_intent": None}
    assert post(client, bank, body, bank.signature(body)) == 204
    asked.refresh_from_db()
    assert asked.state == State.REQUESTED


def test_a_forged_webhook_is_refused_and_nobody_asks_the_bank(client, asked, bank):
    bank.pay(asked.provider_ref)
    body = json.dumps(bank.event(asked.provider_ref))
    before = len(bank.requests)
    forged = [
        {},
        bank.signature(body, secret="guessed"),
        bank.signature(body + " "),
        {name: "x" for name in bank.signature(body)},
    ]
    assert [post(client, bank, body, headers) for headers in forged] == [400] * len(forged)
    assert len(bank.requests) == before


@only_stripe
def test_an_old_webhook_of_stripe_is_refused(client, asked, bank):
    bank.pay(asked.provider_ref)
    body = json.dumps(bank.event(asked.provider_ref))
    assert post(client, bank, body, bank.signature(body, at=1_700_000_000)) == 400


@pytest.mark.parametrize("body", ["", "{}", "[]", '"text"', "\xff", '{"payload": {"payment": 1}}'])
def test_signed_nonsense_is_refused_or_tells_nothing(client, bank, body):
    """Never a fault of ours."""
    assert post(client, bank, body, bank.signature(body)) in (204, 400)


def test_an_event_of_something_else_tells_nothing(client, asked, bank):
    body = json.dumps(
        {
            "id": "evt_1",
            "object": "event",
            "type": "payout.paid",
            "data": {"object": {"id": "po_1", "object": "payout"}},
        }
        if isinstance(bank, StripeBank)
        else {"event": "refund.processed", "payload": {"refund": {"entity": {}}}}
    )
    before = len(bank.requests)
    assert post(client, bank, body, bank.signature(body)) == 204
    assert len(bank.requests) == before


@pytest.mark.parametrize("provider", ["sandbox", "nobody"])
def test_only_providers_with_webhooks_have_that_door(client, db, provider):
    assert client.post(reverse("payments:webhook", args=[provider])).status_code == 404


def test_nobody_reads_webhooks(client, db):
    assert client.get(reverse("payments:webhook", args=["stripe"])).status_code == 405


@pytest.mark.django_db(transaction=True)
def test_webhook_and_return_at_the_same_moment_hold_the_money_once(till, bank):
    payment = till.ask("400.00")
    services.open_checkout(payment)
    payment.refresh_from_db()
    bank.pay(payment.provider_ref)
    at_once(*[lambda: services.look_again(Payment.objects.get(pk=payment.pk))] * 4)
    payment.refresh_from_db()
    assert payment.state == State.AUTHORISED
    assert LedgerEntry.objects.filter(payment=payment).count() == 1


# --- Razorpay's page --------------------------------------------------------------------------------------
@only_razorpay
def test_the_way_to_razorpay_is_one_button(client, till, bank):
    payment = till.ask("400.00")
    address = services.open_checkout(payment)
    client.force_login(payment.payer)
    page = client.get(address).content.decode()
    payment.refresh_from_db()
    assert f'action="{bank.url}/v1/checkout/embedded"' in page
    for name, value in {"order_id": payment.provider_ref, "amount": "40000", "key_id": bank.key_id}.items():
        assert f'name="{name}" value="{value}"' in page
    assert bank.key_secret not in page


@only_razorpay
def test_another_person_sees_no_payment(client, till, bank, django_user_model):
    address = services.open_checkout(till.ask())
    client.force_login(django_user_model.objects.create_user("other@example.org"))
    assert client.get(address).status_code == 404


@only_razorpay
def test_a_payment_that_was_made_has_no_button(client, held, bank):
    client.force_login(held.payer)
    answer = client.get(reverse("payments:razorpay", args=[held.code]))
    assert (answer.status_code, answer["Location"]) == (302, held.return_path)


@only_razorpay
def test_the_form_that_leads_home_is_not_believed(client, asked, bank):
    strict = Client(enforce_csrf_checks=True)
    home = strict.post(
        reverse("payments:back_from_razorpay", args=[asked.code]),
        {"razorpay_payment_id": "pay_1", "razorpay_order_id": asked.provider_ref, "razorpay_signature": "x"},
    )
    assert (home.status_code, home["Location"]) == (302, reverse("payments:back", args=[asked.code]))
    asked.refresh_from_db()
    assert asked.state == State.REQUESTED


@only_razorpay
def test_a_failed_attempt_may_be_followed_by_a_good_one(asked, bank):
    bank.attempt(asked.provider_ref, "failed")
    services.look_again(asked)
    bank.attempt(asked.provider_ref)
    services.look_again(Payment.objects.get(pk=asked.pk))
    asked.refresh_from_db()
    assert asked.state == State.AUTHORISED


@only_razorpay
def test_money_that_razorpay_gave_back_by_itself_cannot_be_taken(held, bank):
    next(iter(bank.payments.values()))["status"] = "refunded"
    services.capture(held, amount=Decimal(10))
    assert settle(held).state == State.FAILED


# --- Counting as they count -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("400.000", "INR", 40000), ("0.01", "USD", 1), ("500", "JPY", 500), ("1.234", "KWD", 1234)],
)
def test_amounts_in_minor_units(amount, currency, minor):
    assert to_minor_units(Decimal(amount), currency) == minor
    assert from_minor_units(minor, currency) == Decimal(amount)


@pytest.mark.parametrize(("amount", "currency"), [("0.001", "INR"), ("1.5", "JPY")])
def test_parts_of_a_minor_unit_are_refused(amount, currency):
    with pytest.raises(ValueError, match="smallest unit"):
        to_minor_units(Decimal(amount), currency)


@only_stripe
def test_a_foreign_webhook_key_is_forged(bank):
    with pytest.raises(Forged):
        stripe.read_webhook(b"{}", {})


# --- Raising a hold (raising.py) -------------------------------------------------------------------------------


def raised(payment: Payment, amount: str, key: str = "raise-1") -> Payment:
    raising.ask(payment, amount=Decimal(amount), key=key)
    return settle(payment)


@only_stripe
def test_stripe_raises_the_hold_once_though_the_answer_was_lost(held, bank, monkeypatch):
    real = bank._increment

    def lost(intent, amount):
        bank.lose = 1
        return real(intent, amount)

    monkeypatch.setattr(bank, "_increment", lost)
    assert raised(held, "600").amount == 400  # done, and nobody has heard of it
    assert settle(held).amount == 600
    assert sum(path.endswith("/increment_authorization") for _, path, _ in bank.requests) == 1
    services.capture(held, amount=Decimal(590))
    settle(held)
    assert (held.state, held.captured_amount, kept_by_us(bank)) == (State.CAPTURED, 590, 590)


@only_stripe
@pytest.mark.parametrize("why", ["not for this card", "no money left"])
def test_stripe_may_refuse_and_the_hold_stays(held, bank, why):
    bank.can_increment, bank.most = why != "not for this card", 50_000
    assert raised(held, "600").amount == 400
    assert (held.state, held.raise_to) == (State.AUTHORISED, None)
    assert held.last_error


@only_razorpay
def test_razorpay_cannot_and_is_not_asked(held, bank):
    asked = len(bank.requests)
    with pytest.raises(raising.CannotRaise):
        raising.ask(held, amount=Decimal(600), key="raise-1")
    assert len(bank.requests) == asked
