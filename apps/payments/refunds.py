"""Money going back: asked for, decided, sent, settled. The only writers of refunds.

Law 10 lives in `approve`: the amount is added to the payment by one conditional update under a check constraint, before
anything is sent, and taken off again only when the bank said no. Silence of the bank frees nothing: it is asked again
with the same key, and after the promised day a person is told.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from importlib import import_module

import structlog
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import F, Q, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.accounts.roles import is_support, may_refund
from apps.lib import clock, wiring
from apps.lib.errors import Refused
from apps.lib.money import round_money
from apps.lib.moves import StaleMove, move
from apps.payments.models import LedgerEntry, Payment, Refund
from apps.payments.providers.port import Outcome, ProviderUnavailable, Verdict
from apps.payments.raising import lock_order_of

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
ASK_EVERY = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=30)
BATCH = 50
# So long a request may wait for a decision; then the rule of `_decide_overdue` decides.
DECIDED_WITHIN = timedelta(days=5)

State, Source = Refund.State, Refund.Source


class NotRefundable(Refused):
    code = "40001"


class MoreThanCaptured(Refused):
    code = "40002"


class NotYours(Refused):
    """The wrong person: no support, not enough of a limit, or their own."""

    code = "50000"
    status = 403


def request(
    payment: Payment,
    *,
    amount: Decimal,
    cause: str,
    reason: str,
    source: str,
    key: str,
    by: AbstractBaseUser | None = None,
    supported_amount: Decimal = Decimal(0),
) -> Refund:
    """A wish for money back, to be decided. The same `key` is the same wish."""
    if same := Refund.objects.filter(idempotency_key=key).first():
        return _same_wish(same, payment)
    payment.refresh_from_db()
    if payment.state != Payment.State.CAPTURED:
        raise NotRefundable(_("Nothing was charged that could be paid back."))
    if amount <= 0 or amount != round_money(amount, payment.currency):
        raise MoreThanCaptured(_("Please name an amount of at least one smallest coin."))
    if amount > open_amount(payment):
        raise MoreThanCaptured(_("More was asked for than can still be paid back."))
    try:
        with transaction.atomic():
            refund = Refund.objects.create(
                payment=payment,
                source=source,
                cause=cause,
                asked_amount=amount,
                amount=amount,
                supported_amount=min(supported_amount, amount),
                reason=reason[:300],
                idempotency_key=key,
                requested_by=by,
                decide_until=clock.now() + DECIDED_WITHIN,
            )
            refund.events.create(was="", now=State.REQUESTED, why=reason[:300])
            wiring.announce("refund.changed", refund)
    except IntegrityError as error:
        if same := Refund.objects.filter(idempotency_key=key).first():
            return _same_wish(same, payment)
        raise NotRefundable(_("You have asked for a refund already. It is being decided.")) from error
    return refund


def _same_wish(refund: Refund, payment: Payment) -> Refund:
    if refund.payment_id != payment.pk:
        raise NotRefundable(_("This request belongs to another payment."))
    return refund


def open_amount(payment: Payment) -> Decimal:
    """What may still be asked for: charged, not on its way back, and not asked for already."""
    asked = payment.refunds.filter(state=State.REQUESTED).aggregate(total=Sum("amount"))["total"]
    return max(payment.refundable_amount - (asked or Decimal(0)), Decimal(0))


def request_by_staff(
    payment: Payment, *, amount: Decimal, cause: str, reason: str, staff: AbstractBaseUser, key: str
) -> Refund:
    """Raised at the desk, never for one's own purchase. Somebody else approves it."""
    if not is_support(staff) or payment.payer_id == staff.pk:
        raise NotYours(_("You may not raise this refund."))
    if not reason.strip():
        raise NotRefundable(_("A refund needs a reason."))
    return request(
        payment, amount=amount, cause=cause, reason=reason.strip(), source=Source.STAFF, key=key, by=staff
    )


@transaction.atomic
def pay_back(payment: Payment, *, amount: Decimal, cause: str, reason: str, source: str, key: str) -> Refund:
    """Due without anybody's decision, by a rule of ours or by the operator's word: requested and approved in one."""
    refund = request(payment, amount=amount, cause=cause, reason=reason, source=source, key=key)
    if refund.state == State.REQUESTED:
        approve(refund, why=reason)
    return refund


