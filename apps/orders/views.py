from itertools import chain
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.selectors import chosen_vehicle
from apps.discovery.photo_policy import with_photos
from apps.lib.htmx import HtmxRequest, page_or_fragment
from apps.lib.streams import streamed
from apps.orders import ask_page, curve, money_back, panel, receipt, selectors, services, slot_panel
from apps.orders.conversation import conversation
from apps.orders.forms import (
    AcceptForm,
    AmountForm,
    BillingForm,
    CancelForm,
    HistoryForm,
    QuoteForm,
    RefundForm,
)
from apps.orders.slots import read_slot
from apps.payments.services import open_checkout


@login_required
@require_GET
def history(request: HtmxRequest) -> HttpResponse:
    form = HistoryForm(request.GET)
    wanted = form.cleaned_data if form.is_valid() else {}
    context = selectors.history(request.user, request.GET.get("page"), wanted)
    narrowed = any(wanted.values()) or not form.is_valid()
    return render(request, "orders/history.html", {**context, "form": form, "is_narrowed": narrowed})


@login_required
@require_GET
def history_table(request: HtmxRequest) -> HttpResponseBase:
    """The same list under the same filters, for a spreadsheet (`bom=1` for the one that needs it)."""
    form = HistoryForm(request.GET)
    if not form.is_valid():
        return redirect(f"{reverse('orders:history')}?{request.GET.urlencode()}")
    lines = selectors.history_table(request.user, form.cleaned_data)
    start = ["\ufeff"] if request.GET.get("bom") else []
    response = streamed(request, chain(start, lines), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="charges.csv"'
    return response


@with_photos
@login_required
@require_GET
def show_receipt(request: HtmxRequest, code: UUID) -> HttpResponse:
    """To print or to keep. Before there is a bill the order page says how things stand."""
    found = selectors.order_for(request.user, code)
    if not receipt.has_one(found):
        return redirect(found)
    return render(request, "orders/receipt.html", receipt.shown(found))


@with_photos
@login_required
@require_http_methods(["GET", "POST"])
def ask(request: HtmxRequest, code: UUID) -> HttpResponse:
    offer, vehicle = selectors.offer_for_sale(code), chosen_vehicle(request)
    form = ask_page.form(QuoteForm, offer, vehicle, request.POST or None, initial=request.GET)
    if request.method == "POST" and form.is_valid():
        order = services.request_quote(
            driver=request.user,
            offer=offer,
            wish=form.wished(),
            idempotency_key=form.cleaned_data["idempotency_key"],
            slot=form.cleaned_data["slot"],
            power_kw=ask_page.power_kw(offer, vehicle),
        )
        return redirect(order)
    slot = read_slot(request.POST.get("slot") or request.GET.get("slot") or "")
    context = ask_page.context(offer, form, vehicle, slot)
    context |= slot_panel.chosen(slot, offer.station.zone or "UTC")
    return render(request, "orders/ask.html", context, status=422 if request.method == "POST" else 200)


@login_required
@require_GET
def estimate(request: HtmxRequest, code: UUID) -> HttpResponse:
    """What the page of `ask` shows beside its control."""
    offer, vehicle = selectors.offer_for_sale(code), chosen_vehicle(request)
    form = ask_page.form(AmountForm, offer, vehicle, request.GET)
    slot = read_slot(request.GET.get("slot", ""))
    context = ask_page.context(offer, form, vehicle, slot)
    context |= slot_panel.chosen(slot, offer.station.zone or "UTC")
    return render(request, "orders/_estimate.html", context)


@with_photos
@login_required
@require_GET
def order(request: HtmxRequest, code: UUID) -> HttpResponse:
    """The one page of an order. A poll says what it has seen; when that still stands, nothing is sent."""
    found = selectors.order_for(request.user, code)
    if request.htmx and request.GET.get("seen") == panel.version(found):
        return HttpResponse(status=204)
    context = {**panel.context(found), "is_poll": "seen" in request.GET}
    return page_or_fragment(request, "orders/order.html", "orders/_live.html", context)


@with_photos
@login_required
@require_POST
def terms(request: HtmxRequest, code: UUID) -> HttpResponse:
    found = selectors.order_for(request.user, code)
    form = BillingForm(request.POST, person=request.user)
    if not form.is_valid():
        context = panel.context(found, billing_form=form)
        return page_or_fragment(request, "orders/order.html", "orders/_live.html", context, status=422)
    services.request_terms(found, billing={**form.cleaned_data, "email": request.user.mail_address})
    return redirect(found)


@login_required
@require_POST
def new_price(request: HtmxRequest, code: UUID) -> HttpResponse:
    found = selectors.order_for(request.user, code)
    services.ask_for_new_price(found)
    return redirect(found)


@with_photos
@login_required
@require_POST
def accept(request: HtmxRequest, code: UUID) -> HttpResponse:
    found = selectors.order_for(request.user, code)
    form = AcceptForm(request.POST)
    if not form.is_valid():
        context = panel.context(found, accept_form=form)
        return render(request, "orders/order.html", context, status=422)
    payment = services.accept_terms_and_pay(found, accepts_warnings=form.cleaned_data["accepts_warnings"])
    return redirect(open_checkout(payment) if payment else found)


@login_required
@require_POST
def start(request: HtmxRequest, code: UUID) -> HttpResponse:
    found = selectors.order_for(request.user, code)
    services.request_start(found)
    return redirect(found)


@login_required
@require_http_methods(["GET", "POST"])
def stop(request: HtmxRequest, code: UUID) -> HttpResponse:
    found = selectors.order_for(request.user, code)
    if request.method == "GET":
        return render(request, "orders/stop.html", panel.context(found))
    services.request_stop(found)
    return redirect(found)


@login_required
@require_http_methods(["GET", "POST"])
def cancel(request: HtmxRequest, code: UUID) -> HttpResponse:
    found = selectors.order_for(request.user, code)
    form = CancelForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        services.request_cancel(found, reason_id=form.cleaned_data["reason_id"])
        return redirect(found)
    context = {**panel.leaving(found), "form": form}
    return render(request, "orders/cancel.html", context, status=422 if request.method == "POST" else 200)


@login_required
@require_http_methods(["GET", "POST"])
def refund(request: HtmxRequest, code: UUID) -> HttpResponse:
    found = selectors.order_for(request.user, code)
    asking = money_back.asking(found)
    form = RefundForm(
        request.POST or None,
        initial=money_back.first_words(found, asking["hint"]),
        most=asking["most"],
        currency=found.currency,
        most_words=money_back.most_words(found, asking["most"]),
    )
    if request.method == "POST" and form.is_valid():
        services.request_refund(found, **form.cleaned_data)
        return redirect(found)
    context = {**asking, "form": form}
    return render(request, "orders/refund.html", context, status=422 if request.method == "POST" else 200)


@login_required
@require_POST
def ask_for_help(request: HtmxRequest, code: UUID) -> HttpResponse:
    found = selectors.order_for(request.user, code)
    services.request_support(found)
    return redirect(found)


@login_required
@require_GET
def readings(request: HtmxRequest, code: UUID) -> HttpResponse:
    """The curve for whoever does not see it, and as a table."""
    found = selectors.order_for(request.user, code)
    return render(request, "orders/readings.html", curve.readings(found, panel.zone_of(found)))


@login_required
@require_GET
def messages(request: HtmxRequest, code: UUID) -> HttpResponse:
    """What travelled between the two sides for this order: for those who implement Beckn."""
    found = selectors.order_for(request.user, code)
    said = conversation(found)
    return render(request, "orders/messages.html", {"order": found, "messages_said": said})
