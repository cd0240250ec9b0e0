"""A row of the tariff table as the rules that bills are made from. Pure."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from apps import pricing
from apps.pricing import Kind

if TYPE_CHECKING:
    from apps.catalog.models import Tariff


def rules_of(tariff: "Tariff", zone: str) -> pricing.Tariff:
    """Raises TariffFault."""
    return pricing.read_tariff(
        {
            "version": f"{tariff.code} v{tariff.version}",
            "currency": tariff.currency,
            "zone": zone,
            "elements": tariff.elements or [_element(tariff)],
            "taxes": tariff.taxes or _one_tax(tariff),
            "tax_included": tariff.tax_included,
            "min_price": tariff.min_price,
            "max_price": tariff.max_price,
            "parking_grace": tariff.parking_grace_minutes * 60,
            "parking_cap": tariff.parking_cap,
            "parking_when_busy": tariff.parking_when_busy,
        }
    )


def _element(tariff: "Tariff") -> dict[str, Any]:
    parts = [{"type": "ENERGY", "price": tariff.energy_rate}]
    if tariff.session_fee:
        parts.append({"type": "FLAT", "price": tariff.session_fee})
    return {"price_components": parts}


def _one_tax(tariff: "Tariff") -> list[dict[str, Any]]:
    return [{"name": tariff.tax_name or "Tax", "percent": tariff.tax_percent}] if tariff.tax_percent else []


def dearest(rules: pricing.Tariff, kind: Kind) -> Decimal:
    """The highest price of its kind for a car that charges; zero where there is none."""
    return rules.dearest(kind)


def is_said_by_columns(tariff: "Tariff") -> bool:
    """A price per kWh, a fee and one tax on top: what every app of the network reads."""
    bounds = (tariff.min_price, tariff.max_price)
    return not (tariff.elements or tariff.taxes or tariff.tax_included or bounds != (None, None))
