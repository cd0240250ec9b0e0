"""Notes what happened, in the transaction in which it happened, and sends it later, outside of any.

A notice says SENDING before it leaves and TOLD after. Who dies in between is found by the lease, and the notice is sent
again under the same id: lost never, seen twice hardly ever.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from smtplib import SMTPException
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from apps.accounts.models import User
from apps.lib import clock
from apps.lib.moves import StaleMove, move
from apps.notices import mails, pushes
from apps.notices.models import Channel, Happening, Notice
from apps.notices.switches import TOLD_TO_GUESTS, channels_wanted
from apps.orders.models import Order
from apps.orders.states import State as OrderState

log = structlog.get_logger(__name__)

S, H, C = Notice.State, Happening, Channel
OrderedBy = Order.OrderedBy
LEASE = timedelta(minutes=2)
RETRY_AFTER = timedelta(seconds=30)
PATIENCE = timedelta(minutes=1)  # a refund by a rule is approved, sent and often paid within seconds
MOST_TRIES = 10
A_ROUND = 5
ROWS_A_ROUND = 100
FULL_ENOUGH_PERCENT = 80
SOON_MINUTES = 5
OVERTAKEN_BY = {
    H.REFUND_ASKED: (H.REFUND_YES, H.REFUND_NO, H.REFUND_PAID),
    H.REFUND_YES: (H.REFUND_PAID, H.REFUND_LATE),
    H.REFUND_SENT: (H.REFUND_PAID, H.REFUND_LATE),
}
OF_STATE = {
    OrderState.CHARGING: H.STARTED,
    OrderState.INTERRUPTED: H.INTERRUPTED,
    OrderState.ENDED: H.FINISHED,
    OrderState.SETTLED: H.RECEIPT,
}


# --- Noting -----------------------------------------------------------------------------------------------


def order_moved(order: Order) -> None:
    """Announced by orders, in the transaction of the move."""
    if happening := OF_STATE.get(order.state):
        note(order, happening)


def order_stands(order: Order) -> None:
    """Announced by orders: the energy is over, and standing on may cost something (AT-F6)."""
    note(order, H.IDLE_STARTED)


def note(order: Order, happening: str) -> bool:
    """False when it is known already, or nobody is to be told."""
    return note_news(News(order.driver, happening, order=order))


@dataclass(frozen=True)
class News:
    """One happening, whatever it is of. Of a report or a refund `about` and `occasion` say which change it is."""

    person: User
    happening: str
    order: Order | None = None
    about: str = ""
    occasion: str = ""
    path: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    mail_comes_from_elsewhere: bool = False  # by the room that owns it, under the same switch
    may_wait: bool = False  # what follows at once may make it old


@transaction.atomic
def note_news(news: News) -> bool:
    """False when it is known already, or nobody is to be told."""
    person, now = news.person, clock.now()
    if person.is_guest and news.happening not in TOLD_TO_GUESTS:
        return False
    told = {
        "person": person,
        "order": news.order,
        "happening": news.happening,
        "about": news.about,
        "occasion": news.occasion,
    }
    more = {"happened_at": now, "path": news.path, "facts": news.facts}
    same = {name: told[name] for name in (("about", "occasion") if news.about else ("order", "happening"))}
    _row, is_new = Notice.objects.get_or_create(
        **({"about": ""} | same), channel=C.PAGE, defaults={**told, **more, "state": S.TOLD, "told_at": now}
    )
    if is_new:
        act_at = now + PATIENCE if news.may_wait else now
        Notice.objects.bulk_create(
            [
                Notice(channel=channel, act_at=act_at, **told, **more)
                for channel in channels_wanted(person, news.happening)
                if not (channel == C.MAIL and news.mail_comes_from_elsewhere)
                and (channel != C.PUSH or pushes.devices_of(person).exists())
            ]
        )
    return is_new


def note_figures() -> int:
    """Duty: what only the figures of a running charge tell. How many were noted."""
    noted = 0
    for happening, reached in ((H.NEARLY, _full_enough()), (H.IDLE_SOON, _soon_done())):
        known = Notice.objects.filter(order=OuterRef("pk"), happening=happening)
        # Running charges are those that are polled: their index is small, the table of all orders is not.
        running = Order.objects.filter(state=OrderState.CHARGING, poll_at__isnull=False)
        new = running.filter(reached, driver__is_guest=False).exclude(Exists(known))
        noted += sum(note(order, happening) for order in new.select_related("driver")[:ROWS_A_ROUND])
    return noted


def _full_enough() -> Q:
    reached = Q(ordered_by=OrderedBy.ENERGY, progress__energy_kwh__gte=F("energy_kwh"))
    return Q(progress__soc_percent__gte=FULL_ENOUGH_PERCENT) | reached


def _soon_done() -> Q:
    """At the power of now, of ordered energy; while nothing flows it is not soon."""
    left_at_once = (F("energy_kwh") - F("progress__energy_kwh")) * (60 // SOON_MINUTES)
    return Q(ordered_by=OrderedBy.ENERGY, progress__power_kw__gt=0, progress__power_kw__gte=left_at_once)


# --- Sending ----------------------------------------------------------------------------------------------


def send_due() -> int:
    """Duty: how many were told. What fails ends the round for its way."""
    told, closed = 0, set()
    for notice in list(_due(clock.now())[:A_ROUND]):
        if notice.channel in closed or not _go(notice, S.SENDING, why="sending", act_at=clock.now() + LEASE):
            continue
        is_told = _send(notice)
        told += is_told is True
        if is_told is None:
            closed.add(notice.channel)
    return told


def _due(now) -> QuerySet[Notice]:
    waiting = Notice.objects.filter(state=S.WAITING, act_at__lte=now)
    return waiting.select_related("person", "order").order_by("act_at")


def move_overdue() -> int:
    """Duty: notices whose sender died."""
    now = clock.now()
    dead = Notice.objects.filter(state=S.SENDING, act_at__lte=now)
    return sum(
        _go(notice, S.WAITING, why="the sender died", act_at=now) for notice in list(dead[:ROWS_A_ROUND])
    )


def _send(notice: Notice) -> bool | None:
    """True: told. False: it will not be. None: not now."""
    now = clock.now()
    if not notice.asked_at and notice.channel not in channels_wanted(notice.person, notice.happening):
        _go(notice, S.DROPPED, why="switched off meanwhile", act_at=None)
        return False
    if now - notice.happened_at > notice.worth_telling_for:
        _go(notice, S.GIVEN_UP, why="nobody needs it any more", act_at=None)
        return False
    if _is_overtaken(notice):
        _go(notice, S.DROPPED, why="what came after it is told", act_at=None)
        return False
    try:
        (mails if notice.channel == C.MAIL else pushes).send(notice)
    except pushes.NoDevice:
        _go(notice, S.DROPPED, why="no device takes it any more", act_at=None)
        return False
    except (SMTPException, OSError) as trouble:  # NotTaken is one of these
        return _try_again(notice, str(trouble))
    _go(notice, S.TOLD, why="sent", act_at=None, told_at=clock.now(), last_error="")
    return True


def _is_overtaken(notice: Notice) -> bool:
    """A refund that is approved and paid in one breath is told once: as paid."""
    if notice.happening not in OVERTAKEN_BY:
        return False
    later = Notice.objects.filter(about=notice.about, channel=C.PAGE, pk__gt=notice.pk)
    return later.filter(happening__in=OVERTAKEN_BY[H(notice.happening)]).exists()


def _try_again(notice: Notice, why: str) -> bool | None:
    log.warning("a notice was not sent", notice=str(notice.code), why=why)
    tried = {"tries": notice.tries + 1, "last_error": why[:300]}
    if notice.tries + 1 >= MOST_TRIES:
        _go(notice, S.GIVEN_UP, why=f"not sent: {why}", act_at=None, **tried)
        return False
    later = clock.now() + RETRY_AFTER * 2 ** min(notice.tries, 6)
    _go(notice, S.WAITING, why=f"not sent: {why}", act_at=later, **tried)
    return None


def _go(notice: Notice, to: str, *, why: str, **changes: Any) -> bool:
    """False when somebody else moved it first."""
    try:
        move(notice, to, why=why, **changes)
    except StaleMove:
        return False
    return True


def forget_old() -> int:
    """Duty: notices of last year's charges; the orders themselves stay."""
    return Notice.objects.filter(happened_at__lt=clock.now() - timedelta(days=365)).delete()[0]
