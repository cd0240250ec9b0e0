from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.payments import selectors, services
from apps.payments.forms import SandboxForm
from apps.payments.providers import sandbox as bank


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
