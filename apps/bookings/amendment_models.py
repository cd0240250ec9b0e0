"""Another amount or another plug for a booking that stands: what it would cost, offered for a while."""

from datetime import timedelta
from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.catalog.models import Connector, Tariff
from apps.lib import moves


class Amendment(models.Model):
    """The columns that the booking will have when the app accepts. `code` is the id of the payment row that says so."""

    class State(models.TextChoices):
        OFFERED = "OFFERED", _("Offered")
        ACCEPTED = "ACCEPTED", _("Accepted")
        LAPSED = "LAPSED", _("Lapsed")

    MOVES = {
        State.OFFERED: {State.ACCEPTED, State.LAPSED},
        State.ACCEPTED: set(),
        State.LAPSED: set(),
    }
    STANDS_FOR = timedelta(minutes=5)

    code = models.CharField(max_length=20, unique=True)
    booking = models.ForeignKey("bookings.Booking", on_delete=models.CASCADE, related_name="amendments")
    state = models.CharField(max_length=8, choices=State.choices, default=State.OFFERED)
    connector = models.ForeignKey(Connector, on_delete=models.PROTECT, related_name="+")
    tariff = models.ForeignKey(Tariff, on_delete=models.PROTECT, related_name="+")
    tariff_terms = models.JSONField()
    ordered_by = models.CharField(max_length=6)
    ordered_kwh = models.DecimalField(max_digits=9, decimal_places=3)
    ordered_minutes = models.PositiveIntegerField(null=True, blank=True)
    ordered_amount = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    quote_id = models.UUIDField()
    quote_lines = models.JSONField()
    quote_total = models.DecimalField(max_digits=12, decimal_places=3)
    total_before = models.DecimalField(max_digits=12, decimal_places=3)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["expires_at"], name="amendment_due", condition=Q(state="OFFERED"))]
        constraints = [
            models.UniqueConstraint(
                fields=["booking"], condition=Q(state="OFFERED"), name="one_open_amendment_per_booking"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code}: {self.booking_id}"

    @property
    def difference(self) -> Decimal:
        """What the new total is more than the old one, or less."""
        return self.quote_total - self.total_before


class AmendmentEvent(moves.Event):
    of = models.ForeignKey(Amendment, on_delete=models.CASCADE, related_name="events")
