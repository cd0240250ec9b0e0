"""Messages to a group of sockets, from code that is not asynchronous.

The in-memory layer is not thread-safe and lives on the server's event loop: a message put into it from another thread
would lie there until that loop wakes by chance. So every consumer calls `remember_loop()` when it connects, and senders
hand the message over to that loop. A Redis layer is sent to from a loop of our own, kept for its connection.
"""

import asyncio
import threading
import time
from concurrent.futures import Future
from typing import Any
from uuid import uuid4

import structlog
from channels.layers import InMemoryChannelLayer, get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer

log = structlog.get_logger(__name__)

SEND_SECONDS = 5
TIDY_SECONDS = 10
_loops: dict[str, asyncio.AbstractEventLoop] = {}
_starting = threading.Lock()


class MemoryLayer(InMemoryChannelLayer):
    """Channels' own looks through all channels and groups with each message that it sends or receives, for what nobody
    fetched in a minute: with hundreds of sockets that was the largest part of a push. Now and then is often enough."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tidied_at = time.monotonic()

    def _clean_expired(self) -> None:
        if time.monotonic() - self._tidied_at >= TIDY_SECONDS:
            self._tidied_at = time.monotonic()
            super()._clean_expired()


class RedisLayer(RedisPubSubChannelLayer):
    """A socket opens also while Redis is away. Channels' own tells Redis the name of every socket before it opens, and
    fails with it; here nobody writes to one socket, only to groups, so its name stays in this process."""

    async def new_channel(self, prefix: str = "specific.") -> str:
        layer = self._get_layer()
        name = f"{layer.prefix}{prefix}{uuid4().hex}"
        layer.channels[name] = asyncio.Queue()
        return name


def remember_loop() -> None:
    """Call on the server's loop, when a socket connects."""
    _loops["server"] = asyncio.get_running_loop()


def group_send_soon(group: str, message: dict[str, Any]) -> None:
    """Send now, without waiting for it, from any thread of any process. Never raises: a lost message must cost
    seconds only, never truth. Call it after the commit."""
    loop = _sending_loop()
    if loop is not None:
        sent = asyncio.run_coroutine_threadsafe(_send(group, message), loop)
        sent.add_done_callback(lambda done: _report(done, group))


async def _send(group: str, message: dict[str, Any]) -> None:
    await asyncio.wait_for(get_channel_layer().group_send(group, message), SEND_SECONDS)


def _sending_loop() -> asyncio.AbstractEventLoop | None:
    """None where nobody can listen: an in-memory layer of a process in which no socket ever opened."""
    if isinstance(get_channel_layer(), InMemoryChannelLayer):
        loop = _loops.get("server")
        return loop if loop and not loop.is_closed() else None
    with _starting:
        if "own" not in _loops:
            _loops["own"] = asyncio.new_event_loop()
            threading.Thread(target=_loops["own"].run_forever, name="channel-sender", daemon=True).start()
    return _loops["own"]


def _report(sent: "Future[None]", group: str) -> None:
    if not sent.cancelled() and (error := sent.exception()):
        log.warning("push lost", group=group, error=repr(error))
