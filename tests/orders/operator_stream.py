"""An operator's tracking address: JSON for who asks, and a websocket that says what a test wants."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response


class OperatorStream:
    def __init__(self) -> None:
        self.has_stream = True
        self.status = 200
        self.figures: dict[str, Any] = {
            "status": "ACTIVE"
        }  # what the page says to machines, beside its stream
        self.page = b""  # what it says instead
        self.moved_to = ""
        self.port = 0
        self.asked = 0  # how often the page was read
        self.listeners: set[ServerConnection] = set()
        self.came = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/track/t0ken/"

    def say(self, **said: Any) -> None:
        self._do(self._say(json.dumps(said)))

    def say_raw(self, text: str) -> None:
        self._do(self._say(text))

    def hang_up(self) -> None:
        self._do(self._hang_up())

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _say(self, text: str) -> None:
        for listener in self.listeners:
            await listener.send(text)

    async def _hang_up(self) -> None:
        self.came.clear()
        for listener in list(self.listeners):
            await listener.close()

    def _answer(self, _connection: ServerConnection, request: Request) -> Response | None:
        if "Upgrade" in request.headers:
            moved = Headers(Location=self.moved_to)
            return Response(302, "Found", moved, b"") if self.moved_to else None
        self.asked += 1
        told = self.figures | ({"stream_url": self.url.replace("http", "ws")} if self.has_stream else {})
        return Response(self.status, "", Headers(), self.page or json.dumps(told).encode())

    async def _listener(self, connection: ServerConnection) -> None:
        self.listeners.add(connection)
        self.came.set()
        await connection.wait_closed()
        self.listeners.discard(connection)

    async def _serve(self, ready: threading.Event) -> None:
        async with serve(self._listener, "127.0.0.1", 0, process_request=self._answer) as server:
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await self._over.wait()

    @contextmanager
    def open(self) -> Iterator["OperatorStream"]:
        ready = threading.Event()
        thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(ready),))
        thread.start()
        assert ready.wait(10)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._over.set)
            thread.join(10)
            self._loop.close()
