"""The vehicle somebody chose, as other rooms need it: will this plug fit, and how fast will it really charge? Pure."""

from dataclasses import dataclass
from decimal import Decimal

from apps.accounts.models import VehicleModel


@dataclass(frozen=True)
class Fit:
    """What a vehicle gets from a connector. `kw` is None when neither side told its power, or when it does not fit.

    `limited_by` is "vehicle" or "connector" when both told theirs; "" means the figure is the only one we know.
    """

    fits: bool
    kw: Decimal | None = None
    limited_by: str = ""

    def __bool__(self) -> bool:
        return self.fits


@dataclass(frozen=True, kw_only=True)
class ChosenVehicle:
    """Standards are OCPI ConnectorType constants; a figure that nobody knows is None."""

    label: str  # the driver's own name for it, or make and model
    category: str  # the network's word: VehicleModel.Category
    make: str
    model: str
    variant: str
    year: int
    ac_standards: frozenset[str]
    dc_standards: frozenset[str]
    max_ac_kw: Decimal | None
    max_dc_kw: Decimal | None
    battery_kwh: Decimal | None

    @property
    def standards(self) -> frozenset[str]:
        return self.ac_standards | self.dc_standards

    def fit(self, standard: str, power_type: str, max_kw: Decimal | None) -> Fit:
        """`power_type` is AC, DC or one of OCPI's (AC_3_PHASE); empty when the connector did not tell."""
        said = power_type.upper()[:2]
        fitting = [
            limit
            for current, standards, limit in (
                ("AC", self.ac_standards, self.max_ac_kw),
                ("DC", self.dc_standards, self.max_dc_kw),
            )
            if standard in standards and said in ("", current)
        ]
        if not fitting:
            return Fit(False)
        # A plug for both currents that does not say which one it gives (NACS) leaves the vehicle's limit open.
        limit = fitting[0] if len(fitting) == 1 else None
        if limit is None or max_kw is None:
            return Fit(True, max_kw if limit is None else limit)
        return Fit(True, min(limit, max_kw), "vehicle" if limit < max_kw else "connector")


def chosen(model: VehicleModel, year: int, *, name: str = "") -> ChosenVehicle:
    return ChosenVehicle(
        label=name or str(model),
        category=model.category,
        make=model.make,
        model=model.model,
        variant=model.trim,
        year=year,
        ac_standards=frozenset(model.ac_standards),
        dc_standards=frozenset(model.dc_standards),
        max_ac_kw=model.max_ac_kw,
        max_dc_kw=model.max_dc_kw,
        battery_kwh=model.battery_kwh,
    )
