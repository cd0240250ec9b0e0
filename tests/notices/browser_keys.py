"""The browser's half of Web Push, written from the RFCs and not from ours: it makes keys and reads what comes."""

import base64
import hashlib
import hmac
import os

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _hmac(key: bytes, words: bytes) -> bytes:
    return hmac.new(key, words, hashlib.sha256).digest()


class BrowserKeys:
    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.public = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.secret = os.urandom(16)

    @property
    def p256dh(self) -> str:
        return _text(self.public)

    @property
    def auth(self) -> str:
        return _text(self.secret)

    def read(self, body: bytes) -> bytes:
        salt, length = body[:16], body[20]
        sender = body[21 : 21 + length]
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        shared = self.private.exchange(ec.ECDH(), point)
        keying = _hmac(_hmac(self.secret, shared), b"WebPush: info\0" + self.public + sender + b"\x01")
        first = _hmac(salt, keying)
        key = _hmac(first, b"Content-Encoding: aes128gcm\0\x01")[:16]
        nonce = _hmac(first, b"Content-Encoding: nonce\0\x01")[:12]
        padded = AESGCM(key).decrypt(nonce, body[21 + length :], None)
        return padded.rstrip(b"\0").removesuffix(b"\x02")
