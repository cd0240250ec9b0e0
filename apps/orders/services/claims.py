"""A refund between us and the operator. We hold the driver's money; the operator says how much of it it gives up.

`refund` asks; a peer that does not know the verb, or says nothing, is asked once more by `update` of order.payments.
When that fails too the request stays with our own support desk (payments/refunds.py decides what nobody decides).
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.beckn.wire import v1_1 as wire
from apps.beckn.wire.v1_1 import taxonomy
from apps.lib import clock, wiring
from apps.orders import network
from apps.orders.models import Order, RefundClaim
from apps.orders.services.refunds import CORRECTING, owe_at_most
from apps.orders.services.steps import DRIVER, NotNow, keep, note, poll
from apps.orders.states import OVER
from apps.orders.suggestion import refundable_payment, suggest
from apps.payments import refunds
from apps.payments.models import Payment, Refund
from apps.payments.selectors import captured

ANSWER_WITHIN = timedelta(minutes=10)
UNKNOWN_VERB = ("30000", "40001", "404")
BATCH = 50
Verb = RefundClaim.Verb


class TooLate(NotNow):
    code = "50000"


def request_refund(order: Order, *, amount: Decimal, reason_id: str, words: str, key: str) -> Refund:
    """The driver wants money back. The same press is the same request."""
    payment = refundable_payment(order)
    if order.state not in OVER or payment is None:
        raise NotNow(_("Nothing was charged for this order that could be paid back."))
    if clock.now() > asked_until(order):
        raise TooLate(
            _("A refund can be asked for within {} days. Please write to support instead.").format(
                settings.REFUNDS["WINDOW_DAYS"]
            )
        )
    hint = suggest(order)
    with transaction.atomic():
        refund = refunds.request(
            payment,
            amount=amount,
            cause=taxonomy.REFUND_REASONS[reason_id].removesuffix("_REFUND"),
            reason=words
            or str(Refund.Cause(taxonomy.REFUND_REASONS[reason_id].removesuffix("_REFUND")).label),
            source=Refund.Source.DRIVER,
            key=f"driver-{order.code}-{key}",
            by=order.driver,
            supported_amount=hint.amount if hint and hint.is_supported else Decimal(0),
        )
        claim, is_new = RefundClaim.objects.get_or_create(
            refund=refund, defaults={"order": order, "reason_id": reason_id}
        )
        if is_new and order.network_order_id:
            _ask(claim, order, Verb.REFUND)
        keep(order)
    return refund


def asked_until(order: Order):
    return (order.ended_at or order.state_since) + timedelta(days=settings.REFUNDS["WINDOW_DAYS"])


def _ask(claim: RefundClaim, order: Order, verb: str) -> None:
    refund = claim.refund
    if verb == Verb.REFUND:
        body = network.refund(
            order, amount=refund.amount, reason_id=claim.reason_id, words=refund.reason[:200]
        )
    else:
        body = network.update_refund(order, _entry(claim, order, "REQUESTED"))
    message = poll(order, verb, body)
    _note(claim, verb=verb, message_id=message.message_id, ask_again_at=clock.now() + ANSWER_WITHIN)


def _entry(claim: RefundClaim, order: Order, status: str) -> wire.RefundEntry:
    refund = claim.refund
    return wire.RefundEntry(
        id=claim.network_ref or f"rfd-{refund.code}",
        amount=refund.amount,
        currency=order.currency,
        status=status,
        type=f"{refund.cause}_REFUND",
        of=order.terms.get("payment_id") or "pay-1",
        reason_id=claim.reason_id,
        words=refund.reason[:200],
        reference=refund.provider_ref if status == "REFUNDED" else "",
    )


def _note(claim: RefundClaim, **changes) -> None:
    RefundClaim.objects.filter(pk=claim.pk).update(**changes)
    for name, value in changes.items():
        setattr(claim, name, value)


def _asked_by(order: Order, message_id: UUID) -> RefundClaim | None:
    return order.claims.select_related("refund__payment").filter(message_id=message_id).first()


# --- The operator does not hear, or does not know the verb -----------------------------------------------------


def refund_unheard(order: Order, message_id: UUID) -> bool:
    """A request of ours did not arrive. True when it was about a refund."""
    claim = _asked_by(order, message_id)
    if claim:
        _ask_otherwise(claim, order, why="it could not be delivered")
    return claim is not None


def refund_refused(order: Order, message_id: UUID, *, code: str, words: str) -> None:
    """An error for an answer: not knowing the verb is no decision, everything else is the operator's no."""
    claim = _asked_by(order, message_id)
    if claim is None:
        return
    if code in UNKNOWN_VERB and claim.verb == Verb.REFUND:
        _ask_otherwise(claim, order, why=f"{code} {words}")
        return
    _note(claim, ask_again_at=None, heard_at=clock.now())
    note(order, f"the operator did not decide about the refund: {code} {words}")
    keep(order)


def ask_otherwise(now=None) -> int:
    """Duty: operators that took our request and said nothing."""
    due = RefundClaim.objects.filter(ask_again_at__lte=now or clock.now())
    claims = list(due.select_related("order", "refund__payment")[:BATCH])
    return sum(_silent(claim) for claim in claims)


@transaction.atomic
def _silent(claim: RefundClaim) -> bool:
    mine = RefundClaim.objects.filter(pk=claim.pk, ask_again_at=claim.ask_again_at)
    if not mine.update(ask_again_at=None):
        return False
    _ask_otherwise(claim, claim.order, why="the operator said nothing")
    return True


