"""The kW of a plug, from what sources state."""

from decimal import ROUND_HALF_UP, Decimal

from apps.catalog.models import Connector

LEAST_KW, MOST_KW = Decimal("0.5"), Decimal(5_000)
_BETWEEN_PHASES = Decimal(300)  # volts: a three-phase voltage above this was measured between two phases


def from_current(power_type: str, volts: Decimal | None, amps: Decimal | None) -> Decimal | None:
    if not volts or not amps:
        return None
    phases = Decimal(1)
    if power_type == Connector.PowerType.AC_3_PHASE:
        phases = Decimal("1.732") if volts >= _BETWEEN_PHASES else Decimal(3)
    return credible(phases * volts * amps / 1000)


def credible(kw: Decimal | None) -> Decimal | None:
    """With one digit after the point; None for what no charger has."""
    if kw is None or not LEAST_KW <= kw <= MOST_KW:
        return None
    return kw.quantize(Decimal("0.1"), ROUND_HALF_UP)
