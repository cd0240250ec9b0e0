"""Who is next: of all open messages in one direction, those that are due and first in line of their transaction.

Rows are read in the order of their making, a few at first and only while more are wanted: one plain statement for the
many looks that find one message or none.
"""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from apps.beckn.models import Message

Direction, State = Message.Direction, Message.State
OPEN = (*Message.OPEN_OUT, *Message.OPEN_IN)
FIRST_PAGE, LONGEST_PAGE = 16, 256


def due(
    direction: Direction,
    now: datetime,
    *,
    held_back: timedelta | None = None,
    without: Collection[str] = (),
) -> Iterator[Message]:
    """Those whose turn it is. One that is not due keeps the later ones of its transaction waiting, to the same peer
    and for at most `held_back` (None: until it is done).

    Nothing for the peers in `without` is read any more, from the moment they stand there.
    """
    seen: set[tuple[UUID, str, str]] = set()
    for message in _open(direction, now, held_back, without):
        if message.state not in OPEN:
            continue
        line = (message.transaction_id, message.side, message.peer_id if message.is_outgoing else "")
        if line not in seen and _is_due(message, now):
            yield message
        if held_back is None or message.created_at > now - held_back:
            seen.add(line)


def _is_due(message: Message, now: datetime) -> bool:
    if message.state in (State.QUEUED, State.RECEIVED):
        return message.next_try_at <= now
    return message.lease_until is not None and message.lease_until <= now  # whoever took it is gone


def _open(
    direction: Direction, now: datetime, held_back: timedelta | None, without: Collection[str]
) -> Iterator[Message]:
    rows = Message.objects.filter(direction=direction, next_try_at__isnull=False).order_by("pk")
    if held_back is not None:  # the old ones that are not due are nobody's business
        rows = rows.filter(Q(next_try_at__lte=now) | Q(created_at__gt=now - held_back))
    length, last = FIRST_PAGE, 0
    while True:
        wanted = rows.exclude(peer_id__in=list(without)) if without else rows
        page = list(wanted.filter(pk__gt=last)[:length] if last else wanted[:length])
        yield from page
        if len(page) < length:
            return
        length, last = min(2 * length, LONGEST_PAGE), page[-1].pk
