from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.lib.htmx import HtmxRequest
from apps.orders.selectors import order_for
from apps.ratings import services
from apps.ratings.forms import RatingForm


@login_required
@require_http_methods(["GET", "POST"])
def rate(request: HtmxRequest, code: UUID) -> HttpResponse:
    order = order_for(request.user, code)
    form = RatingForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        services.rate(order, **form.cleaned_data)
        messages.success(request, _("Thank you. Your rating was sent to the operator."))
        return redirect(order)
    status = 422 if request.method == "POST" else 200
    return render(request, "ratings/rate.html", {"order": order, "form": form}, status=status)
