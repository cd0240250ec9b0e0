"""Sessions are read here; their states follow the charge points. Two actions go through desk.py."""

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.catalog.admin_scope import SeenByStaff
from apps.catalog.selectors import connectors_for, may_edit
from apps.charging import correction_admin, desk
from apps.charging.models import Concern, LedgerLine, MeterReading, Orphan, Session, SessionEvent
from apps.lib.errors import Refused
from apps.ocpp.hiding import end_of


class ReadOnly(SeenByStaff):
    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


__all__ = ["correction_admin"]  # registers itself


class EventsInline(ReadOnly, admin.TabularInline):
    model = SessionEvent
    fields = readonly_fields = ["at", "was", "now", "why"]


class LedgerInline(ReadOnly, admin.TabularInline):
    model = LedgerLine
    fields = readonly_fields = ["at", "stage", "by", "detail", "why", "recorded_at"]


class ConcernsInline(ReadOnly, admin.TabularInline):
    model = Concern
    fields = readonly_fields = ["at", "kind", "why"]


class ReasonForm(admin.helpers.ActionForm):
    """Beside the list of actions."""

    reason = forms.CharField(label=_("Reason"), required=False, max_length=120)


class ReadingsInline(ReadOnly, admin.TabularInline):
    model = MeterReading
    fields = readonly_fields = [
        "at",
        "received_at",
        "register_wh",
        "power_w",
        "soc_percent",
        "correction",
        "at_doubted",
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
    readonly_fields = ["ends_with"]
    inlines = [LedgerInline, ConcernsInline, EventsInline, ReadingsInline]
    action_form = ReasonForm
    actions = ["stop_power", "close_record"]

    @admin.display(description=_("Would be closed with"))
    def ends_with(self, session: Session) -> str:
        return desk.end_reading(session) if session.state in Session.STARTED else "–"

    def has_desk_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser or may_edit(request.user)

    @admin.action(description=_("Stop the power"), permissions=["desk"])
    def stop_power(self, request: HttpRequest, chosen: QuerySet[Session]) -> None:
        for session in chosen:
            try:
                desk.stop_power(session, by=str(request.user))
            except Refused as refusal:
                self.message_user(request, f"{session.code}: {refusal.message}", messages.ERROR)
                continue
            self.log_change(request, session, "asked the charger to stop")
            told = gettext("{code}: the charger is being asked to stop.").format(code=session.code)
            self.message_user(request, told)

    @admin.action(description=_("Close the record, with a reason"), permissions=["desk"])
    def close_record(self, request: HttpRequest, chosen: QuerySet[Session]) -> None:
        reason = request.POST.get("reason", "")
        for session in chosen:
            try:
                ends_with = desk.close_record(session, by=str(request.user), reason=reason)
            except Refused as refusal:
                self.message_user(request, f"{session.code}: {refusal.message}", messages.ERROR)
                continue
            self.log_change(request, session, f"closed the record: {reason}"[:300])
            told = gettext("{code} is closed with {reading}.").format(code=session.code, reading=ends_with)
            self.message_user(request, told)

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
    exclude = ["token", "identity"]  # who has it can charge
    readonly_fields = ["card"]

    @admin.display(description=_("Card"))
    def card(self, orphan: Orphan) -> str:
        return end_of(orphan.token) or "–"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        orphans = super().get_queryset(request)
        if request.user.is_superuser:
            return orphans
        mine = connectors_for(request.user).exclude(evse__charge_point_id="").values("evse__charge_point_id")
        return orphans.filter(charge_point_id__in=mine)


@admin.register(Concern)
class ConcernAdmin(ReadOnly, admin.ModelAdmin):
    """What a person should look at, newest first."""

    list_display = ["at", "kind", "session", "plug", "why"]
    list_filter = ["kind", "session__charge_point_id"]
    list_select_related = ["session__connector__evse__station"]
    search_fields = ["session__code", "session__reference"]

    @admin.display(description=_("Plug"))
    def plug(self, concern: Concern) -> str:
        return str(concern.session.connector)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        concerns = super().get_queryset(request)
        mine = concerns.filter(session__connector__in=connectors_for(request.user))
        return concerns if request.user.is_superuser else mine
