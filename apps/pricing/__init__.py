"""What a charge costs. Pure arithmetic: no Django, no rows, no clock, no network. docs/pricing.md explains every rule.

A `Tariff` says the prices, a `Meter` takes one reading after the other, and `Meter.bill()` is the bill so far. Quote,
running total and receipt are that one function (law 1): a quote is a meter that was given a forecast of readings.
"""

from apps.pricing.bill import Bill, Line, LineKind, TaxShare, most_for_parking
from apps.pricing.forecast import (
    MOST_KWH,
    Forecast,
    for_kwh,
    for_minutes,
    for_money,
    meter_for,
    quoted_power,
    seconds_for,
    to_amount,
    to_kwh,
    to_minutes,
    to_money,
)
from apps.pricing.meter import Meter, price
from apps.pricing.readings import Backwards, Limit, Limits, Phase, Reading
from apps.pricing.shape import TariffFault, read_elements, read_tariff, read_taxes
from apps.pricing.tariff import Component, Element, Kind, Reserves, Restrictions, Tariff, Tax

__all__ = [
    "MOST_KWH",
    "Backwards",
    "Bill",
    "Component",
    "Element",
    "Forecast",
    "Kind",
    "Limit",
    "Limits",
    "Line",
    "LineKind",
    "Meter",
    "Phase",
    "Reading",
    "Reserves",
    "Restrictions",
    "Tariff",
    "TariffFault",
    "Tax",
    "TaxShare",
    "for_kwh",
    "for_minutes",
    "for_money",
    "meter_for",
    "most_for_parking",
    "price",
    "quoted_power",
    "read_elements",
    "read_tariff",
    "read_taxes",
    "seconds_for",
    "to_amount",
    "to_kwh",
    "to_minutes",
    "to_money",
]
