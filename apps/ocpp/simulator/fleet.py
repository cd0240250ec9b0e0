"""Many charge points in one process, and the cars that come to them unasked."""

import asyncio
import json
import os
import random
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import structlog

from apps.ocpp.simulator import tasks
from apps.ocpp.simulator.car import any_car
from apps.ocpp.simulator.charge_point import PROTOCOLS, SimulatedChargePoint
from apps.ocpp.simulator.connector import Connector, connector_from
from apps.ocpp.simulator.scenarios import SCENARIOS

log = structlog.get_logger(__name__)

COMING_AT_ONCE, PATIENCE_SECONDS = 10, 10
LEAVES_AFTER = (3, 8)  # seconds after its charge
ALREADY_THERE_PERCENT = 15  # plugs with a car on them soon after the start, so that a demo is not deserted


@dataclass(frozen=True, kw_only=True)
class Plan:
    url: str
    seed: int = 1
    readings_every: float = 5
    speed: int = 1
    walk_ins: bool = True
    walk_ins_per_hour: Decimal = Decimal("0.4")  # at one plug
    failed: int = 0
    retry_within: int = 30  # seconds
    exit_with_parent: bool = False
    protocol: str = "1.6"  # of boxes whose entry in the file says nothing else
    scenario: str = "honest"  # likewise


def read_specs(file: Path) -> list[dict[str, Any]]:
    """A list of boxes: `{"id", "password"}` and, where it is known, `"connectors": [{"id", "max_kw", "power_type",
    "evse", "place"}]`, `"vendor"`, `"model"`, `"protocol"`, `"scenario"`, `"fault"`, `"leave_after"` (two seconds).

    Raises ValueError.
    """
    specs = json.loads(file.read_text(), parse_float=Decimal)
    if not isinstance(specs, list) or not all(
        isinstance(s, dict) and {"id", "password"} <= s.keys() for s in specs
    ):
        raise ValueError("it is not a list of charge points, each with id and password")
    for spec in specs:
        if spec.get("protocol", "1.6") not in PROTOCOLS:
            raise ValueError(f"{spec['id']}: a protocol is one of {', '.join(PROTOCOLS)}")
        if spec.get("scenario", "honest") not in SCENARIOS:
            raise ValueError(f"{spec['id']}: a scenario is one of {', '.join(SCENARIOS)}")
        if not _is_span(spec.get("leave_after", LEAVES_AFTER)):
            raise ValueError(f"{spec['id']}: leave_after is two numbers of seconds, the lesser first")
    return specs


def _is_span(said: Any) -> bool:
    is_pair = isinstance(said, list | tuple) and len(said) == 2
    return is_pair and all(type(s) in (int, Decimal) for s in said) and 0 <= said[0] <= said[1]


def build(specs: Iterable[dict[str, Any]], plan: Plan) -> list[SimulatedChargePoint]:
    boxes = [_box(spec, plan) for spec in specs]
    plugs = [(box, connector) for box in boxes for connector in box.connectors.values()]
    for _box_of, connector in random.Random(plan.seed).sample(plugs, min(plan.failed, len(plugs))):
        connector.status, connector.error_code = "Faulted", "PowerSwitchFailure"
    return boxes


def _box(spec: dict[str, Any], plan: Plan) -> SimulatedChargePoint:
    rng = random.Random(f"{plan.seed} {spec['id']}")
    connectors = [connector_from(c) for c in spec.get("connectors") or []] or [Connector(1), Connector(2)]
    for connector in connectors:
        if spec.get("fault"):
            connector.status, connector.error_code = "Faulted", spec["fault"]
        connector.register_wh = Decimal(rng.randint(10_000, 9_999_000))  # meters have a life behind them
    return SimulatedChargePoint(
        spec["id"],
        url=plan.url,
        password=spec["password"],
        protocol=spec.get("protocol") or plan.protocol,
        scenario=spec.get("scenario") or plan.scenario,
        connectors=connectors,
        vendor=spec.get("vendor") or "EV Portal",
        model=spec.get("model") or "Simulator",
        rng=rng,
        readings_every=plan.readings_every,
        speed=plan.speed,
        leave_after=leaves_after(spec),
        retry_after=(1, plan.retry_within),
    )


def leaves_after(spec: dict[str, Any]) -> tuple[int, int]:
    """Whole seconds, from and to."""
    earliest, latest = spec.get("leave_after", LEAVES_AFTER)
    return int(earliest), int(latest)


async def run(boxes: list[SimulatedChargePoint], plan: Plan, stop: asyncio.Event) -> None:
    """Until `stop` is set, or until the parent process is gone where the plan says so."""
    watching = [asyncio.create_task(_report(boxes))]
    if plan.exit_with_parent:
        watching.append(asyncio.create_task(_stop_with_parent(stop)))
    walk_ins: list[asyncio.Task[None]] = []
    starting = asyncio.create_task(_start_gently(boxes, plan, walk_ins))
    await stop.wait()
    await tasks.end([starting, *watching])
    await tasks.end(walk_ins)
    await asyncio.gather(*(box.stop() for box in boxes))


async def _start_gently(
    boxes: list[SimulatedChargePoint], plan: Plan, walk_ins: list[asyncio.Task[None]]
) -> None:
    """A few at a time: a door that is asked by all at once answers the first ones too late for their patience."""
    coming = asyncio.Semaphore(COMING_AT_ONCE)

    async def come(box: SimulatedChargePoint) -> None:
        async with coming:
            box.start()
            with suppress(TimeoutError):
                await asyncio.wait_for(box.online.wait(), PATIENCE_SECONDS)

    if plan.walk_ins and plan.walk_ins_per_hour > 0:
        plugs = [(box, connector) for box in boxes for connector in box.connectors.values()]
        walk_ins += [asyncio.create_task(_walk_ins(box, connector, plan)) for box, connector in plugs]
    await asyncio.gather(*(come(box) for box in boxes))


async def _walk_ins(box: SimulatedChargePoint, connector: Connector, plan: Plan) -> None:
    """Cars that come to this plug with a card of their own, charge, and go."""
    seconds_between = int(3600 / plan.walk_ins_per_hour)
    early = box.rng.randint(1, 100) <= ALREADY_THERE_PERCENT
    pause = box.rng.randint(1, 20) if early else box.rng.randint(20, 2 * seconds_between)
    while True:
        await box.clock.sleep(pause)
        pause = box.rng.randint(seconds_between // 4, 2 * seconds_between)
        if not (box.online.is_set() and connector.status == "Available" and connector.is_free_for_start):
            continue
        box.plug_in(connector.id, any_car(box.rng))
        await box.clock.sleep(box.rng.randint(2, 8))
        if connector.status == "Preparing":
            box.present_token(f"RFID{box.rng.getrandbits(32):08X}", connector.id)


async def _stop_with_parent(stop: asyncio.Event) -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(1)
    stop.set()


async def _report(boxes: list[SimulatedChargePoint]) -> None:
    """One line whenever the number of connected boxes changed."""
    said = None
    while True:
        await asyncio.sleep(5)
        online = sum(box.online.is_set() for box in boxes)
        if online != said:
            said = online
            log.info("simulated charge points", connected=online, of=len(boxes))
