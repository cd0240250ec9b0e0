"""The tariffs that an import makes: one per price it finds, and one for stations without a price."""

from decimal import Decimal

from apps.catalog.importers.records import PriceRow, StationRow
from apps.catalog.models import Operator, Tariff
from apps.catalog.services import publish_tariff


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
    ):
        self.operator, self.source = operator, source
        self.tax = {"tax_name": tax_name, "tax_percent": tax_percent}
        self.tariffs: dict[PriceRow, Tariff] = {}
        self.usual = (
            None if energy_rate is None else self._publish("import", "Import", energy_rate, currency=currency)
        )

    def tariff_for(self, row: StationRow) -> Tariff | None:
        """The price the source states, else the one given for the import. What is free is not sold at all."""
        if row.price is None:
            return None if row.is_free else self.usual
        if row.price not in self.tariffs:
            price = row.price
            fee = f", {price.session_fee} per session" if price.session_fee else ""
            self.tariffs[price] = self._publish(
                _code(price),
                f"{price.energy_rate} per kWh{fee}",
                price.energy_rate,
                session_fee=price.session_fee,
                currency=price.currency,
            )
        return self.tariffs[row.price]

    def _publish(self, code: str, name: str, energy_rate: Decimal, **terms: object) -> Tariff:
        return publish_tariff(
            operator=self.operator,
            code=f"{self.source}-{code}",
            name=name,
            energy_rate=energy_rate,
            **self.tax,
            **terms,
        )


def _code(price: PriceRow) -> str:
    fee = f"-plus-{price.session_fee}" if price.session_fee else ""
    return f"{price.currency}-{price.energy_rate}{fee}".replace(".", "-").lower()
