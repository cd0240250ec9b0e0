import math
from decimal import Decimal
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.accounts.selectors import chosen_vehicle
from apps.discovery import profiles, selectors, services, station_page
from apps.discovery.clusters import PINS_FROM_ZOOM
from apps.discovery.forms import PLACE, FilterForm, Filters, ViewportForm
from apps.discovery.photo_policy import with_photos
from apps.lib.htmx import HtmxRequest, page_or_fragment

STATION_RADIUS_KM = Decimal(2)
# As in static/js/discovery.js.
PLACE_FIELDS = (*PLACE, "page", "sort", "kwh", "minutes")


@require_safe
@never_cache
@with_photos
def explore(request: HtmxRequest) -> HttpResponse:
    form, vehicle = FilterForm(request.GET), chosen_vehicle(request)
    filters = form.filters(vehicle)
    run = _ask_network(filters)
    found = selectors.find(filters, page=_page(request))
    context = {
        "form": form,
        "filters": filters,
        "vehicle": vehicle,
        "found": found,
        "progress": selectors.progress_of(run),
        "operators": selectors.operator_names(filters),
        "narrowed": _narrowed(form),
        "profiles": _profile_links(request, form),
        "to_save": form.address(with_place=True),
        "map": _map_of(filters),
    }
    if not found.total:
        empty = selectors.why_empty(filters)
        context |= {"empty": empty, "droppable": _droppable(request, empty)}
    return page_or_fragment(request, "discovery/explore.html", "discovery/_results.html", context)


@require_safe
@never_cache
@with_photos
def station(request: HtmxRequest, code: UUID) -> HttpResponse:
    told = selectors.station_view(code)
    if told is None:
        raise Http404
    place = told.station
    run = services.refresh(lat=place.lat, lon=place.lon, radius_km=STATION_RADIUS_KM)
    context = {
        "told": told,
        "station": place,
        "progress": selectors.progress_of(run),
        "map": _map(place.lat, place.lon, zoom=PINS_FROM_ZOOM),
        "more": station_page.more(request.user, request.session, told),
        "address": request.build_absolute_uri(place.get_absolute_url()),
    }
    return page_or_fragment(request, "discovery/station.html", "discovery/_station.html", context)


@require_safe
@never_cache
def pins(request: HttpRequest) -> HttpResponse:
    viewport = ViewportForm(request.GET)
    if not viewport.is_valid():
        return JsonResponse({"error": _("The map did not say what it shows.")}, status=400)
    filters = FilterForm(request.GET).filters(chosen_vehicle(request))
    zoom = viewport.cleaned_data["zoom"]
    return JsonResponse(selectors.pins_in_box(filters, viewport.box(), zoom))


@require_safe
@never_cache
def progress(request: HttpRequest, area: str) -> HttpResponse:
    """The repair of the live panel: the page asks when the socket may be gone."""
    news = selectors.progress_in(area)
    if news is None:
        raise Http404
    return render(request, "discovery/_progress.html", {"progress": news})


def _ask_network(filters: Filters):
    if filters.words:
        return services.refresh_words(words=filters.words, asks=filters.asks)
    return services.refresh(lat=filters.lat, lon=filters.lon, radius_km=filters.radius_km, asks=filters.asks)


def _page(request: HttpRequest) -> int:
    text = request.GET.get("page", "")
    return max(1, min(1000, int(text))) if text.isascii() and text.isdigit() else 1


def _narrowed(form: FilterForm) -> int:
    """How many filters are set; the place is none, nor is what only orders or prices the list."""
    is_filter = (name not in PLACE_FIELDS and value for name, value in form.cleaned_data.items())
    return sum(1 for is_set in is_filter if is_set)


def _profile_links(request: HttpRequest, form: FilterForm) -> list[dict]:
    """Each under its name; one without a place is for the place that is looked at."""
    said = form.cleaned_data
    place = urlencode({name: said[name] for name in PLACE if said.get(name) not in (None, "")})
    return [
        {"profile": one, "url": f"?{one.query}" if one.has_place or not place else f"?{one.query}&{place}"}
        for one in profiles.profiles_of(request.user, request.session)
    ]


def _map_of(filters: Filters) -> dict:
    if filters.is_default_place:
        return _map(filters.lat, filters.lon, zoom=settings.MAP_START["zoom"])
    # Zoom 11 shows about 25 km around the middle of a phone; each step halves it.
    steps = math.log2(25 / filters.radius_km)
    zoom = max(4, min(15, round(11 + steps)))
    return _map(filters.lat, filters.lon, zoom=zoom) | {"radius_km": str(filters.radius_km)}


def _map(lat: Decimal, lon: Decimal, *, zoom: int) -> dict:
    return {
        "lat": str(lat),
        "lon": str(lon),
        "zoom": zoom,
        "tiles": settings.TILE_URL,
        "attribution": settings.TILE_ATTRIBUTION,
    }


def _droppable(request: HttpRequest, empty: selectors.Emptiness) -> list[dict]:
    """For each filter that hides something: its name, what would show, and the address without it."""
    links = []
    for relaxation in empty.relaxations:
        query = request.GET.copy()
        for field in (relaxation.field, *(["mine"] if relaxation.field == "fits" else [])):
            query.pop(field, None)
        links.append(
            {
                "name": relaxation.name,
                "total": relaxation.total,
                "url": f"?{query.urlencode()}",
            }
        )
    return links
