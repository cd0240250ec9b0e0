"""Foreign participants as the carrier's tests need them: an id, a key, and words that are signed with it."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings

from apps.beckn import registry, signing
from apps.beckn.models import Subscriber
from apps.lib import clock
from tests import loopback


@dataclass
class Peer:
    subscriber_id: str
    type: str
    url: str
    key_id: str = "k1"
    private: signing.SigningKey = field(
        default_factory=lambda: signing.load_private_key(signing.make_private_key())
    )

    @property
    def public(self) -> str:
        return signing.public_text(self.private)

    def register(self, **facts: Any) -> Subscriber:
        registry.forget()
        return registry.add_subscriber(
            subscriber_id=self.subscriber_id,
            url=self.url,
            type=self.type,
            key_id=self.key_id,
            public_key=self.public,
            **facts,
        )

    def context(self, action: str, **changes: Any) -> dict[str, Any]:
        ours = settings.BECKN
        context = {
            "domain": ours["DOMAIN"],
            "action": action,
            "version": "1.1.0",
            "bap_id": ours["BAP_ID"],
            "bap_uri": f"{settings.PUBLIC_URL}/beckn/bap",
            "bpp_id": ours["BPP_ID"],
            "bpp_uri": f"{settings.PUBLIC_URL}/beckn/bpp",
            "transaction_id": str(uuid4()),
            "message_id": str(uuid4()),
            "timestamp": clock.utc_text(clock.now()),
            "ttl": "PT30S",
        }
        role = self.type.lower()
        context |= {f"{role}_id": self.subscriber_id, f"{role}_uri": self.url} if role != "bg" else {}
        return {name: value for name, value in {**context, **changes}.items() if value is not None}

    def say(self, action: str, message: dict[str, Any] | None = None, **context: Any) -> bytes:
        words = {"context": self.context(action, **context), "message": message or {"order": {"id": "1"}}}
        return json.dumps(words, ensure_ascii=False).encode()

    def sign(self, body: bytes, *, at: int = 0) -> dict[str, str]:
        """The Authorization header for `body`, made `at` seconds from now."""
        now = int(clock.now().timestamp()) + at
        return {
            "Authorization": signing.authorization(
                self.private,
                self.subscriber_id,
                self.key_id,
                signing.digest(body),
                now=now,
                ttl=timedelta(seconds=60),
            )
        }

    def post(self, body: bytes, **headers: str) -> loopback.Came:
        """Signed, to the endpoint that the message itself names."""
        action = json.loads(body)["context"]["action"]
        room = "bpp" if self.type == "BAP" else "bap"
        return loopback.post(f"/beckn/{room}/{action}", body, {**self.sign(body), **headers})
