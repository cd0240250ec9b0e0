"""What a closed bill should have been, by the engine that made it (law 1): under another tariff, and by the energy as
it is known today where the meter was corrected since (AT-D3). Nothing is written.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, Sum, prefetch_related_objects
from django.utils.translation import gettext_noop

from apps.bookings import running
from apps.bookings.models import Booking, Concession, ReratedBill, Rerating
from apps.bookings.pricing import Bill, worded
from apps.catalog.models import Tariff
from apps.charging.models import Session
from apps.charging.selectors import Point, closed_sessions, courses_as_corrected
from apps.pricing import Limits

OVERCHARGE = "OVERCHARGE_REFUND"
GIVEN = (Concession.State.AGREED, Concession.State.PAID)
Outcome = ReratedBill.Outcome


@dataclass(frozen=True)
class Compared:
    booking: Booking
    outcome: str
    old_total: Decimal
    new_total: Decimal
    new_lines: list[dict[str, Any]] = field(default_factory=list)
    words: str = ""


def wanted(rerating: Rerating) -> QuerySet[Booking]:
    """The bills it is about, oldest first. A fee for leaving is no bill of a charge and stays as it is."""
    rows = Booking.objects.filter(
        evse__station__operator=rerating.operator_id, state=Booking.State.COMPLETED, final_total__isnull=False
    )
    by = {
        "tariff": rerating.instead_of_id,
        "evse__station": rerating.station_id,
        "connector": rerating.connector_id,
        "ended_at__gte": rerating.ended_from,
        "ended_at__lt": rerating.ended_until,
        "ended_at__lte": rerating.created_at,  # what ends later is not what was asked for
        "code__in": rerating.orders,
    }
    return rows.filter(**{name: value for name, value in by.items() if value}).order_by("pk")


def compare(bookings: Iterable[Booking], tariff: Tariff) -> list[Compared]:
    """`bookings` come with their station. Six queries, and the readings of those whose price depends on time, or whose
    meter was corrected."""
    bookings = list(bookings)
    prefetch_related_objects(bookings, "idle_stretches")
    sessions = closed_sessions([booking.code for booking in bookings])
    anew = courses_as_corrected(sessions.values())
    corrected = corrections(bookings)
    compared = []
    for row in bookings:
        session = sessions.get(row.code)
        course = anew.get(session.pk) if session else None
        compared.append(_compare(row, session, tariff, corrected.get(row.pk, Decimal(0)), course))
    return compared


def corrections(bookings: Iterable[Booking]) -> dict[int, Decimal]:
    """What of each bill was set right before. A favour for bad service is none: it stays on top."""
    rows = Concession.objects.filter(booking__in=[row.pk for row in bookings], type=OVERCHARGE)
    given = rows.filter(state__in=GIVEN).values_list("booking").annotate(total=Sum("amount")).order_by()
    return dict(given)


def _compare(
    booking: Booking,
    session: Session | None,
    tariff: Tariff,
    corrected: Decimal,
    anew: list[Point] | None,
) -> Compared:
    old_total = booking.final_total - corrected
    if unclear := _why_unclear(booking, session, tariff, anew):
        return Compared(booking, Outcome.UNCLEAR, old_total, old_total, words=unclear)
    first = running.closed_meter(booking, session, booking.rules, booking.limits)
    if worded(first.bill()).total != booking.final_total:
        words = gettext_noop("The stored readings no longer give the bill.")
        return Compared(booking, Outcome.UNCLEAR, old_total, old_total, words=words)
    # Never more of anything than was billed: where an order ended the first bill, it ends this one.
    limits = booking.limits
    kwh = first.kwh if first.reached else limits.kwh
    ends = {"money": booking.quote_total, "most": booking.paid_total}
    limits = Limits(kwh=kwh, seconds=limits.seconds, **ends)
    rules = tariff.rules(booking.evse.station.zone)
    right = worded(running.closed_meter(booking, session, rules, limits, anew=anew).bill())
    words = "" if anew is None else gettext_noop("Its meter was corrected: the energy is counted anew.")
    return Compared(booking, _outcome(old_total, right), old_total, right.total, right.lines_json(), words)


def _why_unclear(booking: Booking, session: Session | None, tariff: Tariff, anew: list[Point] | None) -> str:
    if session is None:
        return gettext_noop("There is no closed charge of this order.")
    if tariff.currency != booking.currency:
        return gettext_noop("The tariff is in another currency than the bill.")
    if anew is not None and session.register_at and (not anew or anew[-1].at < session.register_at):
        return gettext_noop("The readings as corrected are more than this plug can give.")
    return ""


def _outcome(old_total: Decimal, right: Bill) -> str:
    if right.total == old_total:
        return Outcome.SAME
    return Outcome.CREDIT if right.total < old_total else Outcome.BORNE
