"""One view, one context: the full page for a visit, the fragment for htmx."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django_htmx.middleware import HtmxDetails


class HtmxRequest(HttpRequest):
    htmx: HtmxDetails


def page_or_fragment(
    request: HtmxRequest, page: str, fragment: str, context: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    """Render `fragment` for an htmx request (not a boosted one), `page` otherwise."""
    partial = request.htmx and not request.htmx.boosted and not request.htmx.history_restore_request
    response = render(request, fragment if partial else page, context or {}, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response
