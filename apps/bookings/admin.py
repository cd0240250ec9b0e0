"""Bookings are read here: their states follow the network and the charge points. Managers may cancel one."""

from decimal import Decimal

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.bookings import concessions, rerate, rerate_admin, services
from apps.bookings.forms import OperatorsReasonForm
from apps.bookings.models import (
    Booking,
    BookingEvent,
    Concession,
    ConcessionEvent,
    Follower,
    Invoice,
    OpenRequest,
)
from apps.bookings.selectors import bookings_for
from apps.catalog.admin import OfOneOperator
from apps.catalog.admin_scope import SeenByStaff
from apps.catalog.selectors import may_edit
from apps.lib.errors import Refused

__all__ = ["rerate_admin"]  # registers its own

MOST_BY_HAND = 100


class ReadOnly(SeenByStaff):
    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class EventsInline(ReadOnly, admin.TabularInline):
    model = BookingEvent
    fields = readonly_fields = ["at", "was", "now", "why"]


class OpenRequestsInline(ReadOnly, admin.TabularInline):
    model = OpenRequest
    fields = readonly_fields = ["kind", "message", "answered_at"]


class FollowerInline(ReadOnly, admin.StackedInline):
    """Is the app told of the charge at its own address, and if not, why not."""

    model = Follower
    fields = readonly_fields = ["state", "method", "url", "told_at", "tries", "last_error", "next_at"]


@admin.register(Booking)
class BookingAdmin(ReadOnly, admin.ModelAdmin):
    list_display = [
        "code",
        "state",
        "connector",
        "bap_id",
        "ordered_kwh",
        "quote_total",
        "final_total",
        "created_at",
    ]
    list_filter = ["state", "bap_id"]
    list_select_related = ["connector__evse__station"]
    search_fields = ["code", "transaction_id", "billing_name", "billing_email", "billing_phone"]
    date_hierarchy = "created_at"
    # Who has them can start the charge, or watch it.
    exclude = ["start_token", "track_token"]
    inlines = [EventsInline, OpenRequestsInline, FollowerInline]
    action_form = OperatorsReasonForm
    actions = ["cancel", "set_right"]

    def has_rerate_permission(self, request: HttpRequest) -> bool:
        return rerate.may_rerate(request.user)

    @admin.action(description=_("Re-rate: compare with another tariff"), permissions=["rerate"])
    def set_right(self, request: HttpRequest, chosen: QuerySet[Booking]) -> HttpResponse:
        codes = " ".join(chosen.values_list("code", flat=True)[:MOST_BY_HAND])
        return redirect(f"{reverse('admin:bookings_rerating_add')}?{urlencode({'orders': codes})}")

    def has_promise_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser or may_edit(request.user)

    @admin.action(description=_("Cancel for the operator: the driver pays nothing"), permissions=["promise"])
    def cancel(self, request: HttpRequest, chosen: QuerySet[Booking]) -> None:
        reason_id = request.POST.get("reason_id", "")
        for booking in chosen:
            try:
                ended = services.cancel_as_operator(booking=booking, reason_id=reason_id, by=request.user)
            except Refused as refusal:
                self.message_user(request, f"{booking.code}: {refusal.message}", messages.ERROR)
                continue
            if ended:
                self.log_change(request, booking, f"cancelled for the operator, reason {reason_id}")
                self.message_user(request, gettext("{code} is cancelled.").format(code=booking.code))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Booking]:
        """Law 11: people of one operator see the bookings at its plugs."""
        bookings = super().get_queryset(request)
        return bookings if request.user.is_superuser else bookings.filter(pk__in=bookings_for(request.user))


class ConcessionEvents(ReadOnly, admin.TabularInline):
    model = ConcessionEvent
    fields = readonly_fields = ["at", "was", "now", "why"]


class DecisionBar(admin.helpers.ActionForm):
    """Beside the list of actions."""

    amount = forms.DecimalField(
        label=_("Amount"), required=False, min_value=Decimal("0.001"), decimal_places=3
    )
    reason = forms.CharField(label=_("Reason"), required=False, max_length=300)


@admin.register(Concession)
class ConcessionAdmin(OfOneOperator, ReadOnly, admin.ModelAdmin):
    list_display = [
        *("code", "booking", "state", "asked_amount", "amount", "words", "decide_until", "decided_by")
    ]
    list_filter = ["state", "type"]
    list_select_related = ["booking", "decided_by"]
    search_fields = ["code", "booking__code", "words"]
    action_form = DecisionBar
    actions = ["agree", "reject"]
    inlines = [ConcessionEvents]

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return concessions.may_decide(request.user)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Concession]:
        rows = admin.ModelAdmin.get_queryset(self, request)
        mine = rows.filter(booking__in=bookings_for(request.user))
        return rows if request.user.is_superuser else mine

    @admin.action(description=_("Agree, to all or to the amount"), permissions=["decide"])
    def agree(self, request: HttpRequest, rows: QuerySet[Concession]) -> None:
        bar = DecisionBar(request.POST)
        bar.fields["action"].choices = [("agree", "")]
        bar.full_clean()  # Django has checked it already
        amount = bar.cleaned_data["amount"]
        self._decide(request, rows, lambda row: concessions.agree(row, by=request.user, amount=amount))

    @admin.action(description=_("Reject, with a reason"), permissions=["decide"])
    def reject(self, request: HttpRequest, rows: QuerySet[Concession]) -> None:
        why = request.POST.get("reason", "")
        self._decide(request, rows, lambda row: concessions.reject(row, by=request.user, why=why))

    def _decide(self, request: HttpRequest, rows: QuerySet[Concession], decide) -> None:
        for row in rows.select_related("booking__evse__station__operator", "booking__connector"):
            try:
                decide(row)
            except Refused as refusal:
                self.message_user(request, f"{row.code}: {refusal.message}", messages.ERROR)
            else:
                self.log_change(request, row, f"{row.get_state_display()} {row.amount} {row.decision}")
                said = gettext("{code}: {state}").format(code=row.code, state=row.get_state_display())
                self.message_user(request, said)


@admin.register(Invoice)
class InvoiceAdmin(OfOneOperator, ReadOnly, admin.ModelAdmin):
    list_display = ["__str__", "operator", "booking", "total", "currency", "reverses", "issued_at"]
    list_filter = ["kind", "year", "operator"]
    list_select_related = ["operator", "booking", "reverses"]
    search_fields = ["booking__code"]
    date_hierarchy = "issued_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invoice]:
        rows = admin.ModelAdmin.get_queryset(self, request)
        mine = rows.filter(booking__in=bookings_for(request.user))
        return rows if request.user.is_superuser else mine
