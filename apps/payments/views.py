from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.payments import selectors, services
from apps.payments.forms import SandboxForm
from apps.payments.models import Payment
from apps.payments.providers import razorpay as razorpay_bank
from apps.payments.providers import sandbox as bank
from apps.payments.providers.port import Forged

SEND_WEBHOOKS = {"stripe", "razorpay"}


@login_required
@require_POST
def checkout(request: HttpRequest, code: UUID) -> HttpResponse:
    """On to the bank."""
    return redirect(services.open_checkout(selectors.payment_for(request.user, code)))


@login_required
@require_GET
def back(request: HttpRequest, code: UUID) -> HttpResponse:
    """Home from the bank: ask it how the payment stands, then show what was paid for."""
    payment = selectors.payment_for(request.user, code)
    services.look_again(payment)
    return redirect(payment.return_path)


@login_required
@require_GET
def razorpay(request: HttpRequest, code: UUID) -> HttpResponse:
    """One button that leads to Razorpay's page; it wants to be reached by a form."""
    payment = selectors.payment_for(request.user, code)
    if payment.provider != "razorpay" or payment.state != Payment.State.REQUESTED:
        return redirect(payment.return_path)
    context = {
        "payment": payment,
        "page": razorpay_bank.hosted_page(),
        "fields": razorpay_bank.fields_of_hosted_page(payment, name=request.get_host()),
    }
    return render(request, "payments/razorpay.html", context)


@csrf_exempt
@require_http_methods(["GET", "POST"])
def back_from_razorpay(request: HttpRequest, code: UUID) -> HttpResponse:
    """Razorpay sends people home by posting a form, and our cookies do not come along with that; they do with the
    redirect that follows. Nothing that the form says is believed: `back` asks.
    """
    return redirect("payments:back", code)


@csrf_exempt
@require_POST
def webhook(request: HttpRequest, provider: str) -> HttpResponse:
    if provider not in SEND_WEBHOOKS:
        raise Http404("no such provider")
    try:
        services.webhook_came(provider=provider, body=request.body, headers=request.headers)
    except Forged:
        return HttpResponse("signature does not fit", status=400, content_type="text/plain")
    return HttpResponse(status=204)


@require_http_methods(["GET", "POST"])
def sandbox(request: HttpRequest, ref: UUID) -> HttpResponse:
    """The sandbox bank's own page. Like any bank's, it knows no session of ours: its address is the secret."""
    payment = bank.payment(ref) if "sandbox" in settings.PAYMENT_PROVIDERS else None
    if payment is None:
        raise Http404("no such payment")
    form = SandboxForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        bank.answer(ref, form.cleaned_data["answer"])
        for _ in range(form.cleaned_data["times"]):
            services.provider_says(provider="sandbox", provider_ref=str(ref))
        return redirect(payment.return_url)
    status = 422 if request.method == "POST" else 200
    return render(request, "payments/sandbox.html", {"payment": payment, "form": form}, status=status)
