"""What drivers are told of their charges when they do not look: once per happening and way."""

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.lib.moves import Event
from apps.orders.models import Order


class Happening(models.TextChoices):
    STARTED = "STARTED", _("Energy flows")
    NEARLY = "NEARLY", _("80 %, or the ordered energy, is reached")
    IDLE_SOON = "IDLE_SOON", _("It will be done in about five minutes")
    INTERRUPTED = "INTERRUPTED", _("It was interrupted")
    FINISHED = "FINISHED", _("It is finished")
    RECEIPT = "RECEIPT", _("The receipt is there")
    CORRECTED = "CORRECTED", _("Money came back, or the operator wrote another document")


class Channel(models.TextChoices):
    PAGE = "PAGE", _("here")
    MAIL = "MAIL", _("by e-mail")
    PUSH = "PUSH", _("on my devices")


class Notice(models.Model):
    """One happening, told one way. Those of the page are told by being here."""

    class State(models.TextChoices):
        WAITING = "WAITING", _("To be sent")
        SENDING = "SENDING", _("On its way")
        TOLD = "TOLD", _("Told")
        DROPPED = "DROPPED", _("Not wanted any more")
        GIVEN_UP = "GIVEN_UP", _("Given up")

    MOVES = {
        State.WAITING: {State.SENDING},
        State.SENDING: {State.WAITING, State.TOLD, State.DROPPED, State.GIVEN_UP},
        # Papers are sent again: asked for by their person, or because they say something new (services.send_again).
        State.TOLD: {State.WAITING},
        State.DROPPED: {State.WAITING},
        State.GIVEN_UP: {State.WAITING},
    }
    FIRST = (State.WAITING, State.TOLD)
    # A mail server that was away for a night must not pour out what nobody needs any more.
    WORTH_TELLING_FOR = {Happening.RECEIPT: timedelta(days=3), Happening.CORRECTED: timedelta(days=3)}
    ELSE_WORTH_FOR = timedelta(hours=1)

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="notices")
    happening = models.CharField(max_length=12, choices=Happening.choices)
    channel = models.CharField(max_length=4, choices=Channel.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    happened_at = models.DateTimeField()
    # When it is due; while somebody sends it, the end of their lease.
    act_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    told_at = models.DateTimeField(null=True, blank=True)
    # The person asked for it: switches do not count then.
    asked_at = models.DateTimeField(null=True, blank=True)
    times_asked = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-happened_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["order", "happening", "channel"], name="told_once_per_happening_and_way"
            )
        ]
        indexes = [
            models.Index(fields=["act_at"], name="notices_due", condition=Q(act_at__isnull=False)),
            models.Index(fields=["person", "-happened_at"], name="notices_of_person"),
        ]

    def __str__(self) -> str:
        return f"{self.get_happening_display()} ({self.get_channel_display()})"

    @property
    def worth_telling_for(self) -> timedelta:
        return self.WORTH_TELLING_FOR.get(self.happening, self.ELSE_WORTH_FOR)


class NoticeEvent(Event):
    of = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="events")


class Switch(models.Model):
    """A person's word on one happening and way; without one the default stands (switches.py)."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notice_switches"
    )
    happening = models.CharField(max_length=12, choices=Happening.choices)
    channel = models.CharField(max_length=4, choices=Channel.choices)
    is_on = models.BooleanField()

    class Meta:
        verbose_name_plural = _("switches")
        constraints = [
            models.UniqueConstraint(
                fields=["person", "happening", "channel"], name="one_switch_per_happening_and_way"
            )
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.happening} {self.channel} {'on' if self.is_on else 'off'}"


class Device(models.Model):
    """A browser that its person signed up for pushes: where its push service takes them, and its keys."""

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="devices")
    endpoint = models.CharField(max_length=500, unique=True)
    p256dh = models.CharField(max_length=100)
    auth = models.CharField(max_length=40)
    name = models.CharField(max_length=60)  # what the browser calls itself, shortly
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["since", "pk"]

    def __str__(self) -> str:
        return self.name
