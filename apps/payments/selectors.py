from decimal import Decimal

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Q, Sum
from django.http import Http404

from apps.payments.models import Payment, Refund

MOST_WAITING = 500


def payment_for(user: AbstractBaseUser, code) -> Payment:
    """The payer's own payment, or 404."""
    payment = Payment.objects.filter(code=code, payer=user).first()
    if payment is None:
        raise Http404("no such payment")
    return payment


def latest(*, side: str, reference: str) -> Payment | None:
    """The last attempt to pay for something."""
    return Payment.objects.filter(side=side, reference=reference).order_by("-created_at", "-pk").first()


def captured(*, side: str, reference: str) -> list[Payment]:
    """Every payment for something that really took money, the first one first."""
    payments = Payment.objects.filter(side=side, reference=reference, state=Payment.State.CAPTURED)
    return list(payments.order_by("closed_at", "pk"))


def refunds_for(*, side: str, reference: str) -> list[Refund]:
    """All refunds of one purchase, the oldest first."""
    refunds = Refund.objects.filter(payment__side=side, payment__reference=reference)
    return list(refunds.select_related("payment").order_by("created_at", "pk"))


def payments_with_history(*, side: str, reference: str) -> list[Payment]:
    """Every attempt to pay for something, the first one first, with what happened to each and what went back."""
    rows = Payment.objects.filter(side=side, reference=reference).order_by("created_at", "pk")
    return list(rows.prefetch_related("events", "refunds"))


def attempts(*, side: str, reference: str) -> list[Payment]:
    """Every payment of one purchase for which money was ever held, the oldest first."""
    payments = Payment.objects.filter(side=side, reference=reference, authorised_at__isnull=False)
    return list(payments.order_by("created_at", "pk"))


def paid_back(*, side: str, references: list[str]) -> dict[str, Decimal]:
    """What went back, or is on its way, of each of many purchases; those without are missing."""
    refunds = Refund.objects.filter(
        payment__side=side, payment__reference__in=references, state__in=Refund.HOLDING
    )
    totals = refunds.order_by().values("payment__reference").annotate(total=Sum("amount"))
    return {row["payment__reference"]: row["total"] for row in totals}


def all_paid_back(*, side: str, payer: AbstractBaseUser) -> dict[str, Decimal]:
    """The same of every purchase of one person."""
    refunds = Refund.objects.filter(payment__side=side, payment__payer=payer, state__in=Refund.HOLDING)
    totals = refunds.order_by().values("payment__reference").annotate(total=Sum("amount"))
    return {row["payment__reference"]: row["total"] for row in totals}


def waiting_for_a_person(*, side: str) -> list[str]:
    """The purchases with a refund to decide, or one that the bank did not pay; the oldest, if there are very many."""
    overdue = Q(state__in=(Refund.State.APPROVED, Refund.State.SENT), overdue_at__isnull=False)
    stuck = Q(state__in=(Refund.State.REQUESTED, Refund.State.FAILED)) | overdue
    rows = Refund.objects.filter(stuck, payment__side=side).order_by("created_at")
    return list(dict.fromkeys(rows.values_list("payment__reference", flat=True)[:MOST_WAITING]))
