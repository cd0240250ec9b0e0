"""The front door. Machines' doors stand before Django's middleware; browsers go through it."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evportal.settings")
django_app = get_asgi_application()  # before anything that imports models

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.urls import re_path  # noqa: E402

from apps.beckn import doors  # noqa: E402
from apps.bookings.consumers import TrackingEvents, TrackingSocket  # noqa: E402
from apps.live.consumers import LivePanel  # noqa: E402
from apps.ocpp.routing import charge_points  # noqa: E402

# Path prefix → ASGI application, asked before Django: no sessions, no CSRF, no locale.
HTTP_DOORS = {doors.PREFIX: doors.Door()}

# Doors that are no browsers: no cookie, no Origin, their own authentication; for the tracking streams an address
# that nobody guesses.
TRACKING = r"^track/(?P<code>[\w.-]{20,120})/$"
MACHINE_SOCKETS = [
    re_path(r"^(?=ocpp/)", charge_points),
    re_path(TRACKING, TrackingSocket.as_asgi()),
]
EVENT_STREAMS = URLRouter([re_path(TRACKING, TrackingEvents.as_asgi()), re_path(r"", django_app)])


async def http(scope, receive, send):
    for prefix, door in HTTP_DOORS.items():
        if scope["path"].startswith(prefix):
            return await door(scope, receive, send)
    if wants_events(scope):
        return await EVENT_STREAMS(scope, receive, send)
    return await django_app(scope, receive, send)


def wants_events(scope) -> bool:
    """The page's own address, asked for as a stream."""
    is_asked = any(name == b"accept" and b"text/event-stream" in value for name, value in scope["headers"])
    return is_asked and scope["method"] == "GET"


async def no_such_socket(scope, receive, send):
    await send({"type": "websocket.close", "code": 4404})


browser_sockets = URLRouter(
    [re_path(r"^live/(?P<kind>[a-z-]+)/(?P<code>[\w.-]{1,64})/$", LivePanel.as_asgi())]
)

application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": URLRouter(
            [
                *MACHINE_SOCKETS,
                re_path(r"^(?=live/)", AllowedHostsOriginValidator(AuthMiddlewareStack(browser_sockets))),
                re_path(r"", no_such_socket),
            ]
        ),
    }
)
