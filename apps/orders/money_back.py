"""What the pages say of refunds: those there are, and the form that asks for one."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.utils import formats
from django.utils.translation import gettext as _

from apps.lib import clock
from apps.lib.money import format_money, minor_units
from apps.orders.models import Order
from apps.orders.services.claims import asked_until
from apps.orders.states import OVER
from apps.orders.suggestion import Suggestion, refundable_payment, suggest
from apps.payments.models import Payment, Refund
from apps.payments.refunds import open_amount
from apps.payments.selectors import captured, refunds_for

S = Refund.State
# State → tone and icon; the word is the state's own.
LOOKS = {
    S.REQUESTED: ("busy", "hourglass"),
    S.APPROVED: ("busy", "check"),
    S.SENT: ("busy", "arrow-right"),
    S.SETTLED: ("ok", "circle-check"),
    S.DECLINED: ("unknown", "circle-x"),
    S.FAILED: ("bad", "octagon-x"),
}


@dataclass(frozen=True)
class Row:
    refund: Refund
    sentence: str

    @property
    def tone(self) -> str:
        return LOOKS[self.refund.state][0]

    @property
    def icon(self) -> str:
        return LOOKS[self.refund.state][1]

    @property
    def reason(self) -> str:
        return _(self.refund.reason) if self.refund.reason else ""

    @property
    def is_overdue(self) -> bool:
        return self.refund.overdue_at is not None and self.refund.state in (S.APPROVED, S.SENT)


def shown(order: Order) -> dict[str, Any]:
    """For the order page and the receipt."""
    rows = refunds_for(side=Payment.Side.DRIVER, reference=str(order.code))
    back = sum((refund.amount for refund in rows if refund.state in Refund.HOLDING), start=Decimal(0))
    return {
        "refunds": [Row(refund, _sentence(order, refund)) for refund in rows],
        "amount_back": back,
        "refund_waits": any(refund.state in Refund.WAITING for refund in rows),
        "may_ask_refund": _may_ask(order, rows),
    }


def _may_ask(order: Order, rows: list[Refund]) -> bool:
    waits = any(row.state == S.REQUESTED and row.source == Refund.Source.DRIVER for row in rows)
    if waits or order.state not in OVER or clock.now() > asked_until(order):
        return False
    asked = sum((row.amount for row in rows if row.state == S.REQUESTED), start=Decimal(0))
    payments = captured(side=Payment.Side.DRIVER, reference=str(order.code))
    return sum((payment.refundable_amount for payment in payments), start=Decimal(0)) > asked


def _sentence(order: Order, refund: Refund) -> str:
    by = _day(refund.promised_on)
    if refund.state == S.REQUESTED:
        decided = _("You hear by {day}.").format(day=_day(refund.decide_until))
        asked = _("{operator} has been asked.").format(operator=order.provider_name)
        return f"{asked} {decided}" if refund.source == Refund.Source.DRIVER else decided
    if refund.state == S.APPROVED:
        return _("The money goes back the way you paid, at the latest on {day}.").format(day=by)
    if refund.state == S.SENT:
        return _("Your bank has it and books it at the latest on {day}.").format(day=by)
    if refund.state == S.SETTLED:
        return _("Paid back on {day}, the way you paid.").format(day=_day(refund.closed_at))
    if refund.state == S.DECLINED:
        return _("Declined: {why}").format(why=_(refund.decision)) if refund.decision else ""
    return _("The bank could not pay it back. Support has been told and looks for another way.")


def _day(day: datetime | None) -> str:
    return formats.date_format(day, "DATE_FORMAT") if day else "–"


def asking(order: Order) -> dict[str, Any]:
    """The page that asks. Without a suggestion there is nothing that could go back."""
    hint = suggest(order)
    payment = refundable_payment(order)
    most = open_amount(payment) if payment else Decimal(0)
    return {
        "order": order,
        "hint": hint,
        "most": most,
        "asked_until": asked_until(order),
        "is_late": clock.now() > asked_until(order),
        **shown(order),
    }


def first_words(order: Order, hint: Suggestion | None) -> dict[str, Any]:
    """The form is never empty: our figures fill it."""
    start: dict[str, Any] = {"key": uuid4()}
    if hint:
        places = Decimal(1).scaleb(-minor_units(order.currency))
        start |= {"amount": hint.amount.quantize(places), "reason_id": hint.reason_id}
    return start


def most_words(order: Order, most: Decimal) -> str:
    return _("At most {} can go back.").format(format_money(most, order.currency))
