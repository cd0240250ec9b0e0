"""One mail of a ticket, in the language of its reader. What a guest wrote is never sent on: the address can be
anybody's."""

from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from apps.accounts.guest_links import link_for
from apps.lib import wiring
from apps.support import panel
from apps.support.models import Notice, TicketEvent

SEND_SECONDS = 10  # longer the worker does not wait for a mail server


def send(notice: Notice) -> None:
    """Raises SMTPException or OSError when the mail server did not take it."""
    off, off_headers = _off(notice)
    letter = "support/email/refund_" if notice.refund else "support/email/"
    with translation.override(notice.language):
        context = {
            "off": off,
            "is_always_sent": not off and _has_switches(notice),
            "notice": notice,
            "ticket": notice.ticket,
            "refund": notice.refund,
            "url": _url(notice),
            "odr_url": _odr_url(notice),
            "zone": notice.ticket and notice.ticket.station_zone,
        }
        EmailMessage(
            subject=" ".join(render_to_string(f"{letter}subject.txt", context).split()),
            body=render_to_string(f"{letter}message.txt", context).strip() + "\n",
            to=[notice.to],
            headers={"Message-ID": message_id(notice), **off_headers},
            connection=get_connection(timeout=SEND_SECONDS),
        ).send()


def _has_switches(notice: Notice) -> bool:
    driver = notice.ticket and notice.ticket.driver
    return not notice.to_desk and driver is not None and not driver.is_guest


def _off(notice: Notice) -> tuple[str, dict[str, str]]:
    """The "no" to mails of this kind, and its headers, from the room that has the switches."""
    if not _has_switches(notice):
        return "", {}
    return wiring.handler("EVENTS", "ticket.mail_off")(notice.ticket.driver, notice.verb)


def _odr_url(notice: Notice) -> str:
    """When the grievance officer gets it, and when it ends there."""
    says_it = notice.verb in (TicketEvent.Verb.ESCALATED, TicketEvent.Verb.RESOLVED, TicketEvent.Verb.CLOSED)
    return panel.odr_url(notice.ticket) if says_it and not notice.to_desk else ""


def _url(notice: Notice) -> str:
    if notice.refund:
        return settings.PUBLIC_URL + reverse("admin:payments_refund_change", args=[notice.refund_id])
    if notice.to_desk:
        return settings.PUBLIC_URL + reverse("admin:support_ticket_change", args=[notice.ticket_id])
    driver, path = notice.ticket.driver, notice.ticket.get_absolute_url()
    # A guest who ordered has a key that signs them in; one who only reported has it in the address itself.
    return settings.PUBLIC_URL + (link_for(driver, path=path) if driver and driver.is_guest else path)


def message_id(notice: Notice) -> str:
    """The same at every try."""
    host = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].partition("@")[2] or "localhost"
    return f"<{notice.name}-{notice.pk}@{host}>"
