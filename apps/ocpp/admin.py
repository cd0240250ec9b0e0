"""Charge points are registered, approved, blocked and commanded here; what they said and were told is only read.

People of one operator see their own operator's boxes and what was said to them; managers may command them.
"""

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.lib import wiring
from apps.lib.errors import Refused
from apps.lib.moves import IllegalMove, StaleMove
from apps.ocpp import services
from apps.ocpp.forms import COMMAND_FORMS, CommandForm
from apps.ocpp.hiding import HIDDEN, without_passwords, without_tokens
from apps.ocpp.models import ChargePoint, ChargePointMove, Command, CommandMove, Frame, Transaction

NEWEST = 20  # commands on the page of a charge point


class OfOneOperator:
    """Mixin: rows and rights of the operator that the visitor works for (law 11). Who works for none is left to
    Django's own permissions."""

    identity = "charge_point_id"  # the column that holds it

    def _mine(self, request: HttpRequest) -> QuerySet | None:
        if request.user.is_superuser:
            return None
        if not hasattr(request, "_charge_points"):
            request._charge_points = wiring.handler("EVENTS", "charge_points.of")(request.user)
        return request._charge_points

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._mine(request) is not None or super().has_module_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._mine(request) is not None or super().has_view_permission(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows, mine = super().get_queryset(request), self._mine(request)
        return rows if mine is None else rows.filter(**{f"{self.identity}__in": mine})


class HidesTokens:
    """Mixin: who has a card's token can charge with it; only people with the right `ocpp.see_tokens` see all of it."""

    private = ""  # the column that may hold tokens; `<column>_shown` stands in its place

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        hidden = self.exclude or ()
        names = [field.name for field in self.model._meta.fields if field.name not in hidden]
        return [f"{name}_shown" if name == self.private else name for name in names]

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        row = super().get_object(request, *args, **kwargs)
        if row is not None:
            row.may_see_tokens = request.user.has_perm("ocpp.see_tokens")
        return row

    def _shown(self, row: Any, text: str) -> str:
        text = without_passwords(text)
        return text if getattr(row, "may_see_tokens", False) else without_tokens(text)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.get_fields(request, obj)


class ReadOnly:
    """Nobody adds, changes or deletes a row by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MovesInline(ReadOnly, admin.TabularInline):
    """Whoever sees the row sees its history."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    fields = readonly_fields = ["at", "was", "now", "why"]
    extra = 0


class ChargePointMoves(MovesInline):
    model = ChargePointMove


class CommandMoves(MovesInline):
    model = CommandMove


@admin.register(ChargePoint)
class ChargePointAdmin(OfOneOperator, admin.ModelAdmin):
    identity = "pk"
    list_display = [
        *("id", "state", "connected", "protocol", "last_seen_at", "vendor", "model", "firmware", "log"),
    ]
    list_filter = ["state", "connected", "protocol", "vendor"]
    search_fields = ["id", "vendor", "model"]
    inlines = [ChargePointMoves]
    actions = ["approve", "block", "give_new_password"]
    change_form_template = "admin/ocpp/chargepoint/change_form.html"

    def get_fields(self, request: HttpRequest, obj: ChargePoint | None = None) -> list[str]:
        hidden = {"password_hash", "next_password_hash", "connection"}
        shown = [field.name for field in ChargePoint._meta.fields if field.name not in hidden]
        return ["id"] if obj is None else [*shown, "password_is_new"]

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

    @admin.action(description=gettext_lazy("Give a new password"), permissions=["command"])
    def give_new_password(self, request: HttpRequest, chosen: QuerySet[ChargePoint]) -> None:
        for charge_point in chosen:
            self._show_password(request, charge_point.pk, services.rotate_password(charge_point))
            self.log_change(request, charge_point, "a new password")

    @admin.display(description=gettext_lazy("messages"))
    def log(self, charge_point: ChargePoint) -> str:
        return format_html('<a href="{}">{}</a>', self._list_of(Frame, charge_point), _("messages"))

    @admin.display(description=gettext_lazy("new password sent, not used yet"), boolean=True)
    def password_is_new(self, charge_point: ChargePoint) -> bool:
        return bool(charge_point.next_password_hash)

    # --- Commands ------------------------------------------------------------------------------------

    def has_command_permission(self, request: HttpRequest) -> bool:
        """Managers of an operator for its boxes; else whoever may change charge points."""
        if self._mine(request) is None:
            return super().has_change_permission(request)
        return wiring.handler("EVENTS", "charge_points.may_command")(request.user)

    def get_urls(self) -> list:
        commands = path(
            "<path:object_id>/commands/",
            self.admin_site.admin_view(self.commands_view),
            name="ocpp_chargepoint_commands",
        )
        return [commands, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        charge_point = ChargePoint(pk=unquote(object_id))
        links = {
            "may_command": self.has_command_permission(request),
            "messages_url": self._list_of(Frame, charge_point),
            "transactions_url": self._list_of(Transaction, charge_point),
            "commands_given_url": self._list_of(Command, charge_point),
        }
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **links})

    def commands_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        charge_point = self.get_object(request, unquote(object_id))
        if charge_point is None:
            raise Http404
        if not self.has_command_permission(request):
            raise PermissionDenied
        forms_shown = [self._form(kind, request, charge_point) for kind in COMMAND_FORMS]
        sent = next((form for form in forms_shown if form.is_bound), None)
        if sent is not None and sent.is_valid() and self._send(request, charge_point, sent):
            return HttpResponseRedirect(request.path)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": charge_point.pk,
            "charge_point": charge_point,
            "forms": forms_shown,
            "newest": charge_point.commands.all()[:NEWEST],
        }
        status = 200 if sent is None else 422
        return TemplateResponse(request, "admin/ocpp/chargepoint/commands.html", context, status=status)

    def _form(self, kind: type[CommandForm], request: HttpRequest, charge_point: ChargePoint) -> CommandForm:
        is_sent = request.method == "POST" and request.POST.get("verb") == kind.verb
        return kind(request.POST if is_sent else None, charge_point=charge_point)

    def _send(self, request: HttpRequest, charge_point: ChargePoint, form: CommandForm) -> bool:
        try:
            command = form.send(by=str(request.user))
        except Refused as refused:
            form.add_error(None, str(refused.message))
            return False
        self.log_change(request, charge_point, str(command or form.title))
        asked = _("Asked for. The answer appears below.") if command else _("Saved.")
        messages.success(request, asked)
        return True

    def _list_of(self, model: Any, charge_point: ChargePoint) -> str:
        page = reverse(f"admin:ocpp_{model._meta.model_name}_changelist")
        return f"{page}?{urlencode({'charge_point__id__exact': charge_point.pk})}"

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
class FrameAdmin(HidesTokens, ReadOnly, OfOneOperator, admin.ModelAdmin):
    private = "raw"
    list_display = ["at", "charge_point", "direction", "action", "unique_id", "outcome"]
    list_filter = ["direction", "action"]
    search_fields = ["=charge_point__id", "=unique_id"]
    list_select_related = ["charge_point"]
    show_full_result_count = False

    @admin.display(description=gettext_lazy("message"))
    def raw_shown(self, frame: Frame) -> str:
        return self._shown(frame, frame.raw)


