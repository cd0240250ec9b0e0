"""Charge points are registered, approved and blocked here; what they said and were told is only read."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.lib.errors import Refused
from apps.lib.moves import IllegalMove, StaleMove
from apps.ocpp import services
from apps.ocpp.models import ChargePoint, ChargePointMove, Command, CommandMove, Frame


class ReadOnly:
    """Nobody adds, changes or deletes a row by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MovesInline(ReadOnly, admin.TabularInline):
    fields = readonly_fields = ["at", "was", "now", "why"]
    extra = 0


class ChargePointMoves(MovesInline):
    model = ChargePointMove


class CommandMoves(MovesInline):
    model = CommandMove


@admin.register(ChargePoint)
class ChargePointAdmin(admin.ModelAdmin):
    list_display = ["id", "state", "connected", "last_seen_at", "vendor", "model", "firmware"]
    list_filter = ["state", "connected", "vendor"]
    search_fields = ["id", "vendor", "model"]
    inlines = [ChargePointMoves]
    actions = ["approve", "block", "give_new_password"]

    def get_fields(self, request: HttpRequest, obj: ChargePoint | None = None) -> list[str]:
        hidden = {"password_hash", "connection"}
        return ["id"] if obj is None else [f.name for f in ChargePoint._meta.fields if f.name not in hidden]

    def get_readonly_fields(self, request: HttpRequest, obj: ChargePoint | None = None) -> list[str]:
        return [] if obj is None else self.get_fields(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # its frames and commands are history: block it instead

    def save_model(self, request: HttpRequest, obj: ChargePoint, form: forms.ModelForm, change: bool) -> None:
        if not change:
            password = services.register(obj.pk, why=f"registered by {request.user}")
            self._show_password(request, obj.pk, password)

    def response_add(
        self, request: HttpRequest, obj: ChargePoint, post_url_continue: Any = None
    ) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:ocpp_chargepoint_change", args=[obj.pk]))

    @admin.action(description=gettext_lazy("Approve"), permissions=["change"])
    def approve(self, request: HttpRequest, chosen: QuerySet[ChargePoint]) -> None:
        self._each(request, chosen, services.approve)

    @admin.action(description=gettext_lazy("Block"), permissions=["change"])
    def block(self, request: HttpRequest, chosen: QuerySet[ChargePoint]) -> None:
        self._each(request, chosen, services.block)

    @admin.action(description=gettext_lazy("Give a new password"), permissions=["change"])
    def give_new_password(self, request: HttpRequest, chosen: QuerySet[ChargePoint]) -> None:
        for charge_point in chosen:
            self._show_password(request, charge_point.pk, services.rotate_password(charge_point))

    def _each(self, request: HttpRequest, chosen: QuerySet[ChargePoint], change: Any) -> None:
        for charge_point in chosen:
            try:
                change(charge_point, why=f"by {request.user}")
            except (Refused, IllegalMove, StaleMove) as error:
                messages.error(request, str(error))

    def _show_password(self, request: HttpRequest, charge_point_id: str, password: str) -> None:
        text = _("The password of %(name)s is %(password)s. Note it now: it is not kept.")
        messages.warning(request, text % {"name": charge_point_id, "password": password})


@admin.register(Frame)
class FrameAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["at", "charge_point", "direction", "action", "unique_id", "outcome"]
    list_filter = ["direction", "action"]
    search_fields = ["=charge_point__id", "=unique_id"]
    list_select_related = ["charge_point"]
    show_full_result_count = False


@admin.register(Command)
class CommandAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["created_at", "charge_point", "action", "reference", "state", "answer"]
    list_filter = ["state", "action"]
    search_fields = ["=charge_point__id", "=reference", "=unique_id"]
    list_select_related = ["charge_point"]
    inlines = [CommandMoves]
