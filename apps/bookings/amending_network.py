"""How a change is said that waits to be accepted. Pure."""

from datetime import datetime

from apps.beckn.wire import numbers
from apps.beckn.wire import v1_1 as wire
from apps.bookings import network
from apps.bookings.models import Amendment, Booking
from apps.lib import clock


def offer(amendment: Amendment, wanted: Booking, now: datetime) -> wire.Order:
    """The order as it would be: the new quote with its `ttl`, and beside the payment that stands the one that accepts.

    The second row is over the difference, which is 0 or less where nothing more is to be paid.
    """
    currency = wanted.currency
    difference = numbers.money_text(amendment.difference, currency)
    row = wire.Payment(
        id=amendment.code,
        collected_by="BAP",
        type=network.PAYMENT_TYPE,
        status="NOT-PAID",
        params=wire.PaymentParams(amount=difference, currency=currency),
    )
    order = network.as_offered(wanted, now, amendment.expires_at)
    stands = order.payments[0].but(
        params=wire.PaymentParams(
            amount=numbers.money_text(amendment.total_before, currency), currency=currency
        )
    )
    said = network.amended(
        amendment.code,
        network.OFFERED,
        difference=difference,
        valid_until=clock.utc_text(amendment.expires_at),
    )
    return order.but(payments=(stands, row), tags=(said,))
