"""Web Push by hand: the message encrypted for one browser (RFC 8291 in the coding of RFC 8188), and our signature on
the request (VAPID, RFC 8292). Pure: keys and words in, bytes and headers out.
"""

import base64
import json
import os
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

RECORD = 4096
LONGEST = RECORD - 16 - 1 - 86  # what push services take is about 4 kB
GOOD_FOR = timedelta(hours=12)  # RFC 8292: at most a day
CURVE = ec.SECP256R1()


class KeyUnusable(ValueError):
    """Not a key of the curve, or not of the length."""


def make_private_key() -> str:
    number = ec.generate_private_key(CURVE).private_numbers().private_value
    return text_of(number.to_bytes(32))


def load_private_key(text: str) -> ec.EllipticCurvePrivateKey:
    try:
        return ec.derive_private_key(int.from_bytes(bytes_of(text)), CURVE)
    except ValueError as error:
        raise KeyUnusable("VAPID_PRIVATE_KEY is 32 bytes in base64url") from error


def public_text(key: ec.EllipticCurvePrivateKey) -> str:
    """What the browser is told of us (`applicationServerKey`)."""
    return text_of(_point(key.public_key()))


def check_subscription(p256dh: str, auth: str) -> None:
    """Raises KeyUnusable."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(CURVE, bytes_of(p256dh))
        if len(bytes_of(auth)) != 16:
            raise KeyUnusable("the secret has not 16 bytes")
    except ValueError as error:
        raise KeyUnusable("the keys of the browser cannot be used") from error


def encrypted(
    words: bytes,
    *,
    p256dh: str,
    auth: str,
    ours: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """For the browser that holds the other half of `p256dh` and `auth`; a fresh key and salt for each message."""
    theirs_raw, secret = bytes_of(p256dh), bytes_of(auth)
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, theirs_raw)
    ours = ours or ec.generate_private_key(CURVE)
    ours_raw, salt = _point(ours.public_key()), salt or os.urandom(16)
    shared = ours.exchange(ec.ECDH(), theirs)
    keying = _derived(shared, secret, b"WebPush: info\0" + theirs_raw + ours_raw, 32)
    key = _derived(keying, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(keying, salt, b"Content-Encoding: nonce\0", 12)
    head = salt + RECORD.to_bytes(4) + bytes([len(ours_raw)]) + ours_raw
    return head + AESGCM(key).encrypt(nonce, words[:LONGEST] + b"\x02", None)


def headers(
    endpoint: str,
    *,
    key: ec.EllipticCurvePrivateKey,
    contact: str,
    now: datetime,
    lasts: timedelta,
    topic: str,
) -> dict[str, str]:
    """`topic`: a message of the same one takes the place of one that still waits for the device."""
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int((now + GOOD_FOR).timestamp()),
        "sub": contact,
    }
    said = ".".join(_json_text(part) for part in ({"typ": "JWT", "alg": "ES256"}, claims))
    r, s = decode_dss_signature(key.sign(said.encode(), ec.ECDSA(hashes.SHA256())))
    signature = text_of(r.to_bytes(32) + s.to_bytes(32))
    return {
        "Authorization": f"vapid t={said}.{signature}, k={public_text(key)}",
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(int(lasts.total_seconds())),
        "Topic": topic[:32],
        "Urgency": "high",
    }


def text_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    """Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _json_text(part: dict) -> str:
    return text_of(json.dumps(part, separators=(",", ":")).encode())


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _derived(keying: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(keying)
