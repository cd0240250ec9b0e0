"""Listens to the live streams of operators whose chargers our drivers use: one thread with one loop for all of them.

It only carries. Which streams are wanted and what is taken from them is decided in services/listening.py. When this
process dies its leases run out and another worker listens; until then status messages tell the same, less often.
"""

import asyncio
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import structlog
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from apps.beckn import addresses
from apps.beckn.transport import Transport, Unreadable
from apps.lib import clock
from apps.lib.database import in_database
from apps.orders import services
from apps.orders.models import Order
from apps.orders.stream import read_figures, stream_url

log = structlog.get_logger(__name__)

RENEW_SECONDS = 10
AGAIN_AFTER = timedelta(seconds=15)
LARGEST_MESSAGE = 16_384
FETCHERS = 4


class _Connect(connect):
    """A stream is where it was said to be: no redirects, which could lead inside our walls."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


class Listener:
    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._transport = Transport()
        self._fetching = ThreadPoolExecutor(FETCHERS, thread_name_prefix="stream-look")
        self._renewed_at = time.monotonic()
        threading.Thread(target=self._loop.run_forever, name="stream-listener", daemon=True).start()

    def listen(self, order: Order) -> None:
        self._loop.call_soon_threadsafe(self._begin, order.pk, order.tracking_url)

    def renew_when_due(self) -> None:
        if self._tasks and time.monotonic() - self._renewed_at >= RENEW_SECONDS:
            self._renewed_at = time.monotonic()
            services.renew_leases(list(self._tasks))

    # --- On the loop -------------------------------------------------------------------------------------
    def _begin(self, order_id: int, url: str) -> None:
        if earlier := self._tasks.get(order_id):  # the operator told another address
            earlier.cancel()
        task = self._tasks[order_id] = self._loop.create_task(self._follow(order_id, url))
        task.add_done_callback(lambda done: self._tasks.get(order_id) is done and self._tasks.pop(order_id))

    async def _follow(self, order_id: int, url: str) -> None:
        again = AGAIN_AFTER * random.uniform(0.75, 1.25)
        try:
            address = await self._loop.run_in_executor(self._fetching, self._address_of, url)
            if address is None:
                await in_database(services.listen_again)(order_id, after=None)
                return
            if await self._hear(order_id, address):
                return
        except (Unreadable, WebSocketException, OSError, TimeoutError, addresses.AddressRefused) as fault:
            log.info("a live stream broke off", order=order_id, why=f"{type(fault).__name__}: {fault}"[:300])
        except Exception:
            log.exception("a live stream could not be taken", order=order_id)
        await in_database(services.listen_again)(order_id, after=again)

    def _address_of(self, url: str) -> str | None:
        address = stream_url(self._transport.get_json(url), url)
        if address:
            parts = urlsplit(address)
            addresses.check_reachable(parts._replace(scheme=parts.scheme.replace("ws", "http")).geturl())
        return address

    async def _hear(self, order_id: int, address: str) -> bool:
        """True when the charge is over; the operator hanging up earlier is no end."""
        options: dict[str, Any] = {"max_size": LARGEST_MESSAGE, "compression": None, "proxy": None}
        async with _Connect(address, close_timeout=2, **options) as socket:
            async for text in socket:
                if not await in_database(_take)(order_id, text):
                    return True
        return False


def _take(order_id: int, text: str | bytes) -> bool:
    told = read_figures(text)
    return told is None or services.record_streamed(order_id, told=told, received_at=clock.now())


@cache
def the_listener() -> Listener:
    """One of this process, made when the first charge runs."""
    return Listener()


def keep_listening() -> int:
    """Duty: take up the streams that nobody listens to, keep the leases of those we do. How many were taken up."""
    wanted = services.claim_streams()
    if wanted or the_listener.cache_info().currsize:
        the_listener().renew_when_due()
    for order in wanted:
        the_listener().listen(order)
    return len(wanted)
