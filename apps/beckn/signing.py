"""BECKN-006: Ed25519 over a BLAKE2b-512 digest of the raw body bytes. No other file knows the crypto library.

What is signed is three lines without a final newline (four with `request-signature`, see fact sheet 2.7):

    (created): 1641287875
    (expires): 1641291475
    digest: BLAKE-512=<base64 of the digest>
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from nacl.exceptions import BadSignatureError, CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.signing import SigningKey, VerifyKey

ALGORITHM = "ed25519"
SIGNED = "(created) (expires) digest"
SIGNED_WITH_REQUEST = f"{SIGNED} request-signature"
BACKDATED = 2  # seconds: some peers tolerate no clock that runs ahead
SHORTEST, LONGEST_EMITTED = 60, 300
FUTURE_TOLERATED = 5
LONGEST_ACCEPTED = 3600

_ED25519_DER = bytes.fromhex("302a300506032b6570032100")
_X25519_DER = bytes.fromhex("302a300506032b656e032100")
_PARAMETER = re.compile(r'\s*([A-Za-z]+)\s*=\s*(?:"([^"]*)"|([^",\s]+))\s*(?:,|$)')
_NUMBER = re.compile(r"[0-9]{1,12}")


class AuthError(Exception):
    """This message cannot be trusted. `reason` is from a closed list, the text is for the peer."""

    def __init__(self, reason: str, text: str):
        super().__init__(text)
        self.reason = reason
        self.text = text


class KeyUnusable(ValueError):
    """Not a key of the kind that was asked for."""


# --- Digest and signature ---------------------------------------------------------------------------------
def digest(body: bytes) -> str:
    return base64.b64encode(hashlib.blake2b(body, digest_size=64).digest()).decode()


def signing_string(body_digest: str, created: int, expires: int, request_signature: str = "") -> bytes:
    lines = [f"(created): {created}", f"(expires): {expires}", f"digest: BLAKE-512={body_digest}"]
    if request_signature:
        lines.append(f"request-signature: {request_signature}")
    return "\n".join(lines).encode()


def sign(key: SigningKey, text: bytes) -> str:
    return base64.b64encode(key.sign(text).signature).decode()


def authorization(
    key: SigningKey, subscriber_id: str, key_id: str, body_digest: str, *, now: int, ttl: timedelta
) -> str:
    """The header for these bytes, good for the ttl but at least one and at most five minutes."""
    created = now - BACKDATED
    expires = now + max(SHORTEST, min(LONGEST_EMITTED, int(ttl.total_seconds())))
    signature = sign(key, signing_string(body_digest, created, expires))
    return (
        f'Signature keyId="{subscriber_id}|{key_id}|{ALGORITHM}",algorithm="{ALGORITHM}",'
        f'created="{created}",expires="{expires}",headers="{SIGNED}",signature="{signature}"'
    )


def challenge_header(realm: str) -> str:
    """The value of WWW-Authenticate and Proxy-Authenticate (fact sheet 2.5)."""
    return f'Signature realm="{realm}",headers="{SIGNED}"'


# --- Reading a header -------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Signature:
    """An Authorization header that is well formed and whose clock is right; not yet a proof."""

    subscriber_id: str
    key_id: str
    created: int
    expires: int
    with_request: bool
    signature: bytes

    def holds(self, public_key: VerifyKey, body_digest: str, request_signature: str = "") -> bool:
        if self.with_request and not request_signature:
            return False
        text = signing_string(
            body_digest, self.created, self.expires, request_signature if self.with_request else ""
        )
        try:
            public_key.verify(text, self.signature)
        except (BadSignatureError, ValueError):
            return False
        return True


def read_authorization(header: str | None, *, now: int) -> Signature:
    """Steps 1 to 4 of the verification order (fact sheet 2.4). Raises AuthError."""
    if not header:
        raise AuthError("missing", "the signature header is missing")
    given = _parameters(header)
    subscriber_id, key_id, key_algorithm = _key_parts(given)
    if given.get("algorithm", "").lower() != ALGORITHM or key_algorithm.lower() != ALGORITHM:
        raise AuthError("algorithm", "algorithm must be ed25519, in keyId too")
    if given.get("headers") not in (SIGNED, SIGNED_WITH_REQUEST):
        raise AuthError("headers", f'headers must be "{SIGNED}"')
    created, expires = _window(given, now)
    try:
        signature = base64.b64decode(given.get("signature", ""), validate=True)
    except (binascii.Error, ValueError):
        signature = b""
    if len(signature) != 64:
        raise AuthError("malformed", "signature must be 64 bytes in base64")
    with_request = given["headers"] == SIGNED_WITH_REQUEST
    return Signature(subscriber_id, key_id, created, expires, with_request, signature)


def _parameters(header: str) -> Mapping[str, str]:
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() != "signature":
        raise AuthError("malformed", "the scheme must be Signature")
    found: dict[str, str] = {}
    position = 0
    while position < len(rest):
        match = _PARAMETER.match(rest, position)
        if match is None or match[1] in found:
            raise AuthError("malformed", "the signature header cannot be read")
        found[match[1]] = match[2] if match[2] is not None else match[3]
        position = match.end()
    return found


def _key_parts(given: Mapping[str, str]) -> list[str]:
    parts = given.get("keyId", "").split("|")
    if len(parts) != 3 or not all(part.isascii() and part.isprintable() and part for part in parts):
        raise AuthError("malformed", "keyId must be subscriber_id|unique_key_id|ed25519")
    return parts


def _window(given: Mapping[str, str], now: int) -> tuple[int, int]:
    texts = given.get("created", ""), given.get("expires", "")
    if not all(_NUMBER.fullmatch(text) for text in texts):
        raise AuthError("malformed", "created and expires must be Unix seconds")
    created, expires = int(texts[0]), int(texts[1])
    if created > now + FUTURE_TOLERATED:
        raise AuthError("clock", "created is in the future")
    if now > expires:
        raise AuthError("clock", "the signature has expired")
    if expires - created > LONGEST_ACCEPTED + FUTURE_TOLERATED:
        raise AuthError("clock", "the signature is valid for longer than an hour")
    return created, expires


# --- Keys -------------------------------------------------------------------------------------------------
def make_private_key() -> str:
    return base64.b64encode(bytes(SigningKey.generate())).decode()


def load_private_key(text: str) -> SigningKey:
    """A 32-byte seed, or libsodium's 64 bytes seed‖public, in base64. Raises KeyUnusable."""
    raw = _decoded(text)
    if len(raw) not in (32, 64):
        raise KeyUnusable("an Ed25519 private key has 32 or 64 bytes")
    key = SigningKey(raw[:32])
    if raw[32:] not in (b"", bytes(key.verify_key)):
        raise KeyUnusable("the public half does not belong to the private half")
    return key


