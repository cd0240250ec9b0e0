"""A wire tap between charge points and the portal, and browsers that listen: what was sent, what came, when."""

import asyncio
import json
import re
import threading
import time
from collections.abc import Coroutine
from contextlib import suppress
from datetime import datetime
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, WebSocketException

OCPP_PROTOCOLS = ["ocpp2.0.1", "ocpp1.6"]
_READING_AT = re.compile(r'datetime="([^"]+)"[^>]*data-reading')


class Relay:
    """Charge points connect here; frames go on to the portal unchanged and are noted on the way."""

    def __init__(self, portal_port: int):
        self.target = f"ws://127.0.0.1:{portal_port}"
        self.port = 0
        # charge point and the reading's own time → when it was sent; taken out when a browser shows it
        self.readings: dict[tuple[str, datetime], float] = {}
        self.shown: list[float] = []  # seconds from reading to browser
        self.sent = 0  # readings while measuring
        self.browsers_lost = 0
        self.measuring = False
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self.do(self._listen())

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _listen(self) -> Any:
        server = await serve(self._charge_point, "127.0.0.1", 0, subprotocols=OCPP_PROTOCOLS)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _charge_point(self, near: ServerConnection) -> None:
        path = near.request.path
        name = path.rstrip("/").rsplit("/", 1)[-1]
        told = {key: near.request.headers[key] for key in ("Authorization",) if key in near.request.headers}
        with suppress(ConnectionClosed, OSError, WebSocketException):
            async with connect(
                self.target + path, additional_headers=told, subprotocols=[near.subprotocol]
            ) as far:
                await asyncio.gather(self._pass_on(near, far, name), self._pass_on(far, near, name))
        await near.close()

    async def _pass_on(self, source: Any, target: Any, name: str) -> None:
        async for frame in source:
            if '"MeterValues"' in frame:
                self._note_reading(name, frame)
            await target.send(frame)
        await target.close()

    def _note_reading(self, name: str, frame: str) -> None:
        """Only readings of the time that is measured: each is waited for by its own time, not by the next push."""
        if self.measuring:
            moment = json.loads(frame)[3]["meterValue"][0]["timestamp"]
            self.readings[name, datetime.fromisoformat(moment)] = time.perf_counter()
            self.sent += 1

    # --- browsers ----------------------------------------------------------------------------------------
    def watch(self, address: str, session_cookie: str, charge_point: str) -> None:
        """A browser's socket: a push says by `data-reading` which reading it shows."""

        async def listen() -> None:
            origin = self.target.replace("ws:", "http:")
            headers = {"Cookie": f"sessionid={session_cookie}"}
            async with connect(self.target + address, origin=origin, additional_headers=headers) as socket:
                async for text in socket:
                    at = _READING_AT.search(text)
                    sent = at and self.readings.pop((charge_point, datetime.fromisoformat(at[1])), None)
                    if sent:
                        self.shown.append(time.perf_counter() - sent)

        async def begin() -> None:
            task = asyncio.create_task(listen())
            task.add_done_callback(self._browser_ended)
            self._tasks.add(task)

        self.do(begin())

    def _browser_ended(self, task: "asyncio.Task[None]") -> None:
        self.browsers_lost += 0 if task.cancelled() else 1
        if not task.cancelled() and (fault := task.exception()):
            print(f"a browser's socket ended: {fault!r}")

    def close(self) -> None:
        async def end() -> None:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._server.close()
            await self._server.wait_closed()

        self.do(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
