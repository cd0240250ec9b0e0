"""The page behind `tracking.url`: whoever has the address may read it, people as a page, machines as JSON."""

from django.http import Http404, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.bookings import selectors
from apps.lib.htmx import HtmxRequest, page_or_fragment


@require_safe
@never_cache
def track(request: HtmxRequest, token: str) -> HttpResponse:
    tracked = selectors.tracked(token)
    if tracked is None:
        raise Http404
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        return JsonResponse(tracked.to_json())
    response = page_or_fragment(
        request, "bookings/track.html", "bookings/_tracking.html", {"tracked": tracked}
    )
    response.headers["X-Robots-Tag"] = "noindex"
    return response
