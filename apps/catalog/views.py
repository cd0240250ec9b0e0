"""Pages of the operator: the codes on the plugs of a station, and the sheet to print them on."""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.catalog import labels, selectors
from apps.catalog.codes import qr_svg
from apps.catalog.forms import ReasonForm
from apps.catalog.models import PlugCode, Station
from apps.catalog.network import plug_kind

STATIONS_PER_PAGE = 30


@login_required
@require_safe
@never_cache
def stations(request: HttpRequest) -> HttpResponse:
    """For whoever works for an operator: their stations, and where codes are missing or doubted."""
    if not selectors.may_see_labels(request.user):
        raise PermissionDenied
    words = request.GET.get("q", "")[:100]
    rows = Paginator(selectors.stations_to_label(request.user, words), STATIONS_PER_PAGE)
    page = rows.get_page(request.GET.get("page"))
    page.object_list = selectors.with_ratings(list(page.object_list))
    return render(request, "catalog/stations.html", {"page": page, "words": words})


@login_required
@require_safe
@never_cache
def plug_codes(request: HttpRequest, code: str) -> HttpResponse:
    return _sheet(request, _station(request, code))


@login_required
@require_POST
def issue_codes(request: HttpRequest, code: str) -> HttpResponse:
    station = _station(request, code)
    _only_who_may_label(request)
    made = labels.issue_missing(station=station, by=request.user)
    said = ngettext("{count} code was made.", "{count} codes were made.", made)
    messages.success(request, said.format(count=made))
    return redirect("catalog:plug_codes", code=station.code)


@login_required
@require_POST
def replace_code(request: HttpRequest, code: str) -> HttpResponse:
    plug_code = _plug_code_to_change(request, code)
    station, form = plug_code.connector.evse.station, ReasonForm(request.POST)
    if not form.is_valid():
        return _sheet(request, station, refused=plug_code, status=422)
    labels.replace(plug_code=plug_code, by=request.user, reason=form.cleaned_data["reason"])
    messages.success(request, _("The code was replaced. Print the new one and take the old sticker off."))
    return redirect("catalog:plug_codes", code=station.code)


@login_required
@require_POST
def settle_reports(request: HttpRequest, code: str) -> HttpResponse:
    plug_code = _plug_code_to_change(request, code)
    labels.settle_reports_on(plug_code=plug_code, by=request.user)
    messages.success(request, _("Settled. Drivers' next words will show here again."))
    return redirect("catalog:plug_codes", code=plug_code.connector.evse.station.code)


def _sheet(
    request: HttpRequest, station: Station, *, refused: PlugCode | None = None, status: int = 200
) -> HttpResponse:
    found = selectors.labels_of(station)
    context = {
        "station": station,
        "stickers": [_sticker(label) for label in found if label.plug_code],
        "without": [label.plug.letter for label in found if label.plug_code is None],
        "may_label": selectors.may_label(request.user),
        "refused": refused,
        "host": urlsplit(settings.PUBLIC_URL).netloc,
    }
    return render(request, "catalog/plug_codes.html", context, status=status)


def _sticker(label: selectors.Label) -> dict:
    address = settings.PUBLIC_URL + reverse("plug_door", args=[label.plug_code.code])
    kind = plug_kind(label.plug)
    return {
        "label": label,
        "kind": kind,
        "address": address,
        "picture": mark_safe(qr_svg(address)),
    }  # our own SVG


def _station(request: HttpRequest, code: str) -> Station:
    station = selectors.station_to_label(request.user, code)
    if station is None:
        raise Http404
    return station


def _plug_code_to_change(request: HttpRequest, code: str) -> PlugCode:
    plug_code = selectors.plug_code_to_label(request.user, code)
    if plug_code is None:
        raise Http404
    _only_who_may_label(request)
    return plug_code


def _only_who_may_label(request: HttpRequest) -> None:
    if not selectors.may_label(request.user):
        raise PermissionDenied(
            _("Managers make and withdraw codes. Your role may look at them and print them.")
        )
