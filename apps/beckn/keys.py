"""Our own keys: from the settings, or, embedded, made once and kept in the data directory.

A new BECKN_KEY_ID makes (or takes) a new key, and that one signs from then on; registry.ensure_own_subscribers
keeps the old public key valid for a day, so that what is under way still verifies.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.beckn import signing
from apps.beckn.models import Side
from apps.lib.secrets import kept_secret

REGISTRY = "REGISTRY"
SUBSCRIBER_SETTING = {Side.BAP: "BAP_ID", Side.BPP: "BPP_ID", REGISTRY: "REGISTRY_ID"}


@dataclass(frozen=True)
class OwnKey:
    subscriber_id: str
    key_id: str
    signing_key: signing.SigningKey

    @property
    def public(self) -> str:
        return signing.public_text(self.signing_key)


def own_key(of: str) -> OwnKey:
    """The key that signs for one of our parts: Side.BAP, Side.BPP or REGISTRY."""
    key_id = settings.BECKN["KEY_ID"]
    text = settings.BECKN["SIGNING_KEY"] or _kept(f"beckn_{of.lower()}_{key_id}", signing.make_private_key)
    return OwnKey(settings.BECKN[SUBSCRIBER_SETTING[of]], key_id, _signing_key(text))


def own_encryption_key() -> signing.PrivateKey:
    """X25519, for the registry's challenge only."""
    text = settings.BECKN["ENCRYPTION_KEY"] or _kept("beckn_encryption", signing.make_encryption_key)
    return _encryption_key(text)


def _kept(name: str, make: Callable[[], str]) -> str:
    if not settings.EMBEDDED:
        raise ImproperlyConfigured("set BECKN_SIGNING_KEY and BECKN_ENCRYPTION_KEY (docs/configuration.md)")
    return _kept_in(str(settings.DATA_DIR), name, make)


@lru_cache(maxsize=16)
def _kept_in(directory: str, name: str, make: Callable[[], str]) -> str:
    safe = "".join(letter if letter.isalnum() else "_" for letter in name)
    return kept_secret(settings.DATA_DIR / safe, make)


@lru_cache(maxsize=16)
def _signing_key(text: str) -> signing.SigningKey:
    try:
        return signing.load_private_key(text)
    except signing.KeyUnusable as error:
        raise ImproperlyConfigured(f"BECKN_SIGNING_KEY: {error}") from error


@lru_cache(maxsize=4)
def _encryption_key(text: str) -> signing.PrivateKey:
    try:
        return signing.load_encryption_key(text)
    except signing.KeyUnusable as error:
        raise ImproperlyConfigured(f"BECKN_ENCRYPTION_KEY: {error}") from error
