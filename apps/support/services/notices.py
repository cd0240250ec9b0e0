"""Mails about tickets: queued in the transaction of the change, sent by a duty outside of any.

A sender claims a row by pushing `next_try_at` forward. Who dies in between costs that mail two minutes; it is sent
again with the same Message-ID, by which mailboxes know a letter they have.
"""

from collections.abc import Iterable
from datetime import timedelta
from smtplib import SMTPException

import structlog

from apps.accounts.models import User
from apps.lib import clock
from apps.support import mails
from apps.support.models import Notice, Ticket, TicketEvent, TicketMessage
from apps.support.states import PROMISES, Promise

log = structlog.get_logger(__name__)

MAILS_A_ROUND = 3
SENDER_LEASE = timedelta(minutes=2)
RETRY_AFTER = timedelta(seconds=30)
MOST_TRIES = 8
MOST_OF_DESK = 20
Verb = TicketEvent.Verb


def promise_of(ticket: Ticket) -> Promise:
    return PROMISES[ticket.priority]


def tell_reporter(ticket: Ticket, verb: str, message: TicketMessage | None = None) -> None:
    """The driver in their language, the guest who left an address, or nobody."""
    if ticket.driver is not None:
        _queue(ticket, verb, ticket.driver.mail_address, ticket.driver.language, message)
    elif ticket.guest_email:
        _queue(ticket, verb, ticket.guest_email, ticket.language, message)


def tell_assignee(ticket: Ticket, verb: str) -> None:
    if ticket.assignee is not None and ticket.assignee.is_active:
        _queue(ticket, verb, ticket.assignee.email, ticket.assignee.language, to_desk=True)


def tell_desk(ticket: Ticket, verb: str, people: Iterable[User]) -> None:
    for person in list(people)[:MOST_OF_DESK]:
        _queue(ticket, verb, person.email, person.language, to_desk=True)


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
    Notice.objects.create(
        ticket=ticket,
        verb=verb,
        message=message,
        to=to,
        language=language,
        to_desk=to_desk,
        queued_at=now,
        next_try_at=now,
    )


def send_due() -> int:
    """Duty: a mail server that fails ends the round. Returns how many were sent."""
    due = Notice.objects.filter(next_try_at__lte=clock.now()).select_related("ticket", "message")
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
    try:
        mails.send(notice)
    except (SMTPException, OSError) as trouble:
        log.warning("the mail of a ticket was not sent", ticket=notice.ticket.code, why=str(trouble))
        tries = notice.tries + 1
        later = clock.now() + RETRY_AFTER * 2 ** min(tries, 6)
        row.update(
            tries=tries, last_error=str(trouble)[:300], next_try_at=None if tries >= MOST_TRIES else later
        )
        return False
    row.update(next_try_at=None, sent_at=clock.now())
    return True
