"""What a driver's charges come to: by month, and all that were looked for. Added up by the database, to the coin."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import BigIntegerField, Count, F, Q, QuerySet, Sum
from django.db.models.functions import Cast, Round, TruncMonth

from apps.lib.money import round_money
from apps.orders import panel
from apps.orders.history import Zones
from apps.orders.models import Order
from apps.payments.models import Payment
from apps.payments.selectors import all_paid_back

BATCH = 500
PARTS = (
    1000  # of a kWh or of a unit of money, as the columns keep them: whole numbers add up exactly everywhere
)
Amounts = dict[str, Decimal]  # by currency


@dataclass
class Total:
    charges: int = 0  # that brought energy
    energy_kwh: Decimal = Decimal(0)
    totals: Amounts = field(default_factory=dict)  # charged
    back: Amounts = field(default_factory=dict)

    def add(self, other: "Total") -> None:
        self.charges += other.charges
        self.energy_kwh += other.energy_kwh
        for mine, theirs in ((self.totals, other.totals), (self.back, other.back)):
            for currency, amount in theirs.items():
                mine[currency] = mine.get(currency, Decimal(0)) + amount

    @property
    def paid(self) -> Amounts:
        """After what came back."""
        return {
            currency: amount - self.back.get(currency, Decimal(0)) for currency, amount in self.totals.items()
        }

    @property
    def per_kwh(self) -> Amounts:
        """Of one currency; with several nobody knows which energy cost what."""
        if len(self.totals) != 1 or not self.energy_kwh:
            return {}
        return {
            currency: round_money(paid / self.energy_kwh, currency) for currency, paid in self.paid.items()
        }


Months = dict[date, Total]


def by_month(orders: QuerySet[Order], zones: Zones, *, payer: Any) -> Months:
    """The newest first. Of charges that `history.narrowed` found; one question for each time zone, two for refunds."""
    months: Months = {}
    for name, told in zones.items():
        for row in _summed(orders.filter(station_zone__in=told), ZoneInfo(name)):
            total = Total(row["charges"], _parts(row["energy"]))
            if row["charged"]:
                total.totals[row["currency"]] = _parts(row["charged"])
            months.setdefault(row["month"].date(), Total()).add(total)
    for month, currency, amount in _back(orders, payer):
        months.setdefault(month, Total()).add(Total(back={currency: amount}))
    return dict(sorted(months.items(), reverse=True))


def _summed(orders: QuerySet[Order], zone: ZoneInfo) -> QuerySet[Order, dict[str, Any]]:
    months = orders.order_by().annotate(month=TruncMonth("over_at", tzinfo=zone)).values("month", "currency")
    return months.annotate(
        charges=Count("pk", filter=Q(billed_kwh__gt=0)),
        energy=_whole("billed_kwh"),
        charged=_whole("billed_amount"),
    )


def _whole(column: str) -> Sum:
    return Sum(Cast(Round(F(column) * PARTS), BigIntegerField()))


def _parts(whole: int | None) -> Decimal:
    return Decimal(whole or 0) / PARTS


def _back(orders: QuerySet[Order], payer: Any) -> Iterator[tuple[date, str, Decimal]]:
    """Payments know an order by the text of its code, which no database joins. One more question per 500 refunds."""
    back = all_paid_back(side=Payment.Side.DRIVER, payer=payer)
    codes = list(back)
    for start in range(0, len(codes), BATCH):
        rows = orders.order_by().filter(code__in=codes[start : start + BATCH])
        for code, over_at, told, currency in rows.values_list("code", "over_at", "station_zone", "currency"):
            there = over_at.astimezone(ZoneInfo(panel.zone_of(Order(station_zone=told))))
            yield there.date().replace(day=1), currency, back[str(code)]


def together(months: Months) -> Total:
    total = Total()
    for month in months.values():
        total.add(month)
    return total


def usual_station(orders: QuerySet[Order]) -> str:
    """Where most of them were; "" without a charge."""
    places = orders.order_by().filter(billed_kwh__gt=0).values("station_name")
    most = places.annotate(count=Count("pk")).order_by("-count", "station_name").first()
    return most["station_name"] if most else ""
