"""Meter values of OCPP → readings in Wh, W, %, A and V. Values travel as text and become Decimal, never float."""

from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from apps.ocpp.events import Reading
from apps.ocpp.wire.times import Speaker

LARGEST = Decimal(10) ** 11  # 100 GWh: beyond is no meter
DEFAULT_MEASURAND = "Energy.Active.Import.Register"
_EXACT = Decimal("0.001")
# What OCPP calls it → our name, the unit meant when none is given, factors of the units we know.
MEASURES: dict[str, tuple[str, str, dict[str, Decimal]]] = {
    "Energy.Active.Import.Register": ("register_wh", "Wh", {"Wh": Decimal(1), "kWh": Decimal(1000)}),
    "Power.Active.Import": ("power_w", "W", {"W": Decimal(1), "kW": Decimal(1000)}),
    "SoC": ("soc_percent", "Percent", {"Percent": Decimal(1)}),
    "Current.Import": ("current_a", "A", {"A": Decimal(1)}),
    "Voltage": ("voltage_v", "V", {"V": Decimal(1)}),
}
_SUMMED = {"register_wh", "power_w"}  # phases add up; of currents and voltages the largest speaks


def read_readings(meter_values: Iterable[dict[str, Any]], speaker: Speaker) -> tuple[Reading, ...]:
    """One reading per moment that holds anything we know; what cannot be read is left out."""
    readings = []
    for moment in meter_values:
        values = dict(_values(moment["sampled_value"]))
        if values:
            at, doubted = speaker.instant(moment["timestamp"])
            readings.append(Reading(at=at, at_doubted=doubted, **values))
    return tuple(readings)


def _values(samples: list[dict[str, Any]]) -> Iterator[tuple[str, Decimal]]:
    whole: dict[str, Decimal] = {}
    phases: dict[str, list[Decimal]] = {}
    for sample in samples:
        known = _known(sample)
        if known is None:
            continue
        name, value = known
        if sample.get("phase"):
            phases.setdefault(name, []).append(value)
        else:
            whole.setdefault(name, value)
    for name in whole.keys() | phases.keys():
        yield name, whole[name] if name in whole else _together(name, phases[name])


def _together(name: str, values: list[Decimal]) -> Decimal:
    return sum(values, Decimal(0)) if name in _SUMMED else max(values)


def _known(sample: dict[str, Any]) -> tuple[str, Decimal] | None:
    name, unit, factors = MEASURES.get(sample.get("measurand", DEFAULT_MEASURAND), ("", "", {}))
    factor = factors.get(sample.get("unit", unit))
    # A car's own view of its plug (location EV) is not the meter; of its battery it is the only one.
    elsewhere = sample.get("location") == "EV" and name != "soc_percent"
    if factor is None or elsewhere or sample.get("format", "Raw") != "Raw":
        return None
    value = read_decimal(str(sample["value"]), factor * _scale(sample))
    return None if value is None or (name == "soc_percent" and not 0 <= value <= 100) else (name, value)


def _scale(sample: dict[str, Any]) -> Decimal:
    """Only 2.0.1 has a multiplier, a power of ten. One that no meter needs makes the value too large to be read."""
    exponent = sample.get("multiplier", 0)
    return Decimal(10) ** exponent if -12 <= exponent <= 12 else LARGEST * 10


def read_decimal(text: str, factor: Decimal = Decimal(1)) -> Decimal | None:
    """A number in plain or scientific notation, times `factor`; None for anything else and for what no meter shows."""
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return None
    # copy_abs does not calculate: abs(1e999999999) would overflow
    if not value.is_finite() or value.copy_abs() > LARGEST or abs(value * factor) > LARGEST:
        return None
    return (value * factor).quantize(_EXACT)
