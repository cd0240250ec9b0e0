"""How a participant comes into a registry (fact sheet 3.1), from both ends.

As registry: /lookup tells who is subscribed; /subscribe takes an application, proven by the applicant's own key. The
worker then sends a challenge to the applicant's URL. Who passes waits for an administrator (or is admitted at once,
BECKN_ADMIT_ON_CHALLENGE); a new key of a subscribed participant, vouched for by its present key, needs nobody.
As participant: /on_subscribe answers the challenge of our registry, and of nobody else.
"""

import json
import secrets
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from apps.beckn import keys, registry, signing
from apps.beckn.addresses import AddressRefused, check_form
from apps.beckn.models import Side, Subscriber
from apps.beckn.participant import to_wire
from apps.beckn.signing import AuthError
from apps.beckn.transport import Answer, Transport
from apps.beckn.wire import v1_1 as wire
from apps.lib import clock
from apps.lib.errors import Refused
from apps.lib.moves import move

log = structlog.get_logger(__name__)

APPLYING = (Subscriber.State.INITIATED, Subscriber.State.UNDER_SUBSCRIPTION, Subscriber.State.INVALID_SSL)
REGISTRY_ACTIONS = ("lookup", "subscribe")
MOST_FOUND = 1_000
MOST_APPLICANTS = 200
CHALLENGED_EVERY, CHALLENGED_FOR = timedelta(minutes=1), timedelta(hours=1)
FILTERS = {
    "subscriber_id": "subscriber_id",
    "type": "type",
    "domain": "domain",
    "key_id": "key_id",
    "ukId": "key_id",
}

Reply = tuple[int, Any]


def answer(action: str, body: bytes, headers: dict[str, str]) -> Reply:
    """POST /beckn/registry/<action>: (HTTP status, JSON)."""
    try:
        asked = _object(body)
        return _look_up(asked) if action == "lookup" else _subscribe(asked, body, headers)
    except AuthError as error:
        return 401, _fault(error.text)
    except (wire.WireError, Refused) as error:
        return 400, _fault(str(error))


def _fault(text: str) -> dict[str, Any]:
    return wire.nack(wire.Error(code="30000", message=text))


def _object(body: bytes) -> dict[str, str]:
    raw = wire.read_json(body)
    if not isinstance(raw, dict):
        raise wire.WireError("body", "not an object")
    return {key: value for key, value in raw.items() if isinstance(value, str)}


# --- As registry ------------------------------------------------------------------------------------------
def _look_up(asked: dict[str, str]) -> Reply:
    filters = {column: asked[name] for name, column in FILTERS.items() if asked.get(name)}
    now = clock.now()
    rows = Subscriber.objects.filter(state=Subscriber.State.SUBSCRIBED, valid_from__lte=now, **filters)
    rows = rows.filter(Q(valid_until=None) | Q(valid_until__gt=now))
    return 200, [to_wire(row) for row in rows[:MOST_FOUND]]


def _subscribe(asked: dict[str, str], body: bytes, headers: dict[str, str]) -> Reply:
    subscriber_id, key_id = asked.get("subscriber_id", ""), asked.get("key_id") or asked.get("ukId", "")
    public_key = asked.get("signing_public_key", "")
    _check_applicant(subscriber_id, key_id, public_key, body, headers)
    known = Subscriber.objects.filter(subscriber_id=subscriber_id, key_id=key_id).first()
    if known is not None:
        return _known_applicant(known, public_key)
    if Subscriber.objects.filter(state=Subscriber.State.INITIATED).count() >= MOST_APPLICANTS:
        return 429, _fault("too many applications are open, please come back later")
    if asked.get("type") not in Subscriber.Type.values:
        raise wire.WireError("type", "must be BAP, BPP or BG")
    registry.add_subscriber(
        subscriber_id=subscriber_id,
        url=asked.get("url") or asked.get("subscriber_url", ""),
        type=asked["type"],
        key_id=key_id,
        public_key=public_key,
        domain=asked.get("domain", "")[:100],
        encryption_public_key=asked.get("encr_public_key", ""),
        valid_from=wire.read_instant(asked.get("valid_from")),
        valid_until=wire.read_instant(asked.get("valid_until")),
        admitted=False,
    )
    return 200, {"status": Subscriber.State.UNDER_SUBSCRIPTION}


def _check_applicant(
    subscriber_id: str, key_id: str, public_key: str, body: bytes, headers: dict[str, str]
) -> None:
    """Signed with the key it applies for; a newcomer to a known id must be vouched for by a valid key of it."""
    now = clock.now()
    signature = signing.read_authorization(headers.get("authorization"), now=int(now.timestamp()))
    if signature.subscriber_id != subscriber_id:
        raise AuthError("identity", "subscriber_id is not who signed the message")
    present = registry.look_up(subscriber_id, refresh=True)
    vouching = next((one for one in present if one.key_id == signature.key_id and one.is_valid(now)), None)
    if vouching is None and any(one.status not in APPLYING for one in present):
        raise AuthError("unknown", "this id is known: sign with a valid key of it")
    try:
        key = vouching.signing_public_key if vouching else signing.load_public_key(public_key)
    except signing.KeyUnusable as error:
        raise wire.WireError("signing_public_key", str(error)) from error
    if vouching is None and signature.key_id != key_id:
        raise AuthError("identity", "key_id is not the key that signed the message")
    if not signature.holds(key, signing.digest(body)):
        raise AuthError("signature", "the signature does not match these bytes")


