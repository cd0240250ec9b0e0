"""Simulated charge points at the real door, with the real charging room behind it."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from channels.db import database_sync_to_async as database
from django.db.models import QuerySet

from apps.charging import services
from apps.charging.models import Session
from apps.lib import clock as lib_clock
from apps.ocpp import transactions
from apps.ocpp.models import Transaction
from apps.ocpp.services import register
from apps.ocpp.simulator import Car, SimulatedChargePoint, SteppedClock
from apps.ocpp.simulator.connector import Connector as Plug
from tests.charging.doubles import plug_of
from tests.factory import Factory
from tests.ocpp.conftest import PASSWORD, run, until
from tests.ocpp.socket_server import serve_charge_points

AGO = timedelta(hours=2)
READINGS_EVERY = 60


class Site:
    """One box of two plugs of 60 kW, a car that takes 60 kW, and what an operator and a driver do about it."""

    id = "CP-1"

    def __init__(self, url: str, protocol: str, **options: Any):
        self.clock = SteppedClock(lib_clock.now() - AGO)
        self.box = SimulatedChargePoint(
            self.id,
            url=url,
            password=PASSWORD,
            protocol=protocol,
            connectors=[Plug(1, max_w=60_000, direct=True), Plug(2, max_w=60_000, direct=True)],
            clock=self.clock,
            readings_every=READINGS_EVERY,
            retry_after=(0.02, 0.1),
            plug_in_after=(1, 1),
            leave_after=(120, 120),
            **{"drivers": False, **options},
        )
        for plug in self.box.connectors.values():
            plug.register_wh = plug.register_wh or Decimal(5_000)

    # --- People --------------------------------------------------------------------------------------

    def plug_in(self) -> None:
        self.box.plug_in(1, Car(battery_wh=200_000, charged_wh=Decimal(20_000)))

    def unplug(self) -> None:
        self.box.unplug(1)

    async def start(self, number: int = 1, limit_kwh: Decimal | None = None) -> None:
        await database(services.start)(
            reference="BK-1",
            connector=await database(plug_of)(self, number),
            token="TOKEN-1",
            limit_kwh=limit_kwh,
        )

    async def begin(self, limit_kwh: Decimal | None = None) -> None:
        """A car at the plug, asked for, begun, and told."""
        await self.begin_untold(limit_kwh)
        await self.until_state(Session.State.ACTIVE)

    async def begin_untold(self, limit_kwh: Decimal | None = None) -> None:
        """As the box sees it; its line may be down."""
        plug = self.box.connectors[1]
        self.plug_in()
        await self.start(limit_kwh=limit_kwh)
        await until(lambda: plug.expected_token == "TOKEN-1")
        await self.wait(2)
        await until(lambda: plug.transaction is not None)

    async def stop(self) -> None:
        await database(services.stop)(reference="BK-1")

    async def charge(self, minutes: int = 3) -> None:
        """Asked for, begun, and going on for so long."""
        await self.begin()
        await self.wait(minutes * 60)

    # --- Time ----------------------------------------------------------------------------------------

    async def wait(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        await self.all_said()

    async def all_said(self) -> None:
        """All that the box has to say was said; while its line is down that is nothing."""
        await until(lambda: not self.box.line.may_come.is_set() or self._is_quiet())

    def _is_quiet(self) -> bool:
        return self.box.online.is_set() and not self.box.outbox

    async def until_state(self, *states: str) -> Session:
        async with asyncio.timeout(30):
            while (session := await self.session()).state not in states:
                await asyncio.sleep(0.02)
        return session

    async def until_accepted(self) -> None:
        """The box said yes to the start."""
        await until_there_is(Session.objects.exclude(start_accepted_at=None))

    async def until_waits(self, *states: str) -> None:
        """As `until_state`, while the watch walks its rounds."""
        async with asyncio.timeout(30):
            while (await self.session()).state not in states:
                await database(self._hurry)()
                await asyncio.sleep(0.02)

    async def until_waits_for(self, state: str) -> Session:
        """As `until_waits`, and the session as it was at that moment."""
        await self.until_waits(state)
        return await self.session()

    def _hurry(self) -> None:
        """As if every deadline had come."""
        live = Session.objects.filter(state__in=Session.LIVE)
        live.update(deadline_at=lib_clock.now() - timedelta(seconds=1))
        Transaction.objects.exclude(waiting_since=None).update(
            waiting_since=lib_clock.now() - transactions.START_PATIENCE
        )
        transactions.tell_overdue()
        services.move_overdue()

    # --- What is known -------------------------------------------------------------------------------

    async def session(self) -> Session:
        return await Session.objects.order_by("pk").afirst()


@pytest.fixture(params=["1.6", "2.0.1"])
def protocol(request) -> str:
    return request.param


@pytest.fixture
def site(transactional_db, protocol) -> Callable[..., Any]:
    """Play a story at a box that is on line."""
    factory = Factory()
    evse = factory.make_evse(charge_point_id=Site.id)
    for _plug in range(2):
        factory.make_priced_connector(evse, seen_at=lib_clock.now())
    register(Site.id, PASSWORD)

    @asynccontextmanager
    async def at_the_door(**options: Any):
        async with serve_charge_points() as url:
            scene = Site(url, protocol, **options)
            scene.box.start()
            try:
                await until(scene._is_quiet)
                yield scene
            finally:
                await scene.box.stop()

    def play(story: Callable[[Site], Coroutine[Any, Any, Any]], **options: Any) -> Any:
        async def told() -> Any:
            async with at_the_door(**options) as scene:
                return await story(scene)

        return run(told)

    return play


async def until_there_is(rows: QuerySet) -> None:
    async with asyncio.timeout(30):
        while not await rows.aexists():
            await asyncio.sleep(0.02)
