"""The form that our operators offer with `on_rating`: two questions, answered by the driver's app or at the link.

The address is the right to answer (nobody can guess it); who signs must be the app of the deal.
"""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse

from apps.beckn.wire import v1_1 as wire
from apps.lib import clock
from apps.ratings.models import ReceivedFeedback
from apps.ratings.services import rateable_order

SALT = "apps.ratings.own_form"


def offered(*, bap_id: str, transaction_id: UUID) -> wire.OnRatingMessage:
    """The answer to a `rating`; without the form once it was answered."""
    if feedback_of(bap_id, transaction_id):
        return wire.OnRatingMessage()
    url = settings.PUBLIC_URL + path_for(bap_id, transaction_id)
    form = wire.Form(url=url, mime_type="text/html")
    return wire.OnRatingMessage(feedback_form=wire.XInput(form=form, required=False))


def path_for(bap_id: str, transaction_id: UUID) -> str:
    return reverse("ratings:own_form", args=[signing.dumps([bap_id, str(transaction_id)], salt=SALT)])


def read(token: str) -> tuple[str, UUID, dict[str, Any]] | None:
    """Whose deal it is, and its order; None for an address that we never made."""
    try:
        bap_id, transaction_id = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    return bap_id, UUID(transaction_id), rateable_order(bap_id, UUID(transaction_id))


def feedback_of(bap_id: str, transaction_id: UUID) -> ReceivedFeedback | None:
    return ReceivedFeedback.objects.filter(bap_id=bap_id, transaction_id=transaction_id).first()


@transaction.atomic
def take(
    *, bap_id: str, transaction_id: UUID, order: dict[str, Any], again: str, better: str, by_app: bool
) -> ReceivedFeedback:
    """Once per deal: who posts again gets the number of the first."""
    of = {name: order[name] for name in ("order_id", "operator_code", "station_name")}
    said = {"again": again, "better": better, "by_app": by_app, "received_at": clock.now()}
    row, _is_new = ReceivedFeedback.objects.get_or_create(
        bap_id=bap_id, transaction_id=transaction_id, defaults={**of, **said}
    )
    return row
