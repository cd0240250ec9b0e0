"""Grievances and calls for help: what is wrong, who has it, what was said, and what was promised."""

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.lib.moves import Event
from apps.orders.models import Order
from apps.support import links
from apps.support.states import MOVES, OVER, RUNNING, Level, Priority, State, What


class Ticket(models.Model):
    """One grievance. Driver side: somebody reported it to our desk. Operator side: an app of the network asked one of
    our operators for help; the two never look at each other's rows."""

    State = State
    MOVES = MOVES

    class Side(models.TextChoices):
        DRIVER = "DRIVER", _("Driver side")
        OPERATOR = "OPERATOR", _("Operator side")

    code = models.CharField(_("ticket"), max_length=20, unique=True)
    side = models.CharField(_("side"), max_length=8, choices=Side.choices)
    state = models.CharField(_("state"), max_length=20, choices=State.choices, default=State.OPEN)
    level = models.PositiveSmallIntegerField(_("level"), choices=Level.choices, default=Level.L1)
    priority = models.PositiveSmallIntegerField(
        _("priority"), choices=Priority.choices, default=Priority.NORMAL
    )
    what = models.CharField(_("what"), max_length=20, choices=What.choices)
    # A form sent twice, or a message that came twice, opens one ticket.
    press_key = models.CharField(max_length=80, unique=True)

    # Who told us. Nobody: a guest or the driver of another app, who comes by the signed link.
    driver = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="tickets"
    )
    guest_email = models.EmailField(_("e-mail of a guest"), blank=True)
    language = models.CharField(max_length=8, default="en")

    # What it is about. The place is copied: discovery forgets its rows.
    order = models.ForeignKey(Order, null=True, blank=True, on_delete=models.PROTECT, related_name="tickets")
    bpp_id = models.CharField(max_length=255, blank=True)
    bpp_uri = models.CharField(max_length=500, blank=True)
    transaction_id = models.UUIDField(null=True, blank=True)
    network_ref = models.CharField(_("number at the operator"), max_length=255, blank=True)
    operator_name = models.CharField(_("operator"), max_length=200, blank=True)
    station_name = models.CharField(_("station"), max_length=200, blank=True)
    station_zone = models.CharField(max_length=64, default="UTC")
    plug = models.CharField(_("plug"), max_length=120, blank=True)
    photo = models.JSONField(default=list, blank=True)  # one row of discovery's photos.ToldPhoto, or none
    facts = models.JSONField(default=dict, blank=True)  # how it stood in the moment of the report

    # Operator side: whose ticket it is, and the app that asked.
    operator_code = models.CharField(max_length=60, blank=True)
    bap_id = models.CharField(max_length=255, blank=True)
    bap_uri = models.CharField(max_length=500, blank=True)

    # Driver side: what the operator answered to our `support`.
    operator_contact = models.JSONField(default=dict, blank=True)  # phone, email, url
    operator_answered_at = models.DateTimeField(null=True, blank=True)
    waits_for_operator = models.BooleanField(_("waits for the operator"), default=False)

    # Where the issue quartet is spoken (igm.py). Operator side: the app's number of it. Driver side: ours is the code.
    issue_id = models.CharField(max_length=64, blank=True)
    issue_is_open = models.BooleanField(default=False)  # at the operator of our driver
    operator_asks = models.BooleanField(
        default=False
    )  # the operator wants to know something: the answer goes there

    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    opened_at = models.DateTimeField(_("opened"))
    changed_at = models.DateTimeField()
    reply_due_at = models.DateTimeField()
    replied_at = models.DateTimeField(null=True, blank=True)
    settle_due_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True, blank=True)  # the clock stands still since then
    resolved_at = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField(_("deadline"), null=True, blank=True)  # services/deadlines.py
    breached_at = models.DateTimeField(null=True, blank=True)  # the newest promise that was not kept
    resolution = models.TextField(blank=True)
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged"
    )

    class Meta:
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        ordering = ["priority", "deadline_at", "pk"]
        indexes = [
            models.Index(fields=["driver", "-opened_at"], name="tickets_of_driver"),
            models.Index(
                fields=["deadline_at"], name="ticket_deadline", condition=Q(deadline_at__isnull=False)
            ),
            models.Index(fields=["state", "priority", "deadline_at"], name="tickets_of_queue"),
            models.Index(fields=["operator_code", "state"], name="tickets_of_operator"),
            models.Index(fields=["transaction_id"], name="tickets_of_transaction"),
            models.Index(fields=["bap_id", "issue_id"], name="tickets_of_issue", condition=~Q(issue_id="")),
            models.Index(fields=["state"], name="issues_to_close", condition=Q(issue_is_open=True)),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["bap_id", "transaction_id", "network_ref"],
                condition=Q(side="OPERATOR") & ~Q(state="CLOSED"),
                name="one_open_ticket_per_call",
            ),
            models.CheckConstraint(
                condition=(Q(side="OPERATOR") & ~Q(operator_code="")) | Q(side="DRIVER", operator_code=""),
                name="an_operators_ticket_has_its_operator",
            ),
            models.CheckConstraint(
                condition=Q(state="WAITING_FOR_DRIVER", paused_at__isnull=False)
                | (~Q(state="WAITING_FOR_DRIVER") & Q(paused_at__isnull=True)),
                name="the_clock_stands_only_while_the_driver_is_asked",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def get_absolute_url(self) -> str:
        return reverse("support:ticket", args=[self.name_for_reporter])

    @property
    def name_for_reporter(self) -> str:
        """What stands in the address: the number for people we know, a signed link for all others."""
        return self.code if self.driver_id else links.signed(self.code)

    @property
    def is_over(self) -> bool:
        return self.state in OVER

    @property
    def clock_runs(self) -> bool:
        return self.state in RUNNING

    @property
    def due_at(self) -> datetime | None:
        """The promise that comes next; none while the clock stands."""
        if not self.clock_runs:
            return None
        return self.settle_due_at if self.replied_at else min(self.reply_due_at, self.settle_due_at)


class TicketMessage(models.Model):
    """One thing that was said, to the reporter or among the desk."""

    class Kind(models.TextChoices):
        PUBLIC = "PUBLIC", _("for everybody")
        INTERNAL = "INTERNAL", _("internal")

    class By(models.TextChoices):
        REPORTER = "REPORTER", _("Driver")
        DESK = "DESK", _("Desk")
        OPERATOR = "OPERATOR", _("Operator")

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="messages")
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.PUBLIC)
    by = models.CharField(max_length=8, choices=By.choices)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    text = models.TextField(blank=True)
    press_key = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "pk"]
        constraints = [models.UniqueConstraint(fields=["ticket", "press_key"], name="one_message_per_press")]

    def __str__(self) -> str:
        return f"{self.ticket}: {self.text[:40]}"