def _known_applicant(row: Subscriber, public_key: str) -> Reply:
    if row.signing_public_key != signing.raw_public_text(public_key):
        raise Refused(f"{row} is registered with another key.")
    waiting = row.state in (Subscriber.State.INITIATED, Subscriber.State.UNDER_SUBSCRIPTION)
    return 200, {"status": Subscriber.State.UNDER_SUBSCRIPTION if waiting else row.state}


def challenge_applicants(transport: Transport | None = None) -> int:
    """The worker's round: challenge everybody who applied. Posts outside any transaction."""
    now = clock.now()
    due = Subscriber.objects.filter(state=Subscriber.State.INITIATED)
    rows = list(due.filter(Q(challenged_at=None) | Q(challenged_at__lte=now - CHALLENGED_EVERY))[:20])
    for row in rows:
        mine = Subscriber.objects.filter(pk=row.pk, challenged_at=row.challenged_at)
        if mine.update(challenged_at=now):
            _challenge(row, transport or Transport(), now)
    return len(rows)


def _challenge(row: Subscriber, transport: Transport, now: datetime) -> None:
    challenge = secrets.token_urlsafe(24)
    try:
        passed = _passes(row, challenge, transport)
    except (signing.KeyUnusable, AddressRefused) as error:
        log.info("a challenge could not be made", subscriber=str(row), why=str(error))
        passed = False
    if passed:
        known = Subscriber.objects.filter(subscriber_id=row.subscriber_id, state=Subscriber.State.SUBSCRIBED)
        at_once = settings.BECKN["ADMIT_ON_CHALLENGE"] or known.exists()
        to = Subscriber.State.SUBSCRIBED if at_once else Subscriber.State.UNDER_SUBSCRIPTION
        move(row, to, why="answered the challenge")
        transaction.on_commit(registry.forget)
    elif now - row.created_at > CHALLENGED_FOR:
        move(row, Subscriber.State.INVALID_SSL, why="did not answer the challenge within an hour")


def _passes(row: Subscriber, challenge: str, transport: Transport) -> bool:
    sealed = row.encryption_public_key and signing.encrypt_challenge(row.encryption_public_key, challenge)
    words = {
        "subscriber_id": row.subscriber_id,
        "status": Subscriber.State.UNDER_SUBSCRIPTION,
        "challenge": sealed or challenge,
    }
    came = _signed_post(keys.own_key(keys.REGISTRY), f"{check_form(row.url)}/on_subscribe", words, transport)
    try:
        said = _object(came.text.encode()).get("answer", "")
    except wire.WireError:
        return False
    if sealed and secrets.compare_digest(said.encode(), challenge.encode()):
        return True
    return signing.opens_signed_challenge(row.signing_public_key, said, words["challenge"])


def _signed_post(key: keys.OwnKey, url: str, words: dict[str, str], transport: Transport) -> Answer:
    body = json.dumps(words, separators=(",", ":")).encode()
    header = signing.authorization(
        key.signing_key,
        key.subscriber_id,
        key.key_id,
        signing.digest(body),
        now=int(clock.now().timestamp()),
        ttl=timedelta(minutes=1),
    )
    return transport.post(url, body, {"Content-Type": "application/json", "Authorization": header})


# --- As participant ---------------------------------------------------------------------------------------
def apply(side: Side, transport: Transport | None = None) -> Answer:
    """Ask the remote registry to take us in; its challenge comes to /on_subscribe."""
    own, now = keys.own_key(side), clock.now()
    words = {
        "subscriber_id": own.subscriber_id,
        "url": registry.own_url(side),
        "type": side.value,
        "domain": settings.BECKN["DOMAIN"],
        "key_id": own.key_id,
        "signing_public_key": own.public,
        "encr_public_key": signing.encryption_public_text(keys.own_encryption_key()),
        "valid_from": clock.utc_text(now),
        "valid_until": clock.utc_text(now + timedelta(days=365)),
        "nonce": secrets.token_hex(16),
    }
    url = f"{settings.BECKN['REGISTRY_URL'].rstrip('/')}/subscribe"
    return _signed_post(own, url, words, transport or Transport())


def answer_challenge(side: Side, body: bytes, headers: dict[str, str]) -> Reply:
    """POST /beckn/<side>/on_subscribe. Only our registry may ask: we would sign or decrypt for anybody else."""
    try:
        signature = signing.read_authorization(headers.get("authorization"), now=int(clock.now().timestamp()))
        if not signature.holds(_registry_key(), signing.digest(body)):
            raise AuthError("signature", "this is not signed by our registry")
        challenge = _object(body).get("challenge", "")
        if settings.BECKN["CHALLENGE"] == "sign":
            return 200, {"answer": _signed(side, challenge)}
        return 200, {"answer": signing.decrypt_challenge(keys.own_encryption_key(), challenge)}
    except AuthError as error:
        return 401, _fault(error.text)
    except (wire.WireError, signing.KeyUnusable) as error:
        return 400, _fault(str(error))


def _signed(side: Side, challenge: str) -> str:
    if not 8 <= len(challenge) <= 500 or "(created)" in challenge or not challenge.isprintable():
        raise signing.KeyUnusable("this is no challenge")  # it could be the signing string of a message
    return signing.signed_challenge(keys.own_key(side).signing_key, challenge)


def _registry_key() -> signing.VerifyKey:
    if not settings.BECKN["REGISTRY_URL"]:
        return keys.own_key(keys.REGISTRY).signing_key.verify_key
    if not settings.BECKN["REGISTRY_PUBLIC_KEY"]:
        log.error("a registry's challenge was refused: set BECKN_REGISTRY_PUBLIC_KEY")
        raise AuthError("unknown", "the key of our registry is not configured")
    return signing.load_public_key(settings.BECKN["REGISTRY_PUBLIC_KEY"])
