"""Notices are read here: what was told, and what could not be."""

from django.contrib import admin
from django.http import HttpRequest

from apps.notices.models import Notice, NoticeEvent


class ReadOnly:
    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class EventsInline(ReadOnly, admin.TabularInline):
    model = NoticeEvent
    fields = readonly_fields = ["at", "was", "now", "why"]


@admin.register(Notice)
class NoticeAdmin(ReadOnly, admin.ModelAdmin):
    list_display = [
        "happening",
        "channel",
        "state",
        "person",
        "order",
        "happened_at",
        "told_at",
        "last_error",
    ]
    list_filter = ["state", "channel", "happening"]
    list_select_related = ["person", "order"]
    search_fields = ["person__email", "order__network_order_id"]
    date_hierarchy = "happened_at"
    inlines = [EventsInline]
