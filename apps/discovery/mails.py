"""The one mail of a watch, in the language of its person."""

from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.template.loader import render_to_string
from django.utils import translation

from apps.discovery import watch_panel
from apps.discovery.wishes import Watch
from apps.lib import clock

SEND_SECONDS = 10  # longer the worker does not wait for a mail server


def send_free(watch: Watch) -> None:
    """Raises SMTPException or OSError when the mail server did not take it."""
    with translation.override(watch.person.language):
        context = {
            "view": watch_panel.view_of(watch, clock.now()),
            "person": watch.person,
            "base": settings.PUBLIC_URL,
        }
        mail = EmailMessage(
            subject=" ".join(render_to_string("discovery/email/free_subject.txt", context).split()),
            body=render_to_string("discovery/email/free_message.txt", context).strip() + "\n",
            to=[watch.person.mail_address],
            headers={"Message-ID": message_id(watch)},
            connection=get_connection(timeout=SEND_SECONDS),
        )
        mail.send()


def message_id(watch: Watch) -> str:
    """The same at every try."""
    host = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].partition("@")[2] or "localhost"
    return f"<watch-{watch.code}@{host}>"
