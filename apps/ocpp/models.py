"""Charge points, what they and we said, and the commands they were given."""

import re

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.lib import moves

# OCPP 2.0.1's identifierString, which every 1.6 identity in the field keeps to as well.
IDENTITY = re.compile(r"[A-Za-z0-9*_=:+|@.\-]{1,48}")


class ChargePoint(models.Model):
    """One box that speaks OCPP. Its id is its OCPP identity, the last part of the address it connects to."""

    class State(models.TextChoices):
        PENDING = "PENDING", _("Waiting for approval")
        APPROVED = "APPROVED", _("Approved")
        BLOCKED = "BLOCKED", _("Blocked")

    MOVES = {
        State.PENDING: {State.APPROVED, State.BLOCKED},
        State.APPROVED: {State.BLOCKED},
        State.BLOCKED: {State.APPROVED},
    }

    id = models.CharField(
        _("identity"), primary_key=True, max_length=48, validators=[RegexValidator(rf"^{IDENTITY.pattern}$")]
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    password_hash = models.CharField(max_length=120, blank=True)  # empty: no password opens the door
    # Of the password it was sent over its line: it opens too, and is the only one once it was used.
    next_password_hash = models.CharField(max_length=120, blank=True)
    vendor = models.CharField(max_length=50, blank=True)
    model = models.CharField(max_length=20, blank=True)
    firmware = models.CharField(max_length=50, blank=True)
    connected = models.BooleanField(default=False)
    # Names the newest socket. A message or a goodbye from an older one finds another name here and changes nothing.
    connection = models.CharField(max_length=32, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    booted_at = models.DateTimeField(null=True, blank=True)
    clock_skew_seconds = models.IntegerField(null=True, blank=True)  # its clock minus ours
    registered_at = models.DateTimeField(auto_now_add=True)
    protocol = models.CharField(max_length=12, blank=True)  # of the newest socket
    # For OCPP 2.0.1 (`wire/plugs.py`): [2, 1] is two plugs at EVSE 1 and one at EVSE 2; empty, each EVSE has one.
    plugs_per_evse = models.JSONField(_("plugs of each EVSE"), default=list, blank=True)

    # It takes no start from afar: drivers enter a code at it (apps/charging/start_codes.py).
    starts_by_code = models.BooleanField(_("is started by a code only"), default=False)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["last_seen_at"], condition=Q(connected=True), name="connected_charge_point")
        ]

    def __str__(self) -> str:
        return self.id


class ChargePointMove(moves.Event):
    of = models.ForeignKey(ChargePoint, on_delete=models.CASCADE, related_name="events")


class Frame(models.Model):
    """One message as it was on the wire. The newest of each charge point are kept (`exchange.forget_old_frames`)."""

    class Direction(models.TextChoices):
        IN = "IN", _("from the charge point")
        OUT = "OUT", _("to the charge point")

    charge_point = models.ForeignKey(
        ChargePoint, on_delete=models.CASCADE, related_name="frames", db_index=False
    )
    direction = models.CharField(max_length=3, choices=Direction.choices)
    unique_id = models.CharField(max_length=36, blank=True)
    action = models.CharField(max_length=36, blank=True)
    raw = models.TextField()
    outcome = models.CharField(max_length=200, blank=True)  # empty: taken; otherwise why it was not
    at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["charge_point", "-id"], name="frames_of_charge_point")]
        permissions = [("see_tokens", "Can see whole card tokens in messages")]

    def __str__(self) -> str:
        return f"{self.direction} {self.action} {self.unique_id}"


