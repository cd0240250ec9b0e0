"""The page behind `tracking.url`: whoever has the address may read it, people as a page, machines as JSON."""

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.bookings import links, selectors
from apps.lib.htmx import HtmxRequest, page_or_fragment

GONE = 410


@require_safe
@never_cache
def track(request: HtmxRequest, link: str) -> HttpResponse:
    for_machines = request.get_preferred_type(["text/html", "application/json"]) == "application/json"
    try:
        tracked = selectors.tracked(link)
    except links.LinkExpired:
        return _answer(_expired(request, for_machines=for_machines))
    if tracked is None:
        raise Http404
    if for_machines:
        return _answer(JsonResponse(tracked.to_json()))
    context = {"tracked": tracked}
    return _answer(page_or_fragment(request, "bookings/track.html", "bookings/_tracking.html", context))


def _expired(request: HtmxRequest, *, for_machines: bool) -> HttpResponse:
    if for_machines:
        return JsonResponse({"error": "this link has expired; ask track for a new one"}, status=GONE)
    if request.htmx:  # an open page: the part without a trigger takes the place of the one that asks
        return render(request, "bookings/_link_expired.html")
    return render(request, "bookings/link_expired.html", status=GONE)


def _answer(response: HttpResponse) -> HttpResponse:
    """The address is a secret: no index keeps it, and no page that is linked from here hears it."""
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Referrer-Policy"] = "no-referrer"
    patch_vary_headers(response, ["Accept"])
    return response