def approve(
    refund: Refund, *, by: AbstractBaseUser | None = None, amount: Decimal | None = None, why: str = ""
) -> None:
    """Let `amount` (all that was asked, or less) go. Without `by` it is a rule, or the operator, that says so."""
    amount = refund.amount if amount is None else amount
    if by is not None:
        _refuse_unless_theirs(refund, by, amount)
    if refund.state in Refund.HOLDING:
        return  # pressed twice
    if refund.state != State.REQUESTED:
        raise NotRefundable(_("This refund has been decided already."))
    if not 0 < amount <= refund.asked_amount:
        raise MoreThanCaptured(_("At most what was asked for can be approved."))
    now = clock.now()
    try:
        with transaction.atomic():
            lock_order_of(refund.payment)
            _take_from_payment(refund.payment_id, amount)
            move(
                refund,
                State.APPROVED,
                why=why or gettext_noop("approved"),
                amount=amount,
                decided_by=by,
                decided_at=now,
                decision=why[:300],
                decide_until=None,
                promised_on=(now + timedelta(days=settings.REFUNDS["PROMISE_DAYS"])).date(),
                next_try_at=now,
                tries=0,
            )
            wiring.announce("refund.changed", refund)
    except StaleMove as lost:
        refund.refresh_from_db()
        if refund.state not in Refund.HOLDING:
            raise NotRefundable(_("This refund has been decided already.")) from lost


def _take_from_payment(payment_id: int, amount: Decimal) -> None:
    room = Payment.objects.filter(
        pk=payment_id,
        state=Payment.State.CAPTURED,
        captured_amount__gte=F("refunded_amount") + amount,
    )
    if not room.update(refunded_amount=F("refunded_amount") + amount):
        raise MoreThanCaptured(_("More would be paid back than was charged."))


def _refuse_unless_theirs(refund: Refund, by: AbstractBaseUser, amount: Decimal) -> None:
    if not is_support(by):
        raise NotYours(_("Only support decides about refunds."))
    if by.pk in (refund.requested_by_id, refund.payment.payer_id):
        raise NotYours(_("Nobody decides about their own refund. Somebody else must."))
    if not may_refund(by, amount, refund.payment.currency):
        raise NotYours(_("This is above your limit. Somebody with a higher one must decide."))


def decline(refund: Refund, *, why: str, by: AbstractBaseUser | None = None) -> None:
    """No, with the reason that the driver reads."""
    if by is not None:
        _refuse_unless_theirs(refund, by, Decimal(0))
    if not why.strip():
        raise NotRefundable(_("Whoever declines says why."))
    if refund.state == State.DECLINED:
        return
    if refund.state != State.REQUESTED:
        raise NotRefundable(_("This refund has been decided already."))
    now = clock.now()
    try:
        with transaction.atomic():
            lock_order_of(refund.payment)
            move(
                refund,
                State.DECLINED,
                why=why,
                decided_by=by,
                decided_at=now,
                decision=why[:300],
                decide_until=None,
                closed_at=now,
            )
            wiring.announce("refund.changed", refund)
    except StaleMove as lost:
        refund.refresh_from_db()
        if refund.state != State.DECLINED:
            raise NotRefundable(_("This refund has been decided already.")) from lost


# --- The bank ------------------------------------------------------------------------------------------------


def send_due() -> int:
    """Duty: give approved refunds to the bank, and ask about those it has. How many were dealt with."""
    due = Refund.objects.filter(next_try_at__lte=clock.now()).order_by("next_try_at")
    return sum(_send(refund) for refund in list(due[:BATCH]))


def _send(refund: Refund) -> bool:
    now = clock.now()
    mine = Refund.objects.filter(pk=refund.pk, next_try_at=refund.next_try_at)
    if not mine.update(next_try_at=now + LEASE, tries=F("tries") + 1):
        return False
    refund = Refund.objects.select_related("payment").get(pk=refund.pk)
    provider = import_module(settings.PAYMENT_PROVIDERS[refund.payment.provider])
    try:
        outcome = provider.refund(refund.payment.provider_ref, key=str(refund.code), amount=refund.amount)
    except ProviderUnavailable as error:
        pause = min(LONGEST_PAUSE, timedelta(seconds=2 ** min(refund.tries, 11)))
        _try_later(refund, now + pause, str(error))
        return True
    record(refund, outcome)
    if outcome.verdict == Verdict.PENDING:
        _try_later(refund, now + min(LONGEST_PAUSE, ASK_EVERY * refund.tries), "")
    return True


