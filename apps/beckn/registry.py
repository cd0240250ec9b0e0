"""Who is who on the network: our own table (the built-in registry), or a remote one asked by /lookup.

What was found is remembered for a short while. Built-in: two seconds, so that a revocation takes effect soon
in every process. Remote: five minutes or until the key expires; what is unknown there for half a minute.
"""

import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from apps.beckn import addresses, keys, remote_registry, signing
from apps.beckn.models import KnownPlatform, Side, Subscriber
from apps.beckn.participant import Participant, RegistrySilent
from apps.lib import clock
from apps.lib.errors import Refused
from apps.lib.moves import may_move, move

log = structlog.get_logger(__name__)

FRESH_SECONDS, NEWS_SECONDS = 2, 5
REMOTE_FRESH_SECONDS, REMOTE_UNKNOWN_SECONDS = 300, 30
MOST_REMEMBERED = 5_000
OLD_KEY_GRACE = timedelta(days=1)
ROLE_OF = {Side.BAP: "bap", Side.BPP: "bpp"}


# --- Looking up -------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Remembered:
    participants: tuple[Participant, ...]
    asked_at: float
    until: float


_remembered: dict[tuple[str, str], _Remembered] = {}
_lock = threading.Lock()


def forget() -> None:
    """Drop everything remembered in this process."""
    with _lock:
        _remembered.clear()


def remembered(
    subscriber_id: str, key_id: str = "", *, refresh: bool = False
) -> tuple[Participant, ...] | None:
    """What this process knows without asking anybody; None when it must ask.

    `refresh` asks for news: then only what was heard in the last seconds counts as known, so that forgers
    cannot make us ask for each of their messages.
    """
    entry, now = _remembered.get((subscriber_id, key_id)), time.monotonic()
    if entry is None or entry.until <= now or (refresh and entry.asked_at + NEWS_SECONDS <= now):
        return None
    return entry.participants


def look_up(subscriber_id: str, key_id: str = "", *, refresh: bool = False) -> tuple[Participant, ...]:
    """The keys of that subscriber (or the one key), newest first, whatever their state.

    Asks the database or the remote registry unless it is remembered; raises RegistrySilent.
    """
    known = remembered(subscriber_id, key_id, refresh=refresh)
    if known is not None:
        return known
    if settings.BECKN["REGISTRY_URL"]:
        found, seconds = _look_up_remotely(subscriber_id, key_id)
    else:
        rows = Subscriber.objects.filter(subscriber_id=subscriber_id)
        rows = rows.filter(key_id=key_id) if key_id else rows
        found, seconds = tuple(Participant.of_row(row) for row in rows), FRESH_SECONDS
    with _lock:
        if len(_remembered) >= MOST_REMEMBERED:
            _remembered.clear()
        _remembered[subscriber_id, key_id] = _Remembered(found, time.monotonic(), time.monotonic() + seconds)
    return found


def _look_up_remotely(subscriber_id: str, key_id: str) -> tuple[tuple[Participant, ...], float]:
    found = tuple(remote_registry.look_up(subscriber_id=subscriber_id, key_id=key_id))
    if not found:
        return found, REMOTE_UNKNOWN_SECONDS
    ends = [(one.valid_until - clock.now()).total_seconds() for one in found if one.valid_until]
    return found, max(1, min([REMOTE_FRESH_SECONDS, *(end for end in ends if end > 0)]))


def pick(participants: tuple[Participant, ...], type: str, key_id: str | None = None) -> Participant | None:
    """The one that may act in that role now: with that key, or with the newest."""
    now = clock.now()
    for one in participants:
        if one.type == type and one.is_valid(now) and key_id in (None, one.key_id):
            return one
    return None


def participant(subscriber_id: str, type: str) -> Participant | None:
    return pick(look_up(subscriber_id), type)


def bpps() -> list[KnownPlatform]:
    """Every operator platform of the network, one entry each. Asks only the database: safe in a transaction."""
    if settings.BECKN["REGISTRY_URL"]:
        return list(KnownPlatform.objects.order_by("subscriber_id"))
    rows = Subscriber.objects.filter(type=Subscriber.Type.BPP, state=Subscriber.State.SUBSCRIBED)
    return _platforms([Participant.of_row(row) for row in rows])


def _platforms(everybody: list[Participant]) -> list[KnownPlatform]:
    now = clock.now()
    newest: dict[str, KnownPlatform] = {}
    for one in everybody:
        ours = one.domain in ("", settings.BECKN["DOMAIN"])
        if one.type == Subscriber.Type.BPP and one.is_valid(now) and ours:
            newest.setdefault(one.subscriber_id, KnownPlatform(subscriber_id=one.subscriber_id, url=one.url))
    return list(newest.values())


def refresh_platforms() -> int:
    """The worker's round: ask the remote registry who sells here, and keep the answer for `bpps`."""
    if not settings.BECKN["REGISTRY_URL"]:
        return 0
    try:
        found = _platforms(remote_registry.look_up(type=Subscriber.Type.BPP))
    except RegistrySilent:
        return 0  # what was known last time is still the best guess
    with transaction.atomic():
        KnownPlatform.objects.exclude(subscriber_id__in=[one.subscriber_id for one in found]).delete()
        KnownPlatform.objects.bulk_create(
            found, update_conflicts=True, unique_fields=["subscriber_id"], update_fields=["url"]
        )
    return len(found)


