"""The pages and buttons of a change of the order."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.selectors import chosen_vehicle
from apps.lib.htmx import HtmxRequest
from apps.orders import change_panel, selectors, services


@login_required
@require_http_methods(["GET", "POST"])
def change(request: HtmxRequest, code: UUID) -> HttpResponse:
    """How much instead? With a preview that follows the choice, and the other plugs of the station."""
    order, offer = selectors.order_to_change(request.user, code)
    form = change_panel.form(order, offer, chosen_vehicle(request), request.POST or None)
    if request.method == "POST" and form.is_valid():
        services.ask_for_change(order, wish=form.wished())
        return redirect(order)
    context = change_panel.asking(order, offer, form, chosen_vehicle(request))
    return render(request, "orders/change.html", context, status=422 if request.method == "POST" else 200)


@login_required
@require_GET
def estimate(request: HtmxRequest, code: UUID) -> HttpResponse:
    order, offer = selectors.order_to_change(request.user, code)
    form = change_panel.form(order, offer, chosen_vehicle(request), request.GET)
    context = change_panel.asking(order, offer, form, chosen_vehicle(request))
    return render(request, "orders/_change_estimate.html", context)


@login_required
@require_POST
def extend(request: HtmxRequest, code: UUID) -> HttpResponse:
    order = selectors.order_for(request.user, code)
    services.ask_for_change(order, wish=change_panel.one_tap_more(order))
    return redirect(order)


@login_required
@require_POST
def other_plug(request: HtmxRequest, code: UUID, plug: UUID) -> HttpResponse:
    order = selectors.order_for(request.user, code)
    services.ask_for_change(order, wish=order.wish, plug=selectors.offer_for_sale(plug))
    return redirect(order)


@login_required
@require_POST
def my_plug(request: HtmxRequest, code: UUID) -> HttpResponse:
    """Yes, I plugged in there."""
    order = selectors.order_for(request.user, code)
    services.move_to_other_plug(order)
    return redirect(order)


@login_required
@require_POST
def not_my_car(request: HtmxRequest, code: UUID) -> HttpResponse:
    order = selectors.order_for(request.user, code)
    services.stop_other_car(order)
    return redirect(order)


@login_required
@require_POST
def answer(request: HtmxRequest, code: UUID, change: UUID) -> HttpResponse:
    """Accept the new price, keep the order as it is, or put the news of the last change away."""
    order = selectors.order_for(request.user, code)
    found = selectors.change_of(order, change)
    word = request.POST.get("answer")
    if word == "accept":
        services.accept_change(found, accepts_warnings=bool(request.POST.get("accepts_warnings")))
    elif word == "decline":
        services.decline_change(found)
    elif word == "seen":
        services.mark_seen(found)
    else:
        raise Http404
    return redirect(order)
