from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views import i18n
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts import guests, selectors, services
from apps.accounts.adapter import bring_guest_vehicle, remember_language
from apps.accounts.forms import (
    ChooseVehicleForm,
    DemoSignInForm,
    FindVehicleForm,
    ProfileForm,
    RenameVehicleForm,
)
from apps.accounts.models import VehicleModel
from apps.lib.htmx import HtmxRequest, page_or_fragment


@login_required
@require_http_methods(["GET", "POST"])
def me(request: HttpRequest) -> HttpResponse:
    if request.user.is_guest:
        return render(request, "accounts/guest.html")
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        services.change_profile(request.user, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return remember_language(redirect("me"), request.user.language)
    return render(request, "accounts/me.html", {"form": form}, status=422 if form.errors else 200)


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """The switch of every page: a cookie for whoever is here, and the account of whoever is signed in."""
    response = i18n.set_language(request)
    chosen = response.cookies.get(settings.LANGUAGE_COOKIE_NAME)
    if chosen and request.user.is_authenticated:
        services.change_language(request.user, language=chosen.value)
    return response


@require_POST
def demo_sign_in(request: HttpRequest) -> HttpResponse:
    if not settings.DEMO:
        raise Http404
    form = DemoSignInForm(request.POST)
    user = services.find_demo_person(email=form.cleaned_data["person"]) if form.is_valid() else None
    if user is None:
        raise Http404
    login(request, user, backend="apps.accounts.backends.PortalBackend")
    answer = redirect(_next(request, request.POST) or settings.LOGIN_REDIRECT_URL)
    return bring_guest_vehicle(request, answer, user)


# --- Vehicles ---------------------------------------------------------------------------------------------


@login_required
@require_safe
def vehicles(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/vehicles.html", {"vehicles": selectors.vehicles_of(request.user)})


@require_safe
def find_vehicle(request: HtmxRequest) -> HttpResponse:
    """Make, model, year, step by step; for guests as well."""
    context = {
        "finder": selectors.find(**FindVehicleForm(request.GET).steps()),
        "categories": VehicleModel.Category.choices,
        "next": _next(request, request.GET),
    }
    return page_or_fragment(request, "accounts/find_vehicle.html", "accounts/_vehicle_finder.html", context)


@require_POST
def choose_vehicle(request: HttpRequest) -> HttpResponse:
    """Drive one of one's own, or one of the list, or any; then back to the page that asked."""
    form = ChooseVehicleForm(request.POST)
    if not form.is_valid():
        raise Http404
    wanted = form.cleaned_data
    answer = redirect(_next(request, request.POST) or _after_choosing(request))
    if wanted["vehicle"]:
        services.choose_vehicle(selectors.vehicle_for(request.user, wanted["vehicle"]))
    elif wanted["model"] and wanted["year"]:
        _take(request, answer, wanted["model"], wanted["year"])
    elif request.user.is_authenticated:
        services.choose_any_vehicle(request.user)
    else:
        guests.forget_vehicle(answer)
    return answer


@login_required
@require_http_methods(["GET", "POST"])
def rename_vehicle(request: HttpRequest, code: UUID) -> HttpResponse:
    vehicle = selectors.vehicle_for(request.user, code)
    form = RenameVehicleForm(request.POST or None, instance=vehicle)
    if request.method == "POST" and form.is_valid():
        services.rename_vehicle(vehicle, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("vehicles")
    context = {"form": form, "vehicle": vehicle}
    return render(request, "accounts/rename_vehicle.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def remove_vehicle(request: HttpRequest, code: UUID) -> HttpResponse:
    vehicle = selectors.vehicle_for(request.user, code)
    if request.method == "POST":
        services.remove_vehicle(vehicle)
        messages.success(request, _("%(vehicle)s is removed.") % {"vehicle": vehicle})
        return redirect("vehicles")
    return render(request, "accounts/remove_vehicle.html", {"vehicle": vehicle})


def _take(request: HttpRequest, answer: HttpResponse, model_id: int, year: int) -> None:
    """Into the account of a driver, into the browser of a guest."""
    model = selectors.find_model(model_id, year)
    if model is None:
        raise services.NotSoldThen
    if request.user.is_authenticated:
        services.add_vehicle(request.user, model=model, year=year)
    else:
        guests.remember_vehicle(answer, model_id=model.pk, year=year)


def _next(request: HttpRequest, said: QueryDict) -> str:
    """The path to return to; a page of others is as good as none."""
    after = said.get("next", "")
    own = after.startswith("/") and url_has_allowed_host_and_scheme(
        after, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return after if own else ""


def _after_choosing(request: HttpRequest) -> str:
    return "vehicles" if request.user.is_authenticated else "home"
