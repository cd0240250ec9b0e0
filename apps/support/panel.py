"""What the reporter's page shows: the state in plain words, who has it, until when, and what was said."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db.models import Prefetch
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.discovery.photo_policy import photo_of
from apps.lib import clock
from apps.support.models import Attachment, Ticket, TicketEvent, TicketMessage
from apps.support.services.talking import may_reopen
from apps.support.states import DRIVER_ANSWERS_WITHIN, Level, State

Verb = TicketEvent.Verb
# What the driver reads of a move, with the icon of the line.
TOLD: dict[str, tuple[str, str | Promise]] = {
    Verb.OPENED: ("ticket", gettext_lazy("You reported it.")),
    Verb.TAKEN: ("user", gettext_lazy("Somebody of our support has it now.")),
    Verb.ASKED_DRIVER: (
        "circle-question-mark",
        gettext_lazy("We asked you something and wait for your answer."),
    ),
    Verb.ASKED_OPERATOR: ("building-2", gettext_lazy("We asked the operator.")),
    Verb.OPERATOR_ANSWERED: ("building-2", gettext_lazy("The operator answered us.")),
    Verb.ESCALATED: ("triangle-alert", gettext_lazy("It went one level up.")),
    Verb.RESOLVED: ("circle-check", gettext_lazy("It was resolved.")),
    Verb.CLOSED: ("lock", gettext_lazy("It was closed.")),
    Verb.REOPENED: ("refresh-cw", gettext_lazy("You opened it again.")),
    Verb.MERGED: ("copy", gettext_lazy("It goes on in another report.")),
}
TONES = {
    State.OPEN: ("busy", "inbox"),
    State.ACKNOWLEDGED: ("busy", "user"),
    State.IN_PROGRESS: ("busy", "activity"),
    State.WAITING_FOR_DRIVER: ("warn", "circle-question-mark"),
    State.ESCALATED: ("held", "triangle-alert"),
    State.RESOLVED: ("ok", "circle-check"),
    State.CLOSED: ("unknown", "lock"),
}
SAID = {
    State.OPEN: gettext_lazy("We have your report"),
    State.ACKNOWLEDGED: gettext_lazy("We are looking at it"),
    State.IN_PROGRESS: gettext_lazy("We are working on it"),
    State.WAITING_FOR_DRIVER: gettext_lazy("We need an answer from you"),
    State.ESCALATED: gettext_lazy("A higher level has it"),
    State.RESOLVED: gettext_lazy("We think it is solved"),
    State.CLOSED: gettext_lazy("It is closed"),
}

# Without their bytes: those are read one by one, when somebody asks for them.
FILES = Prefetch("attachments", Attachment.objects.defer("data"))


@dataclass(frozen=True)
class Line:
    """One thing on the reporter's page: words of somebody, or a move."""

    at: datetime
    words: str | Promise
    icon: str = ""
    by: str = ""  # REPORTER, DESK, OPERATOR; empty for a move
    author: str = ""
    files: tuple[Any, ...] = ()


def context(ticket: Ticket, **forms: Any) -> dict[str, Any]:
    shown = {
        "ticket": ticket,
        "now": clock.now(),
        "zone": ticket.station_zone,
        "headline": SAID[State(ticket.state)],
        "who": who_has_it(ticket),
        "odr_url": odr_url(ticket),
        "photo": photo_of(ticket.photo),
        "lines": conversation(ticket),
        "version": ticket.changed_at.isoformat(),
        "may_reopen": may_reopen(ticket),
        "answer_by": ticket.paused_at and ticket.paused_at + DRIVER_ANSWERS_WITHIN,
        "is_guest": ticket.driver_id is None,
        "press_key": uuid4(),
    }
    return {**shown, **forms}


def odr_url(ticket: Ticket) -> str:
    """Where to go after the grievance officer, above whom there is nobody in the house; empty below, or not set up."""
    return settings.ODR_URL if ticket.level == Level.OFFICER else ""


def state_badge(ticket: Ticket) -> dict[str, Any]:
    """The desk's word, but nobody is told of himself in the third person."""
    tone, icon = TONES[State(ticket.state)]
    waits = ticket.state == State.WAITING_FOR_DRIVER
    return {
        "words": _("Waiting for you") if waits else ticket.get_state_display(),
        "tone": tone,
        "icon": icon,
    }


def who_has_it(ticket: Ticket) -> str:
    desk = ticket.operator_name if ticket.side == Ticket.Side.OPERATOR else _("Our support")
    level = Level(ticket.level).label
    name = ticket.assignee.get_short_name() if ticket.assignee else ""
    return " · ".join(str(word) for word in (desk, level, name) if word)


def conversation(ticket: Ticket) -> list[Line]:
    """Words, files and moves in the order of time. Three queries, however long it is."""
    return sorted([*_words(ticket), *_moves(ticket)], key=lambda line: line.at)


def _words(ticket: Ticket) -> list[Line]:
    said = ticket.messages.filter(kind=TicketMessage.Kind.PUBLIC).select_related("author")
    said = said.prefetch_related(FILES)
    return [
        Line(one.at, one.text, by=one.by, author=_author(one), files=tuple(one.attachments.all()))
        for one in said
    ]


def _author(message: TicketMessage) -> str:
    if message.by == TicketMessage.By.REPORTER:
        return _("You")
    if message.by == TicketMessage.By.OPERATOR:
        return message.ticket.operator_name or str(_("Operator"))
    return message.author.get_short_name() if message.author else str(_("Support"))


def _moves(ticket: Ticket) -> list[Line]:
    told = ticket.events.filter(verb__in=TOLD)
    return [Line(event.at, TOLD[event.verb][1], icon=TOLD[event.verb][0]) for event in told]
