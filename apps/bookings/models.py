"""The operator's promise for one deal with an app of the network: priced, held, accepted, delivered, billed."""

from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from apps.beckn.models import Message
from apps.bookings.amendment_models import Amendment, AmendmentEvent
from apps.bookings.following import Follower, FollowerEvent
from apps.bookings.idle_models import IdleStretch
from apps.bookings.pricing import Bill, read_rules
from apps.bookings.rerating import ReratedBill, Rerating, ReratingEvent
from apps.catalog.models import Connector, Evse, Operator, Tariff
from apps.catalog.slots import Rules as ReservationRules
from apps.catalog.slots import Slot
from apps.lib import moves
from apps.pricing import Limit, Limits
from apps.pricing import Tariff as Rules

__all__ = [
    "Amendment",
    "AmendmentEvent",
    "Booking",
    "BookingEvent",
    "Follower",
    "FollowerEvent",
    "IdleStretch",
    "OpenRequest",
    "ReratedBill",
    "Rerating",
    "ReratingEvent",
]


class Booking(models.Model):
    """`code` is the order id on the network; the app learns it in on_confirm."""

    class State(models.TextChoices):
        QUOTED = "QUOTED", _("Quoted")
        HELD = "HELD", _("Held")
        CONFIRMED = "CONFIRMED", _("Confirmed")
        IN_SESSION = "IN_SESSION", _("Charging")
        STANDING = "STANDING", _("Charged, still plugged in")
        COMPLETED = "COMPLETED", _("Completed")
        EXPIRED = "EXPIRED", _("Expired")
        CANCELLED = "CANCELLED", _("Cancelled")
        NO_SHOW = "NO_SHOW", _("Nobody came")
        FAILED = "FAILED", _("Could not be kept")

    MOVES = {
        # Asking again in the same transaction prices anew; what was held is free again.
        State.QUOTED: {State.HELD, State.EXPIRED},
        State.HELD: {State.QUOTED, State.CONFIRMED, State.EXPIRED},
        State.CONFIRMED: {State.IN_SESSION, State.CANCELLED, State.NO_SHOW, State.FAILED},
        State.IN_SESSION: {State.STANDING, State.COMPLETED},
        State.STANDING: {State.COMPLETED},
        State.COMPLETED: set(),
        State.EXPIRED: {State.QUOTED},
        State.CANCELLED: set(),
        State.NO_SHOW: set(),
        State.FAILED: set(),
    }

    class OrderedBy(models.TextChoices):
        ENERGY = "ENERGY", _("Energy")
        TIME = "TIME", _("Time")
        MONEY = "MONEY", _("Money")

    HOLDING = (State.HELD, State.CONFIRMED, State.IN_SESSION)
    ENDED_EARLY = (State.CANCELLED, State.NO_SHOW, State.FAILED)
    # How long each state may wait. A charge that still runs after a day is asked to stop.
    PATIENCE = {
        State.QUOTED: timedelta(minutes=15),
        State.HELD: timedelta(minutes=15),
        State.CONFIRMED: timedelta(minutes=30),
        State.IN_SESSION: timedelta(hours=24),
        State.STANDING: timedelta(hours=24),
    }

    code = models.CharField(max_length=20, unique=True)
    bap_id = models.CharField(max_length=200)
    bap_uri = models.CharField(max_length=500)
    transaction_id = models.UUIDField()
    connector = models.ForeignKey(Connector, on_delete=models.PROTECT, related_name="bookings")
    evse = models.ForeignKey(Evse, on_delete=models.PROTECT, related_name="bookings")
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUOTED)
    deadline_at = models.DateTimeField(null=True, blank=True, db_index=True)

    # The price, frozen when it was quoted (AT-F2).
    tariff = models.ForeignKey(Tariff, on_delete=models.PROTECT, related_name="bookings")
    tariff_terms = models.JSONField()
    cancellation_fee_percent = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    ordered_by = models.CharField(max_length=6, choices=OrderedBy.choices, default=OrderedBy.ENERGY)
    ordered_kwh = models.DecimalField(max_digits=9, decimal_places=3)  # of time and money what they may bring
    ordered_minutes = models.PositiveIntegerField(null=True, blank=True)
    ordered_amount = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    quote_id = models.UUIDField()
    quote_lines = models.JSONField()
    quote_total = models.DecimalField(max_digits=12, decimal_places=3)
    quote_expires_at = models.DateTimeField()
    # What the app holds of the driver's money: the quote, and perhaps what standing may cost besides.
    held_total = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    hold_expires_at = models.DateTimeField(null=True, blank=True)

    # A reserved time, with the rules it was accepted under; empty for a charge that begins now.
    slot_starts_at = models.DateTimeField(null=True, blank=True)
    slot_ends_at = models.DateTimeField(null=True, blank=True)
    slot_rules = models.JSONField(default=dict, blank=True)
    arrives_at = models.DateTimeField(null=True, blank=True)  # the driver said: later than my time begins
    prepared_at = models.DateTimeField(null=True, blank=True)  # the charger was asked to keep the plug
    moved_at = models.DateTimeField(null=True, blank=True)  # to an equal bay, because the first was not ready
    # The charge ends by then; and, while it may still be stretched, how far the EVSE is ours.
    ends_by = models.DateTimeField(null=True, blank=True, db_index=True)
    kept_until = models.DateTimeField(null=True, blank=True)

    billing_name = models.CharField(max_length=120, blank=True)
    billing_email = models.CharField(max_length=254, blank=True)
    billing_phone = models.CharField(max_length=40, blank=True)
    amended_by = models.CharField(max_length=20, blank=True)  # the code of the newest accepted Amendment

    # As the app told it; we collect nothing.
    payment_id = models.CharField(max_length=100, blank=True)
    payment_reference = models.CharField(max_length=200, blank=True)

    start_token = models.CharField(max_length=20)
    track_token = models.CharField(max_length=43, unique=True)
    # What the final bill is made of: the energy delivered, or the fee of a cancellation.
    delivered_kwh = models.DecimalField(max_digits=9, decimal_places=3, null=True, blank=True)
    ended_by = models.CharField(
        max_length=6, choices=[(limit.value, limit.value) for limit in Limit], blank=True
    )
    running = models.JSONField(null=True, blank=True)  # the meter of the running charge (running.py)
    final_lines = models.JSONField(default=list, blank=True)
    final_total = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    conceded_total = models.DecimalField(max_digits=12, decimal_places=3, default=0)  # of it given up since
    end_reason_id = models.CharField(max_length=4, blank=True)  # taxonomy.CANCELLATION_REASONS

    # The last on_status: what it said of the session, and when it went out.
    told_state = models.CharField(max_length=20, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["bap_id", "transaction_id"], name="one_booking_per_transaction"),
            # Law 7: whoever comes second gets an IntegrityError, on both databases. The time of every booking that
            # holds, reserved or not, is decided by catalog.TakenTime.
            models.UniqueConstraint(
                fields=["evse"],
                condition=Q(state__in=["HELD", "CONFIRMED", "IN_SESSION"], slot_starts_at=None),
                name="one_hold_per_evse",
            ),
            models.CheckConstraint(condition=Q(ordered_kwh__gt=0), name="booking_orders_energy"),
            models.CheckConstraint(
                condition=Q(conceded_total=0)
                | Q(conceded_total__gt=0, conceded_total__lte=F("final_total"), final_total__isnull=False),
                name="conceded_at_most_what_was_billed",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @cached_property
    def rules(self) -> Rules:
        return read_rules(self.tariff_terms)

    @property
    def needs_course(self) -> bool:
        """Is more to be known for the bill than how much energy there was?"""
        return self.rules.needs_course or self.ordered_minutes is not None

    @property
    def limits(self) -> Limits:
        """What was ordered; and where the price depends on time, never more than was quoted, because that was paid."""
        timed = self.rules.needs_course
        return Limits(
            kwh=self.ordered_kwh if self.ordered_by == self.OrderedBy.ENERGY or not timed else None,
            seconds=self.ordered_minutes and self.ordered_minutes * 60,
            money=self.quote_total if timed else None,
            most=self.paid_total if timed else None,
        )

    @property
    def paid_total(self) -> Decimal:
        """The most that the bill can be."""
        return self.quote_total if self.held_total is None else self.held_total

    @property
    def is_reserved(self) -> bool:
        return self.slot_starts_at is not None

    @property
    def slot(self) -> Slot:
        return Slot(self.slot_starts_at, self.slot_ends_at)

    @property
    def reservation_rules(self) -> ReservationRules:
        return ReservationRules.from_json(self.slot_rules)

    @property
    def currency(self) -> str:
        return self.tariff_terms["currency"]

    @property
    def quote_bill(self) -> Bill:
        return Bill.from_json(self.quote_lines, self.currency)

    @property
    def final_bill(self) -> Bill:
        return Bill.from_json(self.final_lines, self.currency)


class BookingEvent(moves.Event):
    of = models.ForeignKey(Booking, on_delete=models.CASCADE, related_name="events")


class OpenRequest(models.Model):
    """An `update` we acknowledged and still owe an answer: it comes when the charger has really begun or stopped."""

    class Kind(models.TextChoices):
        START = "START", _("start charging")
        STOP = "STOP", _("end charging")

    booking = models.ForeignKey(Booking, on_delete=models.CASCADE, related_name="open_requests")
    kind = models.CharField(max_length=5, choices=Kind.choices)
    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.kind} {self.booking}"


