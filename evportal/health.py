"""Doors for machines that watch us: alive, ready, figures."""

import hmac
from collections.abc import Callable
from datetime import timedelta

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from apps.beckn.worker import heartbeat_age

WORKER_SILENCE = timedelta(seconds=30)
log = structlog.get_logger(__name__)


def database_answers() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def channel_layer_answers() -> None:
    async_to_sync(_send_through_layer)()


async def _send_through_layer() -> None:
    layer = get_channel_layer()
    await layer.group_send("evportal.readyz", {"type": "nobody.listens"})


def worker_beats() -> None:
    age = heartbeat_age()
    if age is None or age > WORKER_SILENCE:
        raise TimeoutError(f"no worker was seen for {age or 'ever'}")


# Name → function that raises when that part is not ready. Each answers within a second or two.
CHECKS: dict[str, Callable[[], None]] = {
    "database": database_answers,
    "channel layer": channel_layer_answers,
    "worker": worker_beats,
}


@require_safe
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    return HttpResponse("alive", content_type="text/plain")


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    states = {name: _state_of(name, check) for name, check in CHECKS.items()}
    return JsonResponse(states, status=200 if set(states.values()) == {"ready"} else 503)


def _state_of(name: str, check: Callable[[], None]) -> str:
    """Whatever goes wrong in a check is the answer; the reason stays in our log."""
    try:
        check()
    except Exception:
        log.warning("not ready", check=name, exc_info=True)
        return "not ready"
    return "ready"


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Open on an embedded machine; otherwise only with the bearer token METRICS_TOKEN."""
    offered = request.headers.get("Authorization", "").removeprefix("Bearer ")
    token = settings.METRICS_TOKEN
    if not (hmac.compare_digest(offered.encode(), token.encode()) if token else settings.EMBEDDED):
        raise Http404
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
