"""The sandbox bank: a provider that moves no money and does what it is told on its own page.

`settings.SANDBOX_BANK` decides for it when nobody looks at the page: "ask" (default), "approve", "decline", "hang",
or "timeout", in which it answers nothing at all. `settings.SANDBOX_REFUNDS` does the same for money that goes back:
"late" (default: paid when asked a third time), "settle" (at once), "decline", "hang" (for ever), "timeout".
"""

from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext_noop

from apps.lib import clock
from apps.payments.models import SandboxPayment, SandboxRefund
from apps.payments.providers.port import Outcome, ProviderUnavailable, Verdict

HOLDS_FOR = timedelta(days=5)
CAN_RAISE = True
HANGS_FOR = 3  # a hanging payment is approved when asked this often

_Answer = SandboxPayment.Answer
_FIRST_ANSWER = {"approve": _Answer.APPROVED, "decline": _Answer.DECLINED, "hang": _Answer.HANGING}
_Refunded = SandboxRefund.Answer
_REFUND_ANSWER = {
    "late": _Refunded.HANGING,
    "hang": _Refunded.HANGING,
    "settle": _Refunded.DONE,
    "decline": _Refunded.DECLINED,
}
_VERDICTS = {
    _Answer.WAITING: Verdict.PENDING,
    _Answer.HANGING: Verdict.PENDING,
    _Answer.APPROVED: Verdict.AUTHORISED,
    _Answer.DECLINED: Verdict.DECLINED,
}


def authorise(*, key: str, amount: Decimal, currency: str, description: str, return_url: str) -> Outcome:
    _be_reachable()
    row, _ = SandboxPayment.objects.get_or_create(
        key=key,
        defaults={
            "amount": amount,
            "currency": currency,
            "description": description,
            "return_url": return_url,
            "answer": _FIRST_ANSWER.get(settings.SANDBOX_BANK, _Answer.WAITING),
        },
    )
    return _outcome(row)


def look(ref: str) -> Outcome:
    _be_reachable()
    SandboxPayment.objects.filter(ref=ref, answer=_Answer.HANGING).update(asked=F("asked") + 1)
    SandboxPayment.objects.filter(ref=ref, answer=_Answer.HANGING, asked__gte=HANGS_FOR).update(
        answer=_Answer.APPROVED
    )
    return _outcome(SandboxPayment.objects.get(ref=ref))


def capture(ref: str, *, key: str, amount: Decimal) -> Outcome:
    _be_reachable()
    SandboxPayment.objects.filter(
        ref=ref,
        answer=_Answer.APPROVED,
        voided_at__isnull=True,
        captured_amount__isnull=True,
        amount__gte=amount,
    ).update(captured_amount=amount, captures=F("captures") + 1)
    row = SandboxPayment.objects.get(ref=ref)
    if row.captured_amount is None:
        return Outcome(Verdict.DECLINED, ref, reason=gettext_noop("nothing is held that could be taken"))
    return _outcome(row)


def void(ref: str, *, key: str) -> Outcome:
    _be_reachable()
    SandboxPayment.objects.filter(ref=ref, captured_amount__isnull=True, voided_at__isnull=True).update(
        voided_at=clock.now()
    )
    return _outcome(SandboxPayment.objects.get(ref=ref))


def raise_hold(ref: str, *, key: str, amount: Decimal) -> Outcome:
    """The payer is not asked again: it was the payer who wanted it. A hold that is high enough already stays."""
    _be_reachable()
    if settings.SANDBOX_BANK == "decline":
        return Outcome(Verdict.DECLINED, ref, reason=gettext_noop("the bank declined to hold more"))
    held = SandboxPayment.objects.filter(
        ref=ref, answer=_Answer.APPROVED, voided_at__isnull=True, captured_amount__isnull=True
    )
    if settings.SANDBOX_BANK == "hang":
        held.filter(asked__lt=HANGS_FOR).update(asked=F("asked") + 1)
        held = held.filter(asked__gte=HANGS_FOR)
        if not held.exists():
            return Outcome(Verdict.PENDING, ref)
    held.filter(amount__lt=amount).update(amount=amount)
    return _outcome(SandboxPayment.objects.get(ref=ref))


def refund(ref: str, *, key: str, amount: Decimal) -> Outcome:
    """The first call with a key is the order; every other asks how it stands."""
    _be_reachable()
    if settings.SANDBOX_REFUNDS == "timeout":
        raise ProviderUnavailable("the sandbox bank was told not to answer about refunds")
    with transaction.atomic():
        row = SandboxRefund.objects.filter(key=key).first() or _order_refund(ref, key, amount)
        if row.answer == _Refunded.HANGING and settings.SANDBOX_REFUNDS != "hang":
            asked, done = row.asked + 1, row.asked + 1 >= HANGS_FOR
            row.asked, row.answer = asked, _Refunded.DONE if done else _Refunded.HANGING
            row.save(update_fields=["asked", "answer"])
    return _refund_outcome(row)


def _order_refund(ref: str, key: str, amount: Decimal) -> SandboxRefund:
    """Declined when it was told so, or when more would go back than it has taken."""
    paid = SandboxPayment.objects.select_for_update().get(ref=ref)
    kept = paid.refunds.exclude(answer=_Refunded.DECLINED)
    back = sum((row.amount for row in kept), start=Decimal(0))
    word = _REFUND_ANSWER[settings.SANDBOX_REFUNDS]
    if paid.captured_amount is None or back + amount > paid.captured_amount:
        word = _Refunded.DECLINED
    row, _is_new = SandboxRefund.objects.get_or_create(
        key=key, defaults={"payment": paid, "amount": amount, "answer": word}
    )
    return row


def _refund_outcome(row: SandboxRefund) -> Outcome:
    ref = f"RF-{str(row.ref)[:8].upper()}"
    if row.answer == _Refunded.DECLINED:
        return Outcome(Verdict.DECLINED, ref, reason=gettext_noop("the bank refused to pay it back"))
    verdict = Verdict.REFUNDED if row.answer == _Refunded.DONE else Verdict.PENDING
    return Outcome(verdict, ref, amount=row.amount)


def payment(ref: str) -> SandboxPayment | None:
    """For the bank's own page."""
    return SandboxPayment.objects.filter(ref=ref).first()


def answer(ref: str, word: str) -> None:
    """The customer pressed a button on the bank's page; the first press counts."""
    SandboxPayment.objects.filter(
        ref=ref, answer__in=[_Answer.WAITING, _Answer.HANGING], voided_at__isnull=True
    ).update(answer=_FIRST_ANSWER[word])


def _be_reachable() -> None:
    if settings.SANDBOX_BANK == "timeout":
        raise ProviderUnavailable("the sandbox bank was told not to answer")


def _outcome(row: SandboxPayment) -> Outcome:
    ref, url = str(row.ref), reverse("payments:sandbox", args=[row.ref])
    if row.voided_at:
        return Outcome(Verdict.VOIDED, ref, url=url)
    if row.captured_amount is not None:
        return Outcome(Verdict.CAPTURED, ref, amount=row.captured_amount, url=url)
    reason = gettext_noop("the bank declined the payment") if row.answer == _Answer.DECLINED else ""
    return Outcome(_VERDICTS[row.answer], ref, amount=row.amount, url=url, reason=reason)
