"""Pages of the roof: errors, preferences, style guide."""

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.cache import patch_cache_control
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from evportal.context import THEMES


@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    theme, after = request.POST.get("theme", ""), request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(after, {request.get_host()}, require_https=request.is_secure())
    response = redirect(after if safe else "/")
    if theme in THEMES:
        response.set_cookie(
            "theme", theme, max_age=31_536_000, secure=settings.SESSION_COOKIE_SECURE, samesite="Lax"
        )
    return response


@require_safe
def photo(request: HttpRequest, name: str) -> HttpResponse:
    """A photo of a station. In this folder are only pictures that we painted ourselves."""
    try:
        with default_storage.open(f"photos/{name}") as file:
            response = HttpResponse(file.read(), content_type="image/jpeg")
    except FileNotFoundError as missing:
        raise Http404 from missing
    patch_cache_control(response, public=True, immutable=True, max_age=31_536_000)
    response["Content-Security-Policy"] = (
        "default-src 'none'; sandbox"  # whatever it is, it does nothing here
    )
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "errors/400.html", status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "errors/403.html", {"why": str(exception)}, status=403)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "errors/403_csrf.html", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "errors/404.html", status=404)


def broken(request: HttpRequest) -> HttpResponse:
    """Without context processors and without the database: they may be what broke."""
    return HttpResponse(render_to_string("errors/500.html"), status=500)
