"""What drivers are told of their charges, reports and refunds when they do not look: once per happening and way."""

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
    IDLE_STARTED = "IDLE_STARTED", _("It is done, and standing on may cost something")
    INTERRUPTED = "INTERRUPTED", _("It was interrupted")
    FINISHED = "FINISHED", _("It is finished")
    RECEIPT = "RECEIPT", _("The receipt is there")
    CORRECTED = "CORRECTED", _("Money came back, or the operator wrote another document")

    TICKET_OPENED = "TICKET_OPENED", _("We have your report, with its number")
    TICKET_ASKED = "TICKET_ASKED", _("We need an answer from you")
    TICKET_ANSWER = "TICKET_ANSWER", _("Somebody wrote to you")
    TICKET_NEWS = "TICKET_NEWS", _("Somebody has it, or it was moved")
    TICKET_DONE = "TICKET_DONE", _("It is solved or closed")

    REFUND_ASKED = "REFUND_ASKED", _("It is asked for")
    REFUND_YES = "REFUND_YES", _("It is approved")
    REFUND_SENT = "REFUND_SENT", _("Your bank has it")
    REFUND_PAID = "REFUND_PAID", _("It is paid back")
    REFUND_NO = "REFUND_NO", _("It is declined")
    REFUND_LATE = "REFUND_LATE", _("It is late, or the bank refused it")


H = Happening
# What a happening is of, as the page of switches shows it.
GROUPS: tuple[tuple[str, tuple[Happening, ...]], ...] = (
    (
        _("My charges"),
        (
            H.STARTED,
            H.NEARLY,
            H.IDLE_SOON,
            H.IDLE_STARTED,
            H.INTERRUPTED,
            H.FINISHED,
            H.RECEIPT,
            H.CORRECTED,
        ),
    ),
    (
        _("My reports to support"),
        (H.TICKET_OPENED, H.TICKET_ASKED, H.TICKET_ANSWER, H.TICKET_NEWS, H.TICKET_DONE),
    ),
    (
        _("My refunds"),
        (H.REFUND_ASKED, H.REFUND_YES, H.REFUND_SENT, H.REFUND_PAID, H.REFUND_NO, H.REFUND_LATE),
    ),
)


def kind_of(happening: str) -> str:
    """In words that stand alone: of what, and which happening."""
    group = next(label for label, happenings in GROUPS if happening in happenings)
    return f"{group}: {Happening(happening).label}"


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
    WORTH_TELLING_FOR = {happening: timedelta(hours=1) for happening in GROUPS[0][1]} | {
        Happening.RECEIPT: timedelta(days=3),
        Happening.CORRECTED: timedelta(days=3),
    }
    ELSE_WORTH_FOR = timedelta(days=3)

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    # None: of a report about a station.
    order = models.ForeignKey(Order, null=True, blank=True, on_delete=models.CASCADE, related_name="notices")
    happening = models.CharField(max_length=16, choices=Happening.choices)
    # Of a report or a refund: which one, and which of its changes. A charge is known by its order.
    about = models.CharField(max_length=40, blank=True)
    occasion = models.CharField(max_length=20, blank=True)
    path = models.CharField(max_length=300, blank=True)  # where it is read on; "": the order
    facts = models.JSONField(default=dict, blank=True)  # how it stood then, for the words (wording.py)
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
                fields=["order", "happening", "channel"],
                condition=Q(about=""),
                name="told_once_per_happening_and_way",
            ),
            models.UniqueConstraint(
                fields=["about", "occasion", "channel"],
                condition=~Q(about=""),
                name="told_once_per_occasion_and_way",
            ),
            models.CheckConstraint(
                condition=Q(order__isnull=False) | ~Q(about=""), name="a_notice_is_of_something"
            ),
        ]
        indexes = [
            models.Index(fields=["act_at"], name="notices_due", condition=Q(act_at__isnull=False)),
            models.Index(fields=["person", "-happened_at"], name="notices_of_person"),
        ]

    def __str__(self) -> str:
        return f"{kind_of(self.happening)} ({self.get_channel_display()})"

    @property
    def key(self) -> tuple[object, ...]:
        """The same for every way it is told."""
        return (self.about, self.occasion) if self.about else (self.order_id, self.happening)

    @property
    def leads_to(self) -> str:
        """Path of ours where more is read."""
        return self.path or self.order.get_absolute_url()

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
    happening = models.CharField(max_length=16, choices=Happening.choices)
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
