"""The desk's page of one ticket: conversation, actions of whoever looks, and the evidence in one column."""

from dataclasses import dataclass
from typing import Any

from apps.accounts.models import User
from apps.lib import clock, wiring
from apps.support import evidence, forms, rights
from apps.support.clocks import clock_of
from apps.support.models import CannedReply, Ticket, TicketEvent
from apps.support.panel import FILES
from apps.support.rights import May
from apps.support.states import Level, Priority, What

Verb = TicketEvent.Verb
WHATS = dict(What.choices)


@dataclass(frozen=True)
class Entry:
    """One line of the conversation, as the desk sees it."""

    at: Any
    kind: str  # PUBLIC, INTERNAL, or "" for a move
    by: str  # REPORTER, DESK, OPERATOR
    author: str
    words: str
    why: str = ""
    files: tuple[Any, ...] = ()


def context(ticket: Ticket, user: User, *, canned: str = "", **bound: Any) -> dict[str, Any]:
    may = rights.may(user, ticket)
    shown = {
        "ticket": ticket,
        "may_note": may >= May.NOTE,
        "may_act": may >= May.ACT and not ticket.is_over,
        "may_ask_operator": ticket.side == Ticket.Side.DRIVER and bool(ticket.network_ref and ticket.bpp_uri),
        "may_see_order": rights.is_support(user),
        "links": _links(ticket, user),
        "may_escalate": ticket.level < Level.OFFICER,
        "clock": clock_of(ticket, clock.now()),
        "now": clock.now(),
        "entries": conversation(ticket),
        "sections": evidence.sections_of(ticket),
        "earlier": evidence.earlier_tickets(ticket, user),
    }
    return shown | _actions(ticket, user, may, canned) | bound


def _actions(ticket: Ticket, user: User, may: May, canned: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"note_form": forms.NoteForm()} if may >= May.NOTE else {}
    if may < May.ACT or ticket.is_over:
        return shown
    replies = list(CannedReply.objects.filter(is_offered=True))
    return shown | {
        "reply_form": forms.ReplyForm(initial={"text": _canned_text(ticket, replies, canned)}),
        "canned_replies": replies,
        "people": _people(ticket, user),
        "priorities": Priority.choices,
    }


def _links(ticket: Ticket, user: User) -> list[tuple[str, str, str]]:
    """Into the operator wing, for those who may see its rows; a driver's order may be anywhere on the network."""
    if not ticket.network_ref:
        return []
    is_drivers = ticket.side == Ticket.Side.DRIVER
    return wiring.handler("EVENTS", "order.desk_links")(
        user, order_id=ticket.network_ref, transaction_id=ticket.transaction_id if is_drivers else None
    )


def _people(ticket: Ticket, user: User) -> list[User]:
    """Whom it may be given to. An operator's people take tickets; only support hands them around."""
    return list(rights.desk_people(ticket.level)) if rights.is_support(user) else [user]


def _canned_text(ticket: Ticket, replies: list[CannedReply], chosen: str) -> str:
    """The chosen reply in the language of the driver, with the number of the ticket in its place."""
    reply = next((one for one in replies if str(one.pk) == chosen), None)
    if reply is None:
        return ""
    language = ticket.driver.language if ticket.driver else ticket.language
    return reply.in_language(language).replace("{code}", ticket.code)


def conversation(ticket: Ticket) -> list[Entry]:
    """Words, files and audit in the order of time. Three queries."""
    said = [
        Entry(
            one.at,
            one.kind,
            one.by,
            str(one.author or one.get_by_display()),
            one.text,
            files=tuple(one.attachments.all()),
        )
        for one in ticket.messages.select_related("author").prefetch_related(FILES)
    ]
    moves = [_audited(event) for event in ticket.events.select_related("by") if not _is_said(event)]
    return sorted([*said, *moves], key=lambda entry: entry.at)


def _is_said(event: TicketEvent) -> bool:
    """The words themselves tell who said them and when."""
    return event.verb in (Verb.REPLIED, Verb.NOTED, Verb.ANSWERED) and event.was == event.now


def _audited(event: TicketEvent) -> Entry:
    verb = event.get_verb_display() if event.verb else f"{event.was} → {event.now}"
    change = f": {event.before or '–'} → {event.after}" if event.after else ""
    why = WHATS.get(event.why, event.why) if event.verb == Verb.OPENED else event.why
    return Entry(event.at, "", "", str(event.by or ""), f"{verb}{change}", why)
