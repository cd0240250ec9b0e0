"""The driver's deal: what was asked, what the operator answered, what was accepted, what flowed, what it cost."""

import uuid
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from apps.discovery.models import Offer
from apps.lib.money import format_money, round_money
from apps.lib.moves import Event
from apps.orders.change_models import Change, ChangeEvent
from apps.orders.states import MOVES, RESERVING, State
from apps.orders.wish import TO_PERCENT, Wish
from apps.payments.models import Refund

__all__ = [
    "Change",
    "ChangeEvent",
    "Order",
    "OrderEvent",
    "OrderLine",
    "Progress",
    "ProgressMark",
    "ProgressPoint",
    "RefundClaim",
]


class Order(models.Model):
    """One deal of a driver. The offer is copied at once, so later catalogues change nothing here."""

    State = State
    MOVES = MOVES

    class OrderedBy(models.TextChoices):
        ENERGY = "ENERGY", _("Energy")
        TIME = "TIME", _("Time")
        MONEY = "MONEY", _("Money")

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    driver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders")
    idempotency_key = models.CharField(max_length=64)
    state = models.CharField(max_length=20, choices=State.choices, default=State.QUOTE_REQUESTED)
    state_since = models.DateTimeField()
    deadline_at = models.DateTimeField(null=True, blank=True)  # what happens then: orders/deadlines.py
    poll_at = models.DateTimeField(null=True, blank=True)  # when we ask again because nothing was heard
    polls = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    # Whom we deal with; every message of another sender is not about this order.
    transaction_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    bpp_id = models.CharField(max_length=255)
    bpp_uri = models.CharField(max_length=500)
    network_order_id = models.CharField(max_length=255, blank=True)
    asked_message_id = models.UUIDField(null=True, blank=True)  # the request whose answer we wait for

    # What is bought, as the offer stood at that moment.
    offer = models.ForeignKey(Offer, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    provider_id = models.CharField(max_length=255)
    provider_name = models.CharField(max_length=200)
    item_id = models.CharField(max_length=255)
    fulfillment_id = models.CharField(max_length=255, blank=True)
    station_name = models.CharField(max_length=200)
    station_address = models.CharField(max_length=300, blank=True)
    station_city = models.CharField(max_length=100, blank=True)
    station_zone = models.CharField(max_length=64, blank=True)
    lat = models.DecimalField(max_digits=9, decimal_places=6, null=True)
    lon = models.DecimalField(max_digits=9, decimal_places=6, null=True)
    photo = models.JSONField(default=list, blank=True)  # one row of discovery's photos.ToldPhoto, or none
    evse_id = models.CharField(max_length=255, blank=True)  # the charging point, as the operator calls it
    plug_letter = models.CharField(max_length=10, blank=True)
    plug_standard = models.CharField(max_length=40, blank=True)
    power_type = models.CharField(max_length=2, blank=True)
    max_kw = models.DecimalField(max_digits=6, decimal_places=1, null=True)
    energy_rate = models.DecimalField(max_digits=10, decimal_places=4, null=True)
    ordered_by = models.CharField(max_length=6, choices=OrderedBy.choices, default=OrderedBy.ENERGY)
    energy_kwh = models.DecimalField(max_digits=8, decimal_places=3)  # of time and money what they may bring
    ordered_minutes = models.PositiveIntegerField(null=True)
    ordered_amount = models.DecimalField(max_digits=12, decimal_places=3, null=True)
    from_percent = models.PositiveSmallIntegerField(null=True)  # the energy takes the car from here to 80 %
    says_units = models.BooleanField(default=False)  # this operator told that it reads minutes and money
    estimate_amount = models.DecimalField(
        max_digits=12, decimal_places=3, null=True
    )  # what the ask page showed

    # A reserved time; empty for a charge that begins now. `wanted` is a change that the operator has not granted yet.
    slot_starts_at = models.DateTimeField(null=True, blank=True)
    slot_ends_at = models.DateTimeField(null=True, blank=True)
    wanted_starts_at = models.DateTimeField(null=True, blank=True)
    arrives_at = models.DateTimeField(null=True, blank=True)  # later than it begins, as the operator was told
    ends_by = models.DateTimeField(null=True, blank=True)  # the operator ends the charge by then
    moved_at = models.DateTimeField(null=True, blank=True)  # the operator gave another bay
    reminded_at = models.DateTimeField(null=True, blank=True)

    # The quote and what both sides accept.
    currency = models.CharField(max_length=3)
    quote_amount = models.DecimalField(max_digits=12, decimal_places=3, null=True)
    quote_expires_at = models.DateTimeField(null=True, blank=True)
    quoted_before = models.JSONField(default=dict, blank=True)  # services/asking.py quoted
    warnings = models.JSONField(default=list, blank=True)  # keys of orders/wording.py WARNINGS
    warnings_accepted_at = models.DateTimeField(null=True, blank=True)
    terms = models.JSONField(default=dict, blank=True)  # orders/terms.py
    terms_accepted_at = models.DateTimeField(null=True, blank=True)
    billing = models.JSONField(default=dict, blank=True)  # name, email, phone
    instructions = models.CharField(max_length=500, blank=True)
    tracking_url = models.CharField(max_length=500, blank=True)
    # When the operator's live stream is to be listened to (again); while somebody does, the end of their lease.
    listen_at = models.DateTimeField(null=True, blank=True)
    support_asked_at = models.DateTimeField(null=True, blank=True)
    support_contact = models.JSONField(default=dict, blank=True)  # phone, email, url

    # Where the charger cannot be started from afar (told.StartKey).
    start_key_kind = models.CharField(max_length=20, blank=True)
    start_code = models.CharField(max_length=40, blank=True)
    start_code_until = models.DateTimeField(null=True, blank=True)

    # What the operator told of the start and the end (told.Facts).
    plug_in_by = models.DateTimeField(null=True, blank=True)
    closes_by = models.DateTimeField(null=True, blank=True)
    free_until = models.DateTimeField(null=True, blank=True)
    not_my_car_until = models.DateTimeField(null=True, blank=True)
    other_plug = models.JSONField(default=dict, blank=True)  # where a car came while we wait: told.OtherPlug
    idle = models.JSONField(default=dict, blank=True)  # services/standing.py keep_idle
    meter_is_estimated = models.BooleanField(default=False)

    # How it went.
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    stop_asked_at = models.DateTimeField(null=True, blank=True)
    stop_asked_kwh = models.DecimalField(max_digits=8, decimal_places=3, null=True)
    billed_kwh = models.DecimalField(max_digits=8, decimal_places=3, null=True)
    billed_amount = models.DecimalField(max_digits=12, decimal_places=3, null=True)
    ended_by = models.CharField(max_length=10, blank=True)  # keys of orders/wording.py ENDED_BY
    # A later, lower word of the operator on what is owed. The bill itself stays as it was charged.
    corrected_amount = models.DecimalField(max_digits=12, decimal_places=3, null=True)
    money_check_at = models.DateTimeField(null=True, blank=True)  # services/refunds.py check_money
    meter_start = models.CharField(max_length=40, blank=True)
    meter_stop = models.CharField(max_length=40, blank=True)
    # Invoices and credit notes as the operator named them: orders/documents.py.
    documents = models.JSONField(default=list, blank=True)
    # We were not there when the time to start ran out: not starting costs the driver nothing.
    overslept_at = models.DateTimeField(null=True, blank=True)
    failure_code = models.CharField(max_length=40, blank=True)
    failure_message = models.CharField(max_length=300, blank=True)
    heard_at = models.DateTimeField(null=True, blank=True)  # `updated_at` of the newest callback taken

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["driver", "-created_at"], name="orders_of_driver"),
            models.Index(
                fields=["deadline_at"], name="order_deadline", condition=Q(deadline_at__isnull=False)
            ),
            models.Index(fields=["poll_at"], name="order_poll", condition=Q(poll_at__isnull=False)),
            models.Index(fields=["listen_at"], name="order_listen", condition=Q(listen_at__isnull=False)),
            models.Index(
                fields=["money_check_at"], name="order_money_check", condition=Q(money_check_at__isnull=False)
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["driver", "idempotency_key"], name="one_order_per_press"),
            models.UniqueConstraint(
                fields=["bpp_id", "network_order_id"],
                condition=~Q(network_order_id=""),
                name="one_order_per_network_id",
            ),
            models.CheckConstraint(condition=Q(energy_kwh__gt=0), name="order_is_of_something"),
            models.UniqueConstraint(
                fields=["driver"],
                condition=Q(slot_starts_at__isnull=False, state__in=RESERVING),
                name="one_reserved_time_per_driver",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ordered_words} · {self.station_name}"

    def get_absolute_url(self) -> str:
        return reverse("orders:order", args=[self.code])

    @property
    def held_amount(self) -> Decimal | None:
        """What the bank is asked to hold: the quote, and what standing may cost by the accepted terms."""
        return None if self.quote_amount is None else self.quote_amount + self.standing_cap

    @property
    def standing_cap(self) -> Decimal:
        cap = Decimal((self.terms.get("idle") or {}).get("cap") or 0)
        return round_money(cap, self.currency)  # banks hold no parts of a coin

    @property
    def wish(self) -> Wish:
        if self.ordered_minutes is not None:
            return Wish(minutes=self.ordered_minutes)
        if self.ordered_amount is not None:
            return Wish(amount=self.ordered_amount)
        return Wish(energy_kwh=self.energy_kwh, from_percent=self.from_percent)

    @property
    def ordered_words(self) -> str:
        """'20 kWh', '45 min', '₹400.00', '24.5 kWh, 30 to 80 %'."""
        if self.ordered_minutes is not None:
            return _("{minutes} min").format(minutes=self.ordered_minutes)
        if self.ordered_amount is not None:
            return format_money(self.ordered_amount, self.currency)
        words = f"{number_format(self.energy_kwh.normalize() + 0)} kWh"
        if self.from_percent is None:
            return words
        to = TO_PERCENT
        return _("{energy}, {now} to {to} %").format(energy=words, now=self.from_percent, to=to)


