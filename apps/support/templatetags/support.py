from typing import Any

from django import template

from apps.lib import clock
from apps.support.clocks import Clock, clock_of
from apps.support.models import Ticket
from apps.support.panel import state_badge

register = template.Library()


@register.filter
def ticket_badge(ticket: Ticket) -> dict[str, Any]:
    """Words, tone and icon of the state, as its reporter reads it."""
    return state_badge(ticket)


@register.filter
def ticket_clock(ticket: Ticket) -> Clock:
    """How the promise stands now."""
    return clock_of(ticket, clock.now())
