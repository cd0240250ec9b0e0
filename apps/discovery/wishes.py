"""What people want of stations: to find them again, and to hear when a plug gets free."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.lib.moves import Event


class Favourite(models.Model):
    """A station with a heart. Guests keep theirs in the session (favourites.py)."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="favourites")
    station = models.ForeignKey(
        "discovery.OfferedStation", on_delete=models.CASCADE, related_name="favourites"
    )
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-since", "-pk"]
        constraints = [models.UniqueConstraint(fields=["person", "station"], name="one_heart_per_station")]

    def __str__(self) -> str:
        return f"{self.person}: {self.station}"


class FilterProfile(models.Model):
    """Filters under a name, as an address keeps them. Guests keep theirs in the session (profiles.py)."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="filter_profiles"
    )
    name = models.CharField(max_length=60)
    query = models.TextField()
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["person", "name"], name="one_profile_per_name")]

    def __str__(self) -> str:
        return f"{self.person}: {self.name}"


class WatchState(models.TextChoices):
    WAITING = "WAITING", _("Watching")
    FREE = "FREE", _("Free, mail to be sent")
    TELLING = "TELLING", _("Free, mail on its way")
    TOLD = "TOLD", _("Free, told")
    EXPIRED = "EXPIRED", _("Over")
    STOPPED = "STOPPED", _("Stopped")


W = WatchState
UNFINISHED = (W.WAITING, W.FREE, W.TELLING)


class Watch(models.Model):
    """“Tell me when it is free”: one plug, or any plug of a station when `offer` is empty. It tells once."""

    State = WatchState
    MOVES: dict[str, set[str]] = {
        W.WAITING: {W.FREE, W.EXPIRED, W.STOPPED},
        W.FREE: {W.TELLING, W.EXPIRED, W.STOPPED},
        W.TELLING: {W.TOLD, W.FREE},
        W.TOLD: {W.STOPPED},
        W.EXPIRED: {W.STOPPED},
        W.STOPPED: set(),
    }

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="watches")
    station = models.ForeignKey("discovery.OfferedStation", on_delete=models.CASCADE, related_name="watches")
    offer = models.ForeignKey(
        "discovery.Offer", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    # WAITING: when the network is asked again · FREE: when the mail is tried · TELLING: when its sender is given up.
    act_at = models.DateTimeField()
    found = models.ForeignKey(
        "discovery.Offer", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    found_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-started_at", "-pk"]
        verbose_name_plural = "watches"
        indexes = [
            models.Index(
                fields=["state", "act_at"], name="watch_to_act_on", condition=Q(state__in=UNFINISHED)
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["person", "offer"],
                condition=Q(state=W.WAITING, offer__isnull=False),
                name="one_watch_per_plug",
            ),
            models.UniqueConstraint(
                fields=["person", "station"],
                condition=Q(state=W.WAITING, offer__isnull=True),
                name="one_watch_per_station",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.offer or self.station}"


class WatchEvent(Event):
    of = models.ForeignKey(Watch, on_delete=models.CASCADE, related_name="events")
