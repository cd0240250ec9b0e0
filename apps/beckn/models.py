"""Who takes part in the network (Subscriber) and what was said on it (Message, one row each way)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.lib.moves import Event


class Side(models.TextChoices):
    """Which of our own two subscribers sends or receives."""

    BAP = "BAP", _("driver side (BAP)")
    BPP = "BPP", _("operator side (BPP)")


class Subscriber(models.Model):
    """A participant and one of its keys, as the built-in registry tells it. Two keys are two rows."""

    class Type(models.TextChoices):
        BAP = "BAP", _("buyer application (BAP)")
        BPP = "BPP", _("provider platform (BPP)")
        BG = "BG", _("gateway (BG)")

    class State(models.TextChoices):
        INITIATED = "INITIATED", _("Applied")
        UNDER_SUBSCRIPTION = "UNDER_SUBSCRIPTION", _("Waiting for admission")
        SUBSCRIBED = "SUBSCRIBED", _("Subscribed")
        INVALID_SSL = "INVALID_SSL", _("Could not be reached safely")
        EXPIRED = "EXPIRED", _("Key expired")
        UNSUBSCRIBED = "UNSUBSCRIBED", _("Revoked")

    MOVES = {
        State.INITIATED: {State.UNDER_SUBSCRIPTION, State.SUBSCRIBED, State.INVALID_SSL, State.UNSUBSCRIBED},
        State.UNDER_SUBSCRIPTION: {State.SUBSCRIBED, State.UNSUBSCRIBED},
        State.INVALID_SSL: {State.INITIATED, State.UNSUBSCRIBED},
        State.SUBSCRIBED: {State.EXPIRED, State.UNSUBSCRIBED},
        State.EXPIRED: {State.UNSUBSCRIBED},
        State.UNSUBSCRIBED: set(),
    }

    subscriber_id = models.CharField(max_length=200)
    key_id = models.CharField(max_length=100)
    type = models.CharField(max_length=3, choices=Type.choices)
    url = models.CharField(max_length=500)
    domain = models.CharField(max_length=100, blank=True)
    signing_public_key = models.CharField(max_length=64)
    encryption_public_key = models.CharField(max_length=64, blank=True)
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True)
    challenged_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=20, choices=State.choices, default=State.INITIATED)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["subscriber_id", "-valid_from", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["subscriber_id", "key_id"], name="one_row_per_subscriber_key")
        ]

    def __str__(self) -> str:
        return f"{self.subscriber_id}|{self.key_id}"


class SubscriberEvent(Event):
    of = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="events")


class KnownPlatform(models.Model):
    """A BPP that the remote registry listed last time: a search asks this table, not the network."""

    subscriber_id = models.CharField(max_length=200, unique=True)
    url = models.CharField(max_length=500)

    def __str__(self) -> str:
        return self.subscriber_id


class Message(models.Model):
    """One message of the network, exactly as it was sent or received."""

    class Direction(models.TextChoices):
        IN = "IN", _("received")
        OUT = "OUT", _("sent")

    class State(models.TextChoices):
        # outgoing
        QUEUED = "QUEUED", _("Queued")
        SENDING = "SENDING", _("Being sent")
        ACKED = "ACKED", _("Acknowledged by the peer")
        NACKED = "NACKED", _("Refused by the peer")
        GIVEN_UP = "GIVEN_UP", _("Given up")
        # incoming
        RECEIVED = "RECEIVED", _("Received")
        WORKING = "WORKING", _("Being worked")
        DONE = "DONE", _("Done")
        REFUSED = "REFUSED", _("Refused by us")
        EXPIRED = "EXPIRED", _("Too late")
        FAILED = "FAILED", _("Failed here")

    # SENDING → SENDING and WORKING → WORKING: a lease ran out, and the next worker claims the row again.
    MOVES_OUT = {
        State.QUEUED: {State.SENDING, State.GIVEN_UP},
        State.SENDING: {State.SENDING, State.QUEUED, State.ACKED, State.NACKED, State.GIVEN_UP},
        State.ACKED: set(),
        State.NACKED: set(),
        State.GIVEN_UP: {State.QUEUED},
    }
    MOVES_IN = {
        State.RECEIVED: {State.WORKING},
        State.WORKING: {
            State.WORKING,
            State.RECEIVED,
            State.DONE,
            State.REFUSED,
            State.EXPIRED,
            State.FAILED,
        },
        State.DONE: set(),
        State.REFUSED: set(),
        State.EXPIRED: set(),
        State.FAILED: {State.RECEIVED},
    }
    MOVES = {**MOVES_OUT, **MOVES_IN}
    FIRST = (State.QUEUED, State.RECEIVED)
    OPEN_OUT = (State.QUEUED, State.SENDING)
    OPEN_IN = (State.RECEIVED, State.WORKING)
    # One order, one effect: the same message_id with other bytes is a contradiction here (fact sheet 1.6).
    SAID_ONCE = ("confirm", "update", "cancel", "refund")

    side = models.CharField(max_length=3, choices=Side.choices)
    direction = models.CharField(max_length=3, choices=Direction.choices)
    action = models.CharField(max_length=40)
    transaction_id = models.UUIDField()
    message_id = models.UUIDField()
    bap_id = models.CharField(max_length=200)
    bap_uri = models.CharField(max_length=500)
    bpp_id = models.CharField(max_length=200, blank=True)
    bpp_uri = models.CharField(max_length=500, blank=True)
    peer_id = models.CharField(
        max_length=200
    )  # who is at the other end, proven by its signature or our registry
    gateway_id = models.CharField(max_length=200, blank=True)
    body = models.BinaryField()
    headers = models.JSONField(default=dict)
    digest = models.CharField(max_length=88)
    state = models.CharField(max_length=8, choices=State.choices)
    tries = models.PositiveSmallIntegerField(
        default=0
    )  # also the fence: who holds an old try may not move the row
    next_try_at = models.DateTimeField(null=True, blank=True)  # empty once nothing more is to be done
    lease_until = models.DateTimeField(null=True, blank=True)
    # Incoming: when the sender stops caring (timestamp + ttl). Outgoing: when we stop trying.
    expires_at = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    answers = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="answered_by"
    )

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["peer_id", "message_id", "action", "side", "digest"],
                condition=Q(direction="IN"),
                name="beckn_same_message_once",
            ),
            models.UniqueConstraint(
                fields=["peer_id", "message_id", "action", "side"],
                condition=Q(direction="IN", action__in=["confirm", "update", "cancel", "refund"]),
                name="beckn_order_said_once",
            ),
        ]
        indexes = [
            models.Index(fields=["transaction_id"], name="beckn_by_transaction"),
            models.Index(fields=["message_id"], name="beckn_by_message"),
            # SQLite uses a partial index only where the query repeats its condition without parameters.
            models.Index(
                fields=["direction", "id"], condition=Q(next_try_at__isnull=False), name="beckn_open"
            ),
            models.Index(
                fields=["id"],
                condition=Q(state__in=["NACKED", "GIVEN_UP", "REFUSED", "EXPIRED", "FAILED"]),
                name="beckn_trouble",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.message_id} ({self.get_direction_display()})"

    @property
    def is_outgoing(self) -> bool:
        return self.direction == self.Direction.OUT


class Attempt(models.Model):
    """One try: to deliver a message of ours, or to work one of theirs that did not go through at once."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField(default=0)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    answer = models.CharField(max_length=1000, blank=True)
    error = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"try {self.number}: {self.http_status or self.error}"


class WorkerBeat(models.Model):
    """The last sign of life of a worker, for /readyz."""

    worker = models.CharField(max_length=120, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.worker} {self.at:%H:%M:%S}"
