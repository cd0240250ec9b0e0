"""Sessions are read here and never written: their states follow the charge points."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.catalog.selectors import connectors_for
from apps.charging.models import MeterReading, Orphan, Session, SessionEvent


class ReadOnly:
    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class EventsInline(ReadOnly, admin.TabularInline):
    model = SessionEvent
    fields = readonly_fields = ["at", "was", "now", "why"]


class ReadingsInline(ReadOnly, admin.TabularInline):
    model = MeterReading
    fields = readonly_fields = [
        "at",
        "received_at",
        "register_wh",
        "power_w",
        "soc_percent",
        "accepted",
        "note",
    ]


@admin.register(Session)
class SessionAdmin(ReadOnly, admin.ModelAdmin):
    list_display = [
        "code",
        "state",
        "connector",
        "reference",
        "started_at",
        "ended_at",
        "energy_wh",
        "failure",
    ]
    list_filter = ["state", "failure", "charge_point_id"]
    list_select_related = ["connector__evse__station"]
    search_fields = ["code", "reference", "charge_point_id"]
    date_hierarchy = "created_at"
    exclude = ["token"]  # who has it can charge
    inlines = [EventsInline, ReadingsInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Law 11: people of one operator see the sessions at its plugs."""
        sessions = super().get_queryset(request)
        if request.user.is_superuser:
            return sessions
        return sessions.filter(connector__in=connectors_for(request.user))


@admin.register(Orphan)
class OrphanAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["charge_point_id", "kind", "transaction_id", "at", "register_wh", "why"]
    list_filter = ["kind", "charge_point_id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        orphans = super().get_queryset(request)
        if request.user.is_superuser:
            return orphans
        mine = connectors_for(request.user).exclude(evse__charge_point_id="").values("evse__charge_point_id")
        return orphans.filter(charge_point_id__in=mine)
