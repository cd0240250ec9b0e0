from django.contrib import admin

from apps.ratings.models import GivenRating, ReceivedRating


class ReadOnly:
    def has_add_permission(self, request, obj=None) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


@admin.register(GivenRating)
class GivenRatingAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["given_at", "order", "stars", "did_work", "words", "acknowledged_at", "refusal"]
    list_filter = ["stars", "did_work"]
    list_select_related = ["order"]
    search_fields = ["order__code", "words"]


@admin.register(ReceivedRating)
class ReceivedRatingAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["received_at", "bap_id", "category", "rated_id", "value"]
    list_filter = ["category", "value"]
    search_fields = ["rated_id", "order_id", "bap_id"]
