"""The receipt of an order: everything a tax office or an employer asks for, from what was frozen and told."""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

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
    documents = [_document(document) for document in order.documents]
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
        "documents_total": sum((document["signed"] for document in documents), start=Decimal(0)),
        "seller": order.documents[-1] if order.documents else {},
        "meter_kwh": meter_kwh(order),
        "is_estimated": is_estimated(order),
        "warnings": panel.warning_words(order),
        "payments": payments,
        "net_amount": _charged(payments) - back["amount_back"],
        **back,
    }


def _charged(payments: list[Payment]) -> Decimal:
    return sum((payment.captured_amount for payment in payments), start=Decimal(0))


def _document(told: dict[str, str]) -> dict[str, Any]:
    amount = Decimal(told["amount"])
    is_credit = told["kind"] == "credit-note"
    at: datetime | None = wire.read_instant(told["issued_at"])
    return told | {"at": at, "is_credit": is_credit, "signed": -amount if is_credit else amount}


def meter_kwh(order: Order) -> Decimal | None:
    """What the register moved by; None when it was not told twice."""
    try:
        moved = Decimal(order.meter_stop) - Decimal(order.meter_start)
    except InvalidOperation:
        return None
    return moved / WH_PER_KWH if moved.is_finite() and moved >= 0 else None


def is_estimated(order: Order) -> bool:
    """Energy was billed and the meter's last figure is not known."""
    return bool(order.billed_kwh) and meter_kwh(order) is None


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
