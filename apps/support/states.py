"""The states of a ticket, where each may go, and what is promised to whoever opened it."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    OPEN = "OPEN", _("Open")
    ACKNOWLEDGED = "ACKNOWLEDGED", _("Somebody has it")
    IN_PROGRESS = "IN_PROGRESS", _("In progress")
    WAITING_FOR_DRIVER = "WAITING_FOR_DRIVER", _("Waiting for the driver")
    ESCALATED = "ESCALATED", _("Escalated")
    RESOLVED = "RESOLVED", _("Resolved")
    CLOSED = "CLOSED", _("Closed")


S = State
MOVES: dict[str, set[str]] = {
    S.OPEN: {S.ACKNOWLEDGED, S.IN_PROGRESS, S.WAITING_FOR_DRIVER, S.ESCALATED, S.RESOLVED, S.CLOSED},
    S.ACKNOWLEDGED: {S.IN_PROGRESS, S.WAITING_FOR_DRIVER, S.ESCALATED, S.RESOLVED, S.CLOSED},
    S.IN_PROGRESS: {S.WAITING_FOR_DRIVER, S.ESCALATED, S.RESOLVED, S.CLOSED},
    S.WAITING_FOR_DRIVER: {S.IN_PROGRESS, S.ESCALATED, S.RESOLVED, S.CLOSED},
    S.ESCALATED: {S.IN_PROGRESS, S.WAITING_FOR_DRIVER, S.ESCALATED, S.RESOLVED, S.CLOSED},
    S.RESOLVED: {S.IN_PROGRESS, S.CLOSED},
    S.CLOSED: {S.IN_PROGRESS},
}
OVER = (S.RESOLVED, S.CLOSED)
RUNNING = tuple(state for state in State if state not in (*OVER, S.WAITING_FOR_DRIVER))  # the clock ticks

DRIVER_ANSWERS_WITHIN = timedelta(days=5)
REOPEN_WITHIN = timedelta(days=7)


class Level(models.IntegerChoices):
    """Whose turn it is; the numbers are those of accounts.roles.SupportLevel."""

    L1 = 1, _("Level 1")
    L2 = 2, _("Level 2")
    OFFICER = 3, _("Grievance officer")


class Priority(models.IntegerChoices):
    AT_CHARGER = 1, _("At the charger now")
    MONEY = 2, _("Money")
    NORMAL = 3, _("Normal")


class What(models.TextChoices):
    DID_NOT_START = "did-not-start", _("It did not start")
    STOPPED_EARLY = "stopped-early", _("It stopped too early")
    WRONG_BILL = "wrong-bill", _("The bill is wrong")
    PLUG_BROKEN = "plug-broken", _("The plug or the charger is broken")
    BAY_BLOCKED = "bay-blocked", _("The bay is blocked")
    OTHER = "other", _("Something else")


@dataclass(frozen=True)
class Promise:
    """How soon somebody answers, and how soon it is settled; after each escalation the second begins anew."""

    reply: timedelta
    settle: timedelta
    settle_escalated: timedelta


PROMISES: dict[int, Promise] = {
    Priority.AT_CHARGER: Promise(timedelta(minutes=15), timedelta(hours=4), timedelta(hours=2)),
    Priority.MONEY: Promise(timedelta(hours=4), timedelta(days=2), timedelta(days=1)),
    Priority.NORMAL: Promise(timedelta(hours=24), timedelta(days=5), timedelta(days=2)),
}
