"""Razorpay: its hosted page takes cards, UPI and netbanking; the amount is held (manual capture).

Our `ref` is the id of a Razorpay order; the payers' attempts hang below it. Two things that others can, Razorpay
cannot: take a part of what is held, and give a hold back. So we take all of it and refund the rest at once; a payer
whose bank debits at once (UPI) has the rest back by that refund. What nobody takes in three days Razorpay
returns by itself.
Documentation: razorpay.com/docs, "Payment capture settings", "Hosted checkout", "Refunds", "Webhooks".
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import razorpay
import requests
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_noop
from razorpay.errors import BadRequestError, GatewayError, ServerError, SignatureVerificationError

from apps.lib.money import from_minor_units, to_minor_units
from apps.payments.models import Payment
from apps.payments.providers.port import TIMEOUT_SECONDS, Forged, Outcome, ProviderUnavailable, Verdict

HOLDS_FOR = timedelta(days=2, hours=23)  # Razorpay gives back what nobody took for three days
CAN_RAISE = False  # it knows nothing like that
SIGNATURE_HEADER = "X-Razorpay-Signature"
NOTHING_HELD = gettext_noop("nothing is held that could be taken")
_BEST_FIRST = ("captured", "refunded", "authorized")  # of several attempts the one that went furthest counts
_OF_REFUND = {"processed": Verdict.REFUNDED, "failed": Verdict.DECLINED}


def authorise(*, key: str, amount: Decimal, currency: str, description: str, return_url: str) -> Outcome:
    wanted = {
        "amount": to_minor_units(amount, currency),
        "currency": currency,
        "receipt": key,
        "notes": {"description": description},
        "payment": {
            "capture": "manual",
            "capture_options": {"manual_expiry_period": 3 * 24 * 60, "refund_speed": "optimum"},  # minutes
        },
    }
    with _asking():
        same = _client().order.all({"receipt": key}, timeout=TIMEOUT_SECONDS)["items"]
        order = same[0] if same else _client().order.create(wanted, timeout=TIMEOUT_SECONDS)
    return Outcome(Verdict.PENDING, order["id"], url=reverse("payments:razorpay", args=[key]))


def hosted_page() -> str:
    return f"{settings.RAZORPAY['API_URL']}/v1/checkout/embedded"


def fields_of_hosted_page(payment: Payment, *, name: str) -> dict[str, str]:
    """What the form must carry that leads the payer there. `name`: whom they pay, as they know us."""
    home = settings.PUBLIC_URL + reverse("payments:back_from_razorpay", args=[payment.code])
    return {
        "key_id": settings.RAZORPAY["KEY_ID"],
        "order_id": payment.provider_ref,
        "amount": str(to_minor_units(payment.amount, payment.currency)),
        "currency": payment.currency,
        "name": name,
        "description": payment.description,
        "callback_url": home,
        "cancel_url": home,
    }


def look(ref: str) -> Outcome:
    with _asking():
        attempt = _attempt(ref)
    return _outcome(ref, attempt)


def capture(ref: str, *, key: str, amount: Decimal) -> Outcome:
    with _asking():
        attempt = _taken(_attempt(ref))
        if attempt is None:
            return Outcome(Verdict.DECLINED, ref, reason=NOTHING_HELD)
        _give_back_all_but(attempt, to_minor_units(amount, attempt["currency"]), key)
    return Outcome(Verdict.CAPTURED, ref, amount=amount)


def void(ref: str, *, key: str) -> Outcome:
    with _asking():
        attempt = _taken(_attempt(ref))
        if attempt is not None:
            _give_back_all_but(attempt, 0, key)
    return Outcome(Verdict.VOIDED, ref)


def refund(ref: str, *, key: str, amount: Decimal) -> Outcome:
    with _asking():
        attempt = _attempt(ref)
        if attempt is None:
            return Outcome(Verdict.DECLINED, ref, reason=NOTHING_HELD)
        currency = attempt["currency"]
        made = _refund_once(attempt, to_minor_units(amount, currency), key)
    verdict = _OF_REFUND.get(made["status"], Verdict.PENDING)
    return Outcome(verdict, made["id"], amount=from_minor_units(made["amount"], currency))


def read_webhook(body: bytes, headers: Mapping[str, str]) -> str:
    signature, secret = headers.get(SIGNATURE_HEADER, ""), settings.RAZORPAY["WEBHOOK_SECRET"]
    try:
        text = body.decode()
        _client().utility.verify_webhook_signature(text, signature, secret)
        told = json.loads(text)["payload"]
        return str(told["payment"]["entity"].get("order_id") or "") if "payment" in told else ""
    except (SignatureVerificationError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Forged from error


def _client() -> razorpay.Client:
    auth = (settings.RAZORPAY["KEY_ID"], settings.RAZORPAY["KEY_SECRET"])
    return razorpay.Client(auth=auth, base_url=settings.RAZORPAY["API_URL"])


def _attempt(ref: str) -> dict[str, Any] | None:
    attempts = _client().order.payments(ref, timeout=TIMEOUT_SECONDS)["items"]
    return min(
        (attempt for attempt in attempts if attempt["status"] in _BEST_FIRST),
        key=lambda attempt: _BEST_FIRST.index(attempt["status"]),
        default=None,
    )


def _taken(attempt: dict[str, Any] | None) -> dict[str, Any] | None:
    """The attempt with all of its money taken; None where there is none, or none any more."""
    if attempt is None or attempt["status"] == "refunded":
        return None
    if attempt["status"] == "captured":
        return attempt
    data = {"currency": attempt["currency"]}
    return _client().payment.capture(attempt["id"], attempt["amount"], data, timeout=TIMEOUT_SECONDS)


def _give_back_all_but(attempt: dict[str, Any], keep: int, key: str) -> None:
    rest = attempt["amount"] - keep
    if rest > 0:
        _refund_once(attempt, rest, key)


def _refund_once(attempt: dict[str, Any], minor: int, key: str) -> dict[str, Any]:
    """A refund has no idempotency of its own: the one that bears our key as its receipt is the one made before."""
    made = _client().payment.fetch_multiple_refund(attempt["id"], {"count": 100}, timeout=TIMEOUT_SECONDS)
    for one in made["items"]:
        if one.get("receipt") == key:
            return one
    data = {"amount": minor, "speed": "optimum", "receipt": key}
    return _client().payment.refund(attempt["id"], data, timeout=TIMEOUT_SECONDS)


def _outcome(ref: str, attempt: dict[str, Any] | None) -> Outcome:
    if (
        attempt is None
    ):  # not paid, or only failed attempts: the payer may try again until the payment expires
        return Outcome(Verdict.PENDING, ref)
    verdict = {"authorized": Verdict.AUTHORISED, "captured": Verdict.CAPTURED, "refunded": Verdict.VOIDED}
    amount = from_minor_units(attempt["amount"], attempt["currency"])
    return Outcome(verdict[attempt["status"]], ref, amount=amount)


@contextmanager
def _asking() -> Iterator[None]:
    """What Razorpay could not or would not do now is asked again later; the reason is kept beside the payment."""
    try:
        yield
    except (requests.RequestException, ServerError, GatewayError, BadRequestError, ValueError) as error:
        raise ProviderUnavailable(f"Razorpay: {error or type(error).__name__}") from error
