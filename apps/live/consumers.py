import asyncio
from types import SimpleNamespace

import structlog
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
PAUSE_SECONDS = 0.2  # at most five pictures a second for one socket


class RowSocket(AsyncWebsocketConsumer):
    """One socket that follows one row: told at each change, for as long as the other end may know it.

    A kind of it says what it draws (`draw`); `kind` may stand in the address or in the class.
    """

    kind = ""

    def draw(self, parts: list[str]) -> str | None:
        """What is sent; None as soon as the other end may not know it (any more). Runs in a thread."""
        raise NotImplementedError

    async def connect(self) -> None:
        self.kind = self.kind or self.scope["url_route"]["kwargs"]["kind"]
        self.code = self.scope["url_route"]["kwargs"]["code"]
        self.group = push.group_name(self.kind, self.code)
        self.changed: set[str] = set()  # parts of the panel; "" is all of it
        self.drawing = None
        remember_loop()
        await self.accept()
        await self._ask_layer("group_add")  # before the first picture, so that no change falls between
        await self.panel_changed({})

    async def disconnect(self, code: int) -> None:
        if getattr(self, "drawing", None):
            self.drawing.cancel()
        if getattr(self, "group", None):
            await self._ask_layer("group_discard")

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
                panel = await in_database(self.draw)(parts)
            except Exception:
                log.exception(
                    "live panel failed", kind=self.kind, code=self.code
                )  # the page polls: it repairs itself
            else:
                if panel is None:
                    await self.close(NOT_YOURS)
                    return
                await self.send(text_data=panel)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _ask_layer(self, what: str) -> None:
        """Redis being away must not cost the socket: the page polls until it is back."""
        try:
            await getattr(self.channel_layer, what)(self.group, self.channel_name)
        except Exception:
            log.warning("channel layer does not answer", asked=what, exc_info=True)


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
