"""Figures for /metrics. Labels come from closed lists, never from a peer's words."""

from prometheus_client import Counter, Histogram

from apps.beckn.models import Message
from apps.beckn.transport import Answer
from apps.lib import clock

RECEIVED = Counter("beckn_received", "Messages at the door", ["side", "action", "outcome"])
REFUSED_AT_DOOR = Counter("beckn_refused_at_door", "Messages turned away", ["reason"])
WORKED = Counter("beckn_worked", "Received messages worked", ["side", "action", "outcome"])
QUEUED = Counter("beckn_queued", "Messages queued for delivery", ["side", "action"])
TRIES = Counter("beckn_delivery_tries", "Tries to deliver a message", ["action", "outcome"])
DELIVERY_SECONDS = Histogram(
    "beckn_delivery_seconds", "From POST to answer", buckets=(0.005, 0.02, 0.05, 0.1, 0.3, 1, 3, 10, 30)
)
WAIT_SECONDS = Histogram(
    "beckn_inbox_wait_seconds",
    "From receipt to done",
    buckets=(0.005, 0.02, 0.05, 0.1, 0.3, 1, 3, 10, 60),
)


def queued(message: Message) -> None:
    QUEUED.labels(message.side, message.action).inc()


def worked(message: Message, outcome: str) -> None:
    WORKED.labels(message.side, message.action, outcome).inc()
    WAIT_SECONDS.observe(max(0, (clock.now() - message.created_at).total_seconds()))


def tried(message: Message, answer: Answer) -> None:
    TRIES.labels(message.action, answer.verdict).inc()
    DELIVERY_SECONDS.observe(answer.duration_ms / 1000)
