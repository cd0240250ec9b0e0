"""A meter that was proved to be wrong by a factor is put right by a row, not by a change of code (AT-D3).

It holds for the readings of its time, by the time of the reading and not of its arrival. What the meter told is kept;
what is counted, shown and billed is corrected. Charges that are under way are counted again at once. Closed ones are
left as they are, whatever the range says: their bills are final, and re-rating is a decision of its own
(`selectors.closed_without`).
"""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from apps.charging import readings, services
from apps.charging.factors import ONE
from apps.charging.models import MeterCorrection, Session
from apps.lib.errors import Refused
from apps.ocpp.models import ChargePoint

SHORTEST_REASON = 10
LEAST, MOST = Decimal("0.001"), Decimal(1000)


class CorrectionOverlaps(Refused):
    def __init__(self, other: MeterCorrection):
        super().__init__(_("It overlaps with another correction of this meter: %s.") % other)


def check(
    *,
    charge_point_id: str,
    ocpp_connector_id: int | None,
    energy_factor: Decimal,
    power_factor: Decimal,
    begins_at: datetime,
    ends_at: datetime | None,
    reason: str,
) -> None:
    """Raises Refused."""
    if not all(LEAST <= factor <= MOST for factor in (energy_factor, power_factor)):
        raise Refused(_("A factor lies between {least} and {most}.").format(least=LEAST, most=MOST))
    if energy_factor == power_factor == ONE:
        raise Refused(_("A factor of one corrects nothing."))
    if ends_at is not None and ends_at <= begins_at:
        raise Refused(_("The end must come after the beginning."))
    if len(reason.strip()) < SHORTEST_REASON:
        raise Refused(_("Say how it was proved, in a sentence."))
    here = _overlapping(charge_point_id, ocpp_connector_id, begins_at, ends_at)
    if (other := here.first()) is not None:
        raise CorrectionOverlaps(other)


@transaction.atomic
def add(*, charge_point_id: str, by: str, **facts: object) -> MeterCorrection:
    """`facts` as of `check`. Raises Refused."""
    # One at a time for each box: PostgreSQL locks this row, SQLite the file.
    ChargePoint.objects.select_for_update().get(pk=charge_point_id)
    check(charge_point_id=charge_point_id, **facts)
    correction = MeterCorrection.objects.create(charge_point_id=charge_point_id, made_by=by[:150], **facts)
    _count_running_again(correction)
    return correction


@transaction.atomic
def end(correction: MeterCorrection, *, at: datetime, by: str) -> None:
    """It holds no longer than `at`; from its very beginning, it is withdrawn. An end is never put off."""
    at = max(at, correction.begins_at)
    standing = MeterCorrection.objects.filter(Q(ends_at=None) | Q(ends_at__gt=at), pk=correction.pk)
    if not standing.update(ends_at=at, ended_by=by[:150]):
        raise Refused(_("It ended earlier already."))
    correction.refresh_from_db()
    _count_running_again(correction)


def _overlapping(
    charge_point_id: str, ocpp_connector_id: int | None, begins_at: datetime, ends_at: datetime | None
) -> QuerySet[MeterCorrection]:
    """Withdrawn ones hold at no moment."""
    here = MeterCorrection.objects.filter(Q(ends_at=None) | Q(ends_at__gt=begins_at))
    here = here.filter(charge_point_id=charge_point_id).exclude(ends_at=F("begins_at"))
    if ends_at is not None:
        here = here.filter(begins_at__lt=ends_at)
    if ocpp_connector_id is not None:
        here = here.filter(Q(ocpp_connector_id=None) | Q(ocpp_connector_id=ocpp_connector_id))
    return here


def _count_running_again(correction: MeterCorrection) -> None:
    running = Session.objects.filter(
        charge_point_id=correction.charge_point_id, state__in=Session.STARTED, started_at__isnull=False
    )
    if correction.ocpp_connector_id is not None:
        running = running.filter(ocpp_connector_id=correction.ocpp_connector_id)
    for session in running.select_for_update(of=("self",)):
        readings.count_again(session)
        services.changed(session)