class Concession(models.Model):
    """Part of a bill that the operator gives up, or is asked to. The app pays the driver: it has the money."""

    class State(models.TextChoices):
        REQUESTED = "REQUESTED", _("Requested")
        AGREED = "AGREED", _("Agreed")
        PAID = "PAID", _("Paid back by the app")
        REJECTED = "REJECTED", _("Rejected")

    MOVES = {
        State.REQUESTED: {State.AGREED, State.REJECTED},
        State.AGREED: {State.PAID},
        State.PAID: set(),
        State.REJECTED: set(),
    }
    DECIDED_WITHIN = timedelta(days=10)  # an app decides about its own money long before

    code = models.CharField(max_length=20, unique=True)  # its id in order.payments[]
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="concessions")
    app_ref = models.CharField(max_length=100)  # what the app calls it, or the message that asked
    state = models.CharField(max_length=10, choices=State.choices, default=State.REQUESTED)
    asked_amount = models.DecimalField(max_digits=12, decimal_places=3)
    amount = models.DecimalField(max_digits=12, decimal_places=3)
    type = models.CharField(max_length=30)  # taxonomy.REFUND_TYPES
    reason_id = models.CharField(max_length=10, blank=True)
    words = models.CharField(max_length=300, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decision = models.CharField(max_length=300, blank=True)
    decide_until = models.DateTimeField(null=True, blank=True)
    reference = models.CharField(max_length=100, blank=True)  # of the app's bank
    corrects = models.CharField(max_length=20, blank=True)  # the invoice that was wrong; "" of a favour
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["decide_until"], name="concession_due", condition=Q(decide_until__isnull=False)
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0, amount__lte=F("asked_amount")), name="concession_is_of_something"
            ),
            models.UniqueConstraint(fields=["booking", "app_ref"], name="one_concession_per_request"),
            models.UniqueConstraint(
                fields=["booking"], condition=Q(state="REQUESTED"), name="one_open_concession_per_booking"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code}: {self.amount} {self.booking.currency}"


