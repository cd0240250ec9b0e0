"""Keeping the filters of the map under a name."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.selectors import chosen_vehicle
from apps.discovery import profiles, selectors
from apps.discovery.forms import PLACE, FilterForm, ProfileForm
from apps.discovery.profiles import Profile

NAME_LENGTH = ProfileForm.base_fields["name"].max_length


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def save(request: HttpRequest) -> HttpResponse:
    """The filters stand in this page's own address, so that it works without JavaScript and shows what it will keep."""
    told = FilterForm(request.GET)
    words = selectors.words_of(told.filters(chosen_vehicle(request)))
    form = ProfileForm(request.POST or None, initial={"name": ", ".join(words)[:NAME_LENGTH]})
    if request.method == "POST" and form.is_valid():
        query = told.address(with_place=form.cleaned_data["with_place"])
        profiles.save(request.user, request.session, Profile(form.cleaned_data["name"], query))
        messages.success(request, _("%(name)s is saved.") % {"name": form.cleaned_data["name"]})
        return redirect(f"{reverse('home')}?{told.address(with_place=True)}")
    context = {
        "form": form,
        "words": words,
        "query": told.address(with_place=True),
        "has_place": any(told.cleaned_data.get(name) for name in PLACE),
    }
    return render(request, "discovery/save_filters.html", context, status=422 if form.errors else 200)


@require_POST
def drop(request: HttpRequest) -> HttpResponse:
    profiles.drop(request.user, request.session, request.POST.get("name", ""))
    return redirect("saved")
