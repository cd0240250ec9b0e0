from django.contrib import admin

from apps.accounts.roles import is_support
from apps.orders.models import Order, OrderEvent, OrderLine, Progress


class ReadOnly:
    """Orders are looked at here, by support too, and changed by services only."""

    def has_module_permission(self, request) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request, obj=None) -> bool:
        if not hasattr(request, "_reads_orders"):
            request._reads_orders = is_support(request.user)
        return request._reads_orders or super().has_view_permission(request, obj)

    def has_add_permission(self, request, obj=None) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


class Events(ReadOnly, admin.TabularInline):
    model = OrderEvent
    fields = readonly_fields = ["at", "was", "now", "why"]


class Lines(ReadOnly, admin.TabularInline):
    model = OrderLine
    fields = ["kind", "title", "code", "energy_kwh", "amount"]


class ProgressInline(ReadOnly, admin.StackedInline):
    model = Progress


@admin.register(Order)
class OrderAdmin(ReadOnly, admin.ModelAdmin):
    list_display = [
        "created_at",
        "driver",
        "station_name",
        "energy_kwh",
        "state",
        "deadline_at",
        "network_order_id",
    ]
    list_filter = ["state", "bpp_id"]
    search_fields = ["code", "transaction_id", "network_order_id", "driver__email", "station_name"]
    list_select_related = ["driver"]
    date_hierarchy = "created_at"
    exclude = ["start_code"]  # who has it can charge
    inlines = [Events, Lines, ProgressInline]
