"""The door `/c/<code>`: from the sticker on a plug to "Charge here" for exactly that plug.

The code belongs to the operator side, what may be charged to the driver side. Only their ids on the network pass from
one to the other, so a plug is shown as the network tells it, as to everybody else.
"""

from urllib.parse import urlencode, urlsplit

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.catalog import door, labels
from apps.catalog.codes import LONGEST_TYPED
from apps.catalog.door import Answer, Found
from apps.catalog.forms import CodeReportForm
from apps.catalog.network import plug_kind
from apps.discovery import exact, services
from apps.lib.htmx import HtmxRequest, page_or_fragment

STATUS = {
    Answer.TOO_MANY: 429,
    Answer.WRONG: 404,
    Answer.REVOKED: 410,
    Answer.GONE: 410,
    Answer.NOT_SOLD: 200,
    Answer.HERE: 200,
}


@require_safe
@never_cache
def type_code(request: HttpRequest) -> HttpResponse:
    """For a sticker that no camera can read: the twelve letters stand below the picture."""
    typed = request.GET.get("code", "").strip().replace("/", "")[:LONGEST_TYPED]
    if typed and typed.strip("."):
        return redirect("plug_door", code=typed)
    return render(request, "door/type_code.html", {"issues_codes": "bpp" in settings.ROLES})


@require_safe
@never_cache
def plug_door(request: HtmxRequest, code: str) -> HttpResponse:
    if "bpp" not in settings.ROLES:
        return render(request, "door/elsewhere.html", _about(None, code), status=404)
    found = door.look_up(typed=code, address=_address(request))
    if found.answer != Answer.HERE:
        return _explain(request, found, code)
    if "bap" not in settings.ROLES:
        return render(request, "door/other_app.html", _about(found, code))
    return _show_plug(request, found, code)


def _show_plug(request: HtmxRequest, found: Found, code: str) -> HttpResponse:
    """As the network tells it; a waiting page brings the code of its question along, so that waiting has an end."""
    name = exact.NetworkName(**door.network_name(found.plug))
    run = exact.run_named(request.GET.get("asked", "")) or services.refresh_place(**name.place)
    wait = exact.wait_for(run)  # before the plug is read: what answered by now is in what we read
    context = {**_about(found, code), "wait": wait, "view": exact.plug_view(name)}
    return page_or_fragment(request, "door/plug.html", "door/_plug.html", context)


def _explain(request: HttpRequest, found: Found, code: str) -> HttpResponse:
    """Never as a fragment: an open page whose code was withdrawn meanwhile must not keep its button."""
    answer = found.answer
    response = render(request, f"door/{answer}.html", _about(found, code), status=STATUS[answer])
    if answer == Answer.TOO_MANY:
        response["Retry-After"] = str(door.GUESSES.seconds)
    if getattr(request, "htmx", False):
        response["HX-Refresh"] = "true"
    return response


@require_http_methods(["GET", "POST"])
@never_cache
def report_code(request: HttpRequest, code: str) -> HttpResponse:
    """`Code looks wrong`: for a code of ours and for one that is none."""
    found = door.look_up(typed=code, address=_address(request))
    if found.answer == Answer.TOO_MANY:
        return _explain(request, found, code)
    form = CodeReportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _take_report(request, found, code, form)
    status = 422 if request.method == "POST" else 200
    return render(request, "door/report.html", {**_about(found, code), "form": form}, status=status)


def _take_report(request: HttpRequest, found: Found, code: str, form: CodeReportForm) -> HttpResponse:
    if not door.may_report(_address(request)):
        return render(request, "door/too_many_reports.html", _about(found, code), status=429)
    labels.report(typed=code, plug_code=found.plug_code, **form.cleaned_data)
    return redirect("code_reported")


@require_safe
def code_reported(request: HttpRequest) -> HttpResponse:
    return render(request, "door/reported.html")


def _about(found: Found | None, typed: str) -> dict:
    """What every page of the door says of the code and of itself."""
    about = {
        "typed": typed[:LONGEST_TYPED],
        "host": urlsplit(settings.PUBLIC_URL).netloc,
        "nearby": reverse("home"),
    }
    if found is None or found.plug_code is None:
        return about
    station = found.plug.evse.station
    return about | {
        "plug_code": found.plug_code,
        "plug": found.plug,
        "kind": plug_kind(found.plug),
        "station": station,
        "nearby": f"{reverse('home')}?{urlencode({'lat': station.lat, 'lon': station.lon})}",
    }


def _address(request: HttpRequest) -> str:
    return get_adapter().get_client_ip(request)
