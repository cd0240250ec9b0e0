"""A duty: a mail a little before a reserved time. Sent outside every transaction, and once."""

from datetime import datetime, timedelta
from smtplib import SMTPException

import structlog

from apps.lib import clock
from apps.orders import mails
from apps.orders.models import Order
from apps.orders.services import claim_reminder, remind_again
from apps.orders.slots import REMIND_BEFORE
from apps.orders.states import State

log = structlog.get_logger(__name__)

BATCH = 50
TOO_LATE = timedelta(minutes=5)  # before the time: then nobody reads it any more


def remind() -> int:
    now = clock.now()
    due = Order.objects.filter(
        state=State.CONFIRMED,
        reminded_at=None,
        slot_starts_at__gt=now + TOO_LATE,
        slot_starts_at__lte=now + REMIND_BEFORE,
    )
    return sum(_remind(order, now) for order in list(due.select_related("driver", "offer")[:BATCH]))


def _remind(order: Order, now: datetime) -> bool:
    if not claim_reminder(order, at=now):
        return False
    try:
        mails.send_reminder(order)
    except (SMTPException, OSError) as trouble:
        log.warning("a reminder was not sent", order=str(order.code), why=str(trouble))
        remind_again(order, claimed_at=now)
        return False
    return True
