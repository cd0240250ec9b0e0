"""By which factor a meter was wrong at a moment (AT-D3). Reads only; `corrections` writes."""

from datetime import datetime
from decimal import Decimal

from django.db.models import F, Q

from apps.charging.models import MeterCorrection, Session

ONE = Decimal(1)


class Factors:
    """The corrections of one plug; at any moment at most one holds."""

    def __init__(self, corrections: list[MeterCorrection]):
        self._corrections = corrections

    def at(self, moment: datetime) -> MeterCorrection | None:
        return next((one for one in self._corrections if one.holds(moment)), None)


def of(session: Session) -> Factors:
    everywhere_or_here = Q(ocpp_connector_id=None) | Q(ocpp_connector_id=session.ocpp_connector_id)
    rows = MeterCorrection.objects.filter(everywhere_or_here, charge_point_id=session.charge_point_id)
    return Factors(list(rows.exclude(ends_at=F("begins_at"))))
