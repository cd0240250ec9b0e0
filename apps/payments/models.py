"""Money attempts. A payment holds an amount first (authorisation) and takes at most that later (capture)."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.lib.moves import Event


class Payment(models.Model):
    """One attempt to be paid. `reference` is the code of what is paid for; only the room that asked understands it."""

    class State(models.TextChoices):
        REQUESTED = "REQUESTED", _("Waiting for the bank")
        AUTHORISED = "AUTHORISED", _("Held, not charged")
        CAPTURED = "CAPTURED", _("Charged")
        VOIDED = "VOIDED", _("Released")
        FAILED = "FAILED", _("Failed")
        EXPIRED = "EXPIRED", _("Expired")

    MOVES = {
        State.REQUESTED: {State.AUTHORISED, State.VOIDED, State.FAILED, State.EXPIRED},
        State.AUTHORISED: {State.CAPTURED, State.VOIDED, State.FAILED, State.EXPIRED},
        State.CAPTURED: set(),
        State.VOIDED: set(),
        State.FAILED: set(),
        State.EXPIRED: set(),
    }
    OPEN = (State.REQUESTED, State.AUTHORISED)

    class Side(models.TextChoices):
        DRIVER = "DRIVER", _("Driver side")
        OPERATOR = "OPERATOR", _("Operator side")

    class Wish(models.TextChoices):
        """What we still want of the provider; carried out by `services.settle_due`."""

        NONE = "", _("Nothing")
        CAPTURE = "CAPTURE", _("Charge")
        VOID = "VOID", _("Release")

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    side = models.CharField(max_length=8, choices=Side.choices)
    reference = models.CharField(max_length=64)
    payer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="payments")
    description = models.CharField(max_length=200, blank=True)
    return_path = models.CharField(max_length=200, default="/")
    idempotency_key = models.CharField(max_length=80, unique=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.REQUESTED)
    amount = models.DecimalField(max_digits=12, decimal_places=3)
    currency = models.CharField(max_length=3)
    captured_amount = models.DecimalField(max_digits=12, decimal_places=3, default=0)
    refunded_amount = models.DecimalField(max_digits=12, decimal_places=3, default=0)
    provider = models.CharField(max_length=20)
    provider_ref = models.CharField(max_length=100, blank=True)
    checkout_url = models.CharField(max_length=500, blank=True)
    wish = models.CharField(max_length=7, choices=Wish.choices, default=Wish.NONE, blank=True)
    capture_amount = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    # So much is to be held in all, and the key under which that was asked (raising.py).
    raise_to = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    raise_key = models.CharField(max_length=80, blank=True)
    # The worker looks at this row then. Pushing it forward is also how one worker claims it from the others.
    next_try_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    authorised_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["next_try_at"], name="payment_due", condition=Q(next_try_at__isnull=False)),
            models.Index(fields=["side", "reference"], name="payment_of"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["side", "reference"],
                condition=Q(state__in=["REQUESTED", "AUTHORISED"]),
                name="one_open_payment_per_purchase",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_is_of_something"),
            models.CheckConstraint(
                condition=Q(captured_amount__gte=0, captured_amount__lte=F("amount")),
                name="captured_at_most_what_was_authorised",
            ),
            models.CheckConstraint(
                condition=Q(refunded_amount__gte=0, refunded_amount__lte=F("captured_amount")),
                name="refunded_at_most_what_was_captured",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} for {self.reference}"

    @property
    def refundable_amount(self):
        """What has been charged and is not on its way back."""
        return self.captured_amount - self.refunded_amount

    @property
    def released_amount(self):
        """What was held and is the payer's again."""
        if self.state in self.OPEN or not self.authorised_at:
            return None
        return self.amount - self.captured_amount


class PaymentEvent(Event):
    of = models.ForeignKey(Payment, on_delete=models.CASCADE, related_name="events")


