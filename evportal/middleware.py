"""Our own rings around every view: shorter pages, ids for the log, no account pages for guests, refusals as pages."""

import re
from collections.abc import Callable
from uuid import uuid4

import structlog
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.lib.errors import Refused

GetResponse = Callable[[HttpRequest], HttpResponse]
_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$")


class CompressedPages(GZipMiddleware):
    """Pages and pins in a third of their size. Photos and streams go out as they are.

    A page holds words of the visitor and a CSRF token: the token is masked anew each time, and Django adds a random
    number of bytes to each page, so that its compressed size tells nothing (BREACH).
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        is_packed = response.streaming or response.get("Content-Type", "").startswith("image/")
        return response if is_packed else super().process_response(request, response)


def log_context(get_response: GetResponse) -> GetResponse:
    """Bind the request's id to every log line it causes, and say it in X-Request-ID."""

    def with_log_context(request: HttpRequest) -> HttpResponse:
        offered = request.headers.get("X-Request-ID", "")
        request_id = offered if _REQUEST_ID.match(offered) else uuid4().hex
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = get_response(request)
        response["X-Request-ID"] = request_id
        return response

    return with_log_context


def guests_have_no_account_pages(get_response: GetResponse) -> GetResponse:
    """Password, addresses and second factor are for accounts; a guest may only leave (allauth knows no guests)."""

    def without_account_pages(request: HttpRequest) -> HttpResponse:
        is_account_page = request.path.startswith("/accounts/") and request.path != reverse("account_logout")
        if is_account_page and getattr(request.user, "is_guest", False):
            return redirect("me")
        return get_response(request)

    return without_account_pages


def show_refusals(get_response: GetResponse) -> GetResponse:
    """A service that raised Refused becomes a 409: a page, or for htmx a banner in the notices of the page."""

    def with_refusals(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    with_refusals.process_exception = show_refusal
    return with_refusals


def show_refusal(request: HttpRequest, exception: Exception) -> HttpResponse | None:
    if not isinstance(exception, Refused):
        return None
    if not request.htmx or request.htmx.boosted:
        return render(request, "errors/409.html", {"refusal": exception}, status=exception.status)
    response = render(request, "components/_refusal.html", {"refusal": exception}, status=exception.status)
    response["HX-Retarget"], response["HX-Reswap"] = "#notices", "innerHTML show:window:top"
    return response
