"""A change of an order that stands: asked for, priced by the operator, accepted or not."""

import uuid
from datetime import timedelta
from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from apps.discovery.models import Offer
from apps.lib.money import format_money
from apps.lib.moves import Event
from apps.orders.wish import Wish


class Change(models.Model):
    """What is wanted instead, and what the operator wants for it. The order is as it was until this is DONE."""

    class State(models.TextChoices):
        ASKED = "ASKED", _("Asking for the new price")
        OFFERED = "OFFERED", _("New price")
        HOLDING = "HOLDING", _("Holding more")
        ACCEPTED = "ACCEPTED", _("Changing")
        DONE = "DONE", _("Changed")
        DECLINED = "DECLINED", _("Not wanted")
        REFUSED = "REFUSED", _("Refused")
        LAPSED = "LAPSED", _("Lapsed")

    S = State
    MOVES = {
        S.ASKED: {S.OFFERED, S.DECLINED, S.REFUSED, S.LAPSED},
        # At once DONE with an operator that has changed the order as soon as it was asked.
        S.OFFERED: {S.HOLDING, S.ACCEPTED, S.DONE, S.DECLINED, S.LAPSED},
        S.HOLDING: {S.ACCEPTED, S.DONE, S.REFUSED, S.LAPSED},
        S.ACCEPTED: {S.DONE, S.REFUSED, S.LAPSED},
        S.DONE: set(),
        S.DECLINED: set(),
        S.REFUSED: set(),
        # The operator's word may come after we gave up; what it has changed is changed.
        S.LAPSED: {S.DONE},
    }
    OPEN = (S.ASKED, S.OFFERED, S.HOLDING, S.ACCEPTED)
    # How long each may wait; an offer as long as the operator says, and no longer than this.
    LASTS = {
        S.ASKED: timedelta(seconds=30),
        S.OFFERED: timedelta(minutes=5),
        S.HOLDING: timedelta(seconds=60),
        S.ACCEPTED: timedelta(seconds=60),
    }

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="changes")
    state = models.CharField(max_length=8, choices=State.choices, default=State.ASKED)
    deadline_at = models.DateTimeField(null=True, blank=True)
    message_id = models.UUIDField(null=True, blank=True)  # the request whose answer we wait for

    # What the order is to be.
    ordered_by = models.CharField(max_length=6)
    energy_kwh = models.DecimalField(max_digits=8, decimal_places=3)
    ordered_minutes = models.PositiveIntegerField(null=True, blank=True)
    ordered_amount = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    says_units = models.BooleanField(default=False)  # as Order.says_units
    # Another plug; empty where it stays.
    item_id = models.CharField(max_length=255, blank=True)
    fulfillment_id = models.CharField(max_length=255, blank=True)
    plug_letter = models.CharField(max_length=10, blank=True)
    offer = models.ForeignKey(Offer, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    # What the operator answered. A firm one changes nothing until we accept; of others that is not known.
    is_firm = models.BooleanField(default=False)
    payment_id = models.CharField(max_length=100, blank=True)  # the row of payments that accepts it
    payment_amount = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    quote_amount = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    lines = models.JSONField(default=list, blank=True)  # as columns of OrderLine
    instructions = models.CharField(max_length=500, blank=True)
    warnings = models.JSONField(default=list, blank=True)
    failure_code = models.CharField(max_length=40, blank=True)
    failure_message = models.CharField(max_length=300, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)  # the driver has read how it ended
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["deadline_at"], name="change_due", condition=Q(deadline_at__isnull=False)),
            models.Index(fields=["message_id"], name="change_asked_by"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(state__in=["ASKED", "OFFERED", "HOLDING", "ACCEPTED"]),
                name="one_open_change_per_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.wanted_words}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    @property
    def is_of_plug(self) -> bool:
        return bool(self.item_id)

    @property
    def wish(self) -> Wish:
        if self.ordered_minutes is not None:
            return Wish(minutes=self.ordered_minutes)
        if self.ordered_amount is not None:
            return Wish(amount=self.ordered_amount)
        return Wish(energy_kwh=self.energy_kwh)

    @property
    def difference(self) -> Decimal | None:
        """What the new price is more than the present one, or less."""
        if self.quote_amount is None or self.order.quote_amount is None:
            return None
        return self.quote_amount - self.order.quote_amount

    @property
    def wanted_words(self) -> str:
        """'30 kWh', '45 min', '₹600.00'."""
        if self.ordered_minutes is not None:
            return _("{minutes} min").format(minutes=self.ordered_minutes)
        if self.ordered_amount is not None:
            return format_money(self.ordered_amount, self.currency or self.order.currency)
        return f"{number_format(self.energy_kwh.normalize() + 0)} kWh"


class ChangeEvent(Event):
    of = models.ForeignKey(Change, on_delete=models.CASCADE, related_name="events")
