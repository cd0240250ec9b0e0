"""Mails about tickets: queued in the transaction of the change, sent by a duty outside of any. Whether a driver wants
one of this kind the room of notices knows, which also has their page and devices: asked and told by wiring.

A sender claims a row by pushing `next_try_at` forward. Who dies in between costs that mail two minutes; it is sent
again with the same Message-ID, by which mailboxes know a letter they have.
"""

from collections.abc import Iterable
from datetime import timedelta
from smtplib import SMTPException

import structlog
from django.utils.translation import gettext_noop

from apps.accounts.models import User
from apps.lib import clock, wiring
from apps.payments.models import Refund
from apps.support import mails
from apps.support.models import Notice, Ticket, TicketEvent, TicketMessage
from apps.support.rights import desk_people
from apps.support.states import PROMISES, Level, Promise

log = structlog.get_logger(__name__)

MAILS_A_ROUND = 3
SENDER_LEASE = timedelta(minutes=2)
RETRY_AFTER = timedelta(seconds=30)
MOST_TRIES = 8
MOST_OF_DESK = 20
NOT_WANTED = gettext_noop("the driver switched mails of this kind off")
Verb = TicketEvent.Verb


def promise_of(ticket: Ticket) -> Promise:
    return PROMISES[ticket.priority]


def tell_reporter(ticket: Ticket, verb: str, message: TicketMessage | None = None) -> None:
    """The driver in their language, the guest who left an address, or nobody."""
    if ticket.driver is not None:
        _tell_elsewhere(ticket, verb)
        _queue(ticket, verb, ticket.driver.mail_address, ticket.driver.language, message)
    elif ticket.guest_email:
        _queue(ticket, verb, ticket.guest_email, ticket.language, message)


def _tell_elsewhere(ticket: Ticket, verb: str) -> None:
    """On the driver's page of notices and devices. A guest has neither."""
    if ticket.driver.is_guest:
        return
    reply_by = None if ticket.replied_at else ticket.reply_due_at.isoformat()
    wiring.announce(
        "ticket.told",
        ticket.driver,
        verb=verb,
        code=ticket.code,
        occasion=str(ticket.events.latest("pk").pk),
        path=ticket.get_absolute_url(),
        order=ticket.order,
        facts={
            "reply_by": reply_by,
            "settle_by": ticket.settle_due_at.isoformat(),
            "zone": ticket.station_zone,
            "operator": ticket.operator_name,
        },
    )


def is_wanted(notice: Notice) -> bool:
    """A guest has no switches, and the desk none for these."""
    if notice.to_desk or notice.ticket.driver is None or notice.ticket.driver.is_guest:
        return True
    driver = notice.ticket.driver
    return wiring.handler("EVENTS", "ticket.mail_wanted")(driver, notice.verb)


def tell_assignee(ticket: Ticket, verb: str) -> None:
    if ticket.assignee is not None and ticket.assignee.is_active:
        _queue(ticket, verb, ticket.assignee.email, ticket.assignee.language, to_desk=True)


def tell_desk(ticket: Ticket, verb: str, people: Iterable[User]) -> None:
    for person in list(people)[:MOST_OF_DESK]:
        _queue(ticket, verb, person.email, person.language, to_desk=True)


def tell_late_refund(refund: Refund) -> None:
    """To those who decide about larger refunds, in the transaction that marks it (AT-J3). A refund is late once."""
    now = clock.now()
    for person in desk_people(Level.L2)[:MOST_OF_DESK]:
        Notice.objects.create(
            refund=refund,
            to=person.email,
            language=person.language,
            to_desk=True,
            queued_at=now,
            next_try_at=now,
        )


def _queue(
    ticket: Ticket,
    verb: str,
    to: str,
    language: str,
    message: TicketMessage | None = None,
    *,
    to_desk: bool = False,
) -> None:
    now = clock.now()
    notice = Notice(
        ticket=ticket,
        verb=verb,
        message=message,
        to=to,
        language=language,
        to_desk=to_desk,
        queued_at=now,
        next_try_at=now,
    )
    if not is_wanted(notice):
        # The row stays: the evidence of a ticket says what was told, and what was not.
        notice.next_try_at, notice.last_error = None, NOT_WANTED
    notice.save()


def send_due() -> int:
    """Duty: a mail server that fails ends the round. Returns how many were sent."""
    due = Notice.objects.filter(next_try_at__lte=clock.now())
    due = due.select_related("ticket__driver", "message", "refund__payment")
    sent = 0
    for notice in list(due.order_by("next_try_at", "pk")[:MAILS_A_ROUND]):
        if _claimed(notice):
            if not _send(notice):
                break
            sent += 1
    return sent


def _claimed(notice: Notice) -> bool:
    mine = Notice.objects.filter(pk=notice.pk, next_try_at=notice.next_try_at)
    return bool(mine.update(next_try_at=clock.now() + SENDER_LEASE))


def _send(notice: Notice) -> bool:
    row = Notice.objects.filter(pk=notice.pk)
    if not is_wanted(notice):
        row.update(next_try_at=None, last_error=NOT_WANTED)
        return True
    try:
        mails.send(notice)
    except (SMTPException, OSError) as trouble:
        log.warning("a mail of the desk was not sent", about=notice.name, why=str(trouble))
        tries = notice.tries + 1
        later = clock.now() + RETRY_AFTER * 2 ** min(tries, 6)
        row.update(
            tries=tries, last_error=str(trouble)[:300], next_try_at=None if tries >= MOST_TRIES else later
        )
        return False
    row.update(next_try_at=None, sent_at=clock.now())
    return True