class Refund(models.Model):
    """Money going back: one attempt. Its amount is part of the payment's `refunded_amount` from the approval on, and no
    longer when the bank refused it."""

    class State(models.TextChoices):
        REQUESTED = "REQUESTED", _("Requested")
        APPROVED = "APPROVED", _("Approved")
        SENT = "SENT", _("Sent to the bank")
        SETTLED = "SETTLED", _("Paid back")
        DECLINED = "DECLINED", _("Declined")
        FAILED = "FAILED", _("Refused by the bank")

    MOVES = {
        State.REQUESTED: {State.APPROVED, State.DECLINED},
        State.APPROVED: {State.SENT, State.FAILED},
        State.SENT: {State.SETTLED, State.FAILED},
        State.SETTLED: set(),
        State.DECLINED: set(),
        State.FAILED: set(),
    }
    HOLDING = (State.APPROVED, State.SENT, State.SETTLED)  # counted in `Payment.refunded_amount`
    WAITING = (State.REQUESTED, State.APPROVED, State.SENT)

    class Cause(models.TextChoices):
        """As the network says it (fact sheet 5.4), without its `_REFUND`."""

        OVERCHARGE = "OVERCHARGE", _("Charged more than is owed")
        FAILED_SESSION = "FAILED_SESSION", _("It did not charge")
        SERVICE_ISSUE = "SERVICE_ISSUE", _("The service was poor")
        DUPLICATE_PAYMENT = "DUPLICATE_PAYMENT", _("Charged twice")
        CANCELLATION = "CANCELLATION", _("The order was cancelled")

    class Source(models.TextChoices):
        DRIVER = "DRIVER", _("Driver")
        STAFF = "STAFF", _("Support")
        OPERATOR = "OPERATOR", _("Operator")
        RULE = "RULE", _("Automatic")

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    state = models.CharField(max_length=9, choices=State.choices, default=State.REQUESTED)
    source = models.CharField(max_length=8, choices=Source.choices, default=Source.RULE)
    cause = models.CharField(max_length=20, choices=Cause.choices, default=Cause.OVERCHARGE)
    asked_amount = models.DecimalField(max_digits=12, decimal_places=3)
    amount = models.DecimalField(max_digits=12, decimal_places=3)  # what is asked, then what is approved
    # So much our own figures support; nobody has to decide that in time for it to go back.
    supported_amount = models.DecimalField(max_digits=12, decimal_places=3, default=0)
    reason = models.CharField(max_length=300)
    idempotency_key = models.CharField(max_length=120, unique=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decision = models.CharField(max_length=300, blank=True)
    decide_until = models.DateTimeField(null=True, blank=True)
    promised_on = models.DateField(null=True, blank=True)
    overdue_at = models.DateTimeField(null=True, blank=True)  # the promise was broken then
    provider_ref = models.CharField(max_length=100, blank=True)
    next_try_at = models.DateTimeField(null=True, blank=True)  # as in Payment: also the claim of one worker
    tries = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["next_try_at"], name="refund_due", condition=Q(next_try_at__isnull=False)),
            models.Index(
                fields=["state", "decide_until", "promised_on"],
                name="refund_waits",
                condition=Q(state__in=["REQUESTED", "APPROVED", "SENT"]),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0, amount__lte=F("asked_amount")), name="refund_is_of_something"
            ),
            models.CheckConstraint(
                condition=Q(requested_by=None) | Q(decided_by=None) | ~Q(requested_by=F("decided_by")),
                name="nobody_decides_their_own_refund",
            ),
            models.UniqueConstraint(
                fields=["payment"],
                condition=Q(state="REQUESTED", source="DRIVER"),
                name="one_open_request_of_the_driver",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} back of {self.payment}"

    @property
    def currency(self) -> str:
        return self.payment.currency


class RefundEvent(Event):
    of = models.ForeignKey(Refund, on_delete=models.CASCADE, related_name="events")


