from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from apps.notices import selectors, switches, unsubscribing
from apps.notices.forms import SwitchesForm


@login_required
@require_http_methods(["GET", "POST"])
def notices(request: HttpRequest) -> HttpResponse:
    """What was told, and the switches."""
    if request.user.is_guest:
        return redirect("me")
    form = SwitchesForm(request.POST or None, person=request.user)
    if request.method == "POST" and form.is_valid():
        switches.choose(request.user, form.chosen)
        messages.success(request, _("Saved."))
        return redirect("notices:notices")
    context = {"form": form, "lines": selectors.lines_for(request.user)}
    return render(request, "notices/notices.html", context)


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
    context = {"happening": happening, "is_off": is_off, "was_all": "all" in request.POST}
    return render(request, "notices/off.html", context)
