"""Who asked to be told of a charge at an address of its own (`callback_url` of `track`)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.lib.moves import Event


class Follower(models.Model):
    """The app's address for one booking: the newest it gave counts. followers.py tells it."""

    class State(models.TextChoices):
        FOLLOWING = "FOLLOWING", _("Being told")
        DONE = "DONE", _("Told to the end")
        REFUSED = "REFUSED", _("Refused")
        GIVEN_UP = "GIVEN_UP", _("Given up")

    MOVES = {
        State.FOLLOWING: {State.FOLLOWING, State.DONE, State.REFUSED, State.GIVEN_UP},
        # The app asks again, perhaps with another address.
        State.DONE: {State.FOLLOWING},
        State.REFUSED: {State.FOLLOWING},
        State.GIVEN_UP: {State.FOLLOWING},
    }

    booking = models.OneToOneField("bookings.Booking", on_delete=models.CASCADE, related_name="follower")
    url = models.CharField(max_length=500)
    method = models.CharField(max_length=5, default="PATCH")
    state = models.CharField(max_length=9, choices=State.choices, default=State.FOLLOWING)
    # When we look again; while somebody sends, the end of their lease.
    next_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    told_digest = models.CharField(max_length=88, blank=True)  # of what was taken last
    tries = models.PositiveSmallIntegerField(default=0)  # in vain, since the last that was taken
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["next_at"], name="followers_due", condition=Q(next_at__isnull=False))]

    def __str__(self) -> str:
        return f"{self.booking_id}: {self.get_state_display()}"


class FollowerEvent(Event):
    of = models.ForeignKey(Follower, on_delete=models.CASCADE, related_name="events")
