"""Bookings are read here and never written: their states follow the network and the charge points."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.bookings.models import Booking, BookingEvent, OpenRequest
from apps.bookings.selectors import bookings_for


class ReadOnly:
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
    inlines = [EventsInline, OpenRequestsInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Booking]:
        """Law 11: people of one operator see the bookings at its plugs."""
        bookings = super().get_queryset(request)
        return bookings if request.user.is_superuser else bookings.filter(pk__in=bookings_for(request.user))
