"""Messages of others, stored before they are acknowledged."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db import transaction

from apps.beckn import bell
from apps.beckn.models import Message, Side


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A message whose sender is proven, ready to be stored."""

    side: Side
    action: str
    sender_id: str
    gateway_id: str
    transaction_id: UUID
    message_id: UUID
    bap_id: str
    bap_uri: str
    bpp_id: str
    bpp_uri: str
    body: bytes
    headers: dict[str, str]
    digest: str
    received_at: datetime
    expires_at: datetime | None

    @property
    def key(self) -> tuple:
        return self.sender_id, self.message_id, self.action, self.side


class Storing(StrEnum):
    STORED = "stored"  # now, or earlier: a repeated message is acknowledged again and has no second effect
    CONTRADICTED = "contradicted"  # the same message_id was used with other words


def store(arrivals: list[Arrival]) -> list[Storing]:
    """Write all of them in one transaction. The constraints sort out what had been said before."""
    with transaction.atomic():
        Message.objects.bulk_create([_row(arrival) for arrival in arrivals], ignore_conflicts=True)
        kept = _kept_digests([arrival for arrival in arrivals if arrival.action in Message.SAID_ONCE])
        bell.ring_on_commit(bell.INBOX)
    return [
        Storing.STORED if kept.get(arrival.key, arrival.digest) == arrival.digest else Storing.CONTRADICTED
        for arrival in arrivals
    ]


def _kept_digests(arrivals: list[Arrival]) -> dict[tuple, str]:
    """What is on disk under the keys of `arrivals`: the digest of whoever came first."""
    if not arrivals:
        return {}
    rows = Message.objects.filter(
        direction=Message.Direction.IN,
        action__in=Message.SAID_ONCE,
        message_id__in={arrival.message_id for arrival in arrivals},
    )
    columns = ("peer_id", "message_id", "action", "side", "digest")
    return {tuple(key): digest for *key, digest in rows.values_list(*columns)}


def _row(arrival: Arrival) -> Message:
    return Message(
        side=arrival.side,
        direction=Message.Direction.IN,
        action=arrival.action,
        transaction_id=arrival.transaction_id,
        message_id=arrival.message_id,
        bap_id=arrival.bap_id,
        bap_uri=arrival.bap_uri,
        bpp_id=arrival.bpp_id,
        bpp_uri=arrival.bpp_uri,
        peer_id=arrival.sender_id,
        gateway_id=arrival.gateway_id,
        body=arrival.body,
        headers=arrival.headers,
        digest=arrival.digest,
        state=Message.State.RECEIVED,
        next_try_at=arrival.received_at,
        expires_at=arrival.expires_at,
        created_at=arrival.received_at,
    )
