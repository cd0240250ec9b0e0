"""What a broken or hostile peer does to a letter: each function takes a good letter and returns a bad one."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.foreign.beckn import Keys, Letter, Reply, as_bytes, post


def replay(letter: Letter, times: int) -> list[Reply]:
    """The same bytes and header again, as a retrying or recording peer would."""
    return [post(letter) for _ in range(times)]


def unsigned(letter: Letter) -> Letter:
    return replace(letter, authorization=None)


def tampered(letter: Letter, was: bytes = b'"1.1.0"', now: bytes = b'"1.1.1"') -> Letter:
    """One value changed after signing; the bytes still are JSON."""
    assert was in letter.body
    return replace(letter, body=letter.body.replace(was, now, 1))


def reformatted(letter: Letter) -> Letter:
    """The same JSON with other spacing: equal in meaning, not in bytes."""
    return replace(letter, body=json.dumps(letter.payload, indent=1).encode())


def truncated(letter: Letter, keys: Keys) -> Letter:
    """Cut off in the middle, and properly signed all the same."""
    return replace(letter, body=letter.body[: len(letter.body) // 2]).signed_by(keys)


def expired(letter: Letter, keys: Keys, *, seconds: int = 30) -> Letter:
    now = int(time.time())
    return letter.signed_by(keys, created=now - seconds - 60, expires=now - seconds)


def from_the_future(letter: Letter, keys: Keys, *, seconds: int = 60) -> Letter:
    created = int(time.time()) + seconds
    return letter.signed_by(keys, created=created, expires=created + 60)


def valid_for_ever(letter: Letter, keys: Keys) -> Letter:
    now = int(time.time())
    return letter.signed_by(keys, created=now - 1, expires=now + 10 * 365 * 86_400)


def wrong_key_id(letter: Letter, keys: Keys) -> Letter:
    """A key nobody registered for this subscriber."""
    return letter.signed_by(keys, keyId=f"{keys.subscriber_id}|nobody-knows-me|ed25519")


def half_a_key_id(letter: Letter, keys: Keys) -> Letter:
    return letter.signed_by(keys, keyId=keys.subscriber_id)


def wrong_algorithm(letter: Letter, keys: Keys) -> Letter:
    return letter.signed_by(keys, algorithm="rsa-sha256")


def wrong_headers_list(letter: Letter, keys: Keys) -> Letter:
    return letter.signed_by(keys, headers="(created) (expires)")


def signed_with_another_key(letter: Letter, keys: Keys) -> Letter:
    """Says it is `keys`, but somebody else's private key made the signature."""
    stranger = Keys.make(keys.subscriber_id, keys.key_id)
    return letter.signed_by(stranger)


def with_context(letter: Letter, keys: Keys, **changes: Any) -> Letter:
    """The context changed before signing: valid bytes, wrong claims."""
    payload = letter.payload
    payload["context"] |= changes
    return replace(letter, body=as_bytes(payload)).signed_by(keys)


def claiming_to_be(letter: Letter, keys: Keys, subscriber_id: str, side: str = "bap") -> Letter:
    """Signed by us, with somebody else's id in the context."""
    return with_context(letter, keys, **{f"{side}_id": subscriber_id})


def stale(letter: Letter, keys: Keys, *, seconds: int = 600) -> Letter:
    """Freshly signed, but its own time to live is long over."""
    then = datetime.now(UTC) - timedelta(seconds=seconds)
    return with_context(
        letter, keys, timestamp=then.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


# Every way of not being who one says, for the doors of both sides: each answers 401.
FORGERIES: dict[str, Callable[[Letter, Keys], Letter]] = {
    "unsigned": lambda letter, keys: unsigned(letter),
    "tampered": lambda letter, keys: tampered(letter),
    "reformatted": lambda letter, keys: reformatted(letter),
    "expired": expired,
    "created in the future": from_the_future,
    "valid for ever": valid_for_ever,
    "unknown key": wrong_key_id,
    "half a key id": half_a_key_id,
    "wrong algorithm": wrong_algorithm,
    "wrong headers": wrong_headers_list,
    "another key": signed_with_another_key,
    "another app": lambda letter, keys: claiming_to_be(letter, keys, "app.somebody.example", "bap"),
    "another operator": lambda letter, keys: claiming_to_be(letter, keys, "grid.somebody.example", "bpp"),
}
