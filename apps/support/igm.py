"""A grievance with its words: the IGM 1.0 quartet of ONDC, no part of Beckn's core (fact sheet 5.5). Pure functions.

The app opens an issue under its own number, adds to it and closes it; the operator answers with what it does about it.
"""

from dataclasses import dataclass
from hashlib import sha256

from apps.beckn.wire import v1_1 as wire
from apps.lib import clock
from apps.support.models import Ticket, TicketEvent
from apps.support.states import PROMISES, State, What

Verb = TicketEvent.Verb
CATEGORY, TYPE = "ORDER", "ISSUE"
SUB_CATEGORIES = {What.WRONG_BILL: "PAYMENT", What.PLUG_BROKEN: "QUALITY", What.OTHER: "OTHER"}
STATUSES = {State.RESOLVED: "RESOLVED", State.CLOSED: "CLOSED", State.ESCALATED: "ESCALATED"}
ACTIONS = {Verb.ASKED_DRIVER: "NEED-MORE-INFO", Verb.ESCALATED: "CASCADED", Verb.RESOLVED: "RESOLVED"}
ASKS = "NEED-MORE-INFO"
LONGEST = 2000


@dataclass(frozen=True)
class Told:
    """What an issue says to whoever gets it."""

    id: str
    order_id: str
    is_closed: bool
    what: str
    words: str  # of the complainant when it opens or adds, of the respondent when it answers
    action: str  # the respondent's newest

    @property
    def key(self) -> str:
        """The same words are said once, however often they come."""
        return f"issue:{sha256(f'{self.action} {self.words}'.encode()).hexdigest()[:40]}"


def opened(ticket: Ticket, words: str) -> wire.Issue:
    """The app opens its issue, or adds to it."""
    said = _issue(ticket.code, ticket)
    return said.but(
        description=wire.IssueDescription(short_desc=ticket.what, long_desc=words[:LONGEST] or None),
        status="OPEN",
        issue_actions=_complained("OPEN"),
    )


def closed(ticket: Ticket) -> wire.Issue:
    said = _issue(ticket.code, ticket)
    return said.but(status="CLOSED", issue_actions=_complained("CLOSE"), rating="THUMBS-UP")


def answer(ticket: Ticket, verb: str = "", words: str = "") -> wire.Issue:
    """The operator's side: how it stands, until when, and what was said last."""
    promise = PROMISES[ticket.priority]
    acted = wire.IssueAction(
        respondent_action=ACTIONS.get(Verb(verb), "PROCESSING") if verb else "PROCESSING",
        short_desc=words[:LONGEST] or None,
        updated_at=clock.utc_text(clock.now()),
        cascaded_level=ticket.level,
    )
    said = _issue(ticket.issue_id, ticket).but(
        status=STATUSES.get(State(ticket.state), "OPEN"),
        issue_actions=wire.IssueActions(respondent_actions=(acted,)),
        expected_response_time=wire.Time(duration=clock.duration_text(promise.reply)),
        expected_resolution_time=wire.Time(duration=clock.duration_text(promise.settle)),
    )
    if ticket.state != State.RESOLVED:
        return said
    return said.but(resolution=wire.IssueResolution(short_desc=ticket.resolution[:LONGEST] or None))


def _issue(issue_id: str, ticket: Ticket) -> wire.Issue:
    return wire.Issue(
        id=issue_id,
        category=CATEGORY,
        sub_category=SUB_CATEGORIES.get(What(ticket.what), "FULFILLMENT"),
        order_details=wire.IssueOrder(id=ticket.network_ref),
        issue_type=TYPE,
        created_at=clock.utc_text(ticket.opened_at),
        updated_at=clock.utc_text(clock.now()),
    )


def _complained(action: str) -> wire.IssueActions:
    said = wire.IssueAction(complainant_action=action, updated_at=clock.utc_text(clock.now()))
    return wire.IssueActions(complainant_actions=(said,))


# --- What we are told -------------------------------------------------------------------------------------


def read(issue: wire.Issue) -> Told:
    actions = issue.issue_actions or wire.IssueActions()
    answered = actions.respondent_actions[-1] if actions.respondent_actions else wire.IssueAction()
    complained = [action.complainant_action for action in actions.complainant_actions]
    description = issue.description or wire.IssueDescription()
    return Told(
        id=_text(issue.id, 64),
        order_id=_text(issue.order_details.id if issue.order_details else "", 255),
        is_closed=(issue.status or "").upper() == "CLOSED" or complained[-1:] == ["CLOSE"],
        what=_what(issue, description),
        words=_text(_words(issue, description, answered), LONGEST),
        action=_text(answered.respondent_action, 40).upper(),
    )


def _what(issue: wire.Issue, description: wire.IssueDescription) -> str:
    """Our own word where the app is ours, else by the sub-category."""
    if description.short_desc in What.values:
        return description.short_desc
    named = {word: what for what, word in SUB_CATEGORIES.items()}
    return named.get((issue.sub_category or "").upper(), What.OTHER)


def _words(issue: wire.Issue, description: wire.IssueDescription, answered: wire.IssueAction) -> str:
    if answered.respondent_action:
        resolution = issue.resolution.short_desc if issue.resolution else ""
        return answered.short_desc or resolution or ""
    short = "" if description.short_desc in What.values else description.short_desc or ""
    return "\n".join(part for part in (short, description.long_desc) if part)


def _text(text: str | None, longest: int) -> str:
    return (text or "").replace("\x00", "").strip()[:longest]