def _ask_otherwise(claim: RefundClaim, order: Order, *, why: str) -> None:
    if claim.refund.state != Refund.State.REQUESTED:
        return
    if claim.verb == Verb.REFUND:
        note(order, f"asked for the refund by update: {why}")
        _ask(claim, order, Verb.UPDATE)
    else:
        note(order, f"the operator cannot be asked about the refund: {why}")
        _note(claim, ask_again_at=None)


# --- The operator speaks -------------------------------------------------------------------------------------


@transaction.atomic
def record_refunds(order: Order, *, entries: list[wire.RefundEntry], message_id: UUID) -> None:
    """Rows of `order.payments[]`, in an answer or unasked, any number of times. Without an id a row cannot be told from
    another, so it counts only as the answer to what we asked."""
    for entry in entries:
        claim = order.claims.select_related("refund__payment").filter(network_ref=entry.id).first()
        if (claim is None or not entry.id) and not entry.corrects:
            claim = _waiting_for(order, entry, message_id)
        if claim:
            _take_answer(order, claim, entry)
        elif entry.id and entry.is_agreed:
            _take_unasked(order, entry)
    _take_corrections(order, entries)


def _take_corrections(order: Order, entries: list[wire.RefundEntry]) -> None:
    """Every message names all corrections there are, so what is owed follows from any one of them (law 3)."""
    off = {entry.id: entry.amount for entry in entries if entry.corrects and entry.id and entry.is_agreed}
    if off and order.billed_amount is not None:
        owe_at_most(order, order.billed_amount - sum(off.values()))


def _waiting_for(order: Order, entry: wire.RefundEntry, message_id: UUID) -> RefundClaim | None:
    ours = order.claims.select_related("refund__payment").filter(network_ref="")
    return (
        ours.filter(message_id=message_id).first()
        or ours.filter(refund__state=Refund.State.REQUESTED, refund__asked_amount=entry.amount).first()
    )


def _take_answer(order: Order, claim: RefundClaim, entry: wire.RefundEntry) -> None:
    _note(
        claim,
        network_ref=claim.network_ref or entry.id,
        status=entry.status,
        heard_at=clock.now(),
        ask_again_at=None,
    )
    refund = claim.refund
    if refund.state == Refund.State.REQUESTED and entry.is_agreed:
        amount = min(entry.amount, refund.asked_amount)
        refunds.approve(refund, amount=amount, why=gettext_noop("the operator agreed"))
    elif refund.state == Refund.State.REQUESTED and entry.status == "REJECTED":
        refunds.decline(refund, why=entry.words or gettext_noop("the operator declined, and said no reason"))
    keep(order)


def _take_unasked(order: Order, entry: wire.RefundEntry) -> None:
    """The operator thinks that its whole quote was paid: what was not used lowers what is owed. A favour, and what the
    operator takes back of its bill, is paid as it stands.
    """
    cause = entry.type.removesuffix("_REFUND")
    if cause in CORRECTING and not entry.corrects:
        if order.quote_amount is not None:
            # The bill can be above the quote only by what standing cost.
            owe_at_most(order, max(order.quote_amount, order.billed_amount or 0) - entry.amount)
        return
    payments = captured(side=DRIVER, reference=str(order.code))
    payment = max(payments, key=refunds.open_amount, default=None)
    amount = min(entry.amount, refunds.open_amount(payment)) if payment else Decimal(0)
    if amount <= 0:
        note(order, f"the operator gives back {entry.amount}, but nothing is left that was charged")
        return
    refund = refunds.pay_back(
        payment,
        amount=amount,
        cause=cause,
        reason=entry.words or gettext_noop("the operator gives it back"),
        source=Refund.Source.OPERATOR,
        key=f"operator-{order.code}-{entry.id}",
    )
    RefundClaim.objects.get_or_create(
        refund=refund,
        defaults={
            "order": order,
            "network_ref": entry.id,
            "status": entry.status,
            "heard_at": clock.now(),
            "reason_id": entry.reason_id,
        },
    )


def record_documents(order: Order, *, documents: list[dict[str, Any]]) -> None:
    """Documents are never taken back: those that are known stay as they were first told, new ones come behind."""
    known = {document["number"] for document in order.documents}
    new = [document for document in documents if document["number"] not in known]
    if new:
        keep(order, documents=[*order.documents, *new])
        wiring.announce("order.papers_changed", order)


# --- The money moves -----------------------------------------------------------------------------------------


def refund_changed(refund: Refund) -> None:
    """Announced by payments, in its transaction: the pages follow, and the operator learns when the money is back."""
    if refund.payment.side != Payment.Side.DRIVER:
        return
    order = Order.objects.filter(code=refund.payment.reference).first()
    if order is None:
        return
    wiring.announce("order.refund_changed", order, refund)
    claim = order.claims.select_related("refund").filter(refund=refund).first()
    settled = refund.state == Refund.State.SETTLED
    if settled and claim and claim.network_ref and order.network_order_id and not claim.told_paid_at:
        claim.refund = refund
        poll(order, "update", network.update_refund(order, _entry(claim, order, "REFUNDED")))
        _note(claim, told_paid_at=clock.now())
    # What was asked for stood in the way of what is owed back anyway.
    again = {"money_check_at": clock.now()} if refund.state == Refund.State.DECLINED else {}
    keep(order, **again)
