"""The mail of a notice, in the language of its person."""

from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.template.loader import render_to_string
from django.utils import translation

from apps.accounts.guest_links import link_for
from apps.accounts.models import User
from apps.notices import unsubscribing, wording
from apps.notices.models import Channel, Happening, Notice
from apps.notices.switches import PAPERS, may_switch
from apps.orders import papers, price_lines, receipt
from apps.orders.models import Order

SEND_SECONDS = 10  # longer the worker does not wait for a mail server
WITH_PAPERS = PAPERS | {Happening.REFUND_PAID}  # money that is back changes the receipt
MOST_DOCUMENTS = 6  # the newest ones; all of them are on the page


def send(notice: Notice) -> None:
    """Raises SMTPException or OSError when the mail server did not take it."""
    person, off = notice.person, off_link(notice.person, notice.happening)
    with translation.override(person.language):
        context = {
            "notice": notice,
            "order": notice.order,
            "title": wording.title_of(notice),
            "sentence": wording.sentence_of(notice),
            "lines": price_lines.lines(notice.order, "BILL") if notice.happening == Happening.RECEIPT else (),
            "link": settings.PUBLIC_URL + _path(notice),
            "off": off,
        }
        mail = EmailMessage(
            subject=" ".join(context["title"].split()),
            body=render_to_string("notices/email/message.txt", context).strip() + "\n",
            to=[person.mail_address],
            headers={"Message-ID": message_id(notice), **unsubscribe_headers(off)},
            connection=get_connection(timeout=SEND_SECONDS),
        )
        for name, pdf in _papers(notice):
            mail.attach(name, pdf, "application/pdf")
        mail.send()


def _papers(notice: Notice) -> list[tuple[str, bytes]]:
    """The receipt as it stands now, and what the operator wrote."""
    if notice.happening not in WITH_PAPERS:
        return []
    order = Order.objects.select_related("driver").get(pk=notice.order_id)
    if not receipt.has_one(order):
        return []
    places = range(len(order.documents))[-MOST_DOCUMENTS:]
    documents = [
        (papers.file_name(order, order.documents[place]["number"]), papers.of_document(order, place).pdf())
        for place in places
    ]
    return [(papers.file_name(order), papers.of_receipt(order).pdf()), *documents]


def _path(notice: Notice) -> str:
    """A guest has a key that signs them in."""
    person, path = notice.person, notice.leads_to
    return link_for(person, path=path) if person.is_guest else path


def off_link(person: User, happening: str) -> str:
    """ "" where there is no "no": guests have no switches, and some mails are always sent."""
    if person.is_guest or not may_switch(happening, Channel.MAIL):
        return ""
    return settings.PUBLIC_URL + unsubscribing.path_for(person, happening)


def unsubscribe_headers(off: str) -> dict[str, str]:
    """A mail program may offer the "no" beside the sender (RFC 8058)."""
    if not off:
        return {}
    return {"List-Unsubscribe": f"<{off}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def message_id(notice: Notice) -> str:
    """The same at every try, for a mailbox knows a letter it has; another one when it is told again."""
    host = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].partition("@")[2] or "localhost"
    return f"<notice-{notice.code}-{notice.happened_at:%Y%m%d%H%M%S}@{host}>"