def load_public_key(text: str) -> VerifyKey:
    """Raw 32 bytes or DER SubjectPublicKeyInfo, in base64. Raises KeyUnusable."""
    return VerifyKey(_raw_public(text, _ED25519_DER))


def raw_public_text(text: str) -> str:
    """Any accepted form of a public key as the raw base64 that we publish. Raises KeyUnusable."""
    return base64.b64encode(_raw_public(text, _ED25519_DER)).decode()


def public_text(key: SigningKey) -> str:
    return base64.b64encode(bytes(key.verify_key)).decode()


def _raw_public(text: str, der_prefix: bytes) -> bytes:
    raw = _decoded(text)
    if len(raw) == 32 + len(der_prefix) and raw.startswith(der_prefix):
        raw = raw[len(der_prefix) :]
    if len(raw) != 32:
        raise KeyUnusable("a public key has 32 bytes")
    return raw


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise KeyUnusable("not base64") from error


# --- The registry's challenge -----------------------------------------------------------------------------
def load_encryption_key(text: str) -> PrivateKey:
    raw = _decoded(text)
    if len(raw) != 32:
        raise KeyUnusable("an X25519 private key has 32 bytes")
    return PrivateKey(raw)


def make_encryption_key() -> str:
    return base64.b64encode(bytes(PrivateKey.generate())).decode()


def encryption_public_text(key: PrivateKey) -> str:
    return base64.b64encode(bytes(key.public_key)).decode()


def check_encryption_public_key(text: str) -> None:
    PublicKey(_raw_public(text, _X25519_DER))


def encrypt_challenge(public_key: str, challenge: str) -> str:
    """A sealed box: only the owner of the X25519 key can open it."""
    box = SealedBox(PublicKey(_raw_public(public_key, _X25519_DER)))
    return base64.b64encode(box.encrypt(challenge.encode())).decode()


def decrypt_challenge(key: PrivateKey, challenge: str) -> str:
    """Raises KeyUnusable when it was not meant for this key."""
    try:
        return SealedBox(key).decrypt(_decoded(challenge)).decode()
    except (CryptoError, ValueError) as error:
        raise KeyUnusable("the challenge cannot be decrypted") from error


def signed_challenge(key: SigningKey, challenge: str) -> str:
    """The protocol server's way: libsodium combined mode, signature‖challenge."""
    return base64.b64encode(bytes(key.sign(challenge.encode()))).decode()


def opens_signed_challenge(public_key: str, answer: str, challenge: str) -> bool:
    try:
        return load_public_key(public_key).verify(_decoded(answer)).decode() == challenge
    except (CryptoError, ValueError):
        return False
