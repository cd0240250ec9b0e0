"""Stripe: a hosted checkout that holds the amount on a card (manual capture), taken in part later.

Our `ref` is the id of the checkout session, because its payment intent exists only once the payer pays.
Documentation: docs.stripe.com/payments/place-a-hold-on-a-payment-method, docs.stripe.com/webhooks.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import stripe
from django.conf import settings
from django.utils.translation import gettext_noop

from apps.lib.money import from_minor_units, to_minor_units
from apps.payments.providers.port import TIMEOUT_SECONDS, Forged, Outcome, ProviderUnavailable, Verdict

HOLDS_FOR = timedelta(days=5)  # card networks let go after five to seven days
CAN_RAISE = True  # where the card's network allows it: docs.stripe.com/payments/incremental-authorization
SIGNATURE_HEADER = "Stripe-Signature"
NOT_RAISED = gettext_noop("the bank does not hold more for this card")
NOTHING_HELD = gettext_noop("nothing is held that could be taken")
_OF_INTENT = {
    "requires_capture": Verdict.AUTHORISED,
    "succeeded": Verdict.CAPTURED,
    "canceled": Verdict.VOIDED,
}


def authorise(*, key: str, amount: Decimal, currency: str, description: str, return_url: str) -> Outcome:
    home = settings.PUBLIC_URL + return_url
    price = {
        "currency": currency.lower(),
        "unit_amount": to_minor_units(amount, currency),
        "product_data": {"name": description or settings.PUBLIC_URL},
    }
    with _asking():
        session = _client().v1.checkout.sessions.create(
            params={
                "mode": "payment",
                "client_reference_id": key,
                "success_url": home,
                "cancel_url": home,
                "line_items": [{"quantity": 1, "price_data": price}],
                "payment_intent_data": {"capture_method": "manual", "metadata": {"payment": key}},
                "payment_method_options": {"card": {"request_incremental_authorization": "if_available"}},
                "expand": ["payment_intent"],
            },
            options={"idempotency_key": key},
        )
    return _outcome(session)


def look(ref: str) -> Outcome:
    with _asking():
        return _outcome(_session(ref))


def capture(ref: str, *, key: str, amount: Decimal) -> Outcome:
    with _asking():
        session = _session(ref)
        intent = session.payment_intent
        if intent is not None and intent.status == "requires_capture":
            _unless_already(
                _client().v1.payment_intents.capture,
                intent.id,
                params={"amount_to_capture": to_minor_units(amount, intent.currency.upper())},
                options={"idempotency_key": key},
            )
            session = _session(ref)
    outcome = _outcome(session)
    return (
        outcome
        if outcome.verdict == Verdict.CAPTURED
        else Outcome(Verdict.DECLINED, ref, reason=NOTHING_HELD)
    )


def void(ref: str, *, key: str) -> Outcome:
    with _asking():
        session = _session(ref)
        intent = session.payment_intent
        if session.status == "open":
            _unless_already(_client().v1.checkout.sessions.expire, ref, options={"idempotency_key": key})
        elif intent is not None and intent.status == "requires_capture":
            _unless_already(
                _client().v1.payment_intents.cancel, intent.id, options={"idempotency_key": f"{key}-hold"}
            )
        session = _session(ref)
    if session.status == "expired":
        return Outcome(Verdict.VOIDED, ref)
    return _outcome(session)


def raise_hold(ref: str, *, key: str, amount: Decimal) -> Outcome:
    """Stripe refuses with an error of the card, or of the request where the card cannot do it at all."""
    with _asking():
        intent = _session(ref).payment_intent
        currency = intent.currency.upper()
        minor = to_minor_units(amount, currency)
        if intent.status == "requires_capture" and intent.amount < minor:
            try:
                intent = _client().v1.payment_intents.increment_authorization(
                    intent.id, params={"amount": minor}, options={"idempotency_key": key}
                )
            except (stripe.CardError, stripe.InvalidRequestError) as refused:
                return Outcome(Verdict.DECLINED, ref, reason=refused.user_message or NOT_RAISED)
    return Outcome(
        _OF_INTENT.get(intent.status, Verdict.DECLINED), ref, amount=from_minor_units(intent.amount, currency)
    )


def refund(ref: str, *, key: str, amount: Decimal) -> Outcome:
    with _asking():
        intent = _session(ref).payment_intent
        currency = intent.currency.upper()
        made = _refund_made_before(intent.id, key) or _client().v1.refunds.create(
            params={
                "payment_intent": intent.id,
                "amount": to_minor_units(amount, currency),
                "metadata": {"key": key},
            },
            options={"idempotency_key": key},
        )
    verdict = {"succeeded": Verdict.REFUNDED, "failed": Verdict.DECLINED, "canceled": Verdict.DECLINED}
    return Outcome(
        verdict.get(made.status, Verdict.PENDING), made.id, amount=from_minor_units(made.amount, currency)
    )


def read_webhook(body: bytes, headers: Mapping[str, str]) -> str:
    signature, secret = headers.get(SIGNATURE_HEADER, ""), settings.STRIPE["WEBHOOK_SECRET"]
    try:
        text = body.decode()
        stripe.WebhookSignature.verify_header(text, signature, secret, stripe.Webhook.DEFAULT_TOLERANCE)
        event = json.loads(text)
        return str(event["data"]["object"]["id"]) if event["type"].startswith("checkout.session.") else ""
    except (stripe.SignatureVerificationError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Forged from error


def _client() -> stripe.StripeClient:
    return stripe.StripeClient(
        settings.STRIPE["SECRET_KEY"],
        base_addresses={"api": settings.STRIPE["API_URL"]},
        http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
        max_network_retries=0,  # services.settle_due asks again
    )


def _session(ref: str) -> Any:
    return _client().v1.checkout.sessions.retrieve(ref, params={"expand": ["payment_intent"]})


def _refund_made_before(intent_id: str, key: str) -> Any | None:
    """Stripe remembers an idempotency key for a day, and repeats its first answer; a slow refund needs its newest."""
    made = _client().v1.refunds.list(params={"payment_intent": intent_id, "limit": 100})
    return next((one for one in made.data if getattr(one.metadata, "key", None) == key), None)


def _unless_already(call: Any, *args: Any, **kwargs: Any) -> None:
    """Stripe refuses what was done before, by a worker that died or by hand; how it stands is read anyway."""
    try:
        call(*args, **kwargs)
    except stripe.InvalidRequestError:
        return


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except stripe.StripeError as error:
        raise ProviderUnavailable(f"Stripe: {error.user_message or type(error).__name__}") from error


def _outcome(session: Any) -> Outcome:
    if session.status == "open":
        return Outcome(Verdict.PENDING, session.id, url=session.url or "")
    intent = session.payment_intent
    if session.status == "expired" or intent is None:
        return Outcome(Verdict.DECLINED, session.id, reason=gettext_noop("it was not paid in time"))
    currency = intent.currency.upper()
    minor = intent.amount_received if intent.status == "succeeded" else intent.amount
    return Outcome(
        _OF_INTENT.get(intent.status, Verdict.PENDING), session.id, amount=from_minor_units(minor, currency)
    )
