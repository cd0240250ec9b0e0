"""A car at the plug: how much it takes, depending on how full it is."""

import random
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

# State of charge in percent → share of the car's greatest DC power. Between the points the curve is straight.
DC_CURVE = [(0, 70), (8, 100), (55, 100), (65, 80), (80, 45), (90, 22), (97, 8), (100, 4)]
# Battery in kWh, greatest DC and AC power in kW, as such cars are on Indian and American roads.
MODELS = [
    (30, 50, 7),
    (40, 50, 7),
    (50, 70, 11),
    (61, 80, 11),
    (64, 100, 11),
    (75, 170, 11),
    (77, 220, 11),
    (82, 250, 11),
]


@dataclass
class Car:
    battery_wh: int = 60_000
    charged_wh: Decimal = Decimal(15_000)
    dc_limit_w: int = 120_000
    ac_limit_w: int = 11_000
    leaves_at_percent: int = 100

    @property
    def soc_percent(self) -> Decimal:
        return self.charged_wh * 100 / self.battery_wh

    @property
    def is_full(self) -> bool:
        return self.soc_percent >= self.leaves_at_percent

    def power_w(self, supply_w: int, *, direct: bool) -> Decimal:
        """What flows when the plug could give `supply_w`."""
        if self.is_full:
            return Decimal(0)
        if direct:
            return min(Decimal(supply_w), self.dc_limit_w * _share(self.soc_percent))
        return Decimal(min(supply_w, self.ac_limit_w))

    def charge(self, energy_wh: Decimal) -> None:
        self.charged_wh = min(self.charged_wh + energy_wh, Decimal(self.battery_wh))


def any_car(rng: random.Random) -> Car:
    battery_kwh, dc_kw, ac_kw = rng.choice(MODELS)
    return Car(
        battery_wh=battery_kwh * 1000,
        charged_wh=Decimal(battery_kwh * 10 * rng.randint(8, 55)),
        dc_limit_w=dc_kw * 1000,
        ac_limit_w=ac_kw * 1000,
        leaves_at_percent=rng.choice([80, 80, 85, 90, 100]),
    )


def _share(soc_percent: Decimal) -> Decimal:
    for (below, low), (above, high) in pairwise(DC_CURVE):
        if soc_percent <= above:
            way = (soc_percent - below) / (above - below)
            return (low + (high - low) * way) / 100
    return Decimal(DC_CURVE[-1][1]) / 100
