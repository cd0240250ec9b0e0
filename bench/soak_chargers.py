"""The charge points of the soak, a process of their own: cars come and go, things go wrong, and it is written down what
truly flowed. `python -m bench.soak_chargers FILE URL ACCOUNT [SEED]`; SIGTERM: every car leaves, then the account.
"""

import asyncio
import json
import random
import signal
import sys
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from apps.ocpp.simulator import fleet
from apps.ocpp.simulator.charge_point import SimulatedChargePoint
from apps.ocpp.simulator.connector import Connector, Transaction

READINGS_EVERY = 5
BATTERY_SPEED = 40  # batteries fill in a minute or two; meters stay true
WALK_INS_PER_HOUR = Decimal(6)
LINE_LOST_EVERY = (60, 600)  # seconds, at each box
LINE_AWAY = (2, 25)
UNSAID_SECONDS = 90  # so long the boxes may say what they still have to say
# Of a hundred boxes; the others are honest.
TROUBLE = {
    "drop-link": 8,
    "duplicates": 8,
    "reordered": 8,
    "lost-start": 4,
    "wrong-clock": 4,
    "meter-reset": 3,
    "rollover": 3,
    "kwh-as-wh": 3,
    "stuck-after-stop": 3,
    "accept-then-nothing": 2,
    "no-cable": 2,
}


@dataclass
class Charge:
    box: SimulatedChargePoint
    connector: Connector
    transaction: Transaction
    scenario: str

    def to_json(self) -> dict[str, Any]:
        return {
            "box": self.box.id,
            "connector": self.connector.id,
            "token": self.transaction.token,
            "scenario": self.scenario,
            "delivered_wh": str(self.transaction.delivered_wh),
            "unsaid": len(self.box.outbox),
        }


def assign_trouble(specs: list[dict[str, Any]], rng: random.Random) -> None:
    for spec in specs:
        dice = rng.randrange(100)
        for name, share in TROUBLE.items():
            if dice < share:
                spec["scenario"] = name
                break
            dice -= share


def watch(box: SimulatedChargePoint, scenario: str, charges: list[Charge]) -> None:
    """Every transaction is written down as it begins."""
    began = box.scenario.began

    def began_and_noted(box: SimulatedChargePoint, connector: Connector) -> None:
        charges.append(Charge(box, connector, connector.transaction, scenario))
        began(box, connector)

    box.scenario.began = began_and_noted


async def lose_lines(box: SimulatedChargePoint) -> None:
    while True:
        await asyncio.sleep(box.rng.uniform(*LINE_LOST_EVERY))
        if box.line.may_come.is_set():
            box.lose_line(seconds=box.rng.uniform(*LINE_AWAY))


async def everybody_leaves(boxes: list[SimulatedChargePoint]) -> None:
    for box in boxes:
        for connector in box.connectors.values():
            if connector.car is not None:
                box.unplug(connector.id)
    for _second in range(UNSAID_SECONDS):
        if not any(len(box.outbox) for box in boxes):
            break
        await asyncio.sleep(1)


async def play(boxes: list[SimulatedChargePoint], plan: fleet.Plan) -> None:
    leaving, off = asyncio.Event(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, leaving.set)
    running = asyncio.create_task(fleet.run(boxes, plan, off))
    losing = [asyncio.create_task(lose_lines(box)) for box in boxes]
    await leaving.wait()
    for task in losing:
        task.cancel()
    await everybody_leaves(boxes)
    off.set()
    await running


def main(file: str, url: str, account: str, seed: str = "1") -> None:
    specs = fleet.read_specs(Path(file))
    rng = random.Random(int(seed))
    assign_trouble(specs, rng)
    plan = fleet.Plan(
        url=url,
        seed=int(seed),
        readings_every=READINGS_EVERY,
        speed=BATTERY_SPEED,
        walk_ins_per_hour=WALK_INS_PER_HOUR,
        retry_within=5,
    )
    boxes, charges = fleet.build(specs, plan), []
    for box, spec in zip(boxes, specs, strict=True):
        watch(box, spec.get("scenario", "honest"), charges)
    asyncio.run(play(boxes, plan))
    told = {
        "boxes": dict(Counter(spec.get("scenario", "honest") for spec in specs)),
        "charges": [charge.to_json() for charge in charges],
    }
    Path(account).write_text(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
