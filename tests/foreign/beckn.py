"""A second reading of the Beckn wire, written from the published specification alone.

Nothing here imports the project: that is the point. When a foreign party and the portal understand each
other, they agree on the wire and not on a shared mistake. Signing uses `cryptography`, the rest the standard
library and `requests`.
"""

import base64
import hashlib
import json
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import requests
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNED_PARTS = "(created) (expires) digest"
PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^",\s]+))')
CLOCK_TOLERANCE_SECONDS = 5


# --- Signing ---------------------------------------------------------------------------------------------
class Forged(Exception):
    """The Authorization header does not prove who sent these bytes."""


def digest(body: bytes) -> str:
    return base64.b64encode(hashlib.blake2b(body, digest_size=64).digest()).decode()


def signing_string(body: bytes, created: int, expires: int) -> bytes:
    return f"(created): {created}\n(expires): {expires}\ndigest: BLAKE-512={digest(body)}".encode()


@dataclass(frozen=True)
class Keys:
    subscriber_id: str
    key_id: str
    private: Ed25519PrivateKey

    @classmethod
    def make(cls, subscriber_id: str, key_id: str = "k1") -> "Keys":
        return cls(subscriber_id, key_id, Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, subscriber_id: str, key_id: str, private_base64: str) -> "Keys":
        """32 bytes of seed, or the 64 bytes seed‖public that libsodium users pass around."""
        raw = base64.b64decode(private_base64)
        keys = cls(subscriber_id, key_id, Ed25519PrivateKey.from_private_bytes(raw[:32]))
        if raw[32:] not in (b"", keys.private.public_key().public_bytes_raw()):
            raise ValueError("not an Ed25519 private key")
        return keys

    @property
    def public(self) -> str:
        return base64.b64encode(self.private.public_key().public_bytes_raw()).decode()

    def sign(self, body: bytes, created: int, expires: int) -> str:
        return base64.b64encode(self.private.sign(signing_string(body, created, expires))).decode()


def authorization(
    keys: Keys, body: bytes, *, created: int | None = None, expires: int | None = None, **wrong: str
) -> str:
    """The Authorization header for `body`. `wrong` overrides single parameters, for tests that cheat."""
    created = int(time.time()) - 1 if created is None else created
    expires = created + 60 if expires is None else expires
    parameters = {
        "keyId": f"{keys.subscriber_id}|{keys.key_id}|ed25519",
        "algorithm": "ed25519",
        "created": str(created),
        "expires": str(expires),
        "headers": SIGNED_PARTS,
        "signature": keys.sign(body, created, expires),
    } | wrong
    return "Signature " + ",".join(f'{name}="{value}"' for name, value in parameters.items())


def parse_authorization(header: str) -> dict[str, str]:
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() != "signature":
        raise Forged("no Signature scheme")
    return {name: quoted or bare for name, quoted, bare in PARAMETER.findall(rest)}


def signature_holds(public_base64: str, signature: str, body: bytes, created: int, expires: int) -> bool:
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_base64))
    try:
        public.verify(base64.b64decode(signature, validate=True), signing_string(body, created, expires))
    except (InvalidSignature, ValueError):
        return False
    return True


def verified_sender(
    header: str | None, body: bytes, key_of: Callable[[str, str], str | None], now: float | None = None
) -> str:
    """The subscriber id that signed `body`. Raises Forged with the reason."""
    if not header:
        raise Forged("no Authorization header")
    given = parse_authorization(header)
    missing = {"keyId", "algorithm", "created", "expires", "headers", "signature"} - given.keys()
    if missing:
        raise Forged(f"missing {sorted(missing)}")
    subscriber_id, key_id, algorithm = _key_parts(given["keyId"])
    if algorithm != "ed25519" or given["algorithm"] != algorithm:
        raise Forged(f"algorithm {given['algorithm']!r}")
    if given["headers"] != SIGNED_PARTS:
        raise Forged(f"headers {given['headers']!r}")
    created, expires = _window(given, time.time() if now is None else now)
    public = key_of(subscriber_id, key_id)
    if public is None:
        raise Forged(f"unknown key {given['keyId']}")
    if not signature_holds(public, given["signature"], body, created, expires):
        raise Forged("signature does not match these bytes")
    return subscriber_id


def _key_parts(key_id: str) -> list[str]:
    parts = key_id.split("|")
    if len(parts) != 3:
        raise Forged(f"keyId {key_id!r}")
    return parts


def _window(given: dict[str, str], now: float) -> tuple[int, int]:
    try:
        created, expires = int(given["created"]), int(given["expires"])
    except ValueError:
        raise Forged("created or expires is not a number") from None
    if created > now + CLOCK_TOLERANCE_SECONDS:
        raise Forged("created in the future")
    if expires < now:
        raise Forged("expired")
    return created, expires


# --- Messages --------------------------------------------------------------------------------------------
def new_id() -> str:
    return str(uuid.uuid4())


def now_text() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_bytes(payload: dict[str, Any]) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Peer:
    """Another participant as we know it: who, where, and its keys by key id ('*' for any)."""

    subscriber_id: str
    uri: str
    public_keys: dict[str, str]


@dataclass(frozen=True)
class Letter:
    """A message ready for the post: exact bytes, header, address. Posting it twice is a transport retry."""

    url: str
    action: str
    body: bytes
    authorization: str | None

    @property
    def payload(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def context(self) -> dict[str, Any]:
        return self.payload["context"]

    @property
    def message_id(self) -> str:
        return self.context["message_id"]

    def signed_by(self, keys: Keys, **how: Any) -> "Letter":
        return replace(self, authorization=authorization(keys, self.body, **how))


@dataclass(frozen=True)
class Reply:
    """What came back on the same connection."""

    status: int
    payload: dict[str, Any] | None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def acked(self) -> bool:
        if not 200 <= self.status < 300:
            return False
        ack = ((self.payload or {}).get("message") or {}).get("ack") or {}
        return ack.get("status", "ACK") == "ACK"

    @property
    def error(self) -> dict[str, Any]:
        payload = self.payload or {}
        return payload.get("error") or (payload.get("message") or {}).get("error") or {}


def post(letter: Letter, *, timeout: float = 10) -> Reply:
    headers = {"Content-Type": "application/json"}
    if letter.authorization is not None:
        headers["Authorization"] = letter.authorization
    with requests.post(letter.url, data=letter.body, headers=headers, timeout=timeout) as answer:
        try:
            payload = answer.json()
        except ValueError:
            payload = None
        return Reply(answer.status_code, payload if isinstance(payload, dict) else None, dict(answer.headers))


def post_until_answered(letter: Letter, *, patience: float = 30, pause: float = 0.25) -> Reply:
    """Post the same bytes again while the other side is away, throttles or has a fault of its own."""
    deadline = time.monotonic() + patience
    while True:
        try:
            reply = post(letter)
        except requests.RequestException:
            reply = None
        if reply is not None and reply.status not in (408, 429) and reply.status < 500:
            return reply
        if time.monotonic() > deadline:
            raise AssertionError(f"{letter.action} found no answer in {patience} s, last {reply}")
        time.sleep(pause)
