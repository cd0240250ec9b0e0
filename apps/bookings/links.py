"""Links to a running charge: the booking's secret and the moment the link was given out, signed together.

Nobody guesses the secret, nobody makes a link last longer, and who lost one is safe again when its hours are over.
The app asks `track` for a new one whenever it likes. Pure: no rows are read.
"""

from datetime import timedelta

from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner

from apps.bookings.models import Booking

LONGEST = 120
_SIGNER = {"salt": "bookings.tracking", "sep": "."}


class LinkExpired(ValueError):
    """It was ours, once."""


def make(booking: Booking) -> str:
    return TimestampSigner(**_SIGNER).sign(booking.track_token)


def token_of(link: str) -> str | None:
    """Whose charge it shows; None when we never gave it out. Raises LinkExpired."""
    lasts = timedelta(hours=settings.TRACK_LINK_HOURS)
    try:
        return TimestampSigner(**_SIGNER).unsign(link[: LONGEST + 1], max_age=lasts)
    except SignatureExpired as error:
        raise LinkExpired("the link has expired") from error
    except BadSignature:
        return None


def group_of(link: str) -> str:
    """What all links to one charge have in common, for those who follow it. Proves nothing."""
    return link.partition(".")[0]
