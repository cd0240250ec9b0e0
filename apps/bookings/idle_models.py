"""Standing at a plug after the energy has ended: since when, when it was announced, and when it may cost something."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from apps.beckn.models import Message

Span = tuple[datetime, datetime | None]


class IdleStretch(models.Model):
    """From the end of the energy until it flows again or the car has gone.

    Nothing of it is billed before `notified_at`: when the app had taken our word that it begins (AT-F6).
    """

    booking = models.ForeignKey("bookings.Booking", on_delete=models.CASCADE, related_name="idle_stretches")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    message = models.ForeignKey(Message, null=True, on_delete=models.SET_NULL, related_name="+")
    notified_at = models.DateTimeField(null=True, blank=True)
    # Where standing costs only while others wait: [[from, until or null], …], as it was seen.
    busy = models.JSONField(default=list, blank=True)
    looked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["began_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["booking"], condition=Q(ended_at=None), name="one_open_idle_stretch_per_booking"
            )
        ]
        indexes = [models.Index(fields=["looked_at"], name="idle_stretches_open", condition=Q(ended_at=None))]

    def __str__(self) -> str:
        return f"{self.booking_id} {self.began_at:%H:%M:%S}"

    @property
    def busy_spans(self) -> list[Span]:
        return [
            (datetime.fromisoformat(begins), datetime.fromisoformat(ends) if ends else None)
            for begins, ends in self.busy
        ]

    def paid_spans(self, *, when_busy: bool) -> list[Span]:
        """When standing counts; None: until now."""
        if self.notified_at is None:
            return []
        whole: Span = (max(self.notified_at, self.began_at), self.ended_at)
        return [span for busy in self.busy_spans if (span := _both(whole, busy))] if when_busy else [whole]


def _both(one: Span, other: Span) -> Span | None:
    begins = max(one[0], other[0])
    ends = min((end for end in (one[1], other[1]) if end), default=None)
    return (begins, ends) if ends is None or begins < ends else None
