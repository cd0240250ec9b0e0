"""A real websocket server in front of the door, on the test's own loop. Speaks just enough ASGI for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from apps.ocpp.routing import charge_points


class Door:
    """One handshake: the application is asked first; what it refuses gets HTTP 403, as Daphne answers."""

    def __init__(self) -> None:
        self.sockets: dict[
            ServerConnection, tuple[asyncio.Task, asyncio.Queue, asyncio.Queue, str | None]
        ] = {}

    async def ask(self, socket: ServerConnection, request: Request) -> Response | None:
        inbox: asyncio.Queue = asyncio.Queue()
        outbox: asyncio.Queue = asyncio.Queue()
        offers = [
            o.strip() for o in request.headers.get("Sec-WebSocket-Protocol", "").split(",") if o.strip()
        ]
        scope = {
            "type": "websocket",
            "path": request.path,
            "headers": [(k.lower().encode(), v.encode()) for k, v in request.headers.raw_items()],
            "subprotocols": offers,
            "client": ["127.0.0.1", 1],
        }
        inbox.put_nowait({"type": "websocket.connect"})
        task = asyncio.create_task(charge_points(scope, inbox.get, outbox.put))
        asked = asyncio.create_task(outbox.get())
        await asyncio.wait([task, asked], return_when=asyncio.FIRST_COMPLETED)
        answer = await asked if asked.done() else {"type": "the door fell"}
        if answer["type"] != "websocket.accept":
            task.cancel()
            return Response(403, "Forbidden", Headers())
        self.sockets[socket] = task, inbox, outbox, answer.get("subprotocol")
        return None

    def chosen(self, socket: ServerConnection, offers: list[str]) -> str | None:
        return self.sockets[socket][3]

    async def carry(self, socket: ServerConnection) -> None:
        task, inbox, outbox, _chosen = self.sockets.pop(socket)
        sender = asyncio.create_task(self._send(socket, outbox))
        with suppress(ConnectionClosed):
            async for text in socket:
                inbox.put_nowait({"type": "websocket.receive", "text": text})
        inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await task
        sender.cancel()

    async def _send(self, socket: ServerConnection, outbox: asyncio.Queue) -> None:
        with suppress(ConnectionClosed):
            while True:
                message = await outbox.get()
                if message["type"] == "websocket.close":
                    await socket.close(message.get("code", 1000))
                else:
                    await socket.send(message["text"])


@asynccontextmanager
async def serve_charge_points() -> AsyncIterator[str]:
    door = Door()
    async with serve(
        door.carry,
        "127.0.0.1",
        0,
        process_request=door.ask,
        select_subprotocol=door.chosen,
        compression=None,
    ) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"ws://127.0.0.1:{port}/ocpp/"
