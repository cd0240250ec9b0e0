"""Tells apps of a running charge at the address they gave in `track`: a signed PATCH with the figures of the tracking
page (fact sheet 4.9), at most one in ten seconds and only when something changed.

The row is the memory: who dies while sending lets the lease run out, and another sender says the newest. An address
that does not answer is tried ever more rarely and then given up; one that says no is asked no more. Both stand in the
booking's page of the admin.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from apps.beckn import addresses, db, hooks, signing
from apps.beckn.models import Side
from apps.beckn.transport import Answer, Transport
from apps.beckn.wire import v1_1 as wire
from apps.bookings.following import Follower
from apps.bookings.models import Booking
from apps.bookings.selectors import Tracked, all_bookings
from apps.charging.selectors import latest_session
from apps.lib import clock
from apps.lib.errors import Refused
from apps.lib.moves import StaleMove, move

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=10)
LEASE = timedelta(seconds=30)  # longer than the longest try
PAUSES = (10, 20, 40, 80, 160, 300)  # seconds after a try in vain
MOST_TRIES = 16  # about an hour
BATCH = 50
SENDERS = 4
NOT_KNOWN_THERE = (405, 501)  # the method, not the address

S = Follower.State


class NotYours(Refused):
    code = "30000"


def follow(booking: Booking, *, url: str) -> Follower:
    """From now on the app is told at `url`. Asking the same again changes nothing. Raises NotYours.

    Here the address must fit what the message says of its sender; before each try it must fit the registry, which is
    not asked inside a transaction.
    """
    try:
        addresses.check_link(url)
    except addresses.AddressRefused as error:
        raise NotYours(_("callback_url cannot be used: {}.").format(error)) from error
    if not addresses.has_same_origin(url, booking.bap_uri):
        raise NotYours(_("callback_url must be on the host you are registered with."))
    now = clock.now()
    follower, is_new = Follower.objects.get_or_create(booking=booking, defaults={"url": url, "next_at": now})
    if not is_new and (follower.state != S.FOLLOWING or follower.url != url):
        anew = {
            "url": url,
            "method": "PATCH",
            "next_at": now,
            "tries": 0,
            "last_error": "",
            "told_digest": "",
        }
        move(follower, S.FOLLOWING, why="the app asked for it", **anew)
    return follower


def tell_due() -> int:
    """Duty: hand those whose time has come to the senders; how many."""
    claimed = claim()
    for follower in claimed:
        _senders().submit(_tell_guarded, follower)
    return len(claimed)


def claim() -> list[Follower]:
    """Those whose time has come, now leased to the caller."""
    now = clock.now()
    due = Follower.objects.filter(next_at__lte=now).order_by("next_at")[:BATCH]
    return [follower for follower in due if _lease(follower, now + LEASE)]


def _lease(follower: Follower, until: datetime) -> bool:
    mine = Follower.objects.filter(pk=follower.pk, next_at=follower.next_at)
    follower.next_at = until
    return bool(mine.update(next_at=until))


@cache
def _senders() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(SENDERS, thread_name_prefix="tell-follower")


@cache
def _transport() -> Transport:
    return Transport()


def _tell_guarded(follower: Follower) -> None:
    try:
        db.released_after(lambda: tell(follower, _transport()))()
    except Exception:
        log.exception("a follower could not be told", follower=follower.pk)


def tell(follower: Follower, transport: Transport) -> None:
    """One try with the newest figures, outside any transaction, of a follower that is leased to the caller."""
    booking = all_bookings().get(pk=follower.booking_id)
    tracked = Tracked(booking, latest_session(booking.code))
    told = tracked.to_json()
    digest = signing.digest(_bytes({**told, "told_at": ""}))
    if tracked.status == "PENDING" or (digest == follower.told_digest and tracked.status == "ACTIVE"):
        _keep(follower, next_at=clock.now() + EVERY)
        return
    answer = hooks.send(
        _bytes(told),
        side=Side.BPP,
        peer_id=booking.bap_id,
        url=follower.url,
        method=follower.method,
        transport=transport,
    )
    _record(follower, answer, digest, is_last=tracked.status != "ACTIVE")


def _bytes(told: dict[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def _record(follower: Follower, answer: Answer, digest: str, *, is_last: bool) -> None:
    now = clock.now()
    why = answer.error_message or f"HTTP {answer.http_status}"
    if answer.verdict == wire.Verdict.ACCEPTED:
        taken = {"told_at": now, "told_digest": digest, "tries": 0, "last_error": ""}
        if is_last:
            _end(follower, S.DONE, "the app has the last figures", **taken)
        else:
            _keep(follower, next_at=now + EVERY, **taken)
    elif answer.http_status in NOT_KNOWN_THERE and follower.method == "PATCH":
        _keep(follower, next_at=now, method="POST", last_error=why)
    elif answer.verdict == wire.Verdict.REFUSED:
        _end(follower, S.REFUSED, why, last_error=why)
    elif follower.tries + 1 >= MOST_TRIES:
        _end(follower, S.GIVEN_UP, why, tries=follower.tries + 1, last_error=why)
    else:
        pause = timedelta(seconds=PAUSES[min(follower.tries, len(PAUSES) - 1)])
        _keep(follower, next_at=now + pause, tries=follower.tries + 1, last_error=why)


def _keep(follower: Follower, **changes: Any) -> bool:
    """False when the lease ran out, or the app asked anew, meanwhile."""
    if "last_error" in changes:
        changes["last_error"] = changes["last_error"][:300]
    mine = Follower.objects.filter(pk=follower.pk, next_at=follower.next_at, url=follower.url)
    return bool(mine.update(**changes))


def _end(follower: Follower, to: str, why: str, **changes: Any) -> None:
    try:
        with transaction.atomic():
            if _keep(follower, next_at=None, **changes):
                move(follower, to, why=why)
    except StaleMove:
        log.info("a follower was moved by somebody else", follower=follower.pk)