@admin.register(Command)
class CommandAdmin(HidesTokens, ReadOnly, OfOneOperator, admin.ModelAdmin):
    private = "payload"
    list_display = ["created_at", "charge_point", "action", "reference", "state", "answer", "asked_by"]
    list_filter = ["state", "action"]
    search_fields = ["=charge_point__id", "=reference", "=unique_id"]
    list_select_related = ["charge_point"]
    inlines = [CommandMoves]

    @admin.display(description=gettext_lazy("asked for"))
    def payload_shown(self, command: Command) -> str:
        is_secret = command.action == Command.Action.SET_PASSWORD
        return HIDDEN if is_secret else self._shown(command, json.dumps(command.payload, ensure_ascii=False))


@admin.register(Transaction)
class TransactionAdmin(HidesTokens, ReadOnly, OfOneOperator, admin.ModelAdmin):
    private = "waiting"
    list_display = [
        "name",
        "charge_point",
        "connector_id",
        "number",
        "charging_state",
        "ended_at",
        "heard_at",
    ]
    search_fields = ["=charge_point__id", "=name", "=number"]
    list_select_related = ["charge_point"]
    exclude = ["token"]
    show_full_result_count = False

    @admin.display(description=gettext_lazy("waiting"))
    def waiting_shown(self, transaction: Transaction) -> str:
        return self._shown(transaction, json.dumps(transaction.waiting, ensure_ascii=False))
