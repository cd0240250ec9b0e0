"""Long answers, part by part. Under ASGI Django would first gather what a plain iterator says, all of it."""

from collections.abc import AsyncIterator, Iterator
from itertools import islice

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

AT_ONCE = 500  # lines that are in memory


def streamed(request: HttpRequest, lines: Iterator[str], *, content_type: str) -> StreamingHttpResponse:
    parts = _in_turns(lines) if isinstance(request, ASGIRequest) else _joined(lines)
    return StreamingHttpResponse(parts, content_type=content_type)


def _joined(lines: Iterator[str]) -> Iterator[str]:
    while text := "".join(islice(lines, AT_ONCE)):
        yield text


async def _in_turns(lines: Iterator[str]) -> AsyncIterator[str]:
    """Each turn in the thread of the request, which has the database; between turns others are served."""
    parts = _joined(lines)
    while text := await sync_to_async(next)(parts, ""):
        yield text
