"""The states of an order, where each may go, and how long it may wait."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    QUOTE_REQUESTED = "QUOTE_REQUESTED", _("Asking for the price")
    QUOTED = "QUOTED", _("Quote")
    TERMS_REQUESTED = "TERMS_REQUESTED", _("Asking for the terms")
    TERMS_OFFERED = "TERMS_OFFERED", _("Terms")
    PAYING = "PAYING", _("Payment")
    CONFIRM_REQUESTED = "CONFIRM_REQUESTED", _("Confirming")
    CONFIRMED = "CONFIRMED", _("Ready to charge")
    STARTING = "STARTING", _("Starting")
    CHARGING = "CHARGING", _("Charging")
    INTERRUPTED = "INTERRUPTED", _("Interrupted")
    STOPPING = "STOPPING", _("Stopping")
    STANDING = "STANDING", _("Charged, still plugged in")
    ENDED = "ENDED", _("Ended, settling")
    SETTLED = "SETTLED", _("Done")
    EXPIRED = "EXPIRED", _("Expired")
    REFUSED = "REFUSED", _("Refused")
    PAYMENT_FAILED = "PAYMENT_FAILED", _("Payment failed")
    CANCELLING = "CANCELLING", _("Cancelling")
    CANCELLED = "CANCELLED", _("Cancelled")
    NO_SHOW = "NO_SHOW", _("Not used")
    FAILED = "FAILED", _("Failed")


S = State
_ENERGY_OR_END = {S.CHARGING, S.INTERRUPTED, S.STOPPING, S.STANDING, S.ENDED}
_OPERATOR_ENDS_IT = {S.CANCELLED, S.NO_SHOW, S.FAILED}

MOVES: dict[str, set[str]] = {
    S.QUOTE_REQUESTED: {S.QUOTED, S.REFUSED, S.EXPIRED, S.CANCELLED},
    S.QUOTED: {S.QUOTE_REQUESTED, S.TERMS_REQUESTED, S.REFUSED, S.EXPIRED, S.CANCELLED},
    S.TERMS_REQUESTED: {S.TERMS_OFFERED, S.REFUSED, S.EXPIRED, S.CANCELLED},
    S.TERMS_OFFERED: {S.PAYING, S.CONFIRM_REQUESTED, S.REFUSED, S.EXPIRED, S.CANCELLED},
    S.PAYING: {S.CONFIRM_REQUESTED, S.PAYMENT_FAILED, S.EXPIRED, S.CANCELLED},
    S.PAYMENT_FAILED: {S.PAYING, S.EXPIRED, S.CANCELLED},
    S.CONFIRM_REQUESTED: {S.CONFIRMED, S.REFUSED, S.EXPIRED, S.CANCELLED},
    # Callbacks overtake each other: the bill may come before the word that energy flows.
    S.CONFIRMED: {S.STARTING, S.CANCELLING, *_ENERGY_OR_END, *_OPERATOR_ENDS_IT},
    S.STARTING: {S.CONFIRMED, S.CANCELLING, *_ENERGY_OR_END, *_OPERATOR_ENDS_IT},
    S.CHARGING: {*_ENERGY_OR_END - {S.CHARGING}, *_OPERATOR_ENDS_IT},
    S.INTERRUPTED: {*_ENERGY_OR_END - {S.INTERRUPTED}, *_OPERATOR_ENDS_IT},
    S.STOPPING: {S.CHARGING, S.STANDING, S.ENDED, *_OPERATOR_ENDS_IT},
    S.STANDING: {S.ENDED, S.FAILED},
    S.CANCELLING: {S.CONFIRMED, *_ENERGY_OR_END, *_OPERATOR_ENDS_IT},
    S.ENDED: {S.SETTLED, S.FAILED},
    S.SETTLED: set(),
    S.EXPIRED: set(),
    S.REFUSED: set(),
    S.CANCELLED: set(),
    S.NO_SHOW: set(),
    S.FAILED: set(),
}
WITH_ENERGY = (S.CHARGING, S.INTERRUPTED, S.STOPPING)
# From the terms, which hold it, until energy flows: a driver has one reserved time (AT-I4).
RESERVING = (
    S.TERMS_REQUESTED,
    S.TERMS_OFFERED,
    S.PAYING,
    S.PAYMENT_FAILED,
    S.CONFIRM_REQUESTED,
    S.CONFIRMED,
    S.STARTING,
)
OVER = (S.SETTLED, S.EXPIRED, S.REFUSED, S.CANCELLED, S.NO_SHOW, S.FAILED)


@dataclass(frozen=True)
class Wait:
    """How long a state may last; how often and how soon we ask again meanwhile. Without `lasts` the quote decides."""

    lasts: timedelta | None
    polls_after: timedelta | None = None


# Who looks so late at a deadline was not there when it came: nobody could have started a charge then.
ASLEEP = timedelta(minutes=15)

# Where an order goes when its time is up: orders/deadlines.py.
WAITS: dict[str, Wait] = {
    S.QUOTE_REQUESTED: Wait(timedelta(seconds=30)),
    S.QUOTED: Wait(None),
    S.TERMS_REQUESTED: Wait(timedelta(seconds=30)),
    S.TERMS_OFFERED: Wait(None),
    S.PAYING: Wait(None),
    S.PAYMENT_FAILED: Wait(None),
    S.CONFIRM_REQUESTED: Wait(timedelta(seconds=90), polls_after=timedelta(seconds=20)),
    S.CONFIRMED: Wait(timedelta(minutes=30), polls_after=timedelta(minutes=10)),
    S.STARTING: Wait(timedelta(seconds=120), polls_after=timedelta(seconds=15)),
    S.CHARGING: Wait(timedelta(hours=24), polls_after=timedelta(seconds=60)),
    S.INTERRUPTED: Wait(timedelta(hours=24), polls_after=timedelta(seconds=60)),
    S.STOPPING: Wait(timedelta(hours=2), polls_after=timedelta(seconds=15)),
    # The operator's own patience with a car that stands there is a day.
    S.STANDING: Wait(timedelta(hours=26), polls_after=timedelta(seconds=60)),
    S.CANCELLING: Wait(timedelta(minutes=2), polls_after=timedelta(seconds=15)),
    S.ENDED: Wait(timedelta(days=7)),
}