class OrderEvent(Event):
    of = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="events")


class OrderLine(models.Model):
    """One priced line, as the operator sent it, of the quote or of the final bill."""

    class Kind(models.TextChoices):
        QUOTE = "QUOTE", _("Quote")
        BILL = "BILL", _("Bill")

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    kind = models.CharField(max_length=5, choices=Kind.choices)
    position = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=120)  # the operator's word
    code = models.CharField(max_length=20, blank=True)  # ours for it, "" when unknown
    energy_kwh = models.DecimalField(max_digits=8, decimal_places=3, null=True)
    amount = models.DecimalField(max_digits=12, decimal_places=3)
    note = models.CharField(max_length=120, blank=True)  # how the operator explains it

    class Meta:
        ordering = ["kind", "position"]
        constraints = [
            models.UniqueConstraint(fields=["order", "kind", "position"], name="each_order_line_once")
        ]

    def __str__(self) -> str:
        return f"{self.title} {self.amount}"


class Progress(models.Model):
    """The newest the driver was told of the charge. The cost is the operator's own running bill."""

    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="progress")
    word = models.CharField(
        max_length=20, blank=True
    )  # OCPP 1.6 word of the plug, "Offline" when the link is lost
    energy_kwh = models.DecimalField(max_digits=8, decimal_places=3, null=True)
    power_kw = models.DecimalField(max_digits=7, decimal_places=3, null=True)
    soc_percent = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    cost_amount = models.DecimalField(max_digits=12, decimal_places=3, null=True)
    reading_at = models.DateTimeField()  # of the meter
    told_at = models.DateTimeField()  # of the message: decides which of two is newer
    received_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = _("progress")

    def __str__(self) -> str:
        return f"{self.energy_kwh.normalize():f} kWh at {self.reading_at:%H:%M:%S}"


