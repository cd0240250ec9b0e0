from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from apps.notices import pushes, selectors, switches, unsubscribing
from apps.notices.forms import DeviceForm, SwitchesForm
from apps.notices.models import kind_of


@login_required
@require_http_methods(["GET", "POST"])
def notices(request: HttpRequest) -> HttpResponse:
    """What was told, and the switches."""
    if request.user.is_guest:
        return redirect("me")
    form = SwitchesForm(request.POST if request.method == "POST" else None, person=request.user)
    if request.method == "POST" and form.is_valid():
        switches.choose(request.user, form.chosen)
        messages.success(request, _("Saved."))
        return redirect("notices:notices")
    context = {
        "form": form,
        "lines": selectors.lines_for(request.user),
        "push_key": pushes.application_key(),
        "devices": pushes.devices_of(request.user),
    }
    return render(request, "notices/notices.html", context)


@login_required
@require_POST
def sign_up_device(request: HttpRequest) -> HttpResponse:
    """Asked for by static/js/push.js, once the browser has a subscription."""
    form = DeviceForm(request.POST)
    if request.user.is_guest or not pushes.application_key():
        raise Http404
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=422)
    pushes.sign_up(request.user, **form.cleaned_data, agent=request.headers.get("User-Agent", ""))
    return HttpResponse(status=204)


@login_required
@require_POST
def sign_off_device(request: HttpRequest) -> HttpResponse:
    """By the browser itself, which knows its endpoint."""
    pushes.sign_off(request.user, endpoint=request.POST.get("endpoint", ""))
    return HttpResponse(status=204)


@login_required
@require_POST
def remove_device(request: HttpRequest, code: UUID) -> HttpResponse:
    """From the list: any device of the person, also a lost one."""
    if not pushes.sign_off(request.user, code=code):
        raise Http404
    messages.success(request, _("Removed. This device is told nothing more."))
    return redirect("notices:notices")


@csrf_exempt  # a mail program presses the button without our cookie (RFC 8058); the token is the right
@never_cache
@require_http_methods(["GET", "POST"])
def off(request: HttpRequest, token: str) -> HttpResponse:
    """No more mails: looking changes nothing, for mail scanners follow links; pressing does."""
    read = unsubscribing.read(token)
    if read is None:
        raise Http404
    person, happening = read
    is_off = request.method == "POST"
    if is_off:
        unsubscribing.say_no(person, happening, to_all="all" in request.POST)
    context = {"kind": kind_of(happening), "is_off": is_off, "was_all": "all" in request.POST}
    return render(request, "notices/off.html", context)
