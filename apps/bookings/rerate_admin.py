"""Re-rating in the admin: ask for a comparison, read the differences bill by bill, let the credits go."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.bookings import rerate, rerate_page
from apps.bookings.forms import ReratingForm
from apps.bookings.models import Rerating
from apps.catalog.admin_scope import OfOneOperator
from apps.lib.errors import Refused

PER_PAGE = 50
DEEDS: dict[str, Callable[[Rerating, User], None]] = {
    "credit": lambda row, by: rerate.let_go(row, by=by),
    "approve": lambda row, by: rerate.approve(row, by=by),
    "withdraw": lambda row, by: rerate.withdraw(row, by=by),
}


@admin.register(Rerating)
class ReratingAdmin(OfOneOperator, admin.ModelAdmin):
    list_display = ["code", "state", "tariff", "wanted", "reason", "prepared_by", "approved_by", "created_at"]
    list_filter = ["state"]
    list_select_related = ["tariff", "prepared_by", "approved_by"]
    search_fields = ["code", "reason"]
    form = ReratingForm
    autocomplete_fields = ["tariff", "instead_of", "station", "connector"]

    class Media:
        css = {"all": ["css/desk.css"]}

    # --- Who ---
    def has_add_permission(self, request: HttpRequest) -> bool:
        return rerate.may_rerate(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Rerating | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rerating]:
        rows = admin.ModelAdmin.get_queryset(self, request)
        job = self._job(request)
        return rows if request.user.is_superuser else rows.filter(operator=job.operator_id if job else None)

    # --- Asking ---
    def get_form(
        self, request: HttpRequest, obj: Rerating | None = None, **kwargs: Any
    ) -> type[ReratingForm]:
        return type("Form", (super().get_form(request, obj, **kwargs),), {"by": request.user})

    def save_model(self, request: HttpRequest, obj: Rerating, form: ReratingForm, change: bool) -> None:
        """What the service drafted, and not what Django made of the fields."""
        obj.__dict__.update(rerate.ask(form.drafted).__dict__)

    def response_add(self, request: HttpRequest, obj: Rerating, post_url_continue: str | None = None):
        self.message_user(request, _("The bills are being compared. Nothing is changed by that."))
        return redirect("admin:bookings_rerating_change", obj.pk)

    # --- Reading ---
    def get_urls(self) -> list:
        do = self.admin_site.admin_view(self.do)
        return [path("<int:pk>/do/<slug:verb>/", do, name="bookings_rerating_do"), *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        rerating = self._rerating(request, object_id)
        outcome = request.GET.get("outcome", "")
        bills = rerate_page.bills(rerating, outcome)
        page = Paginator(bills, PER_PAGE).get_page(request.GET.get("p"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Re-rating {code}").format(code=rerating.code),
            "opts": self.opts,
            "media": self.media,
            "rerating": rerating,
            "outcome": outcome,
            "page": page,
            "rows": [rerate_page.row(bill) for bill in page],
            **rerate_page.summary(rerating, request.user),
        }
        return TemplateResponse(request, "admin/bookings/rerating.html", context)

    def do(self, request: HttpRequest, pk: int, verb: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        rerating = self._rerating(request, str(pk))
        if verb not in DEEDS:
            raise Http404
        was = rerating.state
        try:
            DEEDS[verb](rerating, request.user)
        except Refused as refusal:
            self.message_user(request, refusal.message, messages.ERROR)
        else:
            self.log_change(request, rerating, f"{verb}: {was} → {rerating.state}")
            self.message_user(request, f"{rerating}: {rerating.get_state_display()}")
        return redirect(reverse("admin:bookings_rerating_change", args=[pk]))

    def _rerating(self, request: HttpRequest, object_id: str) -> Rerating:
        """Law 11: that of another operator is as good as none."""
        if not self.has_view_permission(request):
            raise Http404
        rows = self.get_queryset(request).select_related(
            *("tariff", "operator", "instead_of", "station", "connector", "prepared_by", "approved_by")
        )
        rerating = rows.filter(pk=object_id).first() if object_id.isdigit() else None
        if rerating is None:
            raise Http404
        return rerating
