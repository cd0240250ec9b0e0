from collections.abc import Callable
from uuid import UUID

from allauth.account.adapter import get_adapter
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.discovery.models import Offer
from apps.discovery.photo_policy import with_photos
from apps.lib.htmx import HtmxRequest, page_or_fragment
from apps.lib.mistakes import Mistakes
from apps.orders.selectors import order_for
from apps.support import panel, selectors, services
from apps.support.downloads import as_download
from apps.support.forms import GuestReportForm, ReportForm, SayForm, StationReportForm
from apps.support.guesses import guess_of_order, guess_of_plug

GUEST_REPORTS = Mistakes("guest-report", allowed=5, seconds=600)


@login_required
@require_GET
def tickets(request: HtmxRequest) -> HttpResponse:
    return render(request, "support/tickets.html", {"tickets": selectors.tickets_of(request.user)})


@login_required
@require_http_methods(["GET", "POST"])
def report_order(request: HtmxRequest, code: UUID) -> HttpResponse:
    order = order_for(request.user, code)
    form = ReportForm(request.POST or None, request.FILES or None, initial={"what": guess_of_order(order)})
    if request.method == "POST" and form.is_valid():
        return redirect(services.open_about_order(driver=request.user, order=order, **form.cleaned_data))
    status = 422 if request.method == "POST" else 200
    return render(request, "support/report.html", {"order": order, "form": form}, status=status)


@require_http_methods(["GET", "POST"])
@never_cache
def report_station(request: HtmxRequest, code: UUID) -> HttpResponse:
    """For guests too: they get a link."""
    station = selectors.station_to_report(code)
    plugs = selectors.plugs_at(station)
    user = request.user if request.user.is_authenticated else None
    form = _station_form(request, plugs, is_guest=user is None)
    context = {"station": station, "form": form}
    if request.method != "POST":
        return render(request, "support/report.html", context)
    if not form.is_valid():
        return render(request, "support/report.html", context, status=422)
    if user is None and _is_too_often(request):
        return render(request, "support/too_many.html", context, status=429)
    said = form.cleaned_data
    plug = plugs.get(said.pop("plug"))
    return redirect(services.open_about_station(driver=user, station=station, plug=plug, **said))


def _station_form(request: HtmxRequest, plugs: dict[str, Offer], *, is_guest: bool) -> StationReportForm:
    named = request.GET.get("plug", "")
    form_class = GuestReportForm if is_guest else StationReportForm
    initial = {"what": guess_of_plug(plugs.get(named)), "plug": named}
    return form_class(
        request.POST or None, request.FILES or None, initial=initial, plugs=selectors.plug_choices(plugs)
    )


@require_GET
@never_cache
@with_photos
def ticket(request: HtmxRequest, name: str) -> HttpResponse:
    """The reporter's page. A poll says what it has seen; when that still stands, nothing is sent."""
    found = selectors.ticket_for(request.user, name)
    context = panel.context(found, form=SayForm())
    if request.htmx and request.GET.get("seen") == context["version"]:
        return HttpResponse(status=204)
    return page_or_fragment(request, "support/ticket.html", "support/_ticket.html", context)


@require_GET
@never_cache
def download(request: HtmxRequest, name: str, code: UUID) -> HttpResponse:
    found = selectors.ticket_for(request.user, name)
    return as_download(selectors.attachment_of(found, code, is_desk=False))


@require_POST
@with_photos
def say(request: HtmxRequest, name: str) -> HttpResponse:
    return _spoken(request, name, services.say)


@require_POST
@with_photos
def reopen(request: HtmxRequest, name: str) -> HttpResponse:
    return _spoken(request, name, services.reopen)


@require_POST
def accept(request: HtmxRequest, name: str) -> HttpResponse:
    found = selectors.ticket_for(request.user, name)
    services.accept(found, author=found.driver)
    return redirect(found)


def _spoken(request: HtmxRequest, name: str, service: Callable[..., None]) -> HttpResponse:
    """Who came by a link is nobody we know, even when signed in: the author is the driver of the ticket, or none."""
    found = selectors.ticket_for(request.user, name)
    form = SayForm(request.POST, request.FILES)
    if not form.is_valid():
        return render(request, "support/ticket.html", panel.context(found, form=form), status=422)
    service(found, author=found.driver, **form.cleaned_data)
    return redirect(found)


def _is_too_often(request: HtmxRequest) -> bool:
    address = get_adapter().get_client_ip(request)
    if GUEST_REPORTS.too_many(address):
        return True
    GUEST_REPORTS.count(address)
    return False