class Attachment(models.Model):
    """A checked file of a message. In the database, which every process can reach; served as a download only."""

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="attachments")
    message = models.ForeignKey(TicketMessage, on_delete=models.CASCADE, related_name="attachments")
    content_type = models.CharField(max_length=40)
    name = models.CharField(max_length=40)  # ours: what a sender calls a file is of no use to anybody
    size = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name


class TicketEvent(Event):
    """A line of the audit: who did what, when, from what to what, and why."""

    class Verb(models.TextChoices):
        OPENED = "opened", _("opened")
        TAKEN = "taken", _("taken")
        REPLIED = "replied", _("replied")
        NOTED = "noted", _("internal note")
        ANSWERED = "answered", _("answered by the driver")
        ASKED_DRIVER = "asked-driver", _("asked the driver")
        ASKED_OPERATOR = "asked-operator", _("asked the operator")
        OPERATOR_ANSWERED = "operator-answered", _("the operator answered")
        ESCALATED = "escalated", _("escalated")
        PRIORITY = "priority", _("priority changed")
        RESOLVED = "resolved", _("resolved")
        CLOSED = "closed", _("closed")
        REOPENED = "reopened", _("reopened")
        MERGED = "merged", _("merged")
        EXPORTED = "exported", _("evidence exported")

    of = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="events")
    verb = models.CharField(max_length=20, choices=Verb.choices, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    before = models.CharField(max_length=120, blank=True)
    after = models.CharField(max_length=120, blank=True)


class Notice(models.Model):
    """A mail about a ticket, or to the desk about a refund that is late: queued with the change, sent by a duty outside
    every transaction (services/notices.py)."""

    ticket = models.ForeignKey(
        Ticket, null=True, blank=True, on_delete=models.CASCADE, related_name="notices"
    )
    refund = models.ForeignKey(
        "payments.Refund", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    verb = models.CharField(max_length=20, choices=TicketEvent.Verb.choices, blank=True)
    message = models.ForeignKey(
        TicketMessage, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    to = models.EmailField()
    language = models.CharField(max_length=8)
    to_desk = models.BooleanField(default=False)
    queued_at = models.DateTimeField()
    # When it is tried (again); pushing it forward is also how one sender claims it. None: sent, or given up.
    next_try_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["next_try_at"], name="notice_due", condition=Q(next_try_at__isnull=False))
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(ticket__isnull=False, refund=None)
                | Q(ticket=None, refund__isnull=False, to_desk=True),
                name="a_notice_is_of_a_ticket_or_of_a_refund",
            ),
            models.UniqueConstraint(
                fields=["refund", "to"],
                condition=Q(refund__isnull=False),
                name="a_late_refund_is_told_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} → {self.to}"

    @property
    def name(self) -> str:
        """What it is about, for the log and for the letter's own number."""
        return f"refund-{self.refund.code}" if self.refund else f"ticket-{self.ticket.code}"


class CannedReply(models.Model):
    """Words the desk says often, in both languages; the ticket's language decides which are taken."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    text_en = models.TextField(_("in English"))
    text_hi = models.TextField(_("in Hindi"))
    is_offered = models.BooleanField(_("offered"), default=True)

    class Meta:
        verbose_name = _("canned reply")
        verbose_name_plural = _("canned replies")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def in_language(self, language: str) -> str:
        return self.text_hi if language == "hi" else self.text_en