class ProgressPoint(models.Model):
    """One point of the power curve."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="points")
    at = models.DateTimeField()
    power_kw = models.DecimalField(max_digits=7, decimal_places=3, null=True)
    energy_kwh = models.DecimalField(max_digits=8, decimal_places=3, null=True)

    class Meta:
        ordering = ["at"]
        constraints = [models.UniqueConstraint(fields=["order", "at"], name="one_point_per_instant")]

    def __str__(self) -> str:
        return f"{self.power_kw} kW at {self.at:%H:%M:%S}"


class RefundClaim(models.Model):
    """What we and the operator told each other about one refund: it decides, we hold the money."""

    class Verb(models.TextChoices):
        NONE = "", _("The operator said it unasked")
        REFUND = "refund", "refund"
        UPDATE = "update", "update"

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="claims")
    refund = models.OneToOneField(Refund, on_delete=models.PROTECT, related_name="+")
    reason_id = models.CharField(max_length=10, blank=True)
    verb = models.CharField(max_length=6, choices=Verb.choices, blank=True)
    message_id = models.UUIDField(null=True, blank=True)  # the request whose answer we wait for
    ask_again_at = models.DateTimeField(
        null=True, blank=True
    )  # an operator that says nothing is asked otherwise
    network_ref = models.CharField(max_length=100, blank=True)  # the operator's id of it, in order.payments[]
    status = models.CharField(max_length=10, blank=True)  # taxonomy.REFUND_STATUSES, as last heard
    heard_at = models.DateTimeField(null=True, blank=True)
    told_paid_at = models.DateTimeField(null=True, blank=True)  # when we told that the money is back

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["ask_again_at"], name="claim_due", condition=Q(ask_again_at__isnull=False))
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["order", "network_ref"], condition=~Q(network_ref=""), name="one_claim_per_network_id"
            )
        ]

    def __str__(self) -> str:
        return f"{self.refund} {self.status}"


class ProgressMark(models.Model):
    """One line of how the charge went, as the operator told it; made from the word of the plug where it told none."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="marks")
    stage = models.CharField(max_length=20)  # apps/orders/story.py STAGES
    by = models.CharField(max_length=10, blank=True)
    at = models.DateTimeField()
    detail = models.CharField(max_length=20, blank=True)

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["order", "stage", "at"], name="one_mark_per_stage_and_moment")
        ]

    def __str__(self) -> str:
        return f"{self.stage} at {self.at:%H:%M:%S}"
