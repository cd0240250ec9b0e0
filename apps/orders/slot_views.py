"""The pages of reserved times."""

from datetime import datetime
from urllib.parse import parse_qsl
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.selectors import chosen_vehicle
from apps.discovery import exact
from apps.discovery.models import Offer
from apps.discovery.services import refresh_times
from apps.lib.errors import Refused
from apps.lib.htmx import HtmxRequest, page_or_fragment
from apps.orders import ask_page, selectors, services, slot_panel, slots
from apps.orders.forms import FIELDS, AmountForm
from apps.orders.slot_forms import ChangeTimeForm, LateForm, TypedTimeForm
from apps.orders.wish import estimate


@login_required
@never_cache
@require_GET
def times(request: HtmxRequest, code: UUID) -> HttpResponse:
    """The calendar of a plug: its operator is asked, and what it told last is shown meanwhile."""
    offer = selectors.offer_for_sale(code)
    typed = TypedTimeForm(request.GET if "at" in request.GET else None, zone=offer.station.zone or "UTC")
    if typed.is_bound and typed.is_valid():
        return redirect(_address_of(request, offer, typed.cleaned_data["at"]))
    run = exact.run_named(request.GET.get("asked", "")) or refresh_times(offer)
    context = slot_panel.choosing(offer, exact.wait_for(run), None, wish_in(request))
    context |= {"typed": typed, "wish_pairs": list(parse_qsl(context["wish_query"]))}
    return page_or_fragment(request, "orders/times.html", "orders/_times.html", context)


def _address_of(request: HtmxRequest, offer: Offer, at: datetime) -> str:
    """The page that asks how much, with the typed time; how long follows from how much is wanted."""
    vehicle = chosen_vehicle(request)
    wish = ask_page.form(AmountForm, offer, vehicle, None, initial=request.GET).wish()
    guess = estimate(offer, wish, now=at, power_kw=ask_page.power_kw(offer, vehicle), is_reserved=True)
    slot = slots.typed(at, guess.minutes if guess else wish.minutes)
    said = "&".join(filter(None, (urlencode({"slot": slots.text_of(slot)}), wish_in(request))))
    return f"{reverse('orders:new', args=[offer.code])}?{said}"


def wish_in(request: HtmxRequest) -> str:
    """How much the page before asked for, in any of the ways to say it; carried on to the next."""
    said = {name: request.GET[name][:20] for name in ("by", *FIELDS.values()) if request.GET.get(name)}
    return urlencode(said)


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
