"""The tariffs that an import makes: one per price or tariff it finds, and one for stations without a price."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from django.core.exceptions import ValidationError

from apps.catalog.importers.ocpi_tariffs import ReadTariffs
from apps.catalog.importers.records import PlugRow, PriceRow, StationRow, TariffRow, fitting
from apps.catalog.models import Operator, Tariff
from apps.catalog.services import publish_tariff

LONGEST_CODE = Tariff._meta.get_field("code").max_length


@dataclass(frozen=True)
class Priced:
    """What a plug costs. `is_told`: the source says so, so that an older price of an import is over."""

    tariff: Tariff | None
    is_told: bool


class ImportPrices:
    def __init__(
        self,
        *,
        operator: Operator,
        source: str,
        energy_rate: Decimal | None,
        currency: str,
        tax_percent: Decimal,
        tax_name: str,
        tariffs: ReadTariffs | None = None,
        remark: Callable[[int, str], object] = lambda number, words: None,
    ):
        self.operator, self.source, self.remark = operator, source, remark
        self.tax = {"tax_name": tax_name, "tax_percent": tax_percent}
        self.published: dict[PriceRow | str, Tariff | None] = {}
        self.told, self.missing = tariffs, set[tuple[str, ...]]()
        self.usual = (
            None
            if energy_rate is None
            else self._publish("import", "Import", energy_rate=energy_rate, currency=currency, **self.tax)
        )

    def price_of(self, row: StationRow, plug: PlugRow) -> Priced:
        """The tariff that the plug names, the price the source states, else the one given for the import.

        What is free is not sold at all, and what costs something that nobody told has no price.
        """
        if self.told is not None and plug.tariffs:
            return Priced(self._named(row, plug), is_told=True)
        if row.price is None:
            usual = None if row.is_free else self.usual
            return Priced(usual, is_told=row.is_free or usual is not None)
        return Priced(self._stated(row.price), is_told=True)

    def _named(self, row: StationRow, plug: PlugRow) -> Tariff | None:
        told = self.told.of(plug.tariffs)
        if told is None:
            if plug.tariffs not in self.missing:
                names = ", ".join(plug.tariffs)[:100]
                self.remark(row.number, f"no tariff can be used of {names}: no price for its connectors")
            self.missing.add(plug.tariffs)
            return None
        if told.source_id not in self.published:
            self.published[told.source_id] = self._of_source(row, told)
        return self.published[told.source_id]

    def _of_source(self, row: StationRow, told: TariffRow) -> Tariff | None:
        start = f"{self.source}-t-"
        code = f"t-{fitting(told.source_id, LONGEST_CODE - len(start))}"
        try:
            return self._publish(code, told.name, tax_name="VAT", tax_percent=Decimal(0), **told.terms)
        except ValidationError as fault:
            words = "; ".join(fault.messages)[:150]
            self.remark(row.number, f"tariff {told.source_id} cannot be kept: {words}")
            return None

    def _stated(self, price: PriceRow) -> Tariff | None:
        if price not in self.published:
            fee = f", {price.session_fee} per session" if price.session_fee else ""
            self.published[price] = self._publish(
                _code(price),
                f"{price.energy_rate} per kWh{fee}",
                energy_rate=price.energy_rate,
                session_fee=price.session_fee,
                currency=price.currency,
                **self.tax,
            )
        return self.published[price]

    def _publish(self, code: str, name: str, **terms: object) -> Tariff:
        return publish_tariff(operator=self.operator, code=f"{self.source}-{code}", name=name, **terms)


def _code(price: PriceRow) -> str:
    fee = f"-plus-{price.session_fee}" if price.session_fee else ""
    return f"{price.currency}-{price.energy_rate}{fee}".replace(".", "-").lower()
