"""The message log as people read it."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.beckn import explain
from apps.beckn.models import Message

MOST_STEPS = 500


@dataclass
class Step:
    """One message of a transaction. Between our own two sides it was both sent and received here."""

    action: str
    meaning: str
    since_start: timedelta
    sent: Message | None = None
    received: Message | None = None

    @property
    def rows(self) -> list[Message]:
        return [row for row in (self.sent, self.received) if row is not None]

    @property
    def at(self) -> datetime:
        return self.rows[0].created_at

    @property
    def sender(self) -> str:
        row = self.rows[0]
        return row.bpp_id if row.action.startswith("on_") or row.action in REASONS else row.bap_id

    @property
    def receiver(self) -> str:
        row = self.rows[0]
        if self.sender == row.bap_id:
            return row.bpp_id or row.peer_id
        return row.bap_id


REASONS = ("cancellation_reasons", "rating_categories")


def timeline(transaction_id: UUID) -> list[Step]:
    """Every message of the transaction, in order; sent and received here is one step."""
    rows = Message.objects.filter(transaction_id=transaction_id).order_by("created_at", "pk")
    rows = rows.defer("body", "headers").prefetch_related("attempts")[:MOST_STEPS]
    steps: dict[tuple, Step] = {}
    began = None
    for row in rows:
        began = began or row.created_at
        # Each side has its own row of a message between them; side and direction tell which end it is.
        key = (row.message_id, row.action, row.digest, row.bap_id, row.bpp_id)
        step = steps.setdefault(key, Step(row.action, explain.verb(row.action), row.created_at - began))
        if row.is_outgoing:
            step.sent = row
        else:
            step.received = row
    return list(steps.values())


def find_messages(rows: QuerySet[Message], words: str) -> QuerySet[Message]:
    """By transaction id, message id, peer, action or state; every word must fit."""
    for word in words.split():
        rows = rows.filter(_fits(word))
    return rows


def _fits(word: str) -> Q:
    try:
        number = UUID(word)
    except ValueError:
        return Q(peer_id__icontains=word) | Q(action__iexact=word) | Q(state__iexact=word)
    return Q(transaction_id=number) | Q(message_id=number)


def pretty(body: bytes) -> str:
    """For reading only: the raw bytes are what was signed."""
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return ""
