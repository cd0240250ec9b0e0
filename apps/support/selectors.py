"""Reads for pages, sockets and handlers."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.http import Http404
from django.template.loader import render_to_string

from apps.accounts.models import User
from apps.discovery.models import Offer, OfferedStation
from apps.discovery.station_page import station_by_code
from apps.discovery.watch_panel import label
from apps.support import links, panel
from apps.support.models import Attachment, Ticket, TicketMessage
from apps.support.states import State

LONGEST_LIST = 200
MOST_PLUGS = 100


def find_ticket(user: User | AnonymousUser, name: str) -> Ticket | None:
    """By its number for its driver, by a signed link for whoever has it; a ticket of an account has no link."""
    tickets = Ticket.objects.select_related("order", "assignee", "merged_into")
    if "." in name:
        code = links.code_of(name)
        return tickets.filter(code=code, driver=None).first() if code else None
    return tickets.filter(code=name, driver=user).first() if user.is_authenticated else None


def ticket_for(user: User | AnonymousUser, name: str) -> Ticket:
    """The reporter's own ticket, or 404."""
    ticket = find_ticket(user, name)
    if ticket is None:
        raise Http404("no such ticket")
    return ticket


def attachment_of(ticket: Ticket, code: UUID, *, is_desk: bool) -> Attachment:
    """A file of this ticket, or 404; what hangs on an internal note is the desk's."""
    files = Attachment.objects.filter(ticket=ticket, code=code)
    if not is_desk:
        files = files.filter(message__kind=TicketMessage.Kind.PUBLIC)
    file = files.first()
    if file is None:
        raise Http404("no such file")
    return file


def tickets_of(user: User) -> list[Ticket]:
    """What this driver reported: open ones first, the newest on top."""
    mine = list(Ticket.objects.filter(driver=user).order_by("-opened_at", "-pk")[:LONGEST_LIST])
    return sorted(mine, key=lambda ticket: ticket.is_over)


def tickets_of_deal(*, transaction_id: UUID, bpp_id: str) -> list[Ticket]:
    """What our drivers have open with one operator about one deal."""
    tickets = Ticket.objects.filter(side=Ticket.Side.DRIVER, transaction_id=transaction_id, bpp_id=bpp_id)
    return list(tickets.exclude(state__in=(State.RESOLVED, State.CLOSED)))


def station_to_report(code: UUID) -> OfferedStation:
    station = station_by_code(code)
    if station is None:
        raise Http404("no such station")
    return station


def plugs_at(station: OfferedStation) -> dict[str, Offer]:
    """The plugs of a station by their codes."""
    return {str(offer.code): offer for offer in station.offers.order_by("letter", "pk")[:MOST_PLUGS]}


def plug_choices(plugs: dict[str, Offer]) -> list[tuple[str, str]]:
    return [(code, label(offer)) for code, offer in plugs.items()]


def live_panel(user: User | AnonymousUser, name: str) -> str | None:
    """The living part of the ticket's page for the socket; None for whoever may not see it."""
    ticket = find_ticket(user, name)
    if ticket is None:
        return None
    context: dict[str, Any] = {**panel.context(ticket), "oob": True}
    return render_to_string("support/_ticket.html", context)
