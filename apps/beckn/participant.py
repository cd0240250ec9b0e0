"""A participant as any registry tells it, under whichever field names (fact sheet 3.2)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from apps.beckn import signing
from apps.beckn.models import Subscriber
from apps.beckn.wire import v1_1 as wire
from apps.lib import clock


class RegistrySilent(Exception):
    """The remote registry did not answer: nothing can be said about anybody."""


@dataclass(frozen=True)
class Participant:
    subscriber_id: str
    key_id: str
    type: str
    url: str
    domain: str
    signing_public_key: signing.VerifyKey
    valid_from: datetime | None
    valid_until: datetime | None
    status: str

    @classmethod
    def of_row(cls, row: Subscriber) -> Self:
        return cls(
            row.subscriber_id,
            row.key_id,
            row.type,
            row.url,
            row.domain,
            signing.load_public_key(row.signing_public_key),
            row.valid_from,
            row.valid_until,
            row.state,
        )

    @classmethod
    def read(cls, raw: Any) -> Self | None:
        """One element of a /lookup answer; None when it cannot be used."""
        if not isinstance(raw, dict):
            return None
        text = {key: value for key, value in raw.items() if isinstance(value, str)}

        def first(*names: str) -> str:
            return next((text[name] for name in names if text.get(name)), "")

        try:
            return cls(
                subscriber_id=first("subscriber_id"),
                key_id=first("key_id", "ukId", "unique_key_id", "pub_key_id"),
                type=first("type").upper(),
                url=first("url", "subscriber_url").rstrip("/"),
                domain=first("domain"),
                signing_public_key=signing.load_public_key(first("signing_public_key")),
                valid_from=wire.read_instant(first("valid_from")),
                valid_until=wire.read_instant(first("valid_until")),
                status=first("status").upper(),
            )
        except signing.KeyUnusable:
            return None

    def is_valid(self, now: datetime) -> bool:
        began = self.valid_from is None or self.valid_from <= now
        return self.status == Subscriber.State.SUBSCRIBED and began and not self.is_over(now)

    def is_over(self, now: datetime) -> bool:
        return self.valid_until is not None and self.valid_until <= now


def to_wire(row: Subscriber) -> dict[str, str]:
    """A row as our own /lookup answers it: the core names, and the protocol server's beside them."""
    known = {
        "subscriber_id": row.subscriber_id,
        "url": row.url,
        "subscriber_url": row.url,
        "type": row.type,
        "domain": row.domain,
        "key_id": row.key_id,
        "ukId": row.key_id,
        "signing_public_key": row.signing_public_key,
        "encr_public_key": row.encryption_public_key,
        "valid_from": clock.utc_text(row.valid_from),
        "valid_until": clock.utc_text(row.valid_until) if row.valid_until else "",
        "status": row.state,
        "created": clock.utc_text(row.created_at),
        "updated": clock.utc_text(row.updated_at),
    }
    return {name: value for name, value in known.items() if value}