def endpoint(subscriber_id: str, type: str, uri: str) -> str:
    """Where to post for that subscriber: `uri` when it lies under the registered URL, else that URL.

    Raises AddressRefused when the subscriber is not (or no longer) on the network.
    """
    known = participant(subscriber_id, type)
    if known is None:
        raise addresses.AddressRefused(f"{subscriber_id} is not subscribed as {type}")
    url = addresses.check_form(known.url)
    return uri.rstrip("/") if uri and addresses.is_beneath(uri, url) else url


# --- Ourselves --------------------------------------------------------------------------------------------
def own_url(side: Side) -> str:
    return f"{settings.PUBLIC_URL}/beckn/{ROLE_OF[side]}"


def own_id(side: Side) -> str:
    return settings.BECKN[keys.SUBSCRIBER_SETTING[side]]


def ensure_own_subscribers() -> None:
    """Put our own sides into the built-in registry, with their present keys and URLs. Safe to repeat."""
    if settings.BECKN["REGISTRY_URL"]:
        return
    for side, role in ROLE_OF.items():
        if role in settings.ROLES:
            _ensure_own(side)
    transaction.on_commit(forget)


def _ensure_own(side: Side) -> None:
    own, now = keys.own_key(side), clock.now()
    facts = {
        "url": own_url(side),
        "domain": settings.BECKN["DOMAIN"],
        "signing_public_key": own.public,
        "encryption_public_key": signing.encryption_public_text(keys.own_encryption_key()),
    }
    with transaction.atomic():
        row, made = Subscriber.objects.get_or_create(
            subscriber_id=own.subscriber_id,
            key_id=own.key_id,
            defaults={**facts, "type": side, "valid_from": now, "state": Subscriber.State.INITIATED},
        )
        if made:
            move(row, Subscriber.State.SUBSCRIBED, why="our own side")
        Subscriber.objects.filter(pk=row.pk).exclude(**facts).update(**facts, updated_at=now)
        older = Subscriber.objects.filter(subscriber_id=own.subscriber_id, type=side).exclude(pk=row.pk)
        older.exclude(url=facts["url"]).update(url=facts["url"], updated_at=now)
        older.filter(Q(valid_until=None) | Q(valid_until__gt=now + OLD_KEY_GRACE)).update(
            valid_until=now + OLD_KEY_GRACE, updated_at=now
        )


# --- Others, in the built-in registry ---------------------------------------------------------------------
def add_subscriber(
    *,
    subscriber_id: str,
    url: str,
    type: str,
    key_id: str,
    public_key: str,
    domain: str = "",
    encryption_public_key: str = "",
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    admitted: bool = True,
    why: str = "added by an administrator",
) -> Subscriber:
    """A new participant, or a new key of a known one; not `admitted`, it only applies. Raises Refused."""
    checked_key, checked_url = check_words(
        subscriber_id=subscriber_id,
        key_id=key_id,
        url=url,
        public_key=public_key,
        encryption_public_key=encryption_public_key,
    )
    with transaction.atomic():
        row, made = Subscriber.objects.get_or_create(
            subscriber_id=subscriber_id,
            key_id=key_id,
            defaults={
                "url": checked_url,
                "type": type,
                "domain": domain,
                "signing_public_key": checked_key,
                "encryption_public_key": encryption_public_key,
                "valid_from": valid_from or clock.now(),
                "valid_until": valid_until,
            },
        )
        if not made:
            raise Refused(f"{row} is registered already ({row.get_state_display()}). Use a new key id.")
        if admitted:
            move(row, Subscriber.State.SUBSCRIBED, why=why)
        transaction.on_commit(forget)
    return row


def check_words(
    *, subscriber_id: str, key_id: str, url: str, public_key: str, encryption_public_key: str = ""
) -> tuple[str, str]:
    """The public key and the URL in the form we keep. Raises Refused, saying what is wrong."""
    for name, text in (("subscriber id", subscriber_id), ("key id", key_id)):
        if (
            not 0 < len(text) <= 100
            or not text.isascii()
            or not text.isprintable()
            or set(text) & set('|", ')
        ):
            raise Refused(f"The {name} must be plain characters without spaces, quotes, commas and bars.")
    try:
        key = signing.raw_public_text(public_key)
        if encryption_public_key:
            signing.check_encryption_public_key(encryption_public_key)
    except signing.KeyUnusable as error:
        raise Refused(f"The public key cannot be used: {error}.") from error
    try:
        return key, addresses.check_form(url)
    except addresses.AddressRefused as error:
        raise Refused(f"The URL cannot be used: {error}.") from error


def change_subscriber(row: Subscriber, *, fields: list[str]) -> None:
    """Keep what a form changed on `row`; the key itself never changes."""
    row.save(update_fields=[*fields, "updated_at"])
    transaction.on_commit(forget)


def admit(row: Subscriber, *, why: str) -> None:
    if not may_move(row, Subscriber.State.SUBSCRIBED):
        raise Refused(f"{row} is {row.get_state_display()} and cannot be admitted.")
    move(row, Subscriber.State.SUBSCRIBED, why=why)
    transaction.on_commit(forget)


def revoke(row: Subscriber, *, why: str) -> None:
    """From now on nothing signed with this key is believed, and nothing is sent there."""
    if row.state != Subscriber.State.UNSUBSCRIBED:
        move(row, Subscriber.State.UNSUBSCRIBED, why=why)
    transaction.on_commit(forget)


def expire_subscribers() -> int:
    """Close the keys whose time is over; verification never believed them after `valid_until` anyway."""
    over = Subscriber.objects.filter(state=Subscriber.State.SUBSCRIBED, valid_until__lte=clock.now())
    rows = list(over[:100])
    for row in rows:
        move(row, Subscriber.State.EXPIRED, why="its time was over")
    return len(rows)
