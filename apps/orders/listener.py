"""Hears what operators tell of our drivers' charges at their tracking addresses: one thread with one loop for all.

Where there is a stream it listens; where there is only JSON it asks again and again; where there is neither, the polls
of `status` tell the figures (services/deadlines.py). A link that ran out is asked for anew.

It only carries. Which streams are wanted and what is taken from them is decided in services/listening.py. When this
process dies its leases run out and another worker listens; until then status messages tell the same, less often.
"""

import asyncio
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.db import DatabaseError
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from apps.beckn import addresses
from apps.beckn.transport import Gone, NotForMachines, Transport, Unreadable
from apps.lib import clock
from apps.lib.database import in_database
from apps.orders import services
from apps.orders.models import Order
from apps.orders.stream import figures_of, has_figures, read_figures, stream_url
from apps.orders.told import Told

log = structlog.get_logger(__name__)

RENEW_SECONDS = 10
AGAIN_AFTER = timedelta(seconds=15)
LOOK_AGAIN_AFTER = timedelta(seconds=10)  # where the figures are only there for the asking
NEW_LINK_AFTER = timedelta(seconds=60)
NEW_LINK_SECONDS = 300  # no link is asked for anew more often
LARGEST_MESSAGE = 16_384
FETCHERS = 8


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
        self._links_asked_at: dict[int, float] = {}
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
        try:
            again = await self._take_what_there_is(order_id, url)
        except Gone:
            again = await self._ask_for_another_link(order_id)
        except NotForMachines:
            again = None
        except (Unreadable, WebSocketException, OSError, TimeoutError, addresses.AddressRefused) as fault:
            log.info("a live stream broke off", order=order_id, why=f"{type(fault).__name__}: {fault}"[:300])
            again = AGAIN_AFTER
        except Exception:
            log.exception("a live stream could not be taken", order=order_id)
            again = AGAIN_AFTER
        spread = random.uniform(0.75, 1.25)
        try:
            await in_database(services.listen_again)(order_id, after=again and again * spread)
        except DatabaseError as error:  # the lease runs out by itself, and the stream is taken up again
            log.warning("a live stream could not be given back", order=order_id, error=str(error))

    async def _take_what_there_is(self, order_id: int, url: str) -> timedelta | None:
        """After how long to come back; None when there is no more to be had."""
        said = await self._fetch(self._transport.get_json, url)
        address = stream_url(said, url)
        if address:
            await self._fetch(_check_stream, address)
            is_over = await self._hear(order_id, address)
            return None if is_over else AGAIN_AFTER
        if not has_figures(said):
            return None
        goes_on = await in_database(_take)(order_id, figures_of(said))
        return LOOK_AGAIN_AFTER if goes_on else None

    async def _ask_for_another_link(self, order_id: int) -> timedelta:
        asked_at = self._links_asked_at.get(order_id)
        if asked_at is None or time.monotonic() - asked_at >= NEW_LINK_SECONDS:
            self._links_asked_at[order_id] = time.monotonic()
            await in_database(services.renew_tracking)(order_id)
        return NEW_LINK_AFTER

    async def _fetch(self, function: Callable[[str], Any], url: str) -> Any:
        return await self._loop.run_in_executor(self._fetching, function, url)

    async def _hear(self, order_id: int, address: str) -> bool:
        """True when the charge is over; the operator hanging up earlier is no end."""
        options: dict[str, Any] = {"max_size": LARGEST_MESSAGE, "compression": None, "proxy": None}
        async with _Connect(address, close_timeout=2, **options) as socket:
            async for text in socket:
                if not await in_database(_take)(order_id, read_figures(text)):
                    return True
        return False


def _check_stream(address: str) -> None:
    """Raises AddressRefused when it leads inside our walls."""
    parts = urlsplit(address)
    addresses.check_reachable(parts._replace(scheme=parts.scheme.replace("ws", "http")).geturl())


def _take(order_id: int, told: Told | None) -> bool:
    """False when nobody needs to listen any more."""
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
