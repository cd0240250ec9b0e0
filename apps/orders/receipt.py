"""The receipt of an order: everything a tax office or an employer asks for, from what was frozen and told."""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from apps.beckn.wire import v1_1 as wire
from apps.discovery.photo_policy import photo_of
from apps.lib.money import round_money
from apps.orders import money_back, panel, price_lines
from apps.orders.models import Order, OrderLine
from apps.orders.states import OVER
from apps.payments.models import Payment
from apps.payments.selectors import attempts

TAX = "gst"
WH_PER_KWH = 1000


def has_one(order: Order) -> bool:
    return order.state in OVER and order.billed_amount is not None


def shown(order: Order) -> dict[str, Any]:
    documents = [_document(document, order.currency) for document in order.documents]
    payments = attempts(side=Payment.Side.DRIVER, reference=str(order.code))
    back = money_back.shown(order)
    return {
        "order": order,
        "zone": panel.zone_of(order),
        "plug": panel.plug_words(order),
        "photo": photo_of(order.photo),
        "lasted": panel.lasted(order),
        "lines": price_lines.lines(order, OrderLine.Kind.BILL),
        "taxes": taxes(order),
        "documents": documents,
        "documents_total": _together(documents, order.currency),
        "seller": order.documents[-1] if order.documents else {},
        "meter_kwh": meter_kwh(order),
        "is_estimated": is_estimated(order),
        "estimate_words": estimate_words(order),
        "warnings": panel.warning_words(order),
        "payments": payments,
        "net_amount": _charged(payments) - back["amount_back"],
        **back,
    }


def _charged(payments: list[Payment]) -> Decimal:
    return sum((payment.captured_amount for payment in payments), start=Decimal(0))


def _together(documents: list[dict[str, Any]], currency: str) -> Decimal | None:
    """None where they are not in one currency: such amounts have no sum."""
    if any(document["currency"] != currency for document in documents):
        return None
    return sum((document["signed"] for document in documents), start=Decimal(0))


def _document(told: dict[str, Any], currency: str) -> dict[str, Any]:
    amount = Decimal(told["amount"])
    is_credit = told["kind"] == "credit-note"
    at: datetime | None = wire.read_instant(told["issued_at"])
    return told | {
        "at": at,
        "is_credit": is_credit,
        "currency": told["currency"] or currency,
        "signed": -amount if is_credit else amount,
        "lines": _document_lines(told, amount),
    }


def _document_lines(told: dict[str, Any], amount: Decimal) -> list[dict[str, Any]]:
    """[] where none were told, or where they are not what the document sums up."""
    percents = told.get("taxes", {})
    lines = [
        {"words": _titled(title, percents.get(title)), "amount": Decimal(part)}
        for title, part in told.get("lines", [])
    ]
    return lines if sum((line["amount"] for line in lines), start=Decimal(0)) == amount else []


def _titled(title: str, percent: str | None) -> str:
    words = price_lines.title_words(title)
    return f"{words} {percent} %" if percent else str(words)


def meter_kwh(order: Order) -> Decimal | None:
    """What the register moved by; None when it was not told twice."""
    try:
        moved = Decimal(order.meter_stop) - Decimal(order.meter_start)
    except InvalidOperation:
        return None
    return moved / WH_PER_KWH if moved.is_finite() and moved >= 0 else None


def is_estimated(order: Order) -> bool:
    """Energy was billed and the meter's last figure is not known, or the operator calls its end an estimate."""
    return bool(order.billed_kwh) and (order.meter_is_estimated or meter_kwh(order) is None)


def estimate_words(order: Order) -> str:
    if order.meter_is_estimated:
        return _(
            "The charger never sent its last reading. Your bill ends with the last good one before it: what is in"
            " doubt, you do not pay."
        )
    return _("The operator told no final reading of the meter, so the energy is its estimate.")


def taxes(order: Order) -> list[dict[str, Any]]:
    """Each tax line with its rate and what it is a part of. The rate is the operator's word, else reckoned."""
    lines = list(order.lines.filter(kind=OrderLine.Kind.BILL))
    net = sum((line.amount for line in lines if line.code != TAX), start=Decimal(0))
    told = {title: text for document in order.documents for title, text in document.get("taxes", {}).items()}
    return [
        {
            "words": price_lines.line_words(line),
            "percent": _percent(told.get(line.title, ""), line.amount, net),
            "net": net,
            "amount": line.amount,
            "is_reckoned": line.title not in told,
        }
        for line in lines
        if line.code == TAX
    ]


def _percent(told: str, amount: Decimal, net: Decimal) -> Decimal | None:
    try:
        percent = Decimal(told)
    except InvalidOperation:
        return round_money(amount * 100 / net, "INR") if net else None
    return percent.normalize() if percent.is_finite() else None
