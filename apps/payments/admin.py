from django.contrib import admin

from apps.payments.models import LedgerEntry, Payment, PaymentEvent, Refund, RefundEvent


class ReadOnly:
    """Money is looked at here and changed by services only."""

    def has_add_permission(self, request, obj=None) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


class PaymentEvents(ReadOnly, admin.TabularInline):
    model = PaymentEvent
    fields = readonly_fields = ["at", "was", "now", "why"]


class RefundEvents(ReadOnly, admin.TabularInline):
    model = RefundEvent
    fields = readonly_fields = ["at", "was", "now", "why"]


class LedgerLines(ReadOnly, admin.TabularInline):
    model = LedgerEntry
    fields = readonly_fields = ["at", "kind", "amount", "currency"]


@admin.register(Payment)
class PaymentAdmin(ReadOnly, admin.ModelAdmin):
    list_display = [
        "created_at",
        "reference",
        "payer",
        "amount",
        "currency",
        "state",
        "wish",
        "tries",
        "last_error",
    ]
    list_filter = ["state", "wish", "side", "provider"]
    search_fields = ["reference", "code", "provider_ref", "payer__email"]
    list_select_related = ["payer"]
    date_hierarchy = "created_at"
    inlines = [PaymentEvents, LedgerLines]


@admin.register(Refund)
class RefundAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["created_at", "payment", "amount", "state", "reason"]
    list_filter = ["state"]
    search_fields = ["code", "payment__reference"]
    list_select_related = ["payment"]
    inlines = [RefundEvents]


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["at", "payment", "kind", "amount", "currency"]
    list_filter = ["kind"]
    search_fields = ["payment__reference"]
    list_select_related = ["payment"]
