"""The mail of a notice, in the language of its person."""

from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.template.loader import render_to_string
from django.utils import translation

from apps.accounts.guest_links import link_for
from apps.notices import unsubscribing, wording
from apps.notices.models import Happening, Notice
from apps.notices.switches import PAPERS
from apps.orders import papers, price_lines, receipt
from apps.orders.models import Order

SEND_SECONDS = 10  # longer the worker does not wait for a mail server
MOST_DOCUMENTS = 6  # the newest ones; all of them are on the page


def send(notice: Notice) -> None:
    """Raises SMTPException or OSError when the mail server did not take it."""
    person, path = notice.person, notice.order.get_absolute_url()
    off = "" if person.is_guest else settings.PUBLIC_URL + unsubscribing.path_for(person, notice.happening)
    with translation.override(person.language):
        context = {
            "notice": notice,
            "order": notice.order,
            "title": wording.title_of(notice),
            "sentence": wording.sentence_of(notice),
            "lines": price_lines.lines(notice.order, "BILL") if notice.happening == Happening.RECEIPT else (),
            "link": settings.PUBLIC_URL + (link_for(person, path=path) if person.is_guest else path),
            "off": off,
        }
        mail = EmailMessage(
            subject=" ".join(context["title"].split()),
            body=render_to_string("notices/email/message.txt", context).strip() + "\n",
            to=[person.mail_address],
            headers={"Message-ID": message_id(notice), **_may_say_no(off)},
            connection=get_connection(timeout=SEND_SECONDS),
        )
        for name, pdf in _papers(notice):
            mail.attach(name, pdf, "application/pdf")
        mail.send()


def _may_say_no(off: str) -> dict[str, str]:
    """A mail program may offer the "no" beside the sender (RFC 8058). Guests get their papers alone, and no switch."""
    if not off:
        return {}
    return {"List-Unsubscribe": f"<{off}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def _papers(notice: Notice) -> list[tuple[str, bytes]]:
    """The receipt as it stands now, and what the operator wrote."""
    order = Order.objects.select_related("driver").get(pk=notice.order_id)
    if notice.happening not in PAPERS or not receipt.has_one(order):
        return []
    places = range(len(order.documents))[-MOST_DOCUMENTS:]
    documents = [
        (papers.file_name(order, order.documents[place]["number"]), papers.of_document(order, place).pdf())
        for place in places
    ]
    return [(papers.file_name(order), papers.of_receipt(order).pdf()), *documents]


def message_id(notice: Notice) -> str:
    """The same at every try, for a mailbox knows a letter it has; another one when it is told again."""
    host = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].partition("@")[2] or "localhost"
    return f"<notice-{notice.code}-{notice.happened_at:%Y%m%d%H%M%S}@{host}>"
