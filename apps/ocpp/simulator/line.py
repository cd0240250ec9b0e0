"""How a simulated charge point keeps its line: connects, boots, empties its outbox, and comes back when it broke."""

import asyncio
import base64
from typing import TYPE_CHECKING
from urllib.parse import quote

import structlog
from ocpp.exceptions import OCPPError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from apps.ocpp.simulator import tasks
from apps.ocpp.simulator.outbox import TRIES, Saying

if TYPE_CHECKING:  # the box has a line and its version a link; here their names are needed for the types only
    from apps.ocpp.simulator import v16, v201
    from apps.ocpp.simulator.charge_point import SimulatedChargePoint

    Link = v16.Link | v201.Link

log = structlog.get_logger(__name__)

LOST = (OSError, InvalidHandshake, ConnectionClosed, TimeoutError, OCPPError)


class Line:
    def __init__(self, box: "SimulatedChargePoint", retry_after: tuple[float, float]):
        self.box = box
        self.retry_after = retry_after  # seconds: at first, at most
        self.online = asyncio.Event()
        self.may_come = asyncio.Event()  # cleared while the line is down
        self.may_come.set()
        self._socket: ClientConnection | None = None

    async def drop(self) -> None:
        """The line breaks; the box goes on, and comes back by itself."""
        if self._socket is not None:
            await self._socket.close()

    async def keep(self) -> None:
        shortest, longest = self.retry_after
        pause = shortest
        while True:
            await self.may_come.wait()
            try:
                async with connect(
                    f"{self.box.url.rstrip('/')}/{quote(self.box.id, safe='')}",
                    subprotocols=[self.box.version.SUBPROTOCOL],
                    additional_headers={"Authorization": self._basic_auth()},
                    compression=None,  # small frames: it would cost memory on both sides and save nothing
                    proxy=None,
                    open_timeout=30,
                    close_timeout=2,
                ) as self._socket:
                    await self._talk(self._socket)
            except LOST as error:
                log.debug("line lost", charge_point=self.box.id, error=str(error))
            pause = shortest if self.online.is_set() else min(pause * 2, longest)
            self.online.clear()
            self.box.outbox.forget_what_was_only_for_now()
            await asyncio.sleep(pause * self.box.rng.randint(75, 125) / 100)

    async def _talk(self, socket: ClientConnection) -> None:
        link = self.box.version.Link(self.box, socket)
        both = [asyncio.create_task(link.start()), asyncio.create_task(self._say_everything(link))]
        try:
            done, _rest = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await tasks.end(both)

    async def _say_everything(self, link: "Link") -> None:
        self.box.heartbeat_seconds = await self._boot(link)
        for connector in self.box.connectors.values():
            await link.say(self.box.version.status(self.box, connector))
        self.online.set()
        beats = asyncio.create_task(self._beat(link))
        try:
            while True:
                await self._say(link, await self.box.outbox.first())
        finally:
            await tasks.end([beats])

    async def _boot(self, link: "Link") -> int:
        while True:
            answer = await link.say(self.box.version.boot(self.box))
            if answer.status == "Accepted":
                return answer.interval
            await asyncio.sleep(answer.interval)

    async def _beat(self, link: "Link") -> None:
        while True:
            await asyncio.sleep(self.box.heartbeat_seconds)
            await link.say(self.box.version.heartbeat())

    async def _say(self, link: "Link", saying: Saying) -> None:
        try:
            answer = await link.say(saying.payload())
        except OCPPError as error:
            saying.tries += 1
            if saying.tries >= TRIES or not saying.keep:
                log.warning("message given up", charge_point=self.box.id, error=str(error)[:200])
                self.box.outbox.done(saying)
            else:
                await asyncio.sleep(saying.tries * self.retry_after[0])
            return
        self.box.outbox.done(saying)
        saying.answered(answer)

    def _basic_auth(self) -> str:
        return "Basic " + base64.b64encode(f"{self.box.id}:{self.box.password}".encode()).decode()
