"""Messages of ours: queued in the caller's transaction, delivered after its commit (delivery.py).

Everything here only inserts rows. The body is stored as the exact bytes that are sent, on every try.
"""

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import QuerySet

from apps.beckn import bell, metrics, registry, signing
from apps.beckn.models import Message, Side, Subscriber
from apps.beckn.wire import v1_1 as wire
from apps.lib import clock
from apps.lib.errors import Refused

if TYPE_CHECKING:
    from apps.beckn.inbox import Inbound

LANGUAGE = "en"  # what we say to peers is English, whoever sits at our pages

# How long we try to deliver an answer. What changes an order must arrive even after a long night of the peer;
# the rest is of no use to anybody after some minutes.
ORDER_CHANGING_TRIED_FOR = timedelta(hours=24)
OTHERS_TRIED_FOR = timedelta(minutes=10)
ORDER_CHANGING = frozenset(
    {"on_confirm", "on_update", "on_cancel", "on_status", "on_refund", "on_issue", "on_issue_status"}
)


class NobodyToAsk(Refused):
    """No BPP and no gateway is known, so a search would reach nobody."""

    code = "30001"
    status = 503


def request(
    action: str,
    body: wire.Model,
    *,
    transaction_id: UUID,
    bpp_id: str,
    bpp_uri: str,
    ttl: timedelta | None = None,
) -> Message:
    """Our BAP asks one BPP."""
    context = _context(action, transaction_id, uuid4(), ttl, bpp_id=bpp_id, bpp_uri=bpp_uri)
    return _queue(Side.BAP, bpp_id, context, body)


def search(body: wire.SearchMessage, *, transaction_id: UUID, bpp_id: str = "") -> list[Message]:
    """Our BAP asks everybody: through the gateway when one is configured, else every BPP of the registry.

    All rows share one message_id, which every on_search will repeat. With `bpp_id`, where we know it ourselves, only
    that BPP is asked.
    """
    message_id = uuid4()
    gateway = settings.BECKN["GATEWAY_ID"]
    if gateway:
        return [_queue(Side.BAP, gateway, _context("search", transaction_id, message_id), body)]
    rows = [
        _queue(
            Side.BAP,
            bpp.subscriber_id,
            _context("search", transaction_id, message_id, bpp_id=bpp.subscriber_id, bpp_uri=bpp.url),
            body,
        )
        for bpp in registry.bpps()
        if bpp_id in ("", bpp.subscriber_id)
    ]
    if not rows:
        raise NobodyToAsk("No charging operator is known on this network yet.")
    return rows


def reply(
    to: "Inbound", action: str, body: wire.Model | None = None, *, error: wire.Error | None = None
) -> Message:
    """Our BPP answers `to`: same transaction and message, with our words, an error, or both."""
    if body is None and action in wire.NEVER_WITHOUT_MESSAGE:
        body = wire.MESSAGES[action]()
    asked = to.context
    context = _context(
        action, asked.transaction_id, asked.message_id, bap_id=asked.bap_id, bap_uri=to.message.bap_uri
    )
    return _queue(Side.BPP, to.message.peer_id, context, body, error, answers=to.message)


def callback(
    action: str,
    body: wire.Model,
    *,
    transaction_id: UUID,
    bap_id: str,
    bap_uri: str,
    only_newest: bool = False,
) -> Message:
    """Our BPP says something unasked: a fresh message_id in the known transaction.

    `only_newest`: it says all that an earlier one would. One that nobody has tried to send yet is brought up to date
    instead of standing in line before it.
    """
    context = _context(action, transaction_id, uuid4(), bap_id=bap_id, bap_uri=bap_uri)
    if only_newest and (waiting := _unsent(context)):
        facts = _words(context, body) | {"created_at": clock.now(), "expires_at": _tried_until(context)}
        if _untried(Message.objects.filter(pk=waiting.pk)).update(**facts):
            for name, value in facts.items():
                setattr(waiting, name, value)
            return waiting
    return _queue(Side.BPP, bap_id, context, body)


def _unsent(context: wire.Context) -> Message | None:
    """The unasked message of this kind that waits in the transaction."""
    waiting = Message.objects.filter(
        next_try_at__isnull=False,
        direction=Message.Direction.OUT,
        transaction_id=UUID(context.transaction_id),
        action=context.action,
        peer_id=context.bap_id,
        answers=None,
    )
    return _untried(waiting).only("pk").order_by("pk").last()


def _untried(messages: QuerySet[Message]) -> QuerySet[Message]:
    return messages.filter(state=Message.State.QUEUED, tries=0)


def _words(context: wire.Context, body: wire.Model | None, error: wire.Error | None = None) -> dict[str, Any]:
    """The exact bytes that are sent, and what must fit them."""
    envelope = wire.Envelope(context, body.to_wire() if body is not None else None, error)
    raw = json.dumps(envelope.to_wire(), ensure_ascii=False, separators=(",", ":")).encode()
    return {"message_id": UUID(context.message_id), "body": raw, "digest": signing.digest(raw)}


def _context(
    action: str,
    transaction_id: UUID | str,
    message_id: UUID | str,
    ttl: timedelta | None = None,
    **peer: str | None,
) -> wire.Context:
    """Ours is filled in; `peer` names the other side's id and uri."""
    if action in wire.REQUESTS:
        ours = {"bap_id": settings.BECKN["BAP_ID"], "bap_uri": registry.own_url(Side.BAP)}
    else:
        ours = {"bpp_id": settings.BECKN["BPP_ID"], "bpp_uri": registry.own_url(Side.BPP)}
    return wire.Context(
        domain=settings.BECKN["DOMAIN"],
        location=wire.Location(
            country=wire.Country(code=settings.BECKN["COUNTRY"]), city=wire.City(code=settings.BECKN["CITY"])
        ),
        action=action,
        version=wire.VERSION,
        transaction_id=str(transaction_id),
        message_id=str(message_id),
        timestamp=clock.utc_text(clock.now()),
        ttl=clock.duration_text(ttl or timedelta(seconds=settings.BECKN["TTL_SECONDS"])),
        **ours,
        **peer,
    )


def _queue(
    side: Side,
    peer_id: str,
    context: wire.Context,
    body: wire.Model | None,
    error: wire.Error | None = None,
    *,
    answers: Message | None = None,
) -> Message:
    now = clock.now()
    message = Message.objects.create(
        side=side,
        direction=Message.Direction.OUT,
        action=context.action,
        transaction_id=UUID(context.transaction_id),
        bap_id=context.bap_id,
        bap_uri=context.bap_uri,
        bpp_id=context.bpp_id or "",
        bpp_uri=context.bpp_uri or "",
        peer_id=peer_id,
        **_words(context, body, error),
        state=Message.State.QUEUED,
        next_try_at=now,
        expires_at=_tried_until(context),
        error_code=(error.code or "") if error else "",
        error_message=(error.message or "")[:500] if error else "",
        created_at=now,
        answers=answers,
    )
    metrics.queued(message)
    bell.ring_on_commit(bell.OUTBOX)
    return message


def _tried_until(context: wire.Context) -> datetime:
    if context.action in wire.REQUESTS:
        return context.expires_at
    return context.sent_at + (
        ORDER_CHANGING_TRIED_FOR if context.action in ORDER_CHANGING else OTHERS_TRIED_FOR
    )


def peer_type(message: Message) -> Subscriber.Type:
    """Which role the addressee must have in the registry."""
    if message.side == Side.BPP:
        return Subscriber.Type.BAP
    through_gateway = message.action == "search" and not message.bpp_id
    return Subscriber.Type.BG if through_gateway else Subscriber.Type.BPP