class ConcessionEvent(moves.Event):
    of = models.ForeignKey(Concession, on_delete=models.CASCADE, related_name="events")


class InvoiceSeries(models.Model):
    """The counter of one operator, kind and year. Its row is taken in the transaction of the document: no gap, ever."""

    operator = models.ForeignKey(Operator, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=3)
    year = models.PositiveSmallIntegerField()
    last_number = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = _("invoice series")
        constraints = [
            models.UniqueConstraint(
                fields=["operator", "kind", "year"], name="one_series_per_operator_and_year"
            )
        ]

    def __str__(self) -> str:
        return f"{self.operator} {self.kind} {self.year}: {self.last_number}"


class Invoice(models.Model):
    """A document of the operator about one booking: written once. A credit note reverses one invoice in full."""

    class Kind(models.TextChoices):
        INVOICE = "INV", _("Invoice")
        CREDIT_NOTE = "CRN", _("Credit note")

    operator = models.ForeignKey(Operator, on_delete=models.PROTECT, related_name="invoices")
    kind = models.CharField(max_length=3, choices=Kind.choices)
    year = models.PositiveSmallIntegerField()
    number = models.PositiveIntegerField()
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="invoices")
    reverses = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="reversed_by"
    )
    seller = models.JSONField()  # legal_name, tax_id, as they were that day
    lines = models.JSONField()
    total = models.DecimalField(max_digits=12, decimal_places=3)  # of a credit note: what it takes back
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=300, blank=True)
    issued_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["operator", "kind", "year", "number"], name="each_invoice_number_once"
            ),
            models.CheckConstraint(
                condition=Q(kind="INV", reverses=None) | Q(kind="CRN", reverses__isnull=False),
                name="a_credit_note_reverses_an_invoice",
            ),
            models.CheckConstraint(condition=Q(total__gt=0), name="invoice_is_of_something"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args, **kwargs) -> None:
        if self.pk:
            raise TypeError("an invoice is never changed")
        super().save(*args, **kwargs)

    def delete(self, *args, **kwargs):
        raise TypeError("an invoice is never deleted")

    @property
    def name(self) -> str:
        """At most 16 characters, as tax offices want it: 'INV-2026-000123'."""
        return f"{self.kind}-{self.year}-{self.number:06d}"

    @property
    def signed_total(self) -> Decimal:
        return -self.total if self.kind == self.Kind.CREDIT_NOTE else self.total