class LedgerEntry(models.Model):
    """One line of the money's history: written once, never changed, never deleted."""

    class Kind(models.TextChoices):
        AUTHORISED = "AUTHORISED", _("Held")
        RAISED = "RAISED", _("Held in addition")
        CAPTURED = "CAPTURED", _("Charged")
        RELEASED = "RELEASED", _("Released")
        REFUNDED = "REFUNDED", _("Refunded")

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="ledger")
    refund = models.ForeignKey(Refund, on_delete=models.PROTECT, null=True, blank=True, related_name="ledger")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    amount = models.DecimalField(max_digits=12, decimal_places=3)
    currency = models.CharField(max_length=3)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = _("ledger entries")
        constraints = [
            models.UniqueConstraint(
                fields=["payment", "kind"],
                condition=Q(refund__isnull=True) & ~Q(kind="RAISED"),
                name="each_ledger_line_once",
            ),
            models.UniqueConstraint(
                fields=["refund", "kind"], condition=Q(refund__isnull=False), name="each_refund_line_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.currency}"

    def save(self, *args, **kwargs) -> None:
        if self.pk:
            raise TypeError("a ledger line is never changed")
        super().save(*args, **kwargs)

    def delete(self, *args, **kwargs):
        raise TypeError("a ledger line is never deleted")


class SandboxPayment(models.Model):
    """The sandbox bank's own memory, as a bank outside would keep it. Only providers/sandbox.py may look."""

    class Answer(models.TextChoices):
        WAITING = "WAITING", _("Waiting for the customer")
        APPROVED = "APPROVED", _("Approved")
        DECLINED = "DECLINED", _("Declined")
        HANGING = "HANGING", _("Hanging")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    key = models.CharField(max_length=80, unique=True)
    amount = models.DecimalField(max_digits=12, decimal_places=3)
    currency = models.CharField(max_length=3)
    description = models.CharField(max_length=200, blank=True)
    return_url = models.CharField(max_length=500)
    answer = models.CharField(max_length=8, choices=Answer.choices, default=Answer.WAITING)
    asked = models.PositiveIntegerField(default=0)  # how often we were asked while hanging
    captured_amount = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    captures = models.PositiveIntegerField(default=0)
    voided_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.ref} {self.answer}"


class SandboxRefund(models.Model):
    """What the sandbox bank remembers of money it gave back. Only providers/sandbox.py may look."""

    class Answer(models.TextChoices):
        HANGING = "HANGING", _("Hanging")
        DONE = "DONE", _("Paid back")
        DECLINED = "DECLINED", _("Declined")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    key = models.CharField(max_length=120, unique=True)
    payment = models.ForeignKey(SandboxPayment, on_delete=models.CASCADE, related_name="refunds")
    amount = models.DecimalField(max_digits=12, decimal_places=3)
    answer = models.CharField(max_length=8, choices=Answer.choices)
    asked = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.ref} {self.answer}"


class Reconciliation(models.Model):
    """One comparison of what was delivered, charged and paid back. `night` is the claim of the nightly one."""

    night = models.DateField(null=True, blank=True, unique=True)
    since = models.DateTimeField()
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    deals = models.PositiveIntegerField(default=0)  # orders and bookings that were looked at

    class Meta:
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"


class Finding(models.Model):
    """Something that did not fit, and what was done about it."""

    class Kind(models.TextChoices):
        CHARGED_TWICE = "CHARGED_TWICE", _("Charged twice")
        CHARGED_TOO_MUCH = "CHARGED_TOO_MUCH", _("Charged more than is owed")
        NOT_CHARGED = "NOT_CHARGED", _("Owed and not charged")
        LEDGER_DIFFERS = "LEDGER_DIFFERS", _("The ledger says something else")
        REFUND_STUCK = "REFUND_STUCK", _("A refund is late or failed")
        SESSION_NOT_BILLED = "SESSION_NOT_BILLED", _("Delivered and not billed")
        BILL_DIFFERS = "BILL_DIFFERS", _("Billed another energy than was measured")

    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.CASCADE, related_name="findings")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    reference = models.CharField(max_length=64)
    amount = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    words = models.CharField(max_length=300)
    refund = models.ForeignKey(Refund, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.reference}"
