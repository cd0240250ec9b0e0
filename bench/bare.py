"""A server that does nothing but answer, on the `ocpp` library alone: what our door is measured against.

`python -m bench.bare PORT`; accepts whoever comes, keeps nothing.
"""

import asyncio
import sys
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from typing import Any

from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

_numbers = count(1)
ACCEPTED = {"status": "Accepted"}


def _now() -> str:
    return datetime.now(UTC).isoformat()


class Bare(ChargePoint):
    @on("BootNotification")
    def on_boot(self, **_: Any) -> Any:
        return call_result.BootNotification(current_time=_now(), interval=60, status="Accepted")

    @on("StatusNotification")
    def on_status(self, **_: Any) -> Any:
        return call_result.StatusNotification()

    @on("StartTransaction")
    def on_start(self, **_: Any) -> Any:
        return call_result.StartTransaction(transaction_id=next(_numbers), id_tag_info=ACCEPTED)

    @on("MeterValues")
    def on_values(self, **_: Any) -> Any:
        return call_result.MeterValues()


async def _talk(socket: ServerConnection) -> None:
    with suppress(ConnectionClosed):
        await Bare(socket.request.path, socket).start()


async def main(port: int) -> None:
    async with serve(_talk, "127.0.0.1", port, subprotocols=["ocpp1.6"]):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
