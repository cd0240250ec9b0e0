"""The terms of an order: read from `on_init`, frozen as plain JSON, asked again when money depends on them.

{"payment_id", "payment_type", "collected_by",
 "cancellation": [{"state", "percent", "amount", "until"}],      percent and amount as text, until as RFC 3339
 "refund": [{"state", "eligible", "within_days"}], "url",
 "idle": standing.read_idle_terms, where the operator told any}
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.beckn.wire import v1_1 as wire
from apps.beckn.wire.v1_1 import taxonomy
from apps.lib import clock
from apps.lib.money import round_money
from apps.orders.standing import read_idle_terms

BEFORE_ENERGY = ("payment-completed", "order-initiated", None)


def read_terms(order: wire.Order) -> dict[str, Any]:
    payment = order.payments[0] if order.payments else wire.Payment()
    return {
        "payment_id": payment.id or "",
        "payment_type": taxonomy.payment_type(payment.type) or "PRE-FULFILLMENT",
        "collected_by": taxonomy.collected_by(payment.collected_by) or "BAP",
        "cancellation": [_cancellation(term) for term in order.cancellation_terms],
        "refund": [_refund(term) for term in order.refund_terms],
        **({"idle": idle} if (idle := read_idle_terms(order)) else {}),
        "url": next((url for term in order.cancellation_terms if (url := _link(term))), ""),
    }


def _cancellation(term: wire.CancellationTerm) -> dict[str, Any]:
    fee = term.cancellation_fee
    percent = fee.percent if fee else None
    amount = fee.amount.amount if fee and fee.amount else None
    until = term.cancel_by.at if term.cancel_by else None
    return {
        "state": taxonomy.state_code(term.state_code),
        "percent": None if percent is None else str(max(Decimal(0), min(percent, Decimal(100)))),
        "amount": None if amount is None else str(max(Decimal(0), amount)),
        "until": clock.utc_text(until) if until else None,
    }


def _refund(term: wire.RefundTerm) -> dict[str, Any]:
    within = term.refund_within.lasts if term.refund_within else None
    return {
        "state": taxonomy.state_code(term.state_code),
        "eligible": bool(term.refund_eligible),
        "within_days": within.days if within else None,
    }


def _link(term: wire.CancellationTerm) -> str:
    """Only web addresses: anything else of a peer is no link for a driver to press."""
    url = (term.external_ref and term.external_ref.url) or ""
    return url if url.startswith(("https://", "http://")) else ""


def cancellation_stages(
    terms: dict[str, Any], *, quote_amount: Decimal, currency: str
) -> list[dict[str, Any]]:
    """What leaving before energy flows costs and until when, in the order of the terms; the last has no end."""
    return [
        {
            "until": clock.read_instant(term["until"]) if term["until"] else None,
            "fee": _fee(term, quote_amount, currency),
        }
        for term in terms.get("cancellation", [])
        if term["state"] in BEFORE_ENERGY
    ]


def cancellation_fee(terms: dict[str, Any], *, quote_amount: Decimal, currency: str, at: datetime) -> Decimal:
    """What leaving before energy flows costs at `at`, by the accepted terms. What they do not say costs nothing."""
    for term in terms.get("cancellation", []):
        if term["state"] not in BEFORE_ENERGY:
            continue
        if term["until"] and clock.read_instant(term["until"]) < at:
            continue
        return _fee(term, quote_amount, currency)
    return Decimal(0)


def _fee(term: dict[str, Any], quote_amount: Decimal, currency: str) -> Decimal:
    if term["amount"] is not None:
        return min(round_money(Decimal(term["amount"]), currency), quote_amount)
    if term["percent"] is not None:
        return round_money(quote_amount * Decimal(term["percent"]) / 100, currency)
    return Decimal(0)
