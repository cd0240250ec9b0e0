"""The mail of a notice, in the language of its person."""

from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.template.loader import render_to_string
from django.utils import translation

from apps.notices import unsubscribing, wording
from apps.notices.models import Notice

SEND_SECONDS = 10  # longer the worker does not wait for a mail server


def send(notice: Notice) -> None:
    """Raises SMTPException or OSError when the mail server did not take it."""
    off = settings.PUBLIC_URL + unsubscribing.path_for(notice.person, notice.happening)
    with translation.override(notice.person.language):
        context = {
            "notice": notice,
            "order": notice.order,
            "title": wording.title_of(notice),
            "sentence": wording.sentence_of(notice),
            "lines": notice.order.lines.filter(kind="BILL") if notice.happening == "RECEIPT" else (),
            "link": settings.PUBLIC_URL + notice.order.get_absolute_url(),
            "off": off,
        }
        EmailMessage(
            subject=context["title"],
            body=render_to_string("notices/email/message.txt", context).strip() + "\n",
            to=[notice.person.mail_address],
            # The last two: a mail program may offer the "no" beside the sender (RFC 8058).
            headers={
                "Message-ID": message_id(notice),
                "List-Unsubscribe": f"<{off}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            },
            connection=get_connection(timeout=SEND_SECONDS),
        ).send()


def message_id(notice: Notice) -> str:
    """The same at every try: a mailbox knows a letter it has."""
    host = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].partition("@")[2] or "localhost"
    return f"<notice-{notice.code}@{host}>"
