"""The evidence of a ticket as one PDF to hand over: what the page shows, and an annex of long lists.

Bounded whatever the deal was like: every list has a most, and the paper says what it left out.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.models import User
from apps.beckn.models import Message
from apps.beckn.selectors import Step, timeline
from apps.lib import clock, wiring
from apps.lib.paper import Cell, Fact, Paper, Section, Table
from apps.support import evidence
from apps.support.clocks import clock_of
from apps.support.models import Ticket, TicketMessage

MOST_READINGS = 6000  # about 30 pages; of more every n-th is printed
MOST_LINES = 120  # of one list in the body; the first and the last of more
MOST_WORDS = 40_000  # characters of the conversation, the newest kept
TROUBLED = {
    Message.State.NACKED,
    Message.State.GIVEN_UP,
    Message.State.REFUSED,
    Message.State.EXPIRED,
    Message.State.FAILED,
}
Times = Iterable[tuple[datetime, Any, Any]]


def paper_of(ticket: Ticket, by: User) -> Paper:
    now = clock.now()
    steps = timeline(ticket.transaction_id) if ticket.transaction_id else []
    sections = [
        _ticket(ticket, by, now),
        *(_section(part) for part in evidence.sections_of(ticket, with_messages=False)),
        _messages(steps),
        _conversation(ticket),
        _desk(ticket),
        _earlier(ticket, by),
    ]
    annex = [_all_messages(steps), _readings(ticket)]
    return Paper(
        title=_("Evidence of {code}").format(code=ticket.code),
        heading=_("Evidence of {code}").format(code=ticket.code),
        at=now,
        under=f"{ticket.get_what_display()} · {ticket.station_name}",
        sections=[part for part in (*sections, *annex) if part],
        foot=_("Internal. Times are UTC. Exported by {person} on {time} UTC.").format(
            person=by, time=_at(now)
        ),
    )


def file_name(ticket: Ticket) -> str:
    return f"evidence-{ticket.code.lower()}.pdf"


def _at(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _ticket(ticket: Ticket, by: User, now: datetime) -> Section:
    promise = clock_of(ticket, now)
    reporter = str(ticket.driver) if ticket.driver else ticket.guest_email or ticket.bap_id or _("guest")
    facts = [
        (_("State"), ticket.get_state_display()),
        (_("Level"), ticket.get_level_display()),
        (_("Priority"), ticket.get_priority_display()),
        (_("Promise"), f"{promise.words} {_at(promise.due_at) if promise.due_at else ''}"),
        (_("Promise missed"), _at(ticket.breached_at) if ticket.breached_at else ""),
        (_("Who has it"), ticket.assignee or ""),
        (_("Reported by"), reporter),
        (_("Opened"), _at(ticket.opened_at)),
        (_("Resolved"), _at(ticket.resolved_at) if ticket.resolved_at else ""),
        (_("Resolution"), ticket.resolution),
        (_("Operator"), ticket.operator_name),
        (_("Number at the operator"), ticket.network_ref),
        (_("Transaction"), ticket.transaction_id or ""),
        (_("Time zone of the station"), ticket.station_zone),
    ]
    return Section(_("The ticket"), [Fact(name, str(text)) for name, text in facts if str(text).strip()])


def _section(part: Any) -> Section:
    """Of our own wing a dataclass, of the operator wing a dict (evidence.py)."""
    told = part if isinstance(part, dict) else vars(part)
    lines, times = told.get("lines") or (), told.get("times") or ()
    tables = (
        [Table((_("Line"), _("Amount")), [(str(name), str(amount)) for name, amount in lines])]
        if lines
        else []
    )
    notes: list[str] = []
    if times:
        table, left_out = _times(times)
        tables.append(table)
        notes += left_out
    facts = [Fact(str(name), str(text)) for name, text in told.get("facts") or ()]
    return Section(str(told["title"]), facts, tables, notes)


def _times(times: Times) -> tuple[Table, list[str]]:
    rows = [(_at(at), Cell(str(words), str(more or ""))) for at, words, more in times]
    left_out = len(rows) - MOST_LINES
    if left_out > 0:
        rows = rows[: MOST_LINES // 2] + rows[-MOST_LINES // 2 :]
    return Table((_("Time"), _("What happened")), rows, numbers=(), wide=1), _left_out(left_out)


def _left_out(count: int) -> list[str]:
    if count <= 0:
        return []
    return [
        ngettext("{count} line is left out here.", "{count} lines are left out here.", count).format(
            count=count
        )
    ]


# --- Messages ---------------------------------------------------------------------------------------------


def _messages(steps: list[Step]) -> Section | None:
    """How many of which; each of them stands in the annex."""
    if not steps:
        return None
    counts: dict[str, list[Step]] = {}
    for step in steps:
        counts.setdefault(step.action, []).append(step)
    rows = [
        (action, str(len(group)), _at(group[0].at), _at(group[-1].at)) for action, group in counts.items()
    ]
    head = (_("Message"), _("Count"), _("First"), _("Last"))
    facts = [Fact(_("Messages"), str(len(steps))), Fact(_("Not delivered or refused"), str(_troubled(steps)))]
    return Section(_("Messages on the network"), facts, [Table(head, rows, numbers=(1,))])


def _troubled(steps: list[Step]) -> int:
    return sum(any(row.state in TROUBLED for row in step.rows) for step in steps)


def _all_messages(steps: list[Step]) -> Section | None:
    if not steps:
        return None
    rows = [
        (
            _at(step.at),
            step.action,
            f"{step.sender} → {step.receiver}",
            Cell(str(step.rows[0].message_id), " · ".join(str(row.get_state_display()) for row in step.rows)),
        )
        for step in steps
    ]
    head = (_("Time"), _("Message"), _("From and to"), _("Message id and what became of it"))
    table = Table(head, rows, numbers=(), wide=2, is_dense=True)
    return Section(_("Annex: all messages"), tables=[table], on_new_page=True)


# --- Readings ---------------------------------------------------------------------------------------------


def _readings(ticket: Ticket) -> Section | None:
    """Every reading, in small print."""
    count, readings = _told_readings(ticket)
    if not count:
        return None
    step = (count - 1) // MOST_READINGS + 1
    lines = [
        " · ".join(part for part in (f"{at:%m-%d %H:%M:%S}", words, note) if part)
        for at, words, note in islice(readings, 0, None, step)
    ]
    notes = (
        []
        if step == 1
        else [_("Of {count} readings every {step}th is printed.").format(count=count, step=step)]
    )
    facts = [Fact(_("Readings"), str(count)), Fact(_("Each line"), _("Day and time, meter or energy, power"))]
    return Section(_("Annex: all readings"), facts, columns=lines, notes=notes, on_new_page=True)


def _told_readings(ticket: Ticket) -> tuple[int, Iterator[tuple[datetime, str, str]]]:
    if ticket.order:
        return evidence.points_of(ticket.order)
    told = wiring.handler("EVENTS", "order.readings")
    if ticket.side != Ticket.Side.OPERATOR or told is None:
        return 0, iter(())
    return told(ticket.network_ref)


# --- The desk ---------------------------------------------------------------------------------------------


def _conversation(ticket: Ticket) -> Section | None:
    """What both sides read. Internal notes stay in the house."""
    said = ticket.messages.filter(kind=TicketMessage.Kind.PUBLIC).select_related("author")
    rows, length, left_out = [], 0, 0
    for one in said.order_by("-at", "-pk").iterator(chunk_size=100):
        length += len(one.text)
        if rows and length > MOST_WORDS:
            left_out += 1
        else:
            rows.append((_at(one.at), Cell(str(one.author or one.get_by_display()), one.text)))
    if not rows:
        return None
    table = Table((_("Time"), _("Words")), rows[::-1], numbers=(), wide=1)
    notes = [*_left_out(left_out), _("Internal notes are not part of this paper.")]
    return Section(_("Conversation"), tables=[table], notes=notes)


def _desk(ticket: Ticket) -> Section | None:
    """The audit: who did what, from what to what, and why."""
    events = [event for event in ticket.events.select_related("by") if event.verb != event.Verb.NOTED]
    times = [
        (event.at, f"{event.get_verb_display() or event.now} {event.by or ''}".strip(), _change(event))
        for event in events
    ]
    if not times:
        return None
    table, left_out = _times(times)
    return Section(_("What the desk did"), tables=[table], notes=left_out)


def _change(event: Any) -> str:
    moved = f"{event.before or '–'} → {event.after}" if event.after else ""
    return "\n".join(part for part in (moved, event.why) if part)


def _earlier(ticket: Ticket, by: User) -> Section | None:
    rows = [
        (other.code, str(other.get_what_display()), str(other.get_state_display()), _at(other.opened_at))
        for other in evidence.earlier_tickets(ticket, by)
    ]
    if not rows:
        return None
    head = (_("Ticket"), _("What"), _("State"), _("Opened"))
    return Section(_("Other tickets of this driver"), tables=[Table(head, rows, numbers=(), wide=1)])
