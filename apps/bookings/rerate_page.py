"""What the page of a re-rating shows: sums, and each bill with its old and new lines side by side."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.bookings import rerate
from apps.bookings.models import ReratedBill, Rerating

State, Outcome = Rerating.State, ReratedBill.Outcome


@dataclass(frozen=True)
class Line:
    """Amounts, and the energy of a line that is priced by it."""

    title: str
    old: Decimal | None
    new: Decimal | None
    old_kwh: Decimal | None = None
    new_kwh: Decimal | None = None

    @property
    def energy(self) -> str:
        """Where it differs: a meter was corrected, or another step applies."""
        if self.old_kwh == self.new_kwh:
            return ""
        old, new = (f"{(kwh or Decimal(0)).normalize():f}" for kwh in (self.old_kwh, self.new_kwh))
        return f"{old} → {new} kWh"

    @property
    def difference(self) -> Decimal:
        return (self.new or Decimal(0)) - (self.old or Decimal(0))


def bills(rerating: Rerating, outcome: str) -> QuerySet[ReratedBill]:
    rows = rerating.bills.select_related("booking__evse__station", "booking__connector", "concession")
    return rows.filter(outcome=outcome) if outcome in Outcome.values else rows


def row(bill: ReratedBill) -> dict[str, Any]:
    return {
        "bill": bill,
        "booking": bill.booking,
        "words": _(bill.words) if bill.words else "",
        "lines": lines(bill),
    }


def lines(bill: ReratedBill) -> list[Line]:
    """By their titles; a line that stands on one side only is beside nothing. What was corrected before comes last."""
    if not bill.new_lines:
        return []
    both = bill.booking.final_lines, bill.new_lines
    old, new = (_by_title(told, "amount") for told in both)
    old_kwh, new_kwh = (_by_title(told, "kwh") for told in both)
    found = [
        Line(title, *(sums.get(title) for sums in (old, new, old_kwh, new_kwh))) for title in {**old, **new}
    ]
    if before := bill.old_total - bill.booking.final_total:
        found.append(Line(_("corrected before"), before, None))
    return found


def _by_title(told: list[dict[str, Any]], figure: str) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for line in told:
        if figure in line:
            sums[line["title"]] = sums.get(line["title"], Decimal(0)) + Decimal(line[figure])
    return sums


def summary(rerating: Rerating, user: User) -> dict[str, Any]:
    counted = rerate.totals(rerating)
    may = rerate.may_rerate(user, rerating)
    second = rerating.state == State.COMPARED and rerate.needs_second(rerating)
    return {
        "totals": [(value, label, *counted[value]) for value, label in Outcome.choices if value in counted],
        "compared": sum(count for count, _total in counted.values()),
        "credits": counted.get(Outcome.CREDIT, (0, Decimal(0)))[0],
        "events": rerating.events.all(),
        "needs_second": second,
        "may_let_go": may and rerating.state == State.COMPARED,
        "may_approve": may and rerating.state == State.WAITING and user.pk != rerating.prepared_by_id,
        "may_withdraw": may and State.WITHDRAWN in Rerating.MOVES[rerating.state],
        "at_work": rerating.state in (State.COMPARING, State.CREDITING),
        "narrowed": _narrowed(rerating),
    }


def _narrowed(rerating: Rerating) -> list[tuple[str, str]]:
    """What was chosen, in words."""
    said = [
        (_("Billed by"), rerating.instead_of),
        (_("Station"), rerating.station),
        (_("Plug"), rerating.connector),
        (_("Ended from (UTC)"), rerating.ended_from and f"{rerating.ended_from:%Y-%m-%d %H:%M}"),
        (_("Ended before (UTC)"), rerating.ended_until and f"{rerating.ended_until:%Y-%m-%d %H:%M}"),
        (_("Orders"), " ".join(rerating.orders)),
    ]
    return [(name, str(value)) for name, value in said if value]
