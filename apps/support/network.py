"""How a call for help is said on the wire (fact sheet 4.11 and 5.5). The shape is closed: there is no room for a text,
so the ticket travels as a link."""

from django.conf import settings

from apps.beckn.wire import v1_1 as wire
from apps.support.models import Ticket


def support(ticket: Ticket) -> wire.SupportMessage:
    return wire.SupportMessage(support=wire.Support(ref_id=ticket.network_ref))


def on_support(ticket: Ticket) -> wire.OnSupportMessage:
    """Unasked: something happened with the ticket. What, stands behind the link."""
    contact = {
        name: ticket.operator_contact[name]
        for name in ("phone", "email")
        if ticket.operator_contact.get(name)
    }
    return wire.OnSupportMessage(support=wire.Support(ref_id=ticket.network_ref, url=link(ticket), **contact))


def link(ticket: Ticket) -> str:
    return f"{settings.PUBLIC_URL}{ticket.get_absolute_url()}"


def read_contact(said: wire.Support) -> dict[str, str]:
    contact = {"phone": said.phone, "email": said.email, "url": said.url}
    return {
        name: text[:300]
        for name, text in contact.items()
        if text and (name != "url" or text.startswith(("https://", "http://")))
    }
