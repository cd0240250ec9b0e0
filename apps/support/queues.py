"""The queues of the desk: which tickets wait for whom."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.payments.models import Payment
from apps.payments.selectors import waiting_for_a_person
from apps.support.clocks import SOON
from apps.support.models import Ticket
from apps.support.states import OVER, RUNNING, State

Tickets = QuerySet[Ticket]

OPEN = "open"  # what stands there when nobody chose
NAMES: dict[str, str | Promise] = {
    OPEN: _("All open"),
    "mine": _("Mine"),
    "unassigned": _("Unassigned"),
    "breaching": _("Promise missed or soon"),
    "driver": _("Waiting for the driver"),
    "operator": _("Waiting for the operator"),
    "refunds": _("Refund to be decided"),
    "over": _("Settled"),
}


def in_queue(tickets: Tickets, queue: str, user: User, now: datetime) -> Tickets:
    return QUEUES[queue](tickets, user, now)


def _breaching(tickets: Tickets, user: User, now: datetime) -> Tickets:
    return tickets.filter(Q(deadline_at__lte=now + SOON) | Q(breached_at__isnull=False), state__in=RUNNING)


def _refunds(tickets: Tickets, user: User, now: datetime) -> Tickets:
    """Of a deal whose money waits for a person: a wish to decide, or a refund that the bank did not pay."""
    waiting = [UUID(reference) for reference in waiting_for_a_person(side=Payment.Side.DRIVER)]
    return tickets.exclude(state__in=OVER).filter(order__code__in=waiting)


QUEUES: dict[str, Callable[[Tickets, User, datetime], Tickets]] = {
    OPEN: lambda tickets, user, now: tickets.exclude(state__in=OVER),
    "mine": lambda tickets, user, now: tickets.exclude(state__in=OVER).filter(assignee=user.pk),
    "unassigned": lambda tickets, user, now: tickets.exclude(state__in=OVER).filter(assignee=None),
    "breaching": _breaching,
    "driver": lambda tickets, user, now: tickets.filter(state=State.WAITING_FOR_DRIVER),
    "operator": lambda tickets, user, now: tickets.exclude(state__in=OVER).filter(waits_for_operator=True),
    "refunds": _refunds,
    "over": lambda tickets, user, now: tickets.filter(state__in=OVER),
}
