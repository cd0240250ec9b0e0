"""What other rooms tell of reports and refunds, said as happenings. Handed over by wiring."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from apps.accounts.models import User
from apps.notices import mails
from apps.notices.models import Channel, Happening
from apps.notices.services import News, note_news
from apps.notices.switches import channels_wanted
from apps.orders.models import Order
from apps.orders.panel import zone_of
from apps.payments.models import Refund

H, S = Happening, Refund.State
OVERDUE = "OVERDUE"
OF_REFUND = {
    S.REQUESTED: H.REFUND_ASKED,
    S.APPROVED: H.REFUND_YES,
    S.DECLINED: H.REFUND_NO,
    S.SENT: H.REFUND_SENT,
    S.SETTLED: H.REFUND_PAID,
    S.FAILED: H.REFUND_LATE,
    OVERDUE: H.REFUND_LATE,
}
ASKED_BY_PEOPLE = (Refund.Source.DRIVER, Refund.Source.STAFF)
# The verb of the desk's audit → what it is to the driver; every other is news.
OF_TICKET = {
    "opened": H.TICKET_OPENED,
    "asked-driver": H.TICKET_ASKED,
    "replied": H.TICKET_ANSWER,
    "operator-answered": H.TICKET_ANSWER,
    "resolved": H.TICKET_DONE,
    "closed": H.TICKET_DONE,
}


# --- Refunds ----------------------------------------------------------------------------------------------


def refund_changed(order: Order, refund: Refund) -> None:
    """Announced by orders, in the transaction of the change."""
    occasion = OVERDUE if _only_became_late(refund) else refund.state
    if occasion == S.REQUESTED and refund.source not in ASKED_BY_PEOPLE:
        return  # by a rule or the operator's word it is approved in the same breath
    news = News(
        order.driver,
        OF_REFUND[occasion],
        order=order,
        about=f"refund-{refund.code.hex}",
        occasion=occasion,
        facts=_refund_facts(order, refund, occasion),
        may_wait=occasion in (S.REQUESTED, S.APPROVED, S.SENT),
    )
    note_news(news)


def _only_became_late(refund: Refund) -> bool:
    """The promised day passed: the newest line of its history moved nothing."""
    newest = refund.events.order_by("pk").last()
    return newest is not None and newest.was == newest.now


def _refund_facts(order: Order, refund: Refund, occasion: str) -> dict[str, Any]:
    """Money as text, days as they are promised."""
    return {
        "occasion": occasion,
        "amount": str(refund.amount),
        "currency": refund.currency,
        "operator": order.provider_name if refund.source == Refund.Source.DRIVER else "",
        "decided_by": _day(refund.decide_until, zone_of(order)),
        "promised_on": refund.promised_on.isoformat() if refund.promised_on else "",
        "closed_on": _day(refund.closed_at, zone_of(order)),
        "why": refund.decision,
        "reference": refund.provider_ref,
    }


def _day(instant: datetime | None, zone: str) -> str:
    return instant.astimezone(ZoneInfo(zone)).date().isoformat() if instant else ""


# --- Reports to support -----------------------------------------------------------------------------------


def ticket_told(
    person: User,
    *,
    verb: str,
    code: str,
    occasion: str,
    path: str,
    order: Order | None,
    facts: dict[str, Any],
) -> None:
    """Something happened to a report of `person`. Support sends the mail, where `ticket_mail` lets it."""
    note_news(
        News(
            person,
            OF_TICKET.get(verb, H.TICKET_NEWS),
            order=order,
            about=f"ticket-{code}",
            occasion=occasion,
            path=path,
            facts={**facts, "verb": verb, "code": code},
            mail_comes_from_elsewhere=True,
        )
    )


def ticket_mail_wanted(person: User, verb: str) -> bool:
    return Channel.MAIL in channels_wanted(person, OF_TICKET.get(verb, H.TICKET_NEWS))


def ticket_mail_off(person: User, verb: str) -> tuple[str, dict[str, str]]:
    """The link that ends mails of this kind, and its headers; empty where the mail is always sent."""
    off = mails.off_link(person, OF_TICKET.get(verb, H.TICKET_NEWS))
    return off, mails.unsubscribe_headers(off)
