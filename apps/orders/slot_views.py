"""The pages of reserved times."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.discovery import exact
from apps.discovery.services import refresh_times
from apps.lib.errors import Refused
from apps.lib.htmx import HtmxRequest, page_or_fragment
from apps.orders import selectors, services, slot_panel
from apps.orders.slot_forms import ChangeTimeForm, LateForm


@login_required
@never_cache
@require_GET
def times(request: HtmxRequest, code: UUID) -> HttpResponse:
    """The calendar of a plug: its operator is asked, and what it told last is shown meanwhile."""
    offer = selectors.offer_for_sale(code)
    run = exact.run_named(request.GET.get("asked", "")) or refresh_times(offer)
    context = slot_panel.choosing(offer, exact.wait_for(run), None, request.GET.get("energy_kwh", ""))
    return page_or_fragment(request, "orders/times.html", "orders/_times.html", context)


@login_required
@never_cache
@require_GET
def other_times(request: HtmxRequest, code: UUID) -> HttpResponse:
    """The same for an order that has a time already."""
    order = selectors.order_for(request.user, code)
    if order.offer is None or order.slot_starts_at is None:
        raise Http404
    offer = selectors.offer_for_sale(order.offer.code)
    run = exact.run_named(request.GET.get("asked", "")) or refresh_times(offer)
    context = slot_panel.choosing(offer, exact.wait_for(run), order, "")
    return page_or_fragment(request, "orders/times.html", "orders/_times.html", context)


@login_required
@require_POST
def change(request: HtmxRequest, code: UUID) -> HttpResponse:
    order = selectors.order_for(request.user, code)
    form = ChangeTimeForm(request.POST)
    if not form.is_valid():
        raise Refused(str(form.errors["slot"][0]), code="30000")
    services.change_time(order, slot=form.cleaned_data["slot"])
    return redirect(order)


@login_required
@require_POST
def late(request: HtmxRequest, code: UUID) -> HttpResponse:
    order = selectors.order_for(request.user, code)
    form = LateForm(request.POST)
    if not form.is_valid():
        raise Http404
    services.come_late(order, minutes=form.cleaned_data["minutes"])
    return redirect(order)
