"""What becomes of a change: the operator's answer, the bank's, or nobody's."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from apps.beckn.wire.v1_1 import taxonomy
from apps.lib import clock
from apps.lib.moves import StaleMove
from apps.orders import change_network, network
from apps.orders.change_network import Offered
from apps.orders.models import Change, Order
from apps.orders.quotes import TOLERANCE, energy_told
from apps.orders.services.change_steps import CHANGEABLE, KEY, accept, end, go, take_effect
from apps.orders.services.steps import poll
from apps.orders.told import Line
from apps.payments.models import Payment

S = Change.State


def change_asked_by(order: Order, message_id: UUID) -> Change | None:
    """The open change that this is the answer to."""
    asked = order.changes.filter(message_id=message_id, state__in=Change.OPEN).select_related("order")
    return asked.first()


@transaction.atomic
def record_offer(change: Change, offered: Offered) -> None:
    """The operator's new price. Only the first answer counts."""
    order = change.order
    if change.state != S.ASKED:
        return
    if offered.quote.currency != order.currency:
        return _refuse(change, code="other-currency", message="")
    stands_for = min(offered.quote.valid_for or Change.LASTS[S.OFFERED], Change.LASTS[S.OFFERED])
    told = change_network.as_changed(order, change)
    brings = energy_told(told, offered.quote)
    go(
        change,
        S.OFFERED,
        why=gettext_noop("the operator told the new price"),
        deadline_at=clock.now() + stands_for,
        is_firm=offered.is_firm,
        payment_id=offered.payment_id,
        payment_amount=_to_pay(order, offered),
        quote_amount=offered.quote.total,
        lines=[_kept(line) for line in offered.quote.lines],
        instructions=offered.instructions[:500],
        warnings=_warnings(told, offered),
        **brings,
    )
    change.order = order
    if _needs_no_question(change):
        accept(change)
    return None


def _to_pay(order: Order, offered: Offered) -> Decimal:
    difference = offered.quote.total - order.quote_amount
    return difference if offered.payment_amount is None else offered.payment_amount


def _needs_no_question(change: Change) -> bool:
    """The driver has said which plug; that it costs no more is all that was open."""
    return change.is_of_plug and not change.warnings and change.quote_amount <= change.order.quote_amount


def _warnings(told: Order, offered: Offered) -> list[str]:
    quote, found = offered.quote, []
    if quote.lines and abs(quote.lines_total - quote.total) > TOLERANCE:
        found.append("lines-do-not-add-up")
    if told.ordered_amount is not None and quote.total > told.ordered_amount:
        found.append("more-than-money")
    kwh = offered.ordered_kwh
    if told.ordered_by == "ENERGY" and kwh is not None and kwh > told.energy_kwh:
        found.append("more-than-asked")
    return found


def _kept(line: Line) -> dict[str, Any]:
    figures = {
        "amount": str(line.amount),
        "energy_kwh": None if line.energy_kwh is None else str(line.energy_kwh),
    }
    return {"title": line.title, "code": line.code, "note": line.note, **figures}


@transaction.atomic
def record_accepted(order: Order, *, network_id: str = "", message_id: UUID | None = None) -> None:
    """The operator says that a change is in force: by its number, or as the answer to our acceptance."""
    waiting = order.changes.filter(state__in=(S.ACCEPTED, S.LAPSED)).select_related("order")
    if network_id:
        change = waiting.filter(payment_id=network_id).first()
    else:
        change = waiting.filter(message_id=message_id, state=S.ACCEPTED, is_firm=False).first()
    if change and order.state in CHANGEABLE:
        change.order = order
        take_effect(change, why=gettext_noop("the operator confirmed the change"))


@transaction.atomic
def change_refused(order: Order, message_id: UUID, *, code: str, message: str) -> bool:
    """The operator says no to the change, or could not be reached. False when this was not about a change."""
    change = change_asked_by(order, message_id)
    if change is None:
        return False
    _refuse(change, code=code, message=message.strip() or taxonomy.ERROR_MEANINGS.get(code, ""))
    return True


def _refuse(change: Change, *, code: str, message: str) -> None:
    failure = {"failure_code": code[:40] or "error", "failure_message": message[:300]}
    end(change, S.REFUSED if change.state != S.OFFERED else S.LAPSED, why=f"{code} {message}", **failure)


# --- The bank -----------------------------------------------------------------------------------------------


def payment_raised(payment: Payment, key: str) -> None:
    """Announced by payments, in its transaction: so much is held now, so the offer can be accepted."""
    change = _change_paid_by(key)
    if change is None or change.state != S.HOLDING:
        return
    if change.order.state not in CHANGEABLE:
        end(change, S.LAPSED, why=gettext_noop("the order has moved on"))
        return
    accept(change)


def payment_not_raised(payment: Payment, key: str) -> None:
    change = _change_paid_by(key)
    if change and change.state == S.HOLDING:
        end(
            change,
            S.REFUSED,
            why=payment.last_error or gettext_noop("the bank does not hold more"),
            failure_code="not-held",
            failure_message=payment.last_error,
        )


def _change_paid_by(key: str) -> Change | None:
    if not key.startswith(KEY):
        return None
    return Change.objects.filter(code=key.removeprefix(KEY)).select_related("order").first()


# --- Nobody -------------------------------------------------------------------------------------------------


def move_overdue_changes() -> int:
    """Duty: a change that nobody answered ends, and the order stays as it was."""
    due = Change.objects.filter(deadline_at__lte=clock.now(), state__in=Change.OPEN).select_related("order")
    return sum(_lapse(change) for change in list(due[:100]))


def _lapse(change: Change) -> bool:
    was = change.state
    why = gettext_noop("nobody answered in time")
    code = {S.ASKED: "no-answer", S.HOLDING: "bank-silent", S.ACCEPTED: "no-answer"}.get(was, "")
    try:
        with transaction.atomic():
            end(change, S.LAPSED, why=why, failure_code=code)
            if was == S.ACCEPTED:  # what became of it, the operator alone knows
                poll(change.order, "status", network.status(change.order))
    except StaleMove:
        return False
    return True
