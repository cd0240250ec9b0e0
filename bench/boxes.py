"""Charge points that only send readings, as fast as they are answered: `python -m bench.boxes FILE URL SECONDS`.

FILE is a list of `{"id", "password"}`. Each begins a charge with a card; then the time runs. Tells JSON: readings
answered, seconds, and how long each answer took.
"""

import asyncio
import base64
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

COMING_AT_ONCE = 20
LONG_AGO = timedelta(days=2)  # so many readings five seconds apart are not from the future
WH_PER_READING = 20


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


class Box:
    def __init__(self, spec: dict[str, Any]):
        self.id, self.password = spec["id"], spec["password"]
        self.sent = 0
        self.began_at = datetime.now(UTC) - LONG_AGO
        self.transaction_id = 0

    async def call(self, socket: ClientConnection, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        self.sent += 1
        unique_id = str(self.sent)
        await socket.send(json.dumps([2, unique_id, action, payload]))
        while True:
            frame = json.loads(await socket.recv())
            if frame[0] == 2:  # asked for its configuration
                await socket.send(json.dumps([4, frame[1], "NotSupported", "", {}]))
            elif frame[1] == unique_id:
                assert frame[0] == 3, frame
                return frame[2]

    async def begin(self, socket: ClientConnection) -> None:
        await self.call(socket, "BootNotification", {"chargePointVendor": "Bench", "chargePointModel": "Box"})
        status = {"connectorId": 1, "errorCode": "NoError", "status": "Preparing"}
        await self.call(socket, "StatusNotification", status)
        start = {"connectorId": 1, "idTag": f"CARD-{self.id}"[:20], "meterStart": 0}
        answer = await self.call(socket, "StartTransaction", {**start, "timestamp": _text(self.began_at)})
        self.transaction_id = answer["transactionId"]

    async def read(self, socket: ClientConnection) -> None:
        number = self.sent
        sample = [
            {"value": str(number * WH_PER_READING), "unit": "Wh"},
            {"value": "14400", "measurand": "Power.Active.Import", "unit": "W"},
            {"value": "62.6", "measurand": "Current.Import", "unit": "A"},
            {"value": "230", "measurand": "Voltage", "unit": "V"},
        ]
        at = _text(self.began_at + timedelta(seconds=5 * number))
        values = {"connectorId": 1, "transactionId": self.transaction_id}
        await self.call(
            socket, "MeterValues", {**values, "meterValue": [{"timestamp": at, "sampledValue": sample}]}
        )


async def main(file: str, url: str, seconds: str) -> None:
    boxes = [Box(spec) for spec in json.loads(Path(file).read_text())]
    coming, all_there, times = asyncio.Semaphore(COMING_AT_ONCE), asyncio.Barrier(len(boxes)), []

    async def live(box: Box) -> None:
        login = base64.b64encode(f"{box.id}:{box.password}".encode()).decode()
        headers = {"Authorization": f"Basic {login}"}
        async with coming:
            socket = await connect(
                f"{url}{box.id}", subprotocols=["ocpp1.6"], additional_headers=headers, open_timeout=60
            )
            await box.begin(socket)
        await all_there.wait()
        until = time.perf_counter() + float(seconds)
        while (began := time.perf_counter()) < until:
            await box.read(socket)
            times.append(time.perf_counter() - began)
        await socket.close()

    await asyncio.gather(*(live(box) for box in boxes))
    print(json.dumps({"answered": len(times), "seconds": float(seconds), "times": times}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
