"""The catalog in the admin. Who works for an operator sees that operator's rows only, and their role decides what
they may do; for everybody else (administrators, support) Django's own permissions decide. Services do the writing.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import Model, QuerySet
from django.forms import CheckboxSelectMultiple, ModelForm, MultipleChoiceField
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin

from apps.catalog import labels, services
from apps.catalog.admin_scope import OfOneOperator
from apps.catalog.forms import TariffForm
from apps.catalog.models import (
    CodeReport,
    Connector,
    Evse,
    Operator,
    PlugCode,
    SlotPolicy,
    Staff,
    Station,
    Tariff,
)
from apps.catalog.photo_admin import PhotoInline, save_photos
from apps.catalog.selectors import may_label, shown_status
from apps.lib import clock
from apps.lib.errors import Refused


class CatalogAdmin(OfOneOperator, admin.ModelAdmin):
    show_full_result_count = False
    list_per_page = 50
    # What is named here was written by a service; the rest of a new row is copied from what it returned.
    created_by: Any = None
    updated_by: Any = None

    def save_model(self, request: HttpRequest, obj: Model, form: ModelForm, change: bool) -> None:
        if change:
            changes = {name: form.cleaned_data[name] for name in form.changed_data}
            type(self).updated_by(obj, changes)
        else:
            obj.__dict__.update(type(self).created_by(form.cleaned_data).__dict__)


def _given(facts: dict[str, Any]) -> dict[str, Any]:
    """What somebody filled in; the services know good defaults for the rest."""
    return {name: value for name, value in facts.items() if value not in ("", None)}


@admin.register(Operator)
class OperatorAdmin(CatalogAdmin, SimpleHistoryAdmin):
    list_display = ["name", "code", "email", "phone", "currency", "cancellation_fee_percent"]
    search_fields = ["name", "code", "legal_name"]
    created_by = staticmethod(lambda facts: services.create_operator(**_given(facts)))
    updated_by = staticmethod(lambda row, changes: services.update_operator(operator=row, **changes))

    def get_readonly_fields(self, request: HttpRequest, obj: Operator | None = None) -> list[str]:
        return ["code"] if obj else []  # the network knows it by this code


@admin.register(Staff)
class StaffAdmin(CatalogAdmin, SimpleHistoryAdmin):
    list_display = ["user", "operator", "role"]
    list_filter = ["role", ("operator", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["user", "operator"]
    search_fields = ["user__email", "user__name"]
    autocomplete_fields = ["user"]

    def has_delete_permission(self, request: HttpRequest, obj: Staff | None = None) -> bool:
        return request.user.is_superuser

    def delete_model(self, request: HttpRequest, obj: Staff) -> None:
        services.dismiss_staff(staff=obj)

    def save_model(self, request: HttpRequest, obj: Staff, form: ModelForm, change: bool) -> None:
        job = services.assign_staff(user=obj.user, operator=obj.operator, role=obj.role)
        obj.__dict__.update(job.__dict__)


@admin.register(Tariff)
class TariffAdmin(CatalogAdmin):
    """Only views and adds: a change is a new version, published under the same code."""

    managers_may_add = True
    list_display = ["name", "code", "version", "operator", "energy_rate", "session_fee", "tax_percent"]
    list_filter = [("operator", admin.RelatedOnlyFieldListFilter), "currency"]
    list_select_related = ["operator"]
    search_fields = ["name", "code"]
    fields = [
        *("operator", "code", "name", "currency", "energy_rate", "session_fee", "tax_name", "tax_percent"),
        *("elements", "taxes", "tax_included", "min_price", "max_price", "parking_grace_minutes"),
        *("parking_cap", "parking_when_busy"),
        *("version", "published_at"),
    ]
    form = TariffForm
    readonly_fields = ["version", "published_at"]
    created_by = staticmethod(lambda facts: services.publish_tariff(**facts))

    def has_change_permission(self, request: HttpRequest, obj: Tariff | None = None) -> bool:
        return False


@admin.register(Station)
class StationAdmin(CatalogAdmin, SimpleHistoryAdmin):
    managers_may_add = managers_may_change = True
    list_display = ["name", "operator", "city", "access", "is_published", "closed_reason"]
    list_filter = [("operator", admin.RelatedOnlyFieldListFilter), "access", "is_published", "source"]
    list_select_related = ["operator"]
    search_fields = ["name", "code", "address", "city", "postcode"]
    inlines = [PhotoInline]
    created_by = staticmethod(lambda facts: services.create_station(**_given(facts)))
    updated_by = staticmethod(lambda row, changes: services.update_station(station=row, **changes))

    def get_readonly_fields(self, request: HttpRequest, obj: Station | None = None) -> list[str]:
        if obj is None:
            return ["code", "source", "source_id"]
        prints = request.user.is_superuser or self._job(request) is not None
        return ["code", "operator", "source", "source_id", *(["codes_on_plugs"] if prints else [])]

    def save_formset(self, request: HttpRequest, form: ModelForm, formset: Any, change: bool) -> None:
        save_photos(formset)

    @admin.display(description=_("codes on the plugs"))
    def codes_on_plugs(self, station: Station) -> str:
        sheet = reverse("catalog:plug_codes", args=[station.code])
        return format_html('<a href="{}">{}</a>', sheet, _("Print, make or replace them"))


@admin.register(Evse)
class EvseAdmin(CatalogAdmin):
    managers_may_add = managers_may_change = True
    list_display = ["code", "station", "label", "charge_point_id"]
    list_filter = [("station__operator", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["station"]
    search_fields = ["code", "station__name", "charge_point_id"]
    autocomplete_fields = ["station"]
    fields = ["station", "code", "label", "charge_point_id"]
    created_by = staticmethod(lambda facts: services.create_evse(**_given(facts)))

    def get_readonly_fields(self, request: HttpRequest, obj: Evse | None = None) -> list[str]:
        return ["code", "station"] if obj else ["code"]

    @staticmethod
    def updated_by(evse: Evse, changes: dict[str, Any]) -> None:
        if "label" in changes:
            services.update_evse(evse=evse, label=changes["label"])
        if "charge_point_id" in changes:
            services.set_charge_point(evse=evse, charge_point_id=changes["charge_point_id"])


@admin.register(Connector)
class ConnectorAdmin(CatalogAdmin):
    managers_may_add = managers_may_change = True
    list_display = ["code", "station", "standard", "max_kw", "status_now", "last_seen_at", "tariff"]
    list_filter = [("evse__station__operator", admin.RelatedOnlyFieldListFilter), "standard", "is_published"]
    list_select_related = ["evse__station", "tariff"]
    search_fields = ["code", "evse__station__name", "evse__charge_point_id"]
    autocomplete_fields = ["evse", "tariff"]
    fields = [
        *("evse", "code", "letter", "ocpp_connector_id", "standard", "format", "power_type", "max_kw"),
        *("vehicle_types", "tariff", "is_published", "status_now", "status_changed_at", "last_seen_at"),
        *("status_source", "last_charge_at"),
    ]
    created_by = staticmethod(lambda facts: services.create_connector(**_given(facts)))
    updated_by = staticmethod(lambda row, changes: services.update_connector(connector=row, **changes))

    def get_readonly_fields(self, request: HttpRequest, obj: Connector | None = None) -> list[str]:
        told = ["status_now", "status_changed_at", "last_seen_at", "status_source", "last_charge_at"]
        named = ["evse", "code", "letter", "ocpp_connector_id"]
        return told + (named if obj else named[1:])

    def formfield_for_dbfield(self, db_field, request: HttpRequest, **kwargs: Any):
        if db_field.name != "vehicle_types":
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        return MultipleChoiceField(
            label=db_field.verbose_name,
            choices=Connector.Vehicle.choices,
            initial=db_field.get_default,
            required=False,
            widget=CheckboxSelectMultiple,
        )

    @admin.display(description=_("station"), ordering="evse__station__name")
    def station(self, plug: Connector) -> str:
        return str(plug.evse)

    @admin.display(description=_("status"))
    def status_now(self, plug: Connector) -> str:
        return Connector.Status(shown_status(plug, clock.now())).label


@admin.register(SlotPolicy)
class SlotPolicyAdmin(CatalogAdmin, SimpleHistoryAdmin):
    managers_may_add = managers_may_change = True
    list_display = [
        *("operator", "station", "is_reservable", "slot_minutes", "buffer_minutes", "grace_minutes"),
        *("late_fee_percent", "no_show_fee_percent"),
    ]
    list_filter = [("operator", admin.RelatedOnlyFieldListFilter), "is_reservable"]
    list_select_related = ["operator", "station"]
    search_fields = ["operator__name", "station__name"]
    created_by = staticmethod(lambda facts: services.create_slot_policy(**facts))
    updated_by = staticmethod(lambda row, changes: services.update_slot_policy(policy=row, **changes))

    def get_readonly_fields(self, request: HttpRequest, obj: SlotPolicy | None = None) -> list[str]:
        return ["operator", "station"] if obj else []


class ReasonForm(ActionForm):
    reason = forms.CharField(label=_("Reason:"), max_length=200, required=False)


class ReadOnlyAdmin(CatalogAdmin):
    """Rows that pages write; what may be done with them here is done by actions, by those who may do it."""

    list_display_links = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_label_permission(self, request: HttpRequest) -> bool:
        return may_label(request.user)


@admin.register(PlugCode)
class PlugCodeAdmin(ReadOnlyAdmin):
    list_display = [
        *("__str__", "connector", "issued_at", "issued_by", "revoked_at", "revoked_by", "revoked_reason"),
    ]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["connector__evse__station", "issued_by", "revoked_by"]
    search_fields = ["code", "connector__code", "connector__evse__station__name"]
    action_form = ReasonForm
    actions = ["withdraw", "replace"]

    @admin.action(description=_("Withdraw, with a reason"), permissions=["label"])
    def withdraw(self, request: HttpRequest, rows: QuerySet[PlugCode]) -> None:
        self._end(request, rows, labels.revoke, gettext("Withdrawn: {count}."))

    @admin.action(description=_("Withdraw and make new ones, with a reason"), permissions=["label"])
    def replace(self, request: HttpRequest, rows: QuerySet[PlugCode]) -> None:
        self._end(request, rows, labels.replace, gettext("Replaced: {count}."))

    def _end(self, request: HttpRequest, rows: QuerySet[PlugCode], end: Callable, said: str) -> None:
        reason = request.POST.get("reason", "")
        try:
            ended = [row for row in rows if end(plug_code=row, by=request.user, reason=reason)]
        except Refused as refusal:
            self.message_user(request, refusal.message, messages.ERROR)
            return
        for row in ended:
            self.log_change(request, row, f"{said.format(count=1)} {reason}")
        self.message_user(request, said.format(count=len(ended)))


@admin.register(CodeReport)
class CodeReportAdmin(ReadOnlyAdmin):
    """Staff see the reports on their stickers; those on codes that are none of ours, administrators and support."""

    list_display = ["reported_at", "typed", "plug", "what", "words", "settled_at", "settled_by"]
    list_filter = [("settled_at", admin.EmptyFieldListFilter), "what"]
    list_select_related = ["plug_code__connector__evse__station", "settled_by"]
    search_fields = ["typed", "words"]
    actions = ["settle"]

    @admin.display(description=_("plug"))
    def plug(self, row: CodeReport) -> str:
        return str(row.plug_code.connector) if row.plug_code else "–"

    @admin.action(description=_("Somebody looked at the sticker"), permissions=["label"])
    def settle(self, request: HttpRequest, rows: QuerySet[CodeReport]) -> None:
        settled = labels.settle_reports(reports=rows, by=request.user)
        self.message_user(request, gettext("Settled: {count}.").format(count=settled))
