"""The one mail of an order: the time that was reserved is near. In the language of its driver."""

from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.template.loader import render_to_string
from django.utils import translation

from apps.accounts.guest_links import link_for
from apps.orders import panel, slots
from apps.orders.models import Order

SEND_SECONDS = 10  # longer the worker does not wait for a mail server


def send_reminder(order: Order) -> None:
    """Raises SMTPException or OSError when the mail server did not take it."""
    driver, zone, path = order.driver, panel.zone_of(order), order.get_absolute_url()
    with translation.override(driver.language):
        context = {
            "order": order,
            "zone": zone,
            "plug": panel.plug_words(order),
            "url": settings.PUBLIC_URL + (link_for(driver, path=path) if driver.is_guest else path),
            **slots.in_zone(slots.slot_of(order), zone),
        }
        EmailMessage(
            subject=" ".join(render_to_string("orders/email/reminder_subject.txt", context).split()),
            body=render_to_string("orders/email/reminder_message.txt", context).strip() + "\n",
            to=[driver.mail_address],
            headers={"Message-ID": message_id(order)},
            connection=get_connection(timeout=SEND_SECONDS),
        ).send()


def message_id(order: Order) -> str:
    """The same at every try, another one for another time."""
    host = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].partition("@")[2] or "localhost"
    return f"<order-{order.code}-{order.slot_starts_at:%Y%m%d%H%M}@{host}>"
