import asyncio
from types import SimpleNamespace

import structlog
from channels.exceptions import StopConsumer
from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.utils import translation

from apps.lib import wiring
from apps.lib.channel import remember_loop
from apps.lib.database import in_database
from apps.live import push

log = structlog.get_logger(__name__)

NOT_YOURS = 4403  # the page shows "reload"; htmx does not try again after this code
PAUSE_SECONDS = 0.2  # at most five pictures a second for one connection
BEAT_SECONDS = 15
EVENT_HEADERS = [
    (b"Content-Type", b"text/event-stream; charset=utf-8"),
    (b"Cache-Control", b"no-store"),
    (b"X-Accel-Buffering", b"no"),  # a proxy that collects the answer would keep the news back
]


class RowFollower:
    """One connection that follows one row: told at each change, for as long as the other end may know it.

    A kind of it says what it draws (`draw`) and how that is sent (`show`); `kind` may stand in the address or in the
    class.
    """

    kind = ""

    def draw(self, parts: list[str]) -> str | None:
        """What is sent; None as soon as the other end may not know it (any more). Runs in a thread."""
        raise NotImplementedError

    def group_code(self) -> str:
        """The row's code, where the address says it in another way."""
        return self.code

    async def show(self, picture: str) -> None:
        raise NotImplementedError

    async def dismiss(self) -> None:
        """The other end may not know it."""
        raise NotImplementedError

    async def follow(self) -> None:
        self.group = push.group_name(self.kind, self.group_code())
        remember_loop()
        await self._ask_layer("group_add")  # before the first picture, so that no change falls between
        await self.panel_changed({})

    async def unfollow(self) -> None:
        if getattr(self, "drawing", None):
            self.drawing.cancel()
        if getattr(self, "group", None):
            await self._ask_layer("group_discard")

    def _read_address(self) -> None:
        said = self.scope["url_route"]["kwargs"]
        self.kind = self.kind or said["kind"]
        self.code = said["code"]
        self.changed: set[str] = set()  # parts of the panel; "" is all of it
        self.drawing = None

    async def panel_changed(self, event: dict) -> None:
        self.changed.add(event.get("part", ""))
        if self.drawing is None or self.drawing.done():
            self.drawing = asyncio.create_task(self._draw_until_quiet())

    async def _draw_until_quiet(self) -> None:
        """However fast changes come, the last picture shows the last state."""
        while self.changed:
            parts = [""] if "" in self.changed else sorted(self.changed)
            self.changed.clear()
            try:
                picture = await in_database(self.draw)(parts)
            except Exception:
                log.exception(
                    "live panel failed", kind=self.kind, code=self.group_code()
                )  # the page polls: it repairs itself
            else:
                if picture is None:
                    await self.dismiss()
                    return
                await self.show(picture)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _ask_layer(self, what: str) -> None:
        """Redis being away must not cost the connection: the page polls until it is back."""
        try:
            await getattr(self.channel_layer, what)(self.group, self.channel_name)
        except Exception:
            log.warning("channel layer does not answer", asked=what, exc_info=True)


class RowSocket(RowFollower, AsyncWebsocketConsumer):
    """By websocket."""

    async def connect(self) -> None:
        self._read_address()
        await self.accept()
        await self.follow()

    async def disconnect(self, code: int) -> None:
        await self.unfollow()

    async def show(self, picture: str) -> None:
        await self.send(text_data=picture)

    async def dismiss(self) -> None:
        await self.close(NOT_YOURS)


class RowEvents(RowFollower, AsyncHttpConsumer):
    """By `text/event-stream`: plain HTTP, for whom a websocket is too much or is blocked on the way."""

    async def http_request(self, message: dict) -> None:
        """Not `handle` of the class above: the answer goes on long after the request was read."""
        if message.get("more_body"):
            return
        self._read_address()
        if await in_database(self.draw)([""]) is None:
            await self.send_response(404, b"", headers=[(b"Cache-Control", b"no-store")])
            raise StopConsumer
        await self.send_headers(headers=EVENT_HEADERS)
        await self.follow()
        self.beating = asyncio.create_task(self._beat())

    async def disconnect(self) -> None:
        if beating := getattr(self, "beating", None):
            beating.cancel()
        await self.unfollow()

    async def show(self, picture: str) -> None:
        lines = "".join(f"data: {line}\n" for line in picture.splitlines())
        await self.send_body(f"{lines}\n".encode(), more_body=True)

    async def dismiss(self) -> None:
        await self.send_body(b"event: over\ndata:\n\n")

    async def _beat(self) -> None:
        """A comment now and then, so that nobody on the way takes the silence for the end."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            await self.send_body(b": still here\n\n", more_body=True)


class LivePanel(RowSocket):
    """An open page: parts of it are drawn again, for the person who looks at it."""

    def draw(self, parts: list[str]) -> str | None:
        """Those parts, or None as soon as one of them is not for this person, who may have been shut out meanwhile."""
        user = get_user(SimpleNamespace(session=self.scope["session"]))
        pictures = []
        with translation.override(self._language()):
            for part in parts:
                selector = wiring.handler("LIVE", f"{self.kind}.{part}" if part else self.kind)
                pictures.append(selector(user, self.code) if selector else None)
        return None if None in pictures else "".join(pictures)

    def _language(self) -> str:
        """As LocaleMiddleware chose it for the page: the cookie, then what the browser prefers."""
        asked = HttpRequest()
        asked.COOKIES = self.scope.get("cookies", {})
        preferred = dict(self.scope.get("headers", ())).get(b"accept-language", b"")
        asked.META["HTTP_ACCEPT_LANGUAGE"] = preferred.decode("latin-1")
        return translation.get_language_from_request(asked)
