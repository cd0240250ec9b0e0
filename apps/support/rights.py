"""Who may do what with a ticket. Support people by their level, an operator's people by their job, nobody else.

| | sees, exports the evidence | internal note | reply, ask, escalate, resolve … |
|---|---|---|---|
| support, level as high as the ticket's | all | yes | yes |
| support, lower level | all | yes | no |
| operator: manager | tickets of the operator | yes | yes |
| operator: finance | tickets of the operator | yes | no |
| operator: viewer | tickets of the operator | no | no |
"""

from enum import IntEnum

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.accounts.roles import SupportLevel, is_support, support_level
from apps.lib import wiring
from apps.lib.errors import Refused
from apps.support.models import Ticket


class May(IntEnum):
    NOTHING = 0
    SEE = 1
    NOTE = 2
    ACT = 3


BY_JOB = {"VIEWER": May.SEE, "FINANCE": May.NOTE, "MANAGER": May.ACT}


class NotYours(Refused):
    status = 403

    def __init__(self) -> None:
        super().__init__(_("Your role may not do this with this ticket."))


def job_of(user: User | AnonymousUser) -> tuple[str, str] | None:
    """(code of the operator, role). Operators are a room of the other wing: asked by wiring."""
    job = wiring.handler("EVENTS", "staff.job")
    return job(user) if job else None


def tickets_for(user: User | AnonymousUser) -> QuerySet[Ticket]:
    """Law 11: support sees all, an operator's people what is their operator's, everybody else nothing."""
    if is_support(user):
        return Ticket.objects.all()
    job = job_of(user)
    if job is None:
        return Ticket.objects.none()
    return Ticket.objects.filter(side=Ticket.Side.OPERATOR, operator_code=job[0])


def may(user: User | AnonymousUser, ticket: Ticket) -> May:
    level = support_level(user)
    if level > SupportLevel.NONE:
        return May.ACT if level >= ticket.level else May.NOTE
    job = job_of(user)
    if job is None or ticket.side != Ticket.Side.OPERATOR or job[0] != ticket.operator_code:
        return May.NOTHING
    return BY_JOB.get(job[1], May.NOTHING)


def refuse_unless(user: User | AnonymousUser, ticket: Ticket, least: May) -> None:
    if may(user, ticket) < least:
        raise NotYours


def desk_people(level: int) -> QuerySet[User]:
    """Who may act on tickets of this level."""
    groups = {SupportLevel.L1: "Support L1", SupportLevel.L2: "Support L2"}
    too_low = [name for step, name in groups.items() if step < level]
    names = [name for name in ("Support L1", "Support L2", "Grievance officer") if name not in too_low]
    active = User.objects.filter(is_active=True, is_staff=True)
    by_group = active.filter(groups__name__in=names)
    return (by_group | active.filter(is_superuser=True)).distinct().order_by("name", "email")
