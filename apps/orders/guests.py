"""Orders without an account: the link that opens them goes out by mail, and an account may take them over."""

from smtplib import SMTPException

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from apps.accounts import services as accounts
from apps.accounts.guest_links import link_for
from apps.accounts.models import User
from apps.lib.errors import Refused
from apps.orders.models import Order
from apps.payments import services as payments

log = structlog.get_logger(__name__)
SEND_SECONDS = 10


class HasATimeReserved(Refused):
    def __init__(self) -> None:
        super().__init__(
            _(
                "Your account has a time reserved already, and so has this order. Use or cancel one of them first."
            )
        )


def hand_over(guest: User, to: User) -> None:
    """Announced by accounts, in its transaction."""
    try:
        with transaction.atomic():
            Order.objects.filter(driver=guest).update(driver=to)
    except IntegrityError as lost:  # one_reserved_time_per_driver
        raise HasATimeReserved from lost
    payments.hand_over(payer=guest, to=to)


def send_links() -> int:
    """Duty: the mail with the link, once a guest has something that is worth coming back to."""
    with_orders = User.objects.filter(orders__network_order_id__gt="").distinct()
    sent = 0
    for guest in accounts.links_to_send(with_orders):
        if not accounts.take_link_to_send(guest):
            continue
        try:
            _send(guest, Order.objects.filter(driver=guest, network_order_id__gt="").latest("created_at"))
        except (SMTPException, OSError) as trouble:
            accounts.link_not_sent(guest)
            log.warning("the link of a guest was not sent", guest=guest.pk, why=str(trouble))
            break
        sent += 1
    return sent


def _send(guest: User, order: Order) -> None:
    with translation.override(guest.language):
        context = {
            "order": order,
            "link": settings.PUBLIC_URL + link_for(guest, path=order.get_absolute_url()),
        }
        EmailMessage(
            subject=" ".join(render_to_string("orders/email/guest_link_subject.txt", context).split()),
            body=render_to_string("orders/email/guest_link_message.txt", context).strip() + "\n",
            to=[guest.mail_address],
            connection=get_connection(timeout=SEND_SECONDS),
        ).send()
