from allauth.core import ratelimit
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts import guest_links, services
from apps.accounts.adapter import bring_guest_vehicle
from apps.accounts.forms import GuestForm
from apps.accounts.models import User

BACKEND = "apps.accounts.backends.PortalBackend"


@require_POST
def go_on_as_guest(request: HttpRequest) -> HttpResponse:
    """From the sign-in page on to what somebody wanted, with an e-mail address and no account."""
    form = GuestForm(request.POST, request=request)
    if request.user.is_authenticated:
        return redirect(form.next_path())
    if not form.is_valid():
        return render(request, "accounts/guest_start.html", {"form": form}, status=422)
    if not ratelimit.consume(request, action="guest"):
        return render(request, "accounts/guest_start.html", {"form": form, "too_many": True}, status=429)
    guest = services.make_guest(email=form.cleaned_data["email"], language=get_language() or "en")
    login(request, guest, backend=BACKEND)
    return bring_guest_vehicle(request, redirect(form.next_path()), guest)


@require_safe
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    found = guest_links.read(token)
    if found is None:
        return render(request, "accounts/guest_link_over.html", status=404)
    guest, path = found
    if request.user.is_authenticated and not request.user.is_guest:
        return redirect("claim_guest", token)  # somebody's account stays what it is
    if request.user != guest:
        login(request, guest, backend=BACKEND)
    return redirect(path)


@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """The guest wants an account: sign in or make one, then come back with the link."""
    if not getattr(request.user, "is_guest", False):
        return redirect("home")
    token = guest_links.link_for(request.user, path=reverse("orders:history")).rstrip("/").rpartition("/")[2]
    logout(request)
    way = "account_signup" if request.POST.get("how") == "new" else "account_login"
    return redirect(f"{reverse(way)}?{urlencode({'next': reverse('claim_guest', args=[token])})}")


@require_http_methods(["GET", "POST"])
def claim(request: HttpRequest, token: str) -> HttpResponse:
    found = guest_links.read(token)
    if found is None:
        return render(request, "accounts/guest_link_over.html", status=404)
    guest, path = found
    if not _has_account(request.user):
        return redirect(f"{reverse('account_login')}?{urlencode({'next': request.path})}")
    if request.method == "POST":
        services.hand_over_guest(guest=guest, to=request.user)
        return redirect(path)
    return render(request, "accounts/claim_guest.html", {"guest": guest})


def _has_account(user: User) -> bool:
    return user.is_authenticated and not user.is_guest