def _try_later(refund: Refund, at: datetime, error: str) -> None:
    open_states = (State.APPROVED, State.SENT)
    Refund.objects.filter(pk=refund.pk, state__in=open_states).update(next_try_at=at, last_error=error[:300])


def record(refund: Refund, outcome: Outcome) -> None:
    """Write down what the bank answered. The same answer again changes nothing."""
    try:
        with transaction.atomic():
            lock_order_of(refund.payment)
            if outcome.verdict in (Verdict.PENDING, Verdict.REFUNDED):
                _record_taken(refund, outcome)
            elif outcome.verdict == Verdict.DECLINED:
                _record_refused(refund, outcome)
    except StaleMove:
        refund.refresh_from_db()  # somebody else wrote the same answer down first


def _record_taken(refund: Refund, outcome: Outcome) -> None:
    now = clock.now()
    if refund.state == State.APPROVED:
        why = gettext_noop("the bank has the order to pay it back")
        move(refund, State.SENT, why=why, sent_at=now, provider_ref=outcome.ref[:100], last_error="")
        wiring.announce("refund.changed", refund)
    if refund.state == State.SENT and outcome.verdict == Verdict.REFUNDED:
        why = gettext_noop("the bank paid it back")
        changes = {"closed_at": now, "next_try_at": None, "last_error": "", "overdue_at": None}
        move(refund, State.SETTLED, why=why, provider_ref=outcome.ref[:100], **changes)
        LedgerEntry.objects.create(
            payment=refund.payment,
            refund=refund,
            kind=LedgerEntry.Kind.REFUNDED,
            amount=refund.amount,
            currency=refund.payment.currency,
        )
        wiring.announce("refund.changed", refund)


def _record_refused(refund: Refund, outcome: Outcome) -> None:
    if refund.state not in (State.APPROVED, State.SENT):
        return
    why = outcome.reason or gettext_noop("the bank refused to pay it back")
    # The payment first, as `approve` does: two ways in the same order cannot deadlock.
    Payment.objects.filter(pk=refund.payment_id).update(refunded_amount=F("refunded_amount") - refund.amount)
    move(refund, State.FAILED, why=why, next_try_at=None, last_error=why[:300], closed_at=clock.now())
    wiring.announce("refund.changed", refund)


# --- Deadlines -----------------------------------------------------------------------------------------------


def move_overdue() -> int:
    """Duty: decide what nobody decided in time, and mark broken promises for a person to see."""
    now = clock.now()
    undecided = Refund.objects.filter(state=State.REQUESTED, decide_until__lte=now)
    decided = sum(_decide_overdue(refund) for refund in list(undecided[:BATCH]))
    broken = Q(state__in=(State.APPROVED, State.SENT), promised_on__lt=now.date(), overdue_at=None)
    return decided + sum(_mark_overdue(refund, now) for refund in list(Refund.objects.filter(broken)[:BATCH]))


def _decide_overdue(refund: Refund) -> bool:
    """Whoever does not decide loses: what our own figures support goes back, the rest is declined."""
    try:
        if refund.supported_amount > 0:
            why = gettext_noop("nobody decided in time; our own figures support this amount")
            approve(refund, amount=refund.supported_amount, why=why)
        else:
            decline(
                refund, why=gettext_noop("nobody decided in time; please ask support to look at it again")
            )
    except MoreThanCaptured:
        decline(refund, why=gettext_noop("it has been paid back another way meanwhile"))
    except NotRefundable:  # decided this instant
        return False
    return True


@transaction.atomic
def _mark_overdue(refund: Refund, now: datetime) -> bool:
    lock_order_of(refund.payment)
    if not Refund.objects.filter(pk=refund.pk, state=refund.state, overdue_at=None).update(overdue_at=now):
        return False
    refund.refresh_from_db()
    why = gettext_noop("the promised day has passed and the bank has not paid")
    refund.events.create(was=refund.state, now=refund.state, why=why)
    log.error("a refund is overdue", refund=str(refund.code), promised_on=str(refund.promised_on))
    wiring.announce("refund.changed", refund)
    wiring.announce("refund.late", refund)
    return True
