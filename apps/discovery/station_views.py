"""The buttons of a station's page, and the page of what was saved."""

from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.discovery import favourites, profiles, station_page, watch_panel, watches
from apps.discovery.models import OfferedStation
from apps.lib.htmx import HtmxRequest, page_or_fragment


@require_safe
@never_cache
def saved(request: HtmxRequest) -> HttpResponse:
    context = {
        "cards": favourites.saved(request.user, request.session),
        "watches": watch_panel.views_of(request.user),
        "profiles": profiles.profiles_of(request.user, request.session),
    }
    return page_or_fragment(request, "discovery/saved.html", "discovery/_saved.html", context)


@require_POST
def keep(request: HtmxRequest, code: UUID) -> HttpResponse:
    station = _station(code)
    favourites.keep(request.user, request.session, station)
    return _heart_or_back(request, station, is_kept=True)


@require_POST
def drop(request: HtmxRequest, code: UUID) -> HttpResponse:
    station = _station(code)
    favourites.drop(request.user, request.session, station)
    return _heart_or_back(request, station, is_kept=False)


@require_POST
def watch(request: HtmxRequest, code: UUID) -> HttpResponse:
    station = _station(code)
    if not request.user.is_authenticated:  # back to the page, not to this button
        return redirect(f"{reverse('account_login')}?{urlencode({'next': station.get_absolute_url()})}")
    plug = station_page.plug_of(station, request.POST.get("plug", ""))
    if plug is None and request.POST.get("plug"):
        raise Http404
    watches.start(request.user, station, plug)
    return redirect(f"{station.get_absolute_url()}#watches")


@require_POST
def stop_watch(request: HtmxRequest, code: UUID) -> HttpResponse:
    found = watch_panel.watch_of(request.user, code) if request.user.is_authenticated else None
    if found is None:
        raise Http404
    watches.stop(found)
    return redirect(_next(request) or found.station.get_absolute_url())


def _station(code: UUID) -> OfferedStation:
    station = station_page.station_by_code(code)
    if station is None:
        raise Http404
    return station


def _heart_or_back(request: HtmxRequest, station: OfferedStation, *, is_kept: bool) -> HttpResponse:
    if request.htmx:
        return render(request, "discovery/_heart.html", {"station": station, "is_kept": is_kept})
    return redirect(_next(request) or station.get_absolute_url())


def _next(request: HtmxRequest) -> str:
    after = request.POST.get("next", "")
    return after if url_has_allowed_host_and_scheme(after, allowed_hosts={request.get_host()}) else ""