class Transaction(models.Model):
    """A charge as OCPP 2.0.1 tells it: named by the charge point, known to the domain by a number of its own.

    `transactions` fills it. What cannot be told yet (nobody showed a token, a message is missing) waits here.
    """

    charge_point = models.ForeignKey(ChargePoint, on_delete=models.CASCADE, related_name="transactions")
    name = models.CharField(max_length=36, blank=True)
    number = models.BigIntegerField(null=True, blank=True)  # the domain's; null: it was not told of the start
    is_allowed = models.BooleanField(default=False)  # what the domain said to the start
    token = models.CharField(max_length=36, blank=True)
    connector_id = models.PositiveSmallIntegerField(null=True, blank=True)
    first_seq_no = models.BigIntegerField(null=True, blank=True)  # the start's
    seen = models.JSONField(default=list)  # sequence numbers heard, as [first, last] of each unbroken row
    charging_state = models.CharField(max_length=20, blank=True)
    charging_state_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    is_plug_free = models.BooleanField(default=False)  # the plug was free after the end
    waiting = models.JSONField(default=list)  # messages not told yet, with when they came
    waiting_since = models.DateTimeField(null=True, blank=True)
    heard_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["charge_point", "name"], name="one_transaction_per_name")
        ]
        indexes = [
            models.Index(fields=["charge_point", "number"], name="transactions_by_number"),
            models.Index(
                fields=["waiting_since"], condition=Q(waiting_since__isnull=False), name="waiting_transaction"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.charge_point_id} {self.name}"


class Command(models.Model):
    """Something a charge point was asked to do. The row is the queue: whichever process holds the socket takes it."""

    class Action(models.TextChoices):
        REMOTE_START = "remote_start", _("Start charging")
        REMOTE_STOP = "remote_stop", _("Stop charging")
        RESET = "reset", _("Restart the charge point")
        UNLOCK = "unlock", _("Unlock the plug")
        TRIGGER = "trigger", _("Ask for a message")
        CHANGE_AVAILABILITY = "change_availability", _("Change availability")
        GET_CONFIGURATION = "get_configuration", _("Read the configuration")
        CHANGE_CONFIGURATION = "change_configuration", _("Change the configuration")
        CLEAR_CACHE = "clear_cache", _("Forget remembered cards")
        DATA_TRANSFER = "data_transfer", _("Say something of the maker's own")
        RESERVE = "reserve", _("Reserve the plug")
        CANCEL_RESERVATION = "cancel_reservation", _("Cancel the reservation")
        SET_PASSWORD = "set_password", _("Change the password")

    class State(models.TextChoices):
        QUEUED = "QUEUED", _("Waiting for the socket")
        SENT = "SENT", _("Sent")
        ACCEPTED = "ACCEPTED", _("Accepted")
        REJECTED = "REJECTED", _("Rejected")
        TIMED_OUT = "TIMED_OUT", _("No answer in time")

    MOVES = {
        State.QUEUED: {State.SENT, State.TIMED_OUT},
        State.SENT: {State.ACCEPTED, State.REJECTED, State.TIMED_OUT},
        State.ACCEPTED: set(),
        State.REJECTED: set(),
        State.TIMED_OUT: set(),
    }
    OPEN = (State.QUEUED, State.SENT)

    charge_point = models.ForeignKey(ChargePoint, on_delete=models.CASCADE, related_name="commands")
    unique_id = models.CharField(max_length=36, unique=True)  # also the frame's
    reference = models.CharField(max_length=64, blank=True)  # the sender's own name for it
    action = models.CharField(max_length=20, choices=Action.choices)
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    connection = models.CharField(max_length=32, blank=True)  # the socket it went out on
    answer = models.CharField(max_length=200, blank=True)
    told = models.JSONField(null=True, blank=True)  # what the charge point answered beside its yes or no
    asked_by = models.CharField(max_length=150, blank=True)  # the person; empty: the portal itself
    created_at = models.DateTimeField(auto_now_add=True)
    deadline_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["deadline_at"], condition=Q(state__in=["QUEUED", "SENT"]), name="open_command"
            )
        ]
        constraints = [
            # Pressing Stop twice is one command; after it ended, the same may be asked again.
            models.UniqueConstraint(
                fields=["charge_point", "action", "reference"],
                condition=Q(state__in=["QUEUED", "SENT"]) & ~Q(reference=""),
                name="one_open_command_per_reference",
            )
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.charge_point_id} {self.reference}".rstrip()


class CommandMove(moves.Event):
    of = models.ForeignKey(Command, on_delete=models.CASCADE, related_name="events")
