"""What goes wrong at real charge points, to be played on demand: `manage.py simulate_chargers --scenario NAME`.

A scenario is an honest charge point with some of its habits replaced. The box asks it at a few places.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from apps.ocpp.simulator.clock import Clock
from apps.ocpp.simulator.connector import Connector
from apps.ocpp.simulator.outbox import Saying

if TYPE_CHECKING:  # the box has a scenario; the scenario needs the box's name for the type only
    from apps.ocpp.simulator.charge_point import SimulatedChargePoint


class Scenario:
    """Nothing goes wrong."""

    obeys_starts = True  # a remote start that was accepted leads to something
    brings_car = True
    learns_its_number = True  # of the answer to StartTransaction (1.6)
    tells_ends = True

    def set_up(self, box: "SimulatedChargePoint") -> None:
        """Once, before the box starts."""

    def began(self, box: "SimulatedChargePoint", connector: Connector) -> None:
        """A transaction began and its start is about to be said."""

    def was_read(self, box: "SimulatedChargePoint", connector: Connector, count: int) -> None:
        """The meter was read for the `count`-th time in this transaction, and that is about to be said."""

    def spoilt(self, box: "SimulatedChargePoint", saying: Saying) -> Iterable[Saying]:
        """What is put into the outbox instead of `saying`."""
        return [saying]


class DropLink(Scenario):
    """The line breaks at the second reading; everything is kept, and said when it is back three readings later."""

    def was_read(self, box: "SimulatedChargePoint", connector: Connector, count: int) -> None:
        if count == 2:
            box.lose_line(seconds=box.readings_every * 3)


class WrongClock(Scenario):
    """Its clock is three hours slow."""

    seconds = -3 * 3600

    def set_up(self, box: "SimulatedChargePoint") -> None:
        box.clock = SkewedClock(box.clock, self.seconds)


class FutureClock(WrongClock):
    """Its clock is a day ahead."""

    seconds = 86_400


class UnsetClock(WrongClock):
    """Its clock was never set: it lives in 1970."""

    seconds = -56 * 365 * 86_400


class MeterReset(Scenario):
    """At the third reading the meter begins again at zero, as after a power cut or a new meter."""

    def was_read(self, box: "SimulatedChargePoint", connector: Connector, count: int) -> None:
        if count == 2:
            connector.register_wh = Decimal(0)


class Rollover(Scenario):
    """A register of six digits runs over during the charge."""

    def set_up(self, box: "SimulatedChargePoint") -> None:
        for connector in box.connectors.values():
            connector.register_size_wh = 1_000_000
            connector.register_wh = Decimal(999_700)


class KilowattHours(Scenario):
    """Readings on the way are in kWh and called Wh; start and end are right."""

    def set_up(self, box: "SimulatedChargePoint") -> None:
        for connector in box.connectors.values():
            connector.periodic_divisor = 1000


class TensOfWattHours(Scenario):
    """The register counts tens of watt-hours and calls them Wh, always: what a correction of the meter is for."""

    def set_up(self, box: "SimulatedChargePoint") -> None:
        for connector in box.connectors.values():
            connector.register_step_wh = 10


class Duplicates(Scenario):
    """Everything is said twice, under two ids."""

    def spoilt(self, box: "SimulatedChargePoint", saying: Saying) -> Iterable[Saying]:
        return [saying, replace(saying, answered=lambda answer: None)]


class Reordered(Scenario):
    """Of two messages the later comes first. In 1.6 not the start: without its answer nothing else can be said."""

    def __init__(self) -> None:
        self.held: Saying | None = None

    def spoilt(self, box: "SimulatedChargePoint", saying: Saying) -> Iterable[Saying]:
        if not saying.keep or saying.is_start:
            return [saying]
        if self.held is None:
            self.held = saying
            box.later(box.readings_every * 1.5, lambda: self._let_go(box, saying))
            return []
        both, self.held = [saying, self.held], None
        return both

    def _let_go(self, box: "SimulatedChargePoint", saying: Saying) -> None:
        if self.held is saying:
            self.held = None
            box.outbox.put(saying)


class AcceptThenNothing(Scenario):
    """A remote start is accepted, and that was all."""

    obeys_starts = False


class NoCable(Scenario):
    """A remote start is accepted, and nobody plugs in."""

    brings_car = False


class LostStart(Scenario):
    """The line breaks as the charge begins. In 1.6 the box never learns its number: the stop says −1."""

    learns_its_number = False

    def began(self, box: "SimulatedChargePoint", connector: Connector) -> None:
        box.lose_line(seconds=box.readings_every * 3)


class StuckAfterStop(Scenario):
    """A stop is accepted and the power goes, but its end is never said; in the end the car just leaves."""

    tells_ends = False


SCENARIOS: dict[str, type[Scenario]] = {
    "honest": Scenario,
    "drop-link": DropLink,
    "wrong-clock": WrongClock,
    "future-clock": FutureClock,
    "unset-clock": UnsetClock,
    "meter-reset": MeterReset,
    "rollover": Rollover,
    "kwh-as-wh": KilowattHours,
    "tens-of-wh": TensOfWattHours,
    "duplicates": Duplicates,
    "reordered": Reordered,
    "accept-then-nothing": AcceptThenNothing,
    "no-cable": NoCable,
    "lost-start": LostStart,
    "stuck-after-stop": StuckAfterStop,
}


class SkewedClock(Clock):
    """Another clock, so many seconds off."""

    def __init__(self, true: Clock, seconds: int):
        self.true, self.off = true, timedelta(seconds=seconds)

    def now(self) -> datetime:
        return self.true.now() + self.off

    async def sleep(self, seconds: float) -> None:
        await self.true.sleep(seconds)
